"""Secrets Manager of a linked account, in the link's secrets role, which can put values and read none."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import ClientError

from csoc.adapters.aws.failures import code_of, translated

_FIRST = "CSOCFIRST"


class AccountSecrets:
    """See csoc.provisioning.secrets.Secrets. client: gives a client of Secrets Manager."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def without_value(self, names: Sequence[str]) -> tuple[str, ...]:
        return tuple(name for name in names if not self._has_value(name))

    def put(self, name: str, value: str, token: str, *, is_first: bool = False) -> None:
        # The first version of a secret becomes the one that counts whatever its label, a later one only without any.
        # Source: API reference of Secrets Manager, PutSecretValue.
        label = {"VersionStages": [_FIRST]} if is_first else {}
        with translated(f"secret {name}"):
            try:
                self._client().put_secret_value(
                    SecretId=name, SecretString=value, ClientRequestToken=_token(name, token), **label
                )
            except ClientError as error:
                # The token was used before, for a value that was made then: that one stays.
                if code_of(error) != "ResourceExistsException":
                    raise

    def _has_value(self, name: str) -> bool:
        with translated(f"secret {name}"):
            found = self._client().describe_secret(SecretId=name)
        stages = found.get("VersionIdsToStages") or {}
        return any("AWSCURRENT" in one for one in stages.values())


def _token(name: str, token: str) -> str:
    """A UUID, which is the form that Secrets Manager wants; the same for the same secret and occasion."""
    return str(uuid.UUID(bytes=hashlib.sha256(f"{name}\n{token}".encode()).digest()[:16], version=4))
