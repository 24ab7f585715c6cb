"""What the portal's configuration lacks, and what it asks of Guppy and of the data dictionary."""

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csoc.fleet.values import Path
from csoc.gen3.data_model.portal_config import Fault, faults
from csoc.gen3.data_model.portal_uses import node_uses, type_uses, uses

TAB: dict[str, Any] = {
    "tabTitle": "Cases",
    "charts": {"sex": {"chartType": "pie", "title": "Sex"}, "visit.day": {"chartType": "bar"}},
    "filters": {"tabs": [{"title": "Case", "fields": ["arm"], "searchFields": ["label"]}]},
    "table": {"enabled": True, "fields": ["project_id", "label"]},
    "buttons": [{"enabled": True, "type": "manifest"}, {"enabled": False, "type": "file-manifest"}],
    "guppyConfig": {
        "dataType": "case",
        "accessibleFieldCheckList": ["project_id"],
        "fieldMapping": [{"field": "arm", "name": "Arm"}],
        "manifestMapping": {
            "resourceIndexType": "file",
            "resourceIdField": "object_id",
            "referenceIdFieldInResourceIndex": "_case_id",
            "referenceIdFieldInDataIndex": "_case_id",
        },
    },
}
GOOD: dict[str, Any] = {
    "graphql": {
        "boardCounts": [{"graphql": "_case_count", "name": "Case", "plural": "Cases"}],
        "chartCounts": [{"graphql": "_lab_result_count", "name": "Result"}],
        "projectDetails": "boardCounts",
    },
    "components": {
        "index": {"homepageChartNodes": [{"node": "study", "name": "Studies"}]},
        "navigation": {"items": []},
        "topBar": {"items": []},
        "footerLogos": [],
    },
    "featureFlags": {"explorer": True, "discovery": True},
    "explorerConfig": [TAB],
    "studyViewerConfig": [
        {
            "dataType": "dataset",
            "fileDataType": "file",
            "titleField": "title",
            "rowAccessor": "project_id",
            "listItemConfig": {"blockFields": ["text"], "tableFields": ["size"]},
            "singleItemConfig": {"blockFields": ["long_text"]},
        }
    ],
    "discoveryConfig": {"studyColumns": [], "features": {}, "minimalFieldMapping": {"uid": "id"}},
}


def changed(path: Path, value: Any) -> dict[str, Any]:
    """The good configuration with one value replaced; ... removes it."""
    data = copy.deepcopy(GOOD)
    block: Any = data
    for step in path[:-1]:
        block = block[step]
    if value is ...:
        del block[path[-1]]
    else:
        block[path[-1]] = value
    return data


def only(path: Path, value: Any) -> Fault:
    found = faults(changed(path, value))
    assert len(found) == 1, found
    return found[0]


TAB_PATH: Path = ("explorerConfig", 0)


