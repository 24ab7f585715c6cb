"""What tube makes of an ETL mapping: indices with their fields, and what it stumbles over or passes over."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from csoc.gen3.data_model.etl_mapping import parent_steps, read
from csoc.gen3.data_model.etl_model import EtlMapping, Fault

GOOD = """
mappings:
- name: lab_case
  doc_type: case
  type: aggregator
  root: case
  props:
  - name: project_id
  - name: label
    src: submitter_id
  - name: sex
    value_mappings:
    - f: Female
    - m: Male
  parent_props:
  - path: studies[study_name, study_id:submitter_id].projects[project_code:code]
  - path: _ANY.programs[program:name]
  flatten_props:
  - path: demographics
    props:
    - name: race
    sorted_by: updated_datetime, desc
  nested_props:
  - name: visit
    path: visits
    props:
    - name: day
    nested_props:
    - path: labs.values
      props:
      - name: value
  aggregated_props:
  - name: _samples_count
    path: samples
    fn: count
  - name: sites
    path: samples.aliquots
    src: site
    fn: set
  joining_props:
  - index: file
    join_on: _case_id
    props:
    - name: data_format
      src: data_format
      fn: set
    - name: file_id
      src: file_id
- name: lab_file
  doc_type: file
  type: collector
  root: None
  category: data_file
  props:
  - name: object_id
  - name: data_format
  - name: source_node
  injecting_props:
    case:
      props:
      - name: _case_id
        src: id
        fn: set
      - name: project_id
