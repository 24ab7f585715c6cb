"""Which values templates see: defaults of a chart and its dependencies under what the user gave, by Helm 3's rules.

The engine is Helm 4's, and Helm 4 treats null in other ways than Helm 3, which Argo CD runs: a null in a parent's
values.yaml no longer removes the dependency's default, and a null default under a user's null stays. Real Gen3 values
use both. So the values are worked out here as Helm 3 does, and the engine gets the result together with a chart whose
own defaults were taken out; then there is nothing left on which the two could differ. A differential test compares
this with the helm command. (Helm 3.19: pkg/chartutil/{coalesce,dependencies}.go.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from csoc.fleet.values import merge_mappings
from csoc.fleet.versions import Constraint, Version

Values = dict[str, Any]
_GLOBAL = "global"


class MismatchError(Exception):
    """Values that no chart can take: something other than a mapping where a dependency's values belong."""


@dataclass(slots=True)
class Dependency:
    """One entry of a chart's list of dependencies."""

    name: str
    version: str = ""
    alias: str = ""
    condition: str = ""
    tags: tuple[str, ...] = ()
    imports: tuple[Any, ...] = ()


@dataclass(slots=True)
class Chart:
    """A chart with those in its charts/ folder. declared: its list of dependencies."""

    name: str
    version: str
    values: Values = field(default_factory=dict)
    declared: list[Dependency] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)

    def fresh(self) -> Chart:
        """A copy to work on. Values are shared: they are replaced where they change, never altered."""
        declared = [replace(dependency) for dependency in self.declared]
        return Chart(self.name, self.version, self.values, declared, [sub.fresh() for sub in self.charts])

    @property
    def has_switches(self) -> bool:
        """True if a dependency, here or below, is on or off by values."""
        here = any(dependency.condition.strip() or dependency.tags for dependency in self.declared)
        return here or any(sub.has_switches for sub in self.charts)


def effective(chart: Chart, user: Mapping[str, Any]) -> Values:
    """What the templates see as .Values at the top. Neither argument is changed. Raises MismatchError."""
    chart = chart.fresh()
    _switch(chart, dict(user), "")
    _import(chart)
    return _coalesced(chart, _copy(user))


def defaults(chart: Chart) -> Values:
    """The chart's own values over those of its dependencies, each below its alias or name, whether on or off."""
    values: Values = {}
    for sub in chart.charts:
        names = [entry.alias or entry.name for entry in chart.declared if entry.name == sub.name]
        for name in names or [sub.name]:
            values[name] = defaults(sub)
    return merge_mappings(values, chart.values)


def _copy(values: Mapping[str, Any]) -> Values:
    """Copies mappings, which are changed further on; everything else is shared."""
    return {key: _copy(value) if isinstance(value, dict) else value for key, value in values.items()}


# Which dependencies are on


def _switch(chart: Chart, user: Values, path: str) -> None:
    """Takes out the dependencies that are switched off, here and below."""
    if not chart.declared:
        return
    undeclared = [sub for sub in chart.charts if not any(_fits(dependency, sub) for dependency in chart.declared)]
    present = []
    for dependency in chart.declared:
        found = next((sub for sub in chart.charts if _fits(dependency, sub)), None)
        if found is not None:
            found = found.fresh()
            found.name = dependency.alias or found.name
            present.append(found)
        dependency.name = dependency.alias or dependency.name
    chart.charts = undeclared + present
    values = _coalesced(chart, _copy(user)) if chart.has_switches else user
    off = {dependency.name for dependency in chart.declared if not _enabled(dependency, values, path)}
    for sub in chart.charts:
        if sub.name not in off:
            _switch(sub, values, f"{path}{sub.name}.")
    chart.declared = [dependency for dependency in chart.declared if dependency.name not in off]
    chart.charts = [sub for sub in chart.charts if sub.name not in off]


