"""The portal's configuration (gitops.json): what its own code cannot do without.

The portal compiles its configuration when its container starts: some slips keep it from starting, others break one
page. What is asked for here is what the portal's code and documentation (release 5, 2026) ask for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from csoc.fleet.values import Path

CHART_TYPES = frozenset({"count", "pie", "fullPie", "bar", "stackedBar"})
# Buttons that look up the files of what is shown in another index.
JOINING_BUTTONS = frozenset({"manifest", "export-to-workspace"})
_LIMIT = 2_000  # nobody reads more


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong. path: inside the configuration. key: names the cause without any line. stops: the portal does
    not start; otherwise one page or one part of it does not work."""

    path: Path
    key: str
    text: str
    stops: bool = False
    fix: str = ""


def faults(data: Any) -> list[Fault]:
    """What is wrong with a configuration, whatever its indices hold. Never raises."""
    found: list[Fault] = []
    for fault in _faults(data):
        found.append(fault)
        if len(found) >= _LIMIT:
            break
    return found


def _faults(data: Any) -> Iterator[Fault]:
    if not isinstance(data, Mapping):
        yield Fault((), "no mapping", "the portal's configuration is no mapping of keys", stops=True)
        return
    yield from _graphql(data)
    yield from _components(data.get("components"))
    yield from _explorer(data)
    yield from _study_viewer(data.get("studyViewerConfig"))
    yield from _discovery(data)


def _graphql(data: Mapping[str, Any]) -> Iterator[Fault]:
    if "graphql" not in data:
        components = data.get("components")
        counted = "the portal counts case, experiment and aliquot instead"
        if isinstance(components, Mapping) and "graphql" in components:
            text = f"graphql stands in components, where the portal does not look for it: {counted}"
            fix = "Move graphql to the top, beside components"
            yield Fault(("components", "graphql"), "graphql in components", text, fix=fix)
        else:
            text = f"the portal's configuration has no graphql: {counted}"
            yield Fault((), "no graphql", text, fix='Add "graphql" with boardCounts, chartCounts and projectDetails')
        return
    graphql = data["graphql"]
    if not isinstance(graphql, Mapping):
        yield Fault(("graphql",), "graphql", "graphql is no mapping of keys", stops=True)
        return
    for key, wanted in (("boardCounts", ("graphql", "name", "plural")), ("chartCounts", ("graphql", "name"))):
        path: Path = ("graphql", key)
        entries = graphql.get(key)
        if not isinstance(entries, list):
            yield Fault(path, f"graphql.{key}", f"graphql.{key} is not a list", stops=True)
            continue
        yield from _required(entries, path, f"graphql.{key}", wanted, stops=("graphql",))
    details = graphql.get("projectDetails")
    named = graphql.get(details) if isinstance(details, str) else details
    told = details in ("boardCounts", "chartCounts") if isinstance(details, str) else False
    if not isinstance(named, list) and not told:
        text = "graphql.projectDetails names no list of graphql"
        fix = 'Write "projectDetails": "boardCounts"'
        yield Fault(("graphql", "projectDetails"), "graphql.projectDetails", text, stops=True, fix=fix)


def _components(components: Any) -> Iterator[Fault]:
    if components is None:
        return  # the portal has its own
    if not isinstance(components, Mapping):
        yield Fault(("components",), "components", "components is no mapping of keys", stops=True)
        return
    for key in ("index", "navigation", "topBar", "login", "footer"):
        value = components.get(key)
        if key in components and not isinstance(value, Mapping):
            yield Fault(("components", key), f"components.{key}", f"components.{key} is no mapping of keys")
    index = components.get("index")
    if isinstance(index, Mapping) and "homepageChartNodes" in index:
        nodes, path = index["homepageChartNodes"], ("components", "index", "homepageChartNodes")
        if isinstance(nodes, list):
            yield from _required(nodes, path, "components.index.homepageChartNodes", ("node", "name"))
        else:
            yield Fault(path, "homepageChartNodes", "components.index.homepageChartNodes is not a list")
    for key, inner in (("navigation", "items"), ("topBar", "items")):
        block = components.get(key)
        if isinstance(block, Mapping) and not isinstance(block.get(inner), list):
            text = f"components.{key} has no list called {inner}"
            yield Fault(("components", key), f"components.{key}.{inner}", text)
    logos = components.get("footerLogos")
    if "footerLogos" in components and not isinstance(logos, list):
        yield Fault(("components", "footerLogos"), "footerLogos", "components.footerLogos is not a list")


