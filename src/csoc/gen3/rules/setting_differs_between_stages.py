"""Settings that decide who sees what, or what data is valid, are only tested in a lower stage if they are equal there.

Few settings are compared: those whose difference changes what a test in the lower stage proves. What is meant to differ
(hostnames, sizes, replicas, buckets, versions) is left out, and so is what the chart decides for both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from csoc.gen3.facts import EnvironmentFacts
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.stages import Ladder
from csoc.gen3.state import FleetState
from csoc.gen3.views import EnvironmentView


@dataclass(frozen=True, slots=True)
class _Setting:
    """path: in the values. why: what a difference decides, as a clause. default: the chart's own (version 0.3.90).
    service: only compared where it runs in both."""

    path: str
    why: str
    default: str | bool
    severity: Severity = Severity.LOW
    service: str = ""


_DICTIONARY = "https://s3.amazonaws.com/dictionary-artifacts/datadictionary/develop/schema.json"

SETTINGS: tuple[_Setting, ...] = (
    _Setting("global.tierAccessLevel", "who sees counts of data that they may not read", "private", Severity.MEDIUM),
    _Setting("global.tierAccessLimit", "how small a group may be shown", "1000"),
    _Setting("global.publicDataSets", "whether data can be seen without signing in", True, Severity.MEDIUM),
    _Setting("global.frontendRoot", "which portal people get", "portal"),
    _Setting("global.netPolicy.enabled", "whether network policies block what works in the other", False),
    _Setting("global.dictionaryUrl", "what data is valid", _DICTIONARY),
    _Setting("guppy.authFilterField", "who may see a record", "auth_resource_path", Severity.MEDIUM, "guppy"),
    _Setting("indexd.defaultPrefix", "which prefix new records get", "PREFIX/", Severity.INFO, "indexd"),
    _Setting("fence.usersync.usersync", "whether permissions come from user.yaml", False, Severity.LOW, "fence"),
    _Setting("fence.usersync.syncFromDbgap", "whether permissions come from dbGaP", False, Severity.MEDIUM, "fence"),
    _Setting("metadata.useAggMds", "whether discovery reads aggregated metadata", False, Severity.LOW, "metadata"),
    _Setting("portal.gitops.gen3Bundle", "which kind of portal is built", "", Severity.LOW, "portal"),
)
# Services that people see or that decide about access: on in one stage and off in the next is worth a look. Helpers
# (proxies, jobs, dashboards) differ for good reasons.
_SERVICES = frozenset(
    (
        *("arborist", "audit", "fence", "frontend-framework", "guppy", "hatchery", "indexd", "manifestservice"),
        *("metadata", "peregrine", "portal", "requestor", "sheepdog", "sower", "ssjdispatcher", "wts"),
    )
)


def check(state: FleetState) -> Iterator[Hit]:
    """One hit for each commons and setting in which production differs from its nearest lower stage, and one for all
    services that are on in one of them only."""
    ladder = Ladder(state)
    for view in state.view.environments:
        if view.stage.value != "prod":
            continue
        for lower in ladder.nearest_lower(view):
            mine, theirs = state.facts[view.name], state.facts[lower.name]
            if mine.complete and theirs.complete:
                yield from _settings(state, view, lower)
                yield from _services(state, view, lower)


def _settings(state: FleetState, view: EnvironmentView, lower: EnvironmentView) -> Iterator[Hit]:
    mine, theirs = state.facts[view.name], state.facts[lower.name]
    for setting in SETTINGS:
        if setting.service and not (_on(mine, setting.service) and _on(theirs, setting.service)):
            continue
        here, there = (facts.settings.get(setting.path, setting.default) for facts in (mine, theirs))
        if here is None or there is None or _same(here, there):  # null leaves it to the chart of that environment
            continue
        yield Hit(
            cause=f"{setting.path} is {_shown(here)} in {view.name} and {_shown(there)} in {lower.name}: "
            f"it decides {setting.why}",
            key=f"{view.commons.value} {view.slot.value or 'prod'} {lower.name} {setting.path}",
            environments=(view.name, lower.name),
            evidence=(
                _evidence(state, view, setting.path, here, _shown(here)),
                _evidence(state, lower, setting.path, there),
            ),
            severity=setting.severity,
        )


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _same(one: Any, other: Any) -> bool:
    """Equal as a template prints them: the text "50" and the number 50 are one."""
    return str(one).lower() == str(other).lower()


def _services(state: FleetState, view: EnvironmentView, lower: EnvironmentView) -> Iterator[Hit]:
    mine, theirs = state.facts[view.name], state.facts[lower.name]
    only_here = sorted(name for name in _SERVICES if _on(mine, name) and not _on(theirs, name))
    only_there = sorted(name for name in _SERVICES if _on(theirs, name) and not _on(mine, name))
    if only_here:
        yield Hit(
            cause=f"{', '.join(only_here)} run in {view.name} and not in {lower.name}, so nothing tries their upgrades",
            key=f"{view.commons.value} {view.slot.value or 'prod'} {lower.name} services",
            environments=(view.name, lower.name),
            evidence=_switches(state, view, lower, only_here),
            severity=Severity.LOW,
        )
    if only_there:
        yield Hit(
            cause=f"{', '.join(only_there)} run in {lower.name} and not in {view.name}",
            key=f"{view.commons.value} {view.slot.value or 'prod'} {lower.name} services to come",
            environments=(view.name, lower.name),
            evidence=_switches(state, lower, view, only_there),
            severity=Severity.INFO,
        )


def _switches(
    state: FleetState, there: EnvironmentView, elsewhere: EnvironmentView, names: Sequence[str]
) -> tuple[Evidence, ...]:
    """What switches the services on in the one environment and off in the other."""
    return tuple(
        _evidence(state, view, f"{name}.enabled", on)
        for view, on in ((there, True), (elsewhere, False))
        for name in names
    )


def _on(facts: EnvironmentFacts, service: str) -> bool:
    fact = facts.services.get(service)
    return fact is not None and fact.enabled


def _evidence(state: FleetState, view: EnvironmentView, path: str, value: Any, point: str = "") -> Evidence:
    """A setting where it is written. point: the value, where another one is another finding."""
    place = state.places(view.name, path)
    written = place is not None or path in state.facts[view.name].settings
    default = "" if written else " (chart default)"
    return Evidence(f"{path}: {_shown(value)}{default}", place, view.name, path, point)


RULE = Rule(
    id="setting-differs-between-stages",
    title="A setting that differs between stages",
    severity=Severity.LOW,
    consequence="What was tested in the lower stage is not what runs in production.",
    fix="Give both stages the same setting; if the difference is meant, waive this with the reason.",
    covers=("fleet",),
    fleet=check,
)