def _fits(dependency: Dependency, chart: Chart) -> bool:
    if dependency.name != chart.name or not dependency.version.strip():
        return False
    version, constraint = Version.parse(chart.version), Constraint.parse(dependency.version)
    return version is not None and constraint is not None and constraint.allows(version)


def _enabled(dependency: Dependency, values: Values, path: str) -> bool:
    """The first condition that is a boolean decides; without one, a tag that is true wins over those that are false."""
    for condition in dependency.condition.strip().split(","):
        found = _scalar(values, f"{path}{condition}") if condition else None
        if isinstance(found, bool):
            return found
    tags = values.get("tags")
    if not isinstance(tags, dict):
        return True
    switches = [tags[tag] for tag in dependency.tags if isinstance(tags.get(tag), bool)]
    return any(switches) or not switches


def _scalar(values: Values, path: str) -> Any:
    found: Any = values
    for step in path.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(step)
    return found


# What parents import from dependencies


def _import(chart: Chart) -> None:
    """Makes the parents' defaults complete: what they import, and the defaults of their dependencies."""
    for sub in chart.charts:
        _import(sub)
    if not chart.declared:
        return
    values = _coalesced(chart, {}, keep_null=True)
    imported: Values = {}
    for dependency in chart.declared:
        for wanted in dependency.imports:
            table = _imported(values, dependency.name, wanted)
            if table is not None:
                imported = _tables(imported, _copy(table), keep_null=True)
    chart.values = _tables(values, imported, keep_null=True)


def _imported(values: Values, name: str, wanted: Any) -> Values | None:
    if isinstance(wanted, str):
        child, parent = f"exports.{wanted}", "."
    elif isinstance(wanted, dict):
        child, parent = str(wanted.get("child")), str(wanted.get("parent"))
    else:
        return None
    table = _scalar(values, f"{name}.{child}")
    if not isinstance(table, dict):
        return None
    if parent != ".":
        for step in reversed(parent.split(".")):
            table = {step: table}
    return table


# Defaults under values


def _coalesced(chart: Chart, given: Values, *, keep_null: bool = False) -> Values:
    """Puts the defaults of the chart and its dependencies under the values. Changes `given` and returns it.

    A null among the values removes the default, and itself, unless it is kept for a later pass.
    """
    dependencies = {sub.name for sub in chart.charts}
    for key, default in _copy(chart.values).items():
        if key not in given:
            given[key] = default
        elif given[key] is None and not keep_null:
            del given[key]
        elif isinstance(given[key], dict) and isinstance(default, dict):
            # Nulls for a dependency stay for now: they remove defaults of the dependency itself further down.
            _tables(given[key], default, keep_null=keep_null or key in dependencies)
    for sub in chart.charts:
        own = given.setdefault(sub.name, {})
        if not isinstance(own, dict):
            raise MismatchError(f"the values of the dependency {sub.name} are not a mapping")
        _share_globals(own, given)
        given[sub.name] = _coalesced(sub, own, keep_null=keep_null)
    return given


def _tables(high: Values, low: Values, *, keep_null: bool) -> Values:
    """Puts `low` under `high`, which is changed and returned. A null in `high` removes the key unless it is kept."""
    for key, value in low.items():
        if key not in high:
            high[key] = value
        elif high[key] is None and not keep_null:
            del high[key]
        elif isinstance(value, dict) and isinstance(high[key], dict):
            _tables(high[key], value, keep_null=keep_null)
    return high


def _share_globals(own: Values, parent: Values) -> None:
    """Hands the parent's globals down; where both have a table, the parent's keys win."""
    target, source = own.get(_GLOBAL, {}), parent.get(_GLOBAL, {})
    if not isinstance(target, dict) or not isinstance(source, dict):
        return
    for key, value in source.items():
        if isinstance(value, dict):
            table = dict(value)
            below = target.get(key)
            if key not in target:
                target[key] = table
            elif isinstance(below, dict):
                target[key] = _tables(table, below, keep_null=True)
        elif not isinstance(target.get(key), dict):
            target[key] = value
    own[_GLOBAL] = target
