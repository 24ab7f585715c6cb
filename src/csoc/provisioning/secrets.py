"""Port: secrets of an account, which csoc fills and never reads.

The layer `credentials` makes them empty. A value goes from the memory of a step into the account and nowhere else; what
csoc can learn afterwards is that there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Secrets(Protocol):
    """See the module."""

    def without_value(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of the named secrets that have no value yet, in the same order.

        Raises NotFoundError for one that is not there, DeniedError, UnavailableError."""
        ...

    def put(self, name: str, value: str, token: str, *, is_first: bool = False) -> None:
        """Puts a value. token: of one occasion; with the same one a second call does nothing. is_first: the secret was
        seen empty; if somebody else has put a value since, that one stays the one that counts."""
        ...


class SecretPlaces(Protocol):
    """Secrets of linked accounts, as one person's session for one task; arguments and errors are those of Places."""

    def secrets_at(self, account: str, account_id: str, region: str, *, person: str, task: str) -> Secrets: ...
