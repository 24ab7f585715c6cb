"""An ETL mapping against a data dictionary: names that it does not have are found, and what it has is left alone."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from csoc.gen3.data_model.dictionary import Dictionary, parse
from csoc.gen3.data_model.etl_dictionary import against
from csoc.gen3.data_model.etl_mapping import read
from csoc.gen3.data_model.etl_model import Fault
from csoc.testing.dictionaries import node, schema

NODES = (
    node("study", "study_name", links=(("projects", "project", "studies"),)),
    node("case", "sex", "arm", links=(("studies", "study", "cases"),), age="integer"),
    node("visit", "day", links=(("cases", "case", "visits"),), weight="number"),
    node("scan", "md5sum", "modality", category="data_file", links=(("visits", "visit", "scans"),)),
    node("reads", "md5sum", category="data_file", links=(("cases", "case", "read_files"),)),
)
DICTIONARY: Dictionary = parse(json.dumps(schema(*NODES)).encode())

GOOD = """
mappings:
- name: lab_case
  doc_type: case
  type: aggregator
  root: case
  props: [{name: project_id}, {name: label, src: submitter_id}, {name: case_id, src: id}]
  parent_props:
  - path: studies[study_name,study_id:submitter_id].projects[project:code]
  flatten_props:
  - path: visits
    props: [{name: day}]
  nested_props:
  - name: visit
    path: visits
    props: [{name: day}]
    nested_props:
    - path: scans
      props: [{name: modality}]
  aggregated_props:
  - {name: visits, path: visits, fn: count}
  - {name: heaviest, path: visits, src: weight, fn: max}
  - {name: kinds, path: visits.scans, src: modality, fn: set}
- name: lab_file
  doc_type: file
  type: collector
  root: None
  category: data_file
  props: [{name: md5sum}, {name: modality}, {name: source_node}]
  injecting_props:
    case:
      props: [{name: _case_id, src: id, fn: set}, {name: project_id}]
"""


def faults(text: str) -> list[Fault]:
    mapping = read(yaml.safe_load(text))
    assert mapping.faults == ()
    return against(mapping, DICTIONARY)


def only(old: str, new: str) -> Fault:
    assert GOOD.count(old) == 1, old
    (fault,) = faults(GOOD.replace(old, new))
    return fault


def test_a_mapping_that_fits_has_no_faults() -> None:
    assert faults(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("root: case", "root: cases", ("mappings", 0, "root"), "begins at the node cases"),
        ("path: visits, src", "path: visit, src", ("mappings", 0, "aggregated_props", 1, "path"), "along visit"),
        ("path: visits.scans", "path: visits.x", ("mappings", 0, "aggregated_props", 2, "path"), "node visit along x"),
        ("studies[study_name,", "study[study_name,", ("mappings", 0, "parent_props", 0, "path"), "along study"),
        ("].projects", "].programs", ("mappings", 0, "parent_props", 0, "path"), "node study along programs"),
        ("    case:\n", "    cases:\n", ("mappings", 1, "injecting_props", "cases"), "injects from the node cases"),
        (
            "    - path: scans",
            "    - path: reads",
            ("mappings", 0, "nested_props", 0, "nested_props", 0, "path"),
            "reads",
        ),
    ],
)
def test_a_node_or_a_link_that_is_not_there_stops_the_etl(
    old: str, new: str, path: tuple[str | int, ...], words: str
) -> None:
    fault = only(old, new)
    assert fault.stops
    assert fault.path == path
    assert words in fault.text


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("src: submitter_id}", "src: submitterid}", ("mappings", 0, "props", 1), "which case does not"),
        ("{name: md5sum}", "{name: md5}", ("mappings", 1, "props", 0), "no node of the category data_file has"),
        (
            "[{name: modality}]",
            "[{name: kind}]",
            ("mappings", 0, "nested_props", 0, "nested_props", 0, "props", 0),
            "scan",
        ),
        ("study_id:submitter_id", "study_id:sid", ("mappings", 0, "parent_props", 0, "path"), "which study does not"),
        ("project:code", "project:codes", ("mappings", 0, "parent_props", 0, "path"), "which project does not"),
        ("src: weight", "src: mass", ("mappings", 0, "aggregated_props", 1), "which visit does not"),
        ("category: data_file", "category: data_files", ("mappings", 1, "category"), "no node of the dictionary has"),
        ("src: id, fn: set", "src: uid, fn: set", ("mappings", 1, "injecting_props", "case", "props", 0), "which case"),
    ],
)
def test_a_property_that_is_not_there_is_passed_over_in_silence(
    old: str, new: str, path: tuple[str | int, ...], words: str
) -> None:
    fault = only(old, new)
    assert not fault.stops
    assert fault.path == path
    assert words in fault.text


def test_a_slip_is_recognised() -> None:
    assert only("src: submitter_id}", "src: submiter_id}").fix == "Did you mean submitter_id?"
    assert only("path: visits, src", "path: visit, src").fix == "Did you mean visits?"
    assert "cases" in only("path: visits.scans", "path: visits.x").fix, "else the links that there are"


def test_text_cannot_be_summed_up_and_numbers_can() -> None:
    fault = only("src: weight, fn: max", "src: day, fn: sum")
    assert not fault.stops
    assert "sum of day" in fault.text
    assert faults(GOOD.replace("src: weight, fn: max", "src: weight, fn: sum")) == []
    assert faults(GOOD.replace("src: weight, fn: max", "src: day, fn: set")) == []


def test_source_node_is_only_known_in_collectors() -> None:
    assert "source_node" in only("{name: label, src: submitter_id}", "{name: source_node}").text


def test_what_begins_nowhere_is_one_fault_and_not_one_for_each_field() -> None:
    assert len(faults(GOOD.replace("root: case", "root: nothing"))) == 1


def test_fields_of_joined_indices_and_counts_have_no_property_of_their_own() -> None:
    joined = "  joining_props:\n  - {index: file, join_on: project_id, props: [{name: md5sum, src: md5sum}]}\n"
    assert faults(GOOD.replace("  nested_props:\n  - name", joined + "  nested_props:\n  - name")) == []


names = st.sampled_from(
    ("case", "visits", "studies", "day", "id", "x", "visits.scans", "_ANY.studies", "studies[a:b].x")
)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(("case", "visit", "nothing")),
    st.lists(st.fixed_dictionaries({"name": names, "path": names, "src": names, "fn": names}), max_size=4),
    st.dictionaries(
        names, st.fixed_dictionaries({"props": st.lists(st.fixed_dictionaries({"name": names}))}), max_size=3
    ),
)
def test_any_mapping_is_compared_and_its_faults_are_at_places_in_it(
    root: str, items: list[dict[str, Any]], injected: dict[str, Any]
) -> None:
    entry = {"name": "a", "doc_type": "a", "type": "aggregator", "root": root, "props": items}
    entry |= {"aggregated_props": items, "parent_props": items, "nested_props": [{**x, "props": items} for x in items]}
    collector = {"name": "b", "doc_type": "b", "type": "collector", "root": "None", "props": items}
    data = {"mappings": [entry, {**collector, "injecting_props": injected}]}
    for fault in against(read(data), DICTIONARY):
        assert fault.path[0] == "mappings"
        assert fault.text
        assert fault.key
