"""Of a key that stands twice in one mapping of a value file, the later one counts and the earlier one is lost."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each key of a file that stands twice."""
    for path, place in state.duplicates:
        dotted = ".".join(map(str, path))
        yield Hit(
            cause=f"{dotted} stands twice in {place.path}, and only the later one counts",
            key=f"{place.path} {dotted}",
            evidence=(Evidence(f"{dotted} again", place, state.view.name, dotted),),
        )


RULE = Rule(
    id="duplicate-key",
    title="A key that stands twice",
    severity=Severity.MEDIUM,
    consequence="Everything below the earlier key is lost without a word, however much stands there.",
    fix="Join the two blocks into one.",
    covers=("fleet",),
    environment=check,
)
