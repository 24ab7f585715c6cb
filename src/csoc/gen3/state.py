"""What a check looks at: one environment with its values, chart and manifests, and the whole fleet.

Use cases make these from a repository; rules and `gen3.extract` only read them, so that each can be tested with a few
lines of values and no files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from csoc.fleet.argocd.model import Problem
from csoc.fleet.charts import RenderedObject, Rendering
from csoc.fleet.location import Location
from csoc.fleet.values import EffectiveValues, Path, as_path, look_up
from csoc.gen3.facts import EnvironmentFacts
from csoc.gen3.findings import ChartUsed, Evidence
from csoc.gen3.views import EnvironmentView, FleetView


@dataclass(frozen=True, slots=True)
class EnvironmentState:
    """One environment, ready to be checked.

    values: what its files say (no chart defaults), with origins. merged: chart defaults and values as Helm coalesces
    them; where no chart could be had, the values over what the catalogue knows of the defaults. rendering: None if
    nothing was rendered. chart_keys: dotted paths that the chart's templates or defaults read ("a.*": all below it),
    None if unknown. duplicates: keys that stand twice in one mapping of a value file, with the place of the later one,
    which counts. unread: value files that could not be looked at, so that an absent value says nothing; only rules that
    do without values run then.
    """

    view: EnvironmentView
    values: EffectiveValues
    merged: Mapping[str, Any]
    rendering: Rendering | None = None
    chart_used: ChartUsed | None = None
    chart_keys: frozenset[str] | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    duplicates: Sequence[tuple[Path, Location]] = ()
    unread: Sequence[str] = ()

    def get(self, path: str | Path, default: Any = None) -> Any:
        """The effective value at a dotted path, chart defaults included."""
        return look_up(self.merged, as_path(path), default)

    @property
    def configured(self) -> bool:
        """True if some value file, inline value or parameter says something."""
        return bool(self.values.data)

    def written(self, path: str | Path) -> bool:
        """True if the environment's own files write this path (null counts)."""
        return self.values.has(path)

    def at(self, path: str | Path, text: str = "") -> Evidence:
        """Evidence at the place where a path is written. Where it is not, at what it would stand in, and the text says
        so; where nothing of it is written, at the Application as a whole.

        text defaults to "path: value", the value masked if it looks secret.
        """
        steps = as_path(path)
        told, place = text or self.values.describe(steps), self.values.origin(steps)
        if place is None:
            place = replace(self.view.application.location, line=0, column=0)
            told += " (in no file)"
        elif not self.values.has(steps):
            above = next(steps[:end] for end in range(len(steps) - 1, 0, -1) if self.values.has(steps[:end]))
            told += f" (at {'.'.join(map(str, above))})"
        return Evidence(told, place, self.view.name, ".".join(map(str, steps)))

    def objects(self, *kinds: str) -> list[RenderedObject]:
        """Rendered objects of the kinds; empty where nothing was rendered."""
        if self.rendering is None:
            return []
        return [item for item in self.rendering.objects if not kinds or item.body.get("kind") in kinds]


@dataclass(frozen=True, slots=True)
class FleetState:
    """The whole fleet, for rules about what environments do to each other. facts: by environment name. places: where an
    environment's files write a dotted path; None where they do not."""

    view: FleetView
    facts: Mapping[str, EnvironmentFacts]
    states: Callable[[str], EnvironmentState]
    context: Mapping[str, Any] = field(default_factory=dict)
    places: Callable[[str, str], Location | None] = lambda _name, _path: None

    @property
    def problems(self) -> Sequence[Problem]:
        return self.view.problems
