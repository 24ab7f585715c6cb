"""Helm's --set syntax: the cases of Helm's own documentation and tests, and that nothing else can come of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.fleet.argocd.values.strvals import SetSyntaxError, escape_commas, parse_into
from csoc.fleet.values import look_up

ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    # From Helm's documentation ("The Format and Limitations of --set")
    ("name=value", {"name": "value"}),
    ("a=b,c=d", {"a": "b", "c": "d"}),
    ("outer.inner=value", {"outer": {"inner": "value"}}),
    ("name={a, b, c}", {"name": ["a", " b", " c"]}),
    ("name={a,b,c}", {"name": ["a", "b", "c"]}),
    ("name=[],a=null", {"name": "[]", "a": None}),
    ("servers[0].port=80", {"servers": [{"port": 80}]}),
    ("servers[0].port=80,servers[0].host=example", {"servers": [{"port": 80, "host": "example"}]}),
    (r"name=value1\,value2", {"name": "value1,value2"}),
    (r"nodeSelector.kubernetes\.io/role=master", {"nodeSelector": {"kubernetes.io/role": "master"}}),
    # Types
    ("t=true,f=False,n=NULL", {"t": True, "f": False, "n": None}),
    ("n=0,m=00009,o=1234567890,p=-5,q=1.5", {"n": 0, "m": "00009", "o": 1234567890, "p": -5, "q": "1.5"}),
    ("big=9223372036854775807,bigger=9223372036854775808", {"big": 2**63 - 1, "bigger": "9223372036854775808"}),
    ("list={1021,902,true}", {"list": [1021, 902, True]}),
    # Empty values and ends
    ("name1=,name2=value2", {"name1": "", "name2": "value2"}),
    ("a=1,", {"a": 1}),
    ("a.b=", {"a": {"b": ""}}),
    ("a={}", {"a": [""]}),
    ("noval[0]", {"noval": []}),
    ("noval[0]=", {"noval": [""]}),
    ("", {}),
    # Lists
    ("list[0]=foo,list[3]=bar", {"list": ["foo", None, None, "bar"]}),
    ("nested[1][1]=1", {"nested": [None, [None, 1]]}),
    # Ends where something should follow: Helm keeps the list as it was
    ("a[9].", {"a": []}),
    ("a[0].b=", {"a": []}),
    ("a[0][1]", {"a": []}),
    ("a.b[1].c=x,a.b[0].c=y", {"a": {"b": [{"c": "y"}, {"c": "x"}]}}),
]

REFUSED = [
    "name1=value1,,,,name2=value2,",
    "name1,name2=",
    "name1,name2=value2",
    "name1",
    "name1.name2",
    "name1.=name2",
    "name1.,name2",
    "name1={1021,902",
    "list[0].foo=bar,list[-30].hello=world",
    "list[65537]=x",
    "list[x]=y",
    "list[--1]=y",
    "list[1_0]=y",
    "list[0",
    "illegal[0]name.foo=bar",
    "]={}].",
    ".".join("abcdefgh" * 4) + "=x",
]


@pytest.mark.parametrize(("text", "expected"), ACCEPTED)
def test_a_text_that_helm_accepts_gives_the_values_that_helm_gives(text: str, expected: dict[str, Any]) -> None:
    values: dict[str, Any] = {}
    parse_into(text, values)
    assert values == expected
    assert [type(value) for value in values.values()] == [type(value) for value in expected.values()]


@pytest.mark.parametrize("text", REFUSED)
def test_a_text_that_helm_refuses_is_refused(text: str) -> None:
    with pytest.raises(SetSyntaxError):
        parse_into(text, {})


def test_forced_strings_stay_text() -> None:
    values: dict[str, Any] = {}
    parse_into("a=1,b=true,c=null,d=0", values, force_string=True)
    assert values == {"a": "1", "b": "true", "c": "null", "d": "0"}


def test_an_item_of_an_existing_list_is_changed_and_the_others_stay() -> None:
    values: dict[str, Any] = {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}], "other": 1}
    written = parse_into("env[1].value=3", values)
    assert values == {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": 3}], "other": 1}
    assert written == [("env", 1, "value")]


@pytest.mark.parametrize("values", [{"a": 1}, {"a": None}, {"a": [1]}])
def test_a_name_through_something_that_is_no_mapping_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SetSyntaxError, match="no mapping"):
        parse_into("a.b=1", values)


def test_an_index_into_something_that_is_no_list_is_refused() -> None:
    with pytest.raises(SetSyntaxError, match="no list"):
        parse_into("a[0]=1", {"a": {"b": 1}})


def test_lists_cannot_be_made_to_fill_the_memory() -> None:
    with pytest.raises(SetSyntaxError, match="list items"):
        parse_into(",".join(f"a{number}[65536]=1" for number in range(100)), {})


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a,b", r"a\,b"), (r"a\,b", r"a\,b"), ("{a,b}", "{a,b}"), ("plain", "plain"), (",", r"\,")],
)
def test_commas_are_escaped_as_argo_cd_does(value: str, expected: str) -> None:
    assert escape_commas(value) == expected


@given(st.text(alphabet="ab.[]{}=,\\0129-", max_size=60))
def test_any_text_is_parsed_or_refused_and_never_anything_else(text: str) -> None:
    values: dict[str, Any] = {"a": {"b": [1, {"a": 2}]}}
    try:
        written = parse_into(text, copy.deepcopy(values))
    except SetSyntaxError:
        return
    assert all(path for path in written)


@given(
    st.lists(st.text(alphabet="abc/-", min_size=1, max_size=8), min_size=1, max_size=5),
    st.text(alphabet="abcxyz ", min_size=1, max_size=10),
)
def test_a_plain_assignment_is_found_where_it_was_written(names: list[str], value: str) -> None:
    values: dict[str, Any] = {}
    written = parse_into(f"{'.'.join(names)}={value}", values, force_string=True)
    assert written == [tuple(names)]
    assert look_up(values, tuple(names)) == value