def test_a_sound_configuration_has_no_faults() -> None:
    assert faults(GOOD) == []


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("graphql",), "x", ("graphql",)),
        (("graphql", "boardCounts"), ..., ("graphql", "boardCounts")),
        (("graphql", "chartCounts"), {}, ("graphql", "chartCounts")),
        (("graphql", "projectDetails"), ..., ("graphql", "projectDetails")),
        (("graphql", "projectDetails"), "counts", ("graphql", "projectDetails")),
        (("graphql", "boardCounts", 0), "x", ("graphql", "boardCounts", 0)),
        (("graphql", "boardCounts", 0, "graphql"), ..., ("graphql", "boardCounts", 0)),
        (("components",), [], ("components",)),
    ],
)
def test_what_keeps_the_portal_from_starting_is_told_as_such(path: Path, value: Any, place: Path) -> None:
    fault = only(path, value)
    assert fault.stops
    assert fault.path == place


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("graphql",), ..., ()),
        (("graphql", "boardCounts", 0, "plural"), ..., ("graphql", "boardCounts", 0)),
        (("components", "index"), [], ("components", "index")),
        (("components", "index", "homepageChartNodes"), {}, ("components", "index", "homepageChartNodes")),
        (
            ("components", "index", "homepageChartNodes", 0, "node"),
            ...,
            ("components", "index", "homepageChartNodes", 0),
        ),
        (("components", "navigation", "items"), ..., ("components", "navigation")),
        (("components", "footerLogos"), {}, ("components", "footerLogos")),
        (("explorerConfig",), {}, ("explorerConfig",)),
        (("explorerConfig",), [], ("featureFlags", "explorer")),
        ((*TAB_PATH,), "x", TAB_PATH),
        ((*TAB_PATH, "filters"), ..., (*TAB_PATH, "filters")),
        ((*TAB_PATH, "filters", "tabs", 0, "title"), ..., (*TAB_PATH, "filters", "tabs", 0)),
        ((*TAB_PATH, "filters", "tabs", 0, "fields"), "arm", (*TAB_PATH, "filters", "tabs", 0)),
        ((*TAB_PATH, "table"), ..., (*TAB_PATH, "table")),
        ((*TAB_PATH, "table", "fields"), "x", (*TAB_PATH, "table", "fields")),
        ((*TAB_PATH, "charts"), [], (*TAB_PATH, "charts")),
        ((*TAB_PATH, "charts", "sex", "chartType"), "donut", (*TAB_PATH, "charts", "sex")),
        ((*TAB_PATH, "guppyConfig", "dataType"), ..., (*TAB_PATH, "guppyConfig")),
        (
            (*TAB_PATH, "guppyConfig", "manifestMapping", "resourceIdField"),
            ...,
            (*TAB_PATH, "guppyConfig", "manifestMapping"),
        ),
        (("studyViewerConfig",), {}, ("studyViewerConfig",)),
        (("studyViewerConfig", 0, "rowAccessor"), ..., ("studyViewerConfig", 0)),
        (("discoveryConfig",), ..., ("featureFlags", "discovery")),
        (("discoveryConfig", "studyColumns"), ..., ("discoveryConfig", "studyColumns")),
        (("discoveryConfig", "minimalFieldMapping", "uid"), ..., ("discoveryConfig", "minimalFieldMapping")),
    ],
)
def test_what_breaks_a_page_is_told_with_its_place(path: Path, value: Any, place: Path) -> None:
    fault = only(path, value)
    assert not fault.stops
    assert fault.path == place


@pytest.mark.parametrize("data", ["text", [], None, 7])
def test_a_configuration_must_be_a_mapping(data: Any) -> None:
    (fault,) = faults(data)
    assert fault.stops


def test_graphql_inside_components_is_explained() -> None:
    data = changed(("graphql",), ...)
    data["components"]["graphql"] = GOOD["graphql"]
    (fault,) = faults(data)
    assert fault.path == ("components", "graphql")
    assert "Move graphql" in fault.fix


@pytest.mark.parametrize(
    "data",
    [
        {**GOOD, "featureFlags": {"explorer": False}, "explorerConfig": ["nonsense"]},
        {**GOOD, "featureFlags": {}, "explorerConfig": []},
        {**GOOD, "featureFlags": {}, "discoveryConfig": None},
        changed(("components",), ...),
        changed((*TAB_PATH, "charts"), ...),
        changed((*TAB_PATH, "guppyConfig", "manifestMapping"), ...),
        changed((*TAB_PATH, "buttons", 0, "enabled"), False)
        | {"explorerConfig": [{**TAB, "buttons": [], "guppyConfig": {"dataType": "case", "manifestMapping": {}}}]},
    ],
)
def test_quiet_for_what_is_switched_off_or_optional(data: dict[str, Any]) -> None:
    assert faults(data) == []


def names(data: Any) -> set[tuple[str, str, bool]]:
    return {(use.data_type, use.name, use.button) for use in uses(data)}


