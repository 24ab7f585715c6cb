"""Time and identity as values that are handed in, so that tests decide both."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the present moment, aware, in UTC."""

Ids = Callable[[], str]
"""Returns a new identifier: ten lower-case letters and digits, the first a letter."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ALPHABET = _LETTERS + "0123456789"


def system_clock() -> datetime:
    """The machine's clock, in UTC."""
    return datetime.now(UTC)


def random_ids() -> str:
    """A random identifier (about 51 bits), short enough to be part of physical names."""
    return secrets.choice(_LETTERS) + "".join(secrets.choice(_ALPHABET) for _ in range(9))