def _required(
    entries: list[Any], path: Path, name: str, keys: tuple[str, ...], *, stops: tuple[str, ...] = ()
) -> Iterator[Fault]:
    """Each entry of a list must be a mapping with these keys; those in stops keep the portal from starting."""
    for number, entry in enumerate(entries):
        place = (*path, number)
        if not isinstance(entry, Mapping):
            yield Fault(place, f"{name}.{number}", f"{name} has an entry that is no mapping of keys", stops=bool(stops))
            continue
        for key in keys:
            if not entry.get(key):
                text = f"an entry of {name} has no {key}"
                yield Fault(place, f"{name}.{number}.{key}", text, stops=key in stops)


def explorer_on(data: Mapping[str, Any]) -> bool:
    """True if the portal shows the explorer: unless its flag says otherwise."""
    flags = data.get("featureFlags")
    return bool(flags.get("explorer", True)) if isinstance(flags, Mapping) else True


def tabs(data: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """The explorer's tabs as the portal takes them: explorerConfig, or the two older keys."""
    tabs = data.get("explorerConfig")
    if isinstance(tabs, list) and tabs:
        for number, tab in enumerate(tabs):
            yield ("explorerConfig", number), tab
        return
    for key in ("dataExplorerConfig", "fileExplorerConfig"):
        if data.get(key):
            yield (key,), data[key]


def _explorer(data: Mapping[str, Any]) -> Iterator[Fault]:
    if not explorer_on(data):
        return
    config = data.get("explorerConfig")
    if config is not None and not isinstance(config, list):
        yield Fault(("explorerConfig",), "explorerConfig", "explorerConfig is not a list of tabs")
        return
    found = list(tabs(data))
    flags = data.get("featureFlags")
    if not found and isinstance(flags, Mapping) and flags.get("explorer"):
        text = "featureFlags.explorer is on, and there is no explorerConfig: the page is empty"
        yield Fault(("featureFlags", "explorer"), "explorer without tabs", text)
    for path, tab in found:
        yield from _tab(path, tab)


def _tab(path: Path, tab: Any) -> Iterator[Fault]:
    name = tab_name(path, tab)
    if not isinstance(tab, Mapping):
        yield Fault(path, f"{name} no mapping", f"{name} is no mapping of keys")
        return
    guppy = tab.get("guppyConfig")
    data_type = guppy.get("dataType") if isinstance(guppy, Mapping) else None
    if not isinstance(data_type, str) or not data_type:
        text = f"{name} has no guppyConfig.dataType, so it asks for no index"
        yield Fault((*path, "guppyConfig"), f"{name} dataType", text)
    filters = tab.get("filters")
    entries = filters.get("tabs") if isinstance(filters, Mapping) else None
    if not isinstance(entries, list):
        yield Fault((*path, "filters"), f"{name} filters.tabs", f"{name} has no filters.tabs, and the page fails")
    else:
        for number, entry in enumerate(entries):
            place = (*path, "filters", "tabs", number)
            if not isinstance(entry, Mapping) or not isinstance(entry.get("fields", []), list):
                yield Fault(
                    place, f"{name} filters.tabs.{number}", f"filter {number + 1} of {name} has no list of fields"
                )
            elif not entry.get("title"):
                yield Fault(place, f"{name} filters.tabs.{number} title", f"filter {number + 1} of {name} has no title")
    table = tab.get("table")
    if not isinstance(table, Mapping):
        yield Fault((*path, "table"), f"{name} table", f"{name} has no table, and the page fails")
    elif not isinstance(table.get("fields", []), list):
        yield Fault((*path, "table", "fields"), f"{name} table.fields", f"table.fields of {name} is not a list")
    yield from _charts(path, name, tab.get("charts"))
    if isinstance(guppy, Mapping):
        yield from _manifest(path, name, tab, guppy)


def _charts(path: Path, name: str, charts: Any) -> Iterator[Fault]:
    if charts is None:
        return
    if not isinstance(charts, Mapping):
        yield Fault((*path, "charts"), f"{name} charts", f"charts of {name} is no mapping of fields")
        return
    for field, chart in charts.items():
        place = (*path, "charts", field)
        kind = chart.get("chartType") if isinstance(chart, Mapping) else None
        if not isinstance(kind, str) or kind not in CHART_TYPES:
            text = f"the chart of {field[:100]} in {name} is of the type {str(kind)[:60]}, and the page fails"
            fix = f"The portal knows {', '.join(sorted(CHART_TYPES))}"
            yield Fault(place, f"{name} charts.{field[:100]}", text, fix=fix)


def _manifest(path: Path, name: str, tab: Mapping[str, Any], guppy: Mapping[str, Any]) -> Iterator[Fault]:
    """A button that makes a manifest needs to know which index has the files."""
    mapping = guppy.get("manifestMapping")
    if mapping is None or not shown_buttons(tab) & JOINING_BUTTONS:
        return
    place = (*path, "guppyConfig", "manifestMapping")
    keys = (
        "resourceIndexType",
        "resourceIdField",
        "referenceIdFieldInResourceIndex",
        "referenceIdFieldInDataIndex",
    )
    for key in keys:
        if not isinstance(mapping, Mapping) or not mapping.get(key):
            text = f"guppyConfig.manifestMapping of {name} has no {key}, and its manifest button does not work"
            yield Fault(place, f"{name} manifestMapping.{key}", text)


def shown_buttons(tab: Mapping[str, Any]) -> frozenset[str]:
    """The types of the buttons that are shown."""
    buttons = tab.get("buttons")
    return frozenset(
        str(button.get("type"))
        for button in (buttons if isinstance(buttons, list) else [])
        if isinstance(button, Mapping) and button.get("enabled")
    )


def _study_viewer(viewers: Any) -> Iterator[Fault]:
    if viewers is None:
        return
    path: Path = ("studyViewerConfig",)
    if not isinstance(viewers, list):
        yield Fault(path, "studyViewerConfig", "studyViewerConfig is not a list")
        return
    yield from _required(viewers, path, "studyViewerConfig", ("dataType", "listItemConfig", "rowAccessor"))


def _discovery(data: Mapping[str, Any]) -> Iterator[Fault]:
    flags, config = data.get("featureFlags"), data.get("discoveryConfig")
    if not isinstance(flags, Mapping) or not flags.get("discovery"):
        return
    if not isinstance(config, Mapping):
        text = "featureFlags.discovery is on, and there is no discoveryConfig: the page fails"
        yield Fault(("featureFlags", "discovery"), "no discoveryConfig", text)
        return
    for key, kind in (("studyColumns", list), ("features", Mapping), ("minimalFieldMapping", Mapping)):
        if not isinstance(config.get(key), kind):
            text = f"discoveryConfig has no {key}, and the page fails"
            yield Fault(("discoveryConfig", key), f"discoveryConfig.{key}", text)
    mapping = config.get("minimalFieldMapping")
    if isinstance(mapping, Mapping) and not mapping.get("uid"):
        text = "discoveryConfig.minimalFieldMapping has no uid, and studies cannot be told apart"
        yield Fault(("discoveryConfig", "minimalFieldMapping"), "discoveryConfig uid", text)


def tab_name(path: Path, tab: Any) -> str:
    """A tab of the explorer for readers: its title or data type."""
    if isinstance(tab, Mapping):
        guppy = tab.get("guppyConfig")
        for value in (tab.get("tabTitle"), guppy.get("dataType") if isinstance(guppy, Mapping) else None):
            if isinstance(value, str) and value:
                return f"the explorer tab {value[:60]}"
    return f"the explorer tab {int(path[-1]) + 1}" if isinstance(path[-1], int) else str(path[-1])