def test_every_field_that_a_page_asks_for_is_listed_with_its_index() -> None:
    assert names(GOOD) == {
        *(("case", name, False) for name in ("sex", "visit.day", "arm", "label", "project_id")),
        *(("case", "_case_id", True), ("file", "_case_id", True), ("file", "object_id", True)),
        *(("dataset", name, False) for name in ("project_id", "title", "text", "size", "long_text")),
        ("file", "project_id", False),
    }


def test_uses_stand_where_they_are_written() -> None:
    for use in uses(GOOD):
        block: Any = GOOD
        for step in use.path[:-1]:
            block = block[step]
        last = use.path[-1]
        assert last == use.name or block[last] == use.name


def test_index_types_are_listed_and_none_that_only_a_hidden_button_needs() -> None:
    assert [use.data_type for use in type_uses(GOOD)] == ["case", "file", "dataset", "file"]
    hidden = changed((*TAB_PATH, "buttons"), [{"enabled": True, "type": "file-manifest"}])
    assert [use.data_type for use in type_uses(hidden)] == ["case", "dataset", "file"]
    assert ("file", "object_id", True) not in names(hidden)
    assert ("case", "_case_id", True) in names(hidden), "files of the tab's own index"


def test_the_two_older_keys_are_tabs_unless_there_is_the_newer_one() -> None:
    tool = {"guppyConfig": {"dataType": "visit", "mainField": "day", "aggFields": ["weight"]}}
    old = {"dataExplorerConfig": TAB, "fileExplorerConfig": TAB, "dataAvailabilityToolConfig": tool}
    assert [use.path[0] for use in type_uses(old)][:4:2] == ["dataExplorerConfig", "fileExplorerConfig"]
    assert {("visit", "day", False), ("visit", "weight", False)} <= names(old)
    both = {**old, "explorerConfig": [TAB]}
    assert {use.path[0] for use in type_uses(both)} == {"explorerConfig"}
    assert not any(data_type == "visit" for data_type, _, _ in names(both))


def test_the_data_availability_tool_of_a_tab_asks_for_its_own_index() -> None:
    tool = {"guppyConfig": {"dataType": "visit", "mainField": "day", "aggFields": ["weight", 7]}}
    data = {"explorerConfig": [{**TAB, "dataAvailabilityToolConfig": tool}]}
    assert {("visit", "day", False), ("visit", "weight", False)} <= names(data)
    assert "visit" in {use.data_type for use in type_uses(data)}


def test_an_explorer_that_is_off_asks_for_nothing() -> None:
    off = {**GOOD, "featureFlags": {"explorer": False}, "studyViewerConfig": None}
    assert uses(off) == []
    assert type_uses(off) == []


def test_counted_nodes_are_those_of_the_configuration_or_the_portals_own() -> None:
    assert [use.name for use in node_uses(GOOD)] == ["case", "lab_result", "study"]
    assert [use.name for use in node_uses({})] == ["case", "experiment", "aliquot"]
    odd = {"graphql": {"boardCounts": [{"graphql": "project"}, {"graphql": 7}, "x"], "chartCounts": None}}
    assert node_uses(odd) == []


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.sampled_from(("case", "_case_count", "")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("fields", "tabs", "dataType", "title", "enabled", "type", "graphql", "items", "charts", "x")
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


def _paths(data: Any, path: Path = ()) -> list[Path]:
    if isinstance(data, Mapping):
        return [path, *(found for key, value in data.items() for found in _paths(value, (*path, key)))]
    if isinstance(data, list):
        return [path, *(found for at, value in enumerate(data) for found in _paths(value, (*path, at)))]
    return [path]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([path for path in _paths(GOOD) if path]), json_values)
def test_any_value_anywhere_is_survived(path: Path, value: Any) -> None:
    data = changed(path, value)
    for fault in faults(data):
        assert fault.text
        assert fault.key
    assert json.dumps([use.path for use in uses(data)])
    assert type_uses(data) is not None
    node_uses(data)
