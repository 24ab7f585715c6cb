"""What holds for every template: references agree with what is asked for, nothing but a TemplateError comes out."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from csoc.emulator.cloudformation.template.functions import (
    UNKNOWN,
    NotKnownYetError,
    Scope,
    resolve,
    resolve_known,
)
from csoc.emulator.cloudformation.template.model import Template, TemplateError
from csoc.emulator.cloudformation.template.parameters import check_value
from csoc.emulator.cloudformation.template.reading import read_template
from csoc.emulator.cloudformation.template.references import references

_RESOURCES = ("One", "Two", "Three")
_PARAMETERS: Mapping[str, Any] = {"Text": "t", "Many": ["a", "b"], "Yes": "yes"}
_HEAD = {
    "Parameters": {
        "Text": {"Type": "String"},
        "Many": {"Type": "CommaDelimitedList"},
        "Yes": {"Type": "String"},
    },
    "Mappings": {"Map": {"t": {"x": "found"}}},
    "Conditions": {"IsYes": {"Fn::Equals": [{"Ref": "Yes"}, "yes"]}, "IsNot": {"Fn::Not": [{"Condition": "IsYes"}]}},
}

_TEXTS = st.recursive(
    st.one_of(
        st.sampled_from(["x", "", "a,b", "${!Literal}"]),
        st.sampled_from([*_RESOURCES, "Text", "AWS::Region", "AWS::StackName"]).map(lambda name: {"Ref": name}),
        st.sampled_from(_RESOURCES).map(lambda name: {"Fn::GetAtt": [name, "Arn"]}),
        st.sampled_from(_RESOURCES).map(lambda name: {"Fn::GetAtt": [name, {"Ref": "Text"}]}),
        st.sampled_from(["${One}-${Text}", "${Two.Arn}", "${!One}", "${AWS::Region}"]).map(
            lambda text: {"Fn::Sub": text}
        ),
        st.just({"Fn::FindInMap": ["Map", {"Ref": "Text"}, "x"]}),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: {"Fn::Join": ["-", items]}),
        inner.map(lambda item: {"Fn::Base64": item}),
        st.tuples(inner, inner).map(lambda two: {"Fn::Sub": ["${own}-${Text}", {"own": two[0], "other": two[1]}]}),
        inner.map(lambda item: {"Fn::Select": [0, {"Fn::Split": [",", item]}]}),
    ),
    max_leaves=5,
)
_VALUES = st.recursive(
    st.one_of(_TEXTS, st.just({"Ref": "AWS::NoValue"}), st.just({"Ref": "Many"}), st.integers(), st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["a", "b", "Condition"]), inner, min_size=2, max_size=3),
        st.tuples(st.sampled_from(["IsYes", "IsNot"]), inner, inner).map(lambda three: {"Fn::If": list(three)}),
    ),
    max_leaves=8,
)


def template_with(value: Any) -> Template:
    resources: dict[str, Any] = {name: {"Type": "Test::Memory::Thing"} for name in _RESOURCES}
    resources["User"] = {"Type": "Test::Memory::Thing", "Properties": {"Value": value}}
    return read_template(json.dumps({**_HEAD, "Resources": resources}))


class Asked:
    """A scope that notes what it is asked for. unknown: resources that are not there yet."""

    def __init__(self, template: Template, unknown: frozenset[str] = frozenset()) -> None:
        self.names: set[str] = set()
        self._unknown = unknown
        parameters = _Noted(_PARAMETERS, self.names)
        self.scope = Scope(
            template, parameters, "1", "r", "id", "name", ("ra",), self._ref, self._attribute, str, lambda *_: ""
        )
        for condition in template.conditions:
            self.scope.condition(condition)
        self.names.clear()

    def _ref(self, name: str) -> str:
        self.names.add(name)
        if name in self._unknown:
            raise NotKnownYetError(name)
        return f"id-{name}"

    def _attribute(self, name: str, path: str) -> str:
        return f"{self._ref(name)}.{path}"


class _Noted(dict[str, Any]):
    def __init__(self, values: Mapping[str, Any], names: set[str]) -> None:
        super().__init__(values)
        self._names = names

    def __getitem__(self, name: str) -> Any:
        self._names.add(name)
        return super().__getitem__(name)


@settings(max_examples=400, deadline=None)
@given(_VALUES)
def test_references_name_what_resolving_asks_for(value: Any) -> None:
    template = template_with(value)
    written = template.resources["User"].properties
    asked = Asked(template)
    resolve(asked.scope, written)
    named = set(references(written))
    assert asked.names <= named
    if "Fn::If" not in json.dumps(value):
        assert asked.names == named


@settings(max_examples=400, deadline=None)
@given(_VALUES, st.frozensets(st.sampled_from(_RESOURCES)))
def test_what_is_known_is_resolved_whatever_is_not(value: Any, unknown: frozenset[str]) -> None:
    template = template_with(value)
    written = template.resources["User"].properties
    known = resolve_known(Asked(template, unknown).scope, written)
    if not unknown & set(references(written)):
        assert known == resolve(Asked(template).scope, written)
    try:
        assert resolve(Asked(template, unknown).scope, written) == known
    except NotKnownYetError:
        assert UNKNOWN in json.dumps(known)


@settings(max_examples=300, deadline=2000)
@given(st.one_of(st.binary(max_size=400).map(lambda data: data.decode("latin-1")), st.text(max_size=300)))
def test_random_text_is_a_template_or_a_template_error(text: str) -> None:
    for body in (text, f"Resources:\n  A: {text}", '{"Resources": ' + text):
        try:
            read_template(body)
        except TemplateError:
            continue


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "Ref", "Fn::Sub", "Fn::Join", "Fn::If", "Fn::GetAtt", "Fn::Select", "Fn::Cidr", "Fn::FindInMap",
                    "Fn::Split", "Fn::Base64", "Fn::Equals", "Condition", "Type", "Properties", "Value", "Export", "A",
                    "Default", "AllowedValues", "Assertions", "Name",
                ]
            ),
            inner,
            max_size=2,
        ),
    ),
    max_leaves=10,
)  # fmt: skip


@settings(max_examples=500, deadline=2000)
@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(["Parameters", "Mappings", "Conditions", "Rules", "Outputs"], _JSON)
    ),
    _JSON,
)
def test_whatever_stands_in_sections_only_template_errors_come_out(sections: dict[str, Any], properties: Any) -> None:
    resource = {"Type": "Test::Memory::Thing", "Properties": {"P": properties}}
    body = {**{name: {"A": inner} for name, inner in sections.items()}, "Resources": {"R": resource}}
    try:
        template = read_template(json.dumps(body))
    except TemplateError:
        return
    scope = Scope(template, {}, "1", "r", "i", "n", (), str, lambda *_: "", str, lambda *_: "")
    for written in (template.resources["R"].properties, *(output.value for output in template.outputs.values())):
        try:
            resolve(scope, written)
        except TemplateError:
            continue


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000,
        "- " * 25_000,
        "{a: " * 12_000,
        '{"a":' * 9_000,
        "a: &a ["
        + "x," * 9
        + "]\n"
        + "".join(f"{c}: &{c} [{','.join(['*' + p] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)),
        "Resources: &r\n  A: *r\n",
        "!!python/object/apply:os.system ['true']",
        "Resources:\n  A:\n    Type: !!int x",
        "? [a, b]\n: c",
    ],
    ids=["lists", "items", "maps", "json", "aliases", "itself", "python", "integer", "key"],
)
def test_texts_that_would_take_for_ever_are_refused_at_once(text: str) -> None:
    started = time.process_time()
    with pytest.raises(TemplateError):
        read_template(text)
    assert time.process_time() - started < 3


def test_a_text_of_many_beginnings_of_substitutions_is_read_at_once() -> None:
    resource = {"Type": "Test::Memory::Thing", "Properties": {"Size": {"Fn::Sub": "${" * 100_000}}}
    started = time.process_time()
    read_template(json.dumps({**_HEAD, "Resources": {"R": resource}}))
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    ("pattern", "value", "matches"),
    [
        ("(a|aa)+$", "a" * 4000 + "!", False),
        ("(a+)+b", "a" * 4000, False),
        ("(.*)(.*)(.*)(.*)(.*)(.*)x", "y" * 4000, False),
        ("((a{0,9}){0,9}){0,9}", "a" * 729, True),
    ],
)
def test_a_pattern_that_would_take_for_ever_is_answered_at_once(pattern: str, value: str, matches: bool) -> None:
    declared = {"P": {"Type": "String", "AllowedPattern": pattern}}
    resource = {"Type": "Test::Memory::Thing"}
    started = time.process_time()
    template = read_template(json.dumps({"Parameters": declared, "Resources": {"R": resource}}))
    if matches:
        check_value(template.parameters["P"], value)
    else:
        with pytest.raises(TemplateError, match="must match pattern"):
            check_value(template.parameters["P"], value)
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("[a-z", "is not a regular expression"),
        ("(?!aws)[a-z]+", "The emulator does not offer the AllowedPattern of P: .* looking around"),
        (r"(a)\1", "The emulator does not offer the AllowedPattern of P: "),
        ("a" * 3000, "The emulator does not offer the AllowedPattern of P: .* longer"),
    ],
)
def test_a_pattern_that_is_none_or_needs_more_than_linear_time_is_refused(pattern: str, reason: str) -> None:
    body = {"Parameters": {"P": {"Type": "String", "AllowedPattern": pattern}}, "Resources": {"R": {"Type": "A::B::C"}}}
    with pytest.raises(TemplateError, match=reason):
        read_template(json.dumps(body))


@given(_VALUES)
@settings(max_examples=100, deadline=None)
def test_yaml_and_json_are_the_same_template(value: Any) -> None:
    body = {
        **_HEAD,
        "Resources": {name: {"Type": "Test::Memory::Thing", "Properties": {"V": value}} for name in _RESOURCES},
    }
    with_json, with_yaml = read_template(json.dumps(body)), read_template(yaml.safe_dump(body))
    assert with_json.resources == with_yaml.resources
