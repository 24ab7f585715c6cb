"""Moments that somebody's number of seconds leads to.

Kubernetes takes 64 bits of them (`terminationGracePeriodSeconds: 9223372036854775807` is a way to say "for ever"),
which is more than a date can hold.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

# A day short of what a date can hold, so that each is a moment in every time zone.
FIRST = datetime(1, 1, 2, tzinfo=UTC)
LAST = datetime(9999, 12, 30, tzinfo=UTC)


def moved(moment: datetime, seconds: float) -> datetime:
    """The moment so many seconds later (or before), from FIRST to LAST."""
    if seconds > (LAST - moment).total_seconds():
        return LAST.astimezone(moment.tzinfo)
    if seconds < (FIRST - moment).total_seconds():
        return FIRST.astimezone(moment.tzinfo)
    return moment + timedelta(seconds=seconds)
