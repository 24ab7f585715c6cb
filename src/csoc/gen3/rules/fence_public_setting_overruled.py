"""What stands in FENCE_CONFIG_PUBLIC loses against FENCE_CONFIG, and the chart's own defaults are in FENCE_CONFIG.

So where Helm makes fence's secret configuration, a public setting that the chart has a default for does nothing; it
works only where the secret file is kept in Secrets Manager and does not name it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from csoc.fleet.shapes import mapping
from csoc.fleet.values import Path, walk
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.rules.support.fence_settings import PUBLIC, SECRET, fence_settings
from csoc.gen3.state import EnvironmentState

_ABSENT = object()


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for all public settings that the secret part overrules with something else."""
    settings = fence_settings(state)
    if settings is None or not settings.whole or state.chart_used is None or not values_complete(state):
        return
    secret = mapping(state.get(SECRET))
    lost = [path for path, value in walk(mapping(state.values.get(PUBLIC))) if path and _loses(secret, path, value)]
    if not lost:
        return
    names = sorted({str(path[0]) for path in lost})
    yield Hit(
        cause=f"fence.FENCE_CONFIG_PUBLIC sets {', '.join(names)}, and fence.FENCE_CONFIG overrules it",
        key=" ".join(names),
        evidence=tuple(
            Evidence(f"fence.FENCE_CONFIG_PUBLIC.{name}", state.at((*PUBLIC, name)).location, state.view.name)
            for name in names
        ),
    )


def _loses(secret: Mapping[str, Any], path: Path, value: object) -> bool:
    """True if the merge takes another value than the public one at a leaf's path."""
    found: Any = secret
    for step in path:
        if not isinstance(step, str):
            break  # Lists are replaced as a whole.
        if not isinstance(found, Mapping):
            return True
        found = found.get(step, _ABSENT)
        if found is _ABSENT:
            return False
    if isinstance(found, list):
        return len(path) > 0 and not _is_in(found, path, value)
    return bool(found != value)


def _is_in(found: list[Any], path: Path, value: object) -> bool:
    start = next((index for index, step in enumerate(path) if isinstance(step, int)), len(path))
    current: Any = found
    for step in path[start:]:
        try:
            current = current[step]
        except (KeyError, IndexError, TypeError):
            return False
    return bool(current == value)


RULE = Rule(
    id="fence-public-setting-overruled",
    title="A setting of fence that has no effect",
    severity=Severity.MEDIUM,
    consequence="Fence runs with the value of FENCE_CONFIG, which may be the chart's default.",
    fix="Move the setting to fence.FENCE_CONFIG, or keep the secret configuration in Secrets Manager without it.",
    covers=("M14",),
    environment=check,
)
