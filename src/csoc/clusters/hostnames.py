"""Port: does a hostname answer over https?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Answered(StrEnum):
    """How far one gets."""

    YES = "yes"
    SHUT_OUT = "shut out"  # https works; a list of allowed networks leaves the one who asked out
    NO_ADDRESS = "no address"  # the name does not resolve
    UNREACHABLE = "unreachable"
    NO_TLS = "no certificate"  # there is a server, and it shows none
    WRONG_CERTIFICATE = "wrong certificate"
    BALANCER_ONLY = "only the load balancer answers"
    FAILING = "failing"  # a status from 500 on


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking. why: in words that complete "HOSTNAME: ..."."""

    answered: Answered
    why: str
    status: int = 0

    @property
    def is_up(self) -> bool:
        """Whoever may come gets an answer under a certificate that holds."""
        return self.answered in (Answered.YES, Answered.SHUT_OUT)


class Hostnames(Protocol):
    """See the module."""

    def ask(self, hostname: str, path: str = "/") -> Answer:
        """Asks once, within seconds. Raises RejectedError for what is no hostname."""
        ...
