"""What can go wrong, in words that a person on call can act on.

Everything that csoc raises on purpose is a `CsocError`. It names the cause, the place and the fix, and carries a
kind. The command line (and later the web and the runner) maps kinds to exit codes (status codes, outcomes) in one
place each, so no other module needs to know how an error reaches its reader.
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar


class Kind(Enum):
    """What an error means for the one who asked."""

    REJECTED = "rejected"  # the input is wrong; asking again will not help
    DENIED = "denied"  # not allowed, by csoc's settings or by the other side
    NOT_FOUND = "not found"
    CONFLICT = "conflict"  # somebody else changed the same thing
    UNAVAILABLE = "unavailable"  # could not find out; says nothing about the thing itself


class CsocError(Exception):
    """An error that a user can cause or must know about.

    cause: one sentence, what is wrong. place: file and line, URL or name, or empty. fix: what to do next, or empty.
    commands: lines to paste that belong to the fix, or empty; csoc makes them, and a name from outside stands in them
    quoted and without a line break. None of the four ever holds a secret.
    """

    kind: ClassVar[Kind] = Kind.REJECTED

    def __init__(self, cause: str, *, place: str = "", fix: str = "", commands: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.place = place
        self.fix = fix
        self.commands = commands

    def __str__(self) -> str:
        text = f"{self.place}: {self.cause}" if self.place else self.cause
        return f"{text}. {self.fix}" if self.fix else text


class RejectedError(CsocError):
    """Input that cannot be accepted as it is."""

    kind = Kind.REJECTED


class DeniedError(CsocError):
    """Refused by csoc's own settings, or by the other side's."""

    kind = Kind.DENIED


class NotFoundError(CsocError):
    """Looked, and it is not there."""

    kind = Kind.NOT_FOUND


class ConflictError(CsocError):
    """The thing changed meanwhile; both sides are shown."""

    kind = Kind.CONFLICT


class UnavailableError(CsocError):
    """Could not look: a network, a server, a limit of time. Never means that nothing is there."""

    kind = Kind.UNAVAILABLE
