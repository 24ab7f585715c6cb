"""What was read of a cluster, when, and how much of it: the memory that pages show while a cluster is away.

"Could not look" is never "nothing there". So a reading says how complete it is, and one that is not complete never
takes the place of what was seen before; it only says since when nothing was seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class Reach(StrEnum):
    """How much a look saw."""

    COMPLETE = "complete"
    PARTIAL = "partial"  # some of it, with the reason
    DENIED = "denied"  # not allowed to look
    UNREACHABLE = "unreachable"  # nobody answered


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a thing. subject: what was looked at ("cluster/alpha"). topic: at what of it ("applications").
    content: JSON; what was seen, None unless something was. reason: why not all of it. at: aware, UTC."""

    subject: str
    topic: str
    at: datetime
    reach: Reach
    content: Mapping[str, Any] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known. content: of the last complete look, or of a partial one where there was no complete one. seen_at:
    when that was; None if nothing was ever seen. tried_at, reach, reason: of the last look."""

    subject: str
    topic: str
    content: Mapping[str, Any] | None
    seen_at: datetime | None
    tried_at: datetime
    reach: Reach
    reason: str = ""
    is_partial: bool = False

    @property
    def is_current(self) -> bool:
        """True if the last look saw everything."""
        return self.reach is Reach.COMPLETE


def merged(known: Reading | None, look: Look) -> Reading:
    """What is known after a look. A look from before the last one changes nothing."""
    if known is not None and look.at < known.tried_at:
        return known
    if look.reach is Reach.COMPLETE:
        return Reading(look.subject, look.topic, look.content or {}, look.at, look.at, look.reach)
    if look.reach is Reach.PARTIAL and look.content is not None and (known is None or known.seen_at is None):
        return Reading(
            look.subject, look.topic, look.content, look.at, look.at, look.reach, look.reason, is_partial=True
        )
    if known is None:
        return Reading(look.subject, look.topic, None, None, look.at, look.reach, look.reason)
    return replace(known, tried_at=look.at, reach=look.reach, reason=look.reason)


class Readings(Protocol):
    """Port: readings by subject and topic. Threads and processes may share one database."""

    def note(self, looks: Sequence[Look]) -> None:
        """Merges looks into what is known, all or none of them."""
        ...

    def get(self, subject: str, topic: str) -> Reading | None:
        """What is known; None if nobody ever looked."""
        ...

    def of_topic(self, topic: str, *, after: str = "", limit: int = 500) -> list[Reading]:
        """Readings of a topic in the order of subjects, from behind a subject on."""
        ...

    def forget(self, subject: str) -> int:
        """Drops all readings of a subject that csoc no longer looks at; how many there were."""
        ...

    def close(self) -> None: ...
