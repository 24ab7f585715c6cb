"""What the portal asks of others: fields and types of Guppy's indices, and nodes of the data dictionary.

What one tab shows is one query, and Guppy refuses a query as a whole for one field that the index does not have. Only
what is really asked for is listed: pages that are switched off ask nothing, and what only a button asks for says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from csoc.fleet.shapes import items
from csoc.fleet.values import Path
from csoc.gen3.data_model.portal_config import JOINING_BUTTONS, explorer_on, shown_buttons, tab_name, tabs

DEFAULT_COUNTS = ("case", "experiment", "aliquot")  # of a portal that is not told what to count
_COUNTING_BUTTONS = JOINING_BUTTONS | {
    *("export-pfb-to-url", "export-to-pfb", "export-pfb-to-workspace", "export", "export-to-seven-bridges"),
}
_OWN_FILE_BUTTONS = frozenset({"file-manifest", "export-files-to-workspace"})  # files of the tab's own index
_COUNT = re.compile(r"_(\w+)_count")
_LIMIT = 2_000  # nobody reads more


@dataclass(frozen=True, slots=True)
class Use:
    """A field of an index that the portal asks Guppy for. data_type: the index's type in Guppy. what: where in the
    portal, for readers. button: only a button asks for it; the page works without."""

    path: Path
    data_type: str
    name: str
    what: str
    button: bool = False


@dataclass(frozen=True, slots=True)
class TypeUse:
    """An index type that the portal asks Guppy for."""

    path: Path
    data_type: str
    what: str


def type_uses(data: Any) -> list[TypeUse]:
    """The index types that the portal asks Guppy for, in pages that are shown."""
    if not isinstance(data, Mapping):
        return []
    found: list[TypeUse] = []
    for path, tab, guppy in _shown_tabs(data):
        name = tab_name(path, tab)
        data_type = guppy.get("dataType")
        if isinstance(data_type, str) and data_type:
            found.append(TypeUse((*path, "guppyConfig", "dataType"), data_type, name))
        mapping = guppy.get("manifestMapping")
        resource = mapping.get("resourceIndexType") if isinstance(mapping, Mapping) else None
        if isinstance(resource, str) and resource and shown_buttons(tab) & _COUNTING_BUTTONS:
            place = (*path, "guppyConfig", "manifestMapping", "resourceIndexType")
            found.append(TypeUse(place, resource, f"the manifest of {name}"))
    for path, guppy in _heat_maps(data):
        found.append(TypeUse((*path, "dataType"), guppy["dataType"], "the data availability tool"))
    for path, viewer in _viewers(data):
        for key in ("dataType", "fileDataType", "docDataType"):
            value = viewer.get(key)
            if isinstance(value, str) and value:
                found.append(TypeUse((*path, key), value, "the study viewer"))
    return found[:_LIMIT]


def uses(data: Any) -> list[Use]:
    """The fields that the portal asks Guppy for, in pages that are shown."""
    found: list[Use] = []
    if isinstance(data, Mapping):
        for use in _uses(data):
            found.append(use)
            if len(found) >= _LIMIT:
                break
    return found


def _uses(data: Mapping[str, Any]) -> Iterator[Use]:
    for path, tab, guppy in _shown_tabs(data):
        data_type = guppy.get("dataType")
        if isinstance(data_type, str) and data_type:
            yield from _tab_uses(path, tab, guppy, data_type)
    for path, guppy in _heat_maps(data):
        yield from _heat_map_uses(path, guppy)
    for path, viewer in _viewers(data):
        yield from _viewer_uses(path, viewer)


def _shown_tabs(data: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any], Mapping[str, Any]]]:
    if explorer_on(data):
        for path, tab in tabs(data):
            guppy = tab.get("guppyConfig") if isinstance(tab, Mapping) else None
            if isinstance(tab, Mapping) and isinstance(guppy, Mapping):
                yield path, tab, guppy


def _tab_uses(path: Path, tab: Mapping[str, Any], guppy: Mapping[str, Any], data_type: str) -> Iterator[Use]:
    name = tab_name(path, tab)
    filters = tab.get("filters")
    entries = filters.get("tabs") if isinstance(filters, Mapping) else None
    for number, entry in enumerate(items(entries)):
        if isinstance(entry, Mapping):
            for key in ("fields", "searchFields", "asTextAggFields"):
                place = (*path, "filters", "tabs", number, key)
                yield from _listed(entry.get(key), place, data_type, f"a filter of {name}")
    charts = tab.get("charts")
    for field in charts if isinstance(charts, Mapping) else ():
        yield Use((*path, "charts", field), data_type, field, f"a chart of {name}")
    table = tab.get("table")
    if isinstance(table, Mapping):
        yield from _listed(table.get("fields"), (*path, "table", "fields"), data_type, f"the table of {name}")
    checked = guppy.get("accessibleFieldCheckList")
    place = (*path, "guppyConfig", "accessibleFieldCheckList")
    yield from _listed(checked, place, data_type, f"the access check of {name}")
    yield from _manifest_uses(path, tab, guppy, data_type)


def _manifest_uses(path: Path, tab: Mapping[str, Any], guppy: Mapping[str, Any], data_type: str) -> Iterator[Use]:
    """Fields that buttons join the tab's index with that of the files on."""
    mapping, buttons = guppy.get("manifestMapping"), shown_buttons(tab)
    if not isinstance(mapping, Mapping):
        return
    resource = mapping.get("resourceIndexType")
    sides = (
        ("referenceIdFieldInDataIndex", data_type, _COUNTING_BUTTONS | _OWN_FILE_BUTTONS),
        ("referenceIdFieldInResourceIndex", resource, _COUNTING_BUTTONS),
        ("resourceIdField", resource, JOINING_BUTTONS),
    )
    for key, side, asking in sides:
        field = mapping.get(key)
        if isinstance(field, str) and field and isinstance(side, str) and side and buttons & asking:
            place = (*path, "guppyConfig", "manifestMapping", key)
            yield Use(place, side, field, f"the manifest of {tab_name(path, tab)}", button=True)


