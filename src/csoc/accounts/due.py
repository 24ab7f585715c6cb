"""When what is known of a link is too old."""

from __future__ import annotations

from datetime import datetime, timedelta

from csoc.accounts.links import Link

DUE_AFTER = timedelta(hours=24)
OVERDUE_AFTER = timedelta(hours=48)


def is_overdue(link: Link, now: datetime) -> bool:
    """True if what is known of a link is too old to rest on."""
    return link.verified_at is not None and now - link.verified_at >= OVERDUE_AFTER