"""


def mapped(text: str = GOOD, *, underscore: bool = True) -> EtlMapping:
    return read(yaml.safe_load(text), underscore=underscore)


def only_fault(text: str) -> Fault:
    faults = mapped(text).faults
    assert len(faults) == 1, [fault.text for fault in faults]
    return faults[0]


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)


def test_a_sound_mapping_has_no_faults() -> None:
    assert mapped().faults == ()


def test_an_index_has_the_fields_of_every_block_and_those_that_tube_adds() -> None:
    case = mapped().index("lab_case")
    assert case is not None
    assert case.names() == {
        *("project_id", "label", "sex", "study_name", "study_id", "project_code", "program", "race"),
        *("visit", "visit.day", "visit.labs_values", "visit.labs_values.value", "_samples_count", "sites"),
        *("data_format", "file_id", "_case_id", "node_id", "auth_resource_path", "program_name"),
    }


def test_old_tube_calls_identifiers_otherwise() -> None:
    index = mapped(underscore=False).index("lab_case")
    assert index is not None
    assert "case_id" in index.names()
    assert "_case_id" not in index.names()


def test_a_field_knows_where_it_comes_from() -> None:
    case = mapped().index("lab_case")
    assert case is not None
    fields = {item.name: (item.block, item.route, item.source) for item in case.fields}
    assert fields["label"] == ("props", "", "submitter_id")
    assert fields["project_code"] == ("parent_props", "studies.projects", "code")
    assert fields["program"] == ("parent_props", "programs", "name")
    assert fields["visit.labs_values.value"] == ("nested_props", "visits.labs.values", "value")
    assert fields["_samples_count"] == ("aggregated_props", "samples", "")
    assert fields["data_format"] == ("joining_props", "file", "data_format")
    file = mapped().index("lab_file")
    assert file is not None
    assert {item.name: item.route for item in file.fields}["_case_id"] == "case"


def test_indices_are_found_by_name_and_type() -> None:
    found = mapped()
    assert found.index("nothing") is None
    by_type = found.by_type("file")
    assert by_type is not None
    assert by_type.name == "lab_file"
    assert found.by_type("nothing") is None


@pytest.mark.parametrize("data", ["mappings: []", None, [], 7, {}, {"mappings": None}, {"mappings": {"name": "x"}}])
def test_what_is_no_mapping_stops_the_etl(data: Any) -> None:
    (fault,) = read(data).faults
    assert fault.stops


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("- name: lab_case\n  doc_type: case", "- doc_type: case", ("mappings", 0, "name"), "no name"),
        ("  doc_type: file\n  type", "  type", ("mappings", 1, "doc_type"), "no doc_type"),
        ("  root: None\n", "", ("mappings", 1, "root"), "no root"),
        ("name: lab_case", "name: Lab_Case", ("mappings", 0, "name"), "lower-case"),
        ("name: lab_case", "name: _case", ("mappings", 0, "name"), "name of an index"),
        ("fn: count", "fn: median", ("mappings", 0, "aggregated_props", 0, "fn"), "median"),
        ("    path: samples\n", "", ("mappings", 0, "aggregated_props", 0), "names no path"),
        ("    src: site\n    fn: set", "    src: site", ("mappings", 0, "aggregated_props", 1), "no fn says how"),
        (
            "    - f: Female\n    - m: Male",
            "      f: Female",
            ("mappings", 0, "props", 2, "value_mappings"),
            "single pairs",
        ),
        (
            "path: studies[study_name",
            "path: studies]study_name",
            ("mappings", 0, "parent_props", 0, "path"),
            "brackets",
        ),
        ("    - name: race", "    - race", ("mappings", 0, "flatten_props", 0, "props", 0), "not a mapping"),
        ("    - name: race", "    - src: race", ("mappings", 0, "flatten_props", 0, "props", 0), "has no name"),
        ("    path: visits\n", "", ("mappings", 0, "nested_props", 0), "names no path"),
        ("  - index: file", "  - index: files", ("mappings", 0, "joining_props", 0, "index"), "no index has"),
        ("join_on: _case_id", "join_on: case_id", ("mappings", 0, "joining_props", 0, "join_on"), "no field case_id"),
        ("src: file_id", "src: md5sum", ("mappings", 0, "joining_props", 0, "props", 1), "no such field"),
        ("  - name: project_id\n  - name: label", "  - name: label", ("mappings", 0), "no field project_id"),
    ],
)
def test_what_tube_stumbles_over_is_a_fault_at_its_place(
    old: str, new: str, path: tuple[str | int, ...], words: str
) -> None:
    faults = mapped(changed(old, new)).faults
    assert [fault.path for fault in faults if words in fault.text][:1] == [path], [fault.text for fault in faults]
    assert all(fault.stops for fault in faults if words in fault.text)


def test_a_type_that_tube_does_not_know_stops_the_etl() -> None:
    fault = only_fault(changed("type: collector", "type: colector").replace("  joining_props:", "  xjoins:"))
    assert fault.path == ("mappings", 1, "type")
    assert fault.stops


@pytest.mark.parametrize("key", ["aggregate_props", "child_props", "props_extra_props"])
def test_blocks_that_tube_does_not_know_are_passed_over(key: str) -> None:
    fault = only_fault(changed("  nested_props:\n  - name: visit", f"  {key}:\n  - name: visit"))
    assert fault.path == ("mappings", 0, key)
    assert not fault.stops
    assert key in fault.text


@pytest.mark.parametrize("block", ["injecting_props", "flatten_props"])
def test_blocks_of_the_other_type_are_passed_over(block: str) -> None:
    index = 0 if block == "injecting_props" else 1
    text = GOOD + "  flatten_props: []\n" if index else changed("  flatten_props:\n", "  injecting_props:\n")
    faults = mapped(text).faults
    assert [(fault.path, fault.stops) for fault in faults if "mean nothing" in fault.text] == [
        (("mappings", index, block), False)
    ]


def test_parent_props_without_a_path_are_passed_over() -> None:
    fault = only_fault(changed("  - path: _ANY.programs", "  - paths: _ANY.programs"))
    assert not fault.stops


def test_two_indices_of_one_type_or_name_are_found() -> None:
    again = GOOD.partition("mappings:\n")[2]
    keys = {fault.key for fault in mapped(GOOD + again.replace("lab_", "new_")).faults}
    assert keys == {"doc_type case twice", "doc_type file twice"}
    keys = {fault.key for fault in mapped(GOOD + again).faults}
    assert {"name lab_case twice", "name lab_file twice"} <= keys


def test_a_field_of_two_origins_is_a_fault_and_one_written_twice_alike_is_not() -> None:
    fault = only_fault(changed("    - name: race", "    - name: sex"))
    assert fault.path == ("mappings", 0, "flatten_props", 0, "props", 0)
    assert not fault.stops
    assert "sex" in fault.text
    assert "demographics.sex" in fault.text
    again = "  - path: studies[study_name]\n  - path: _ANY"
    assert mapped(changed("  - path: _ANY", again)).faults == ()


def test_a_project_index_and_a_collector_need_no_project_id() -> None:
    text = "mappings:\n- {name: a, doc_type: project, type: aggregator, root: project, props: [{name: code}]}\n"
    text += "- {name: b, doc_type: file, type: collector, root: None, props: [{name: md5sum}]}\n"
    assert mapped(text).faults == ()


def test_the_older_name_of_joining_is_read_unless_the_newer_is_there() -> None:
    old = GOOD.replace("joining_props:", "joining:").replace("join_on: _case_id", "join_on: nothing")
    assert {fault.key for fault in mapped(old).faults} == {"lab_case joins file on nothing"}
    both = GOOD.replace("  joining_props:", "  joining: [{index: nothing, join_on: x, props: []}]\n  joining_props:")
    assert mapped(both).faults == ()


def test_joins_on_several_fields_need_them_all_on_both_sides() -> None:
    faults = mapped(changed("join_on: _case_id", "join_on: '_case_id, project_id ,label'")).faults
    assert [fault.text.split(", and ")[1] for fault in faults] == ["lab_file has no field label"]


def test_a_join_that_takes_no_field_is_not_made_and_needs_none() -> None:
    entry = yaml.safe_load(GOOD)
    (block,) = entry["mappings"][0]["joining_props"]
    block |= {"join_on": "nothing", "props": []}
    assert not [fault for fault in read(entry).faults if "nothing" in fault.key]


def test_tubes_that_fall_back_on_the_identifier_need_the_field_on_the_other_side_only() -> None:
    own = yaml.safe_load(changed("join_on: _case_id", "join_on: label"))
    assert [fault.text.split(", and ")[1] for fault in read(own).faults] == ["lab_file has no field label"]
    data = yaml.safe_load(changed("join_on: _case_id", "join_on: file_size"))
    data["mappings"][1]["props"].append({"name": "file_size"})
    assert [fault.text.split(", and ")[1] for fault in read(data).faults] == ["lab_case has no field file_size"]
    assert not read(data, joins_own_identifier=True).faults


def test_an_old_identifier_in_join_on_is_explained() -> None:
    fault = mapped(changed("join_on: _case_id", "join_on: case_id")).faults[0]
    assert "_case_id" in fault.fix


@pytest.mark.parametrize(
    ("route", "steps"),
    [
        ("a", [("a", [])]),
        ("a.b", [("a", []), ("b", [])]),
        ("a[x, y:z ,].b[q]", [("a", [("x", "x"), ("y", "z")]), ("b", [("q", "q")])]),
        ("_ANY.b", [("b", [])]),
        ("a[x", None),
        ("a]x[", None),
        ("a[[x]]", None),
        ("[x]", None),
        ("a..b", None),
        ("", None),
    ],
)
def test_paths_of_parent_props_are_taken_apart(route: str, steps: object) -> None:
    assert parent_steps(route) == steps


def test_nesting_is_bounded() -> None:
    block: dict[str, Any] = {"path": "a", "props": []}
    for _ in range(500):
        block = {"path": "a", "props": [], "nested_props": [block]}
    entry = {"name": "a", "doc_type": "a", "type": "aggregator", "root": "a", "props": [], "nested_props": [block]}
    assert any("too deeply" in fault.text for fault in read({"mappings": [entry]}).faults)


def test_faults_are_bounded() -> None:
    assert len(read({"mappings": [7] * 100_000}).faults) <= 500


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(("a", "count", "a[b:c]", "a.b", "")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("name", "src", "fn", "path", "props", "index", "join_on", "nested_props", "value_mappings")
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
BLOCKS = (
    *("name", "doc_type", "type", "root", "category", "props", "flatten_props", "parent_props", "nested_props"),
    *("aggregated_props", "joining_props", "joining", "injecting_props", "special_props", "other_props"),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(BLOCKS), odd, max_size=8), max_size=3), st.booleans(), odd)
def test_any_mapping_is_read_and_its_faults_are_at_places(
    entries: list[dict[str, Any]], typed: bool, root: Any
) -> None:
    if typed:
        for entry in entries:
            entry["type"] = "collector" if "injecting_props" in entry else "aggregator"
    found = read({"mappings": entries, "root": root})
    for fault in found.faults:
        assert fault.path[0] == "mappings"
        assert isinstance(fault.path[1], int)
        assert fault.text
        assert fault.key
    for index in found.indices:
        assert index.names()
