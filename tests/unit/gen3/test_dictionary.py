"""A published schema.json as nodes, properties and links; hostile ones are refused in bounded time."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csoc.errors import RejectedError
from csoc.gen3.data_model.dictionary import SIZE_BYTES, Dictionary, nearest, parse
from csoc.testing.dictionaries import node, schema


def read(*nodes: dict[str, Any], **extra: Any) -> Dictionary:
    return parse(json.dumps({**schema(*nodes), **extra}).encode())


CASE = node("case", "disease_type", links=(("projects", "project", "cases"),), age="integer")
SAMPLE = node("sample", "site", category="biospecimen", links=(("cases", "case", "samples"),))


def test_nodes_have_their_own_properties_and_those_that_they_borrow() -> None:
    found = read(CASE)
    assert set(found.nodes["case"].properties) == {
        *("disease_type", "age", "id", "type", "submitter_id", "project_id", "state"),
        *("created_datetime", "updated_datetime"),
    }
    assert found.has("case", "disease_type")
    assert found.has("case", "submitter_id")
    assert found.has("case", "id")
    assert not found.has("case", "projects"), "a link is no property"
    assert not found.has("case", "diseasetype")
    assert not found.has("nothing", "id")


def test_types_follow_references_enums_and_alternatives() -> None:
    found = read(CASE)
    assert found.types("case", "age") == {"integer"}
    assert found.types("case", "submitter_id") == {"string", "null"}
    assert found.types("case", "id") == {"string"}, "through _definitions.yaml to a definition beside it"
    assert found.types("case", "state") == {"string"}, "an enum without a type, by a reference inside its own file"
    assert found.types("case", "created_datetime") == {"string", "null"}
    assert found.types("case", "nothing") == frozenset()


def test_links_are_walked_by_their_name_and_back_by_their_backref() -> None:
    found = read(CASE, SAMPLE)
    assert found.edge("sample", "cases") == "case"
    assert found.edge("case", "samples") == "sample"
    assert found.edge("case", "projects") == "project"
    assert found.edge("case", "cases") is None
    assert found.edge("nothing", "cases") is None
    assert found.edges("case") == {"projects": "project", "samples": "sample"}


def test_links_in_subgroups_count() -> None:
    grouped = node("aliquot", links=())
    link = {"name": "samples", "target_type": "sample", "backref": "aliquots", "multiplicity": "many_to_one"}
    grouped["links"] = [{"exclusive": True, "required": True, "subgroup": [link, {"subgroup": []}]}, "nonsense"]
    found = read(CASE, SAMPLE, grouped)
    assert found.edge("aliquot", "samples") == "sample"
    assert found.edge("sample", "aliquots") == "aliquot"
    assert found.nodes["aliquot"].links[0].multiplicity == "many_to_one"


def test_a_link_to_a_node_that_does_not_exist_leads_nowhere() -> None:
    assert read(node("case", links=(("visits", "visit", "cases"),))).edge("case", "visits") is None


def test_categories_list_their_nodes() -> None:
    assert read(CASE, SAMPLE).in_category("biospecimen") == ("sample",)
    assert read(CASE, SAMPLE).in_category("data_file") == ()


def test_definitions_terms_and_settings_are_no_nodes() -> None:
    assert set(read(CASE).nodes) == {"program", "project", "case"}


def test_own_properties_win_over_borrowed_ones() -> None:
    case = node("case", submitter_id="integer")
    assert read(case).types("case", "submitter_id") == {"integer"}


def test_the_digest_is_that_of_the_content() -> None:
    assert read(CASE).digest == read(CASE).digest != read(SAMPLE, CASE).digest
    assert len(read(CASE).digest) == 64


def test_a_note_makes_no_other_dictionary() -> None:
    found = read(CASE)
    noted = found.noted("as of yesterday", "Try again")
    assert (noted.note, noted.note_fix, noted.digest) == ("as of yesterday", "Try again", found.digest)
    assert noted.edge("case", "projects") == "project"


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"null", b"\xff\xfe", b'{"a": NaN'])
def test_what_is_no_dictionary_is_refused_and_named(content: bytes) -> None:
    with pytest.raises(RejectedError) as caught:
        parse(content, place="https://example.org/schema.json")
    assert caught.value.place == "https://example.org/schema.json"


def test_json_without_any_node_is_no_dictionary() -> None:
    with pytest.raises(RejectedError, match="no data dictionary"):
        parse(b'{"openapi": {"id": 7}, "paths": {"properties": {}}}')


def test_cyclic_references_end() -> None:
    loop = {"a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}, "c": {"$ref": "_definitions.yaml#/c"}}
    case = node("case", one="string")
    case["properties"] |= {
        "$ref": "_definitions.yaml#/a",
        "two": {"$ref": "_definitions.yaml#/c"},
        "three": {"oneOf": [{"$ref": "case.yaml#/properties/three"}, {"type": "number"}]},
    }
    found = read(case, **{"_definitions.yaml": loop})
    assert found.types("case", "two") == frozenset()
    assert found.types("case", "three") == {"number"}


def test_references_that_multiply_are_refused_in_bounded_time() -> None:
    bomb = {f"l{i}": {"oneOf": [{"$ref": f"#/l{i + 1}"}] * 10} for i in range(20)}
    case = node("case")
    case["properties"] = {"x": {"$ref": "_definitions.yaml#/l0"}}
    begin = time.monotonic()
    with pytest.raises(RejectedError, match="too far"):
        read(case, **{"_definitions.yaml": bomb})
    assert time.monotonic() - begin < 10


def test_mappings_that_multiply_are_refused_in_bounded_time() -> None:
    wide: dict[str, Any] = {f"p{i}": {} for i in range(15_000)}
    bomb: dict[str, Any] = {"wide": wide} | {
        f"l{i}": {"$ref": f"#/l{i + 1}", "$ref2": f"#/l{i + 1}"} if i < 25 else {"$ref": "#/wide"} for i in range(26)
    }
    case = node("case")
    case["properties"] = {"$ref": "_definitions.yaml#/l0"}
    begin = time.monotonic()
    with pytest.raises(RejectedError, match="too far"):
        read(case, **{"_definitions.yaml": bomb})
    assert time.monotonic() - begin < 10


def test_depth_size_and_number_of_values_are_bounded() -> None:
    begin = time.monotonic()
    for content in (b'{"a":' + b"[" * 200_000, b" " * (SIZE_BYTES + 1), b"[" + b"1," * 2_000_000 + b"1]"):
        with pytest.raises(RejectedError):
            parse(content)
    assert time.monotonic() - begin < 10


def test_references_to_nowhere_and_of_wrong_types_are_nothing() -> None:
    case = node("case", "x")
    case["properties"] |= {"$ref": ["no"], "$refs": "missing.yaml#/a/b", "y": {"$ref": "case.yaml#/id/too/deep"}}
    found = read(case)
    assert found.has("case", "x")
    assert found.types("case", "y") == frozenset()


def test_the_nearest_name_is_a_likely_slip_and_no_guess() -> None:
    assert nearest("samplse", {"samples": 1, "cases": 2}) == "samples"
    assert nearest("object_id", {"project_id": 1}) == ""
    assert nearest("x" * 1_000, {"x" * 1_000: 1}) == ""


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ("id", "properties", "links", "$ref", "type", "oneOf", "subgroup", "name", "target_type", "x")
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(("a.yaml", "b.yaml", "_definitions.yaml", "_terms.yaml")), json_values))
def test_any_json_is_a_dictionary_or_refused(data: dict[str, Any]) -> None:
    try:
        found = parse(json.dumps(data).encode())
    except RejectedError:
        return
    assert all(isinstance(name, str) for name in found.nodes)


@settings(max_examples=200, deadline=None)
@given(json_values)
def test_any_node_can_stand_beside_good_ones(odd: Any) -> None:
    found = parse(
        json.dumps({**schema(CASE, SAMPLE), "odd.yaml": odd, "other.yaml": {"id": "other", "x": odd}}).encode()
    )
    assert found.edge("case", "samples") == "sample"
