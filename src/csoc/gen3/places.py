"""The places that a finding has, by names that stay when lines move: a second place of a known cause is new."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from csoc.fleet.location import one_line
from csoc.gen3.findings import Evidence, Finding

Pair = tuple[str, str]
"""A finding in an environment: its fingerprint, and the environment's name ("" for the fleet itself)."""
Places = Mapping[Pair, Counter[str]]
"""How often a finding has each place in an environment."""

_NUMBER = re.compile(r"(?<=\.)\d+(?=\.|$)")


def place_of(item: Evidence) -> str:
    """A place by its key, without what moves when another item comes into a list; "" for one that has no key."""
    if not item.key:
        return ""
    key = one_line(_NUMBER.sub("#", item.key))[:_LONGEST_PLACE]
    return f"{key} ({one_line(item.state)})" if item.state else key


_LONGEST_PLACE = 300


def places_of(findings: Iterable[Finding]) -> dict[Pair, Counter[str]]:
    """The places of each finding in each environment."""
    found: dict[Pair, Counter[str]] = defaultdict(Counter)
    for finding in findings:
        fingerprint, places = finding.fingerprint, PlacesOf(finding)
        for environment in finding.environments or ("",):
            found[fingerprint, environment].update(places.of(environment))
    return dict(found)


class PlacesOf:
    """The places of one finding by environment, sorted once: thousands can share a cause."""

    def __init__(self, finding: Finding) -> None:
        self._found: dict[str, Counter[str]] = defaultdict(Counter)
        for item in finding.evidence:
            if place := place_of(item):
                self._found[item.environment][place] += 1

    def of(self, environment: str) -> Counter[str]:
        """Those of an environment, and those that are about no one of them."""
        shared = self._found.get("", Counter())
        return shared + self._found.get(environment, Counter()) if environment else shared


def added(now: Counter[str], then: Counter[str]) -> tuple[str, ...]:
    """The places that came, in order."""
    return tuple(now - then)