def _heat_maps(data: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """What the data availability tools ask for: one in each tab, or, beside the two older tabs, one for both."""
    if not explorer_on(data):
        return
    if not data.get("explorerConfig"):
        places: list[tuple[Path, Any]] = [(("dataAvailabilityToolConfig",), data.get("dataAvailabilityToolConfig"))]
    else:
        places = [
            ((*path, "dataAvailabilityToolConfig"), tab.get("dataAvailabilityToolConfig"))
            for path, tab, _ in _shown_tabs(data)
        ]
    for path, tool in places:
        guppy = tool.get("guppyConfig") if isinstance(tool, Mapping) else None
        if isinstance(guppy, Mapping) and isinstance(guppy.get("dataType"), str) and guppy["dataType"]:
            yield (*path, "guppyConfig"), guppy


def _heat_map_uses(path: Path, guppy: Mapping[str, Any]) -> Iterator[Use]:
    what = "the data availability tool"
    field = guppy.get("mainField")
    if isinstance(field, str) and field:
        yield Use((*path, "mainField"), guppy["dataType"], field, what)
    yield from _listed(guppy.get("aggFields"), (*path, "aggFields"), guppy["dataType"], what)


def _listed(fields: Any, path: Path, data_type: str, what: str) -> Iterator[Use]:
    for number, field in enumerate(items(fields)):
        if isinstance(field, str) and field:
            yield Use((*path, number), data_type, field, what)


def _viewers(data: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    viewers = data.get("studyViewerConfig")
    for number, viewer in enumerate(items(viewers)):
        if isinstance(viewer, Mapping):
            yield ("studyViewerConfig", number), viewer


def _viewer_uses(path: Path, viewer: Mapping[str, Any]) -> Iterator[Use]:
    accessor = viewer.get("rowAccessor")
    for key in ("dataType", "fileDataType", "docDataType"):
        side = viewer.get(key)
        if isinstance(side, str) and side and isinstance(accessor, str) and accessor:
            yield Use((*path, "rowAccessor"), side, accessor, "the study viewer")
    data_type = viewer.get("dataType")
    if not isinstance(data_type, str) or not data_type:
        return
    title = viewer.get("titleField")
    if isinstance(title, str) and title:
        yield Use((*path, "titleField"), data_type, title, "the study viewer")
    for key in ("listItemConfig", "singleItemConfig"):
        block = viewer.get(key)
        if isinstance(block, Mapping):
            for part in ("blockFields", "tableFields"):
                yield from _listed(block.get(part), (*path, key, part), data_type, "the study viewer")


def node_uses(data: Any) -> list[Use]:
    """Nodes of the dictionary that the portal counts; data_type is "" and name the node."""
    found: list[Use] = []
    if not isinstance(data, Mapping):
        return found
    graphql = data.get("graphql")
    if "graphql" not in data:
        found += [Use(("graphql",), "", name, "the portal's own graphql") for name in DEFAULT_COUNTS]
    for key in ("boardCounts", "chartCounts"):
        entries = graphql.get(key) if isinstance(graphql, Mapping) else None
        for number, entry in enumerate(items(entries)):
            counted = entry.get("graphql") if isinstance(entry, Mapping) else None
            match = _COUNT.fullmatch(counted) if isinstance(counted, str) and len(counted) < 300 else None
            if match is not None:
                found.append(Use(("graphql", key, number, "graphql"), "", match[1], f"graphql.{key}"))
    components = data.get("components")
    index = components.get("index") if isinstance(components, Mapping) else None
    nodes = index.get("homepageChartNodes") if isinstance(index, Mapping) else None
    for number, entry in enumerate(items(nodes)):
        node = entry.get("node") if isinstance(entry, Mapping) else None
        if isinstance(node, str) and node:
            place = ("components", "index", "homepageChartNodes", number, "node")
            found.append(Use(place, "", node, "components.index.homepageChartNodes"))
    return found[:_LIMIT]
