"""The accounts of the emulated cloud, their owners, and the organisation they may belong to."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from moto.iam.models import iam_backends
from moto.iam.utils import generate_access_key_id_from_account_id

from csoc.emulator.cloud.calls import AwsError
from csoc.emulator.cloud.moto_resources import organise
from csoc.emulator.iam.matching import ACCOUNT

_OWNER = "owner"
_ID_LENGTH = 21
_EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


@dataclass(frozen=True, slots=True)
class OwnerKey:
    """Long-lived credentials of an account's owner: an IAM user who may do everything, as people have in real
    accounts."""

    account: str
    access_key: str
    secret: str


class Accounts:
    """Accounts come into being when their owner's key is first asked for. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: set[str] = set()

    @property
    def asked(self) -> frozenset[str]:
        """Ids of the accounts whose owner's key somebody asked for here; a process may have several emulators."""
        with self._lock:
            return frozenset(self._asked)

    def owner(self, account: str) -> OwnerKey:
        """The owner's key; the same one each time. Raises AwsError if the id is not one of 12 digits."""
        if not ACCOUNT.fullmatch(account):
            raise AwsError("ValidationError", f"{account!r} is no account id: it has 12 digits", 400)
        backend = iam_backends[account]["aws"]
        with self._lock:
            self._asked.add(account)
            if _OWNER not in backend.users:
                made: Any = backend.create_user("us-east-1", _OWNER, "/")
                made.id = generate_access_key_id_from_account_id(account, "AIDA", _ID_LENGTH)
                backend.put_user_policy(_OWNER, "everything", _EVERYTHING)
                backend.create_access_key(_OWNER)
            key = backend.users[_OWNER].access_keys[0]
        return OwnerKey(account, key.access_key_id, key.secret_access_key)

    def known(self) -> list[str]:
        """Ids of the accounts that came into being, sorted."""
        return sorted(account for account in list(iam_backends) if _OWNER in iam_backends[account]["aws"].users)

    def organise(self, management: str, members: Sequence[str]) -> str:
        """Makes an organisation of accounts; returns its id. In each member the management account may take the role
        OrganizationAccountAccessRole. Raises AwsError for an id that is none, or an account that has an organisation.
        """
        for account in (management, *members):
            self.owner(account)
        with self._lock:
            return organise(management, members)
