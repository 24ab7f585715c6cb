"""Access keys and whom they stand for.

Keys of IAM users live in moto, where the IAM API makes them; keys of sessions are made here, since sessions carry what
moto does not keep: session policies, source identity, tags, an end.
"""

from __future__ import annotations

import secrets
import string
import threading
from dataclasses import dataclass
from datetime import datetime

from csoc.emulator.cloud.calls import ANONYMOUS, AwsError, Identity
from csoc.emulator.cloud.moto_accounts import key_owner, user_of_key
from csoc.emulator.cloud.signatures import Signature

_MANY = 1_000
_ALPHABET = string.ascii_uppercase + "234567"


@dataclass(frozen=True, slots=True)
class TemporaryKey:
    """Credentials of a session. token: the session token, without which they are worth nothing."""

    access_key: str
    secret: str
    token: str
    identity: Identity
    expires_at: datetime


class Credentials:
    """All keys that count. Threads may share it."""

    def __init__(self) -> None:
        self._temporary: dict[str, TemporaryKey] = {}
        self._lock = threading.Lock()

    def issue(self, identity: Identity, expires_at: datetime) -> TemporaryKey:
        """New temporary credentials for an identity."""
        key = TemporaryKey(
            "ASIA" + "".join(secrets.choice(_ALPHABET) for _ in range(16)),
            secrets.token_urlsafe(30),
            secrets.token_urlsafe(180),
            identity,
            expires_at,
        )
        with self._lock:
            self._temporary[key.access_key] = key
            crowded = len(self._temporary) % _MANY == 0
        if crowded and identity.session is not None and identity.session.issued_at is not None:
            self.revoke_expired(identity.session.issued_at)
        return key

    def look_up(self, claim: Signature | None, now: datetime) -> tuple[Identity, str]:
        """The identity and the secret behind a signature, or (ANONYMOUS, "") without one.

        Raises AwsError InvalidClientTokenId (unknown key, wrong token, a token with the key of a user) or ExpiredToken.
        """
        if claim is None:
            return ANONYMOUS, ""
        with self._lock:
            temporary = self._temporary.get(claim.access_key)
        if temporary is None:
            user = user_of_key(claim.access_key)
            # A key of a user has no token: who sends one takes it for the key of a session.
            if user is None or claim.token:
                raise AwsError("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
            return user
        if not secrets.compare_digest(temporary.token.encode(), claim.token.encode()):
            raise AwsError("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
        if now >= temporary.expires_at:
            raise AwsError("ExpiredToken", "The security token included in the request is expired", 403)
        return temporary.identity, temporary.secret

    def redeem(self, access_key: str) -> Identity:
        """Whom temporary credentials stand for; they end with that. For who got them inside of the process and calls
        in their name without a signature. Raises KeyError."""
        with self._lock:
            return self._temporary.pop(access_key).identity

    def account_of(self, access_key: str) -> str:
        """The account that a key belongs to, whether it still counts or not; "" if nobody has it."""
        with self._lock:
            temporary = self._temporary.get(access_key)
        return temporary.identity.account if temporary is not None else key_owner(access_key)

    def kept(self) -> dict[str, TemporaryKey]:
        """The keys of sessions, to be kept over a restart."""
        with self._lock:
            return dict(self._temporary)

    def restore(self, kept: dict[str, TemporaryKey]) -> None:
        """Takes keys that were kept."""
        with self._lock:
            self._temporary |= kept

    def revoke_expired(self, now: datetime) -> None:
        """Forgets sessions that ended, so that a long-lived emulator does not grow."""
        with self._lock:
            self._temporary = {name: key for name, key in self._temporary.items() if key.expires_at > now}
