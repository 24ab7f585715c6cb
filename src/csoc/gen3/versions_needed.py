"""Versions of services that must go together, as their maintainers published them.

Tags are versions (4.6.0), monthly releases (2026.03) or branches. A branch can be anything, so nothing is said of it.
Monthly releases began after every version in the table, so one from 2021 on is newer than all of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from csoc.fleet.versions import Version

_MONTHLY = re.compile(r"(20\d\d)\.(\d{1,2})(?:\.\d+)?")
_PLAIN = re.compile(r"v?\d+(\.\d+){0,3}")
_NEWEST = Version(2**31, 0, 0, text="a monthly release")


@dataclass(frozen=True, slots=True)
class Pair:
    """A service from one version on (below `below`, if that is set) needs another from a version on (below
    `needs_below`). because: one clause, for readers."""

    service: str
    since: str
    other: str
    needs: str
    because: str
    below: str = ""
    needs_below: str = ""


PAIRS: tuple[Pair, ...] = (
    Pair("fence", "3.0.0", "arborist", "2.0.0", "it leaves decisions on access to arborist"),
    Pair(
        "fence",
        "4.4.0",
        "arborist",
        "2.2.0",
        "its way of writing policies works with that version only",
        below="4.5.0",
        needs_below="2.2.1",
    ),
    Pair("fence", "4.6.0", "arborist", "2.3.0", "people who sign in with Synapse need it"),
    Pair("peregrine", "2.0.0", "arborist", "2.1.0", "it asks for /auth/mapping"),
)


def comparable(tag: str) -> Version | None:
    """A tag as something to compare; None for a branch, a digest, or a monthly release before 2021."""
    tag = tag.partition("@")[0].strip()
    month = _MONTHLY.fullmatch(tag)
    if month is not None:
        return _NEWEST if int(month[1]) >= 2021 else None
    if not _PLAIN.fullmatch(tag):
        return None
    return Version.parse(".".join(tag.split(".")[:3]))


def broken(pair: Pair, tag: str, other_tag: str) -> bool:
    """True if the first tag falls under the pair and the second is certainly not what it needs."""
    version, other = comparable(tag), comparable(other_tag)
    since, needs = Version.parse(pair.since), Version.parse(pair.needs)
    if version is None or other is None or since is None or needs is None or version < since:
        return False
    below = Version.parse(pair.below) if pair.below else None
    if below is not None and version >= below:
        return False
    limit = Version.parse(pair.needs_below) if pair.needs_below else None
    return other < needs or (limit is not None and other >= limit)


def tube_joins_own_identifier(tag: str) -> bool:
    """Whether tube takes an index's own identifier where join_on names no field of it: 0.4.0 to 0.5.0 and 2020.09 to
    2021.08 (tube/etl/indexers/aggregation/translator.py, join_to_an_index, of the tags named and of those beside)."""
    month = _MONTHLY.fullmatch(tag.strip())
    if month is not None:
        return (2020, 9) <= (int(month[1]), int(month[2])) <= (2021, 8)
    version = comparable(tag)
    return version is not None and Version(0, 4, 0) <= version <= Version(0, 5, 0)


def tube_has_underscores(tag: str) -> bool:
    """Whether tube calls the identifiers of nodes _case_id: 0.4.1, 2020.10 and everything later, branches too."""
    month = _MONTHLY.fullmatch(tag.strip())
    if month is not None:
        return (int(month[1]), int(month[2])) >= (2020, 10)
    version = comparable(tag)
    return version is None or version >= Version(0, 4, 1)
