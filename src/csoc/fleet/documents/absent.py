"""What is said where a fleet should be and none is: most often somebody is in another folder than they think."""

from __future__ import annotations

from csoc.errors import RejectedError

FIX = (
    "Name the fleet's folder or URL with --fleet, or in the variable CSOC_FLEET; or begin a fleet with "
    "`csoc fleet init DIR`, or `csoc fleet adopt SOURCE --write`"
)


def no_fleet(place: str = "") -> RejectedError:
    """place: the folder or URL that was read, if it is known."""
    return RejectedError("This is no fleet: there is no fleet.yaml", place=place, fix=FIX)
