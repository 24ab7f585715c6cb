"""A template of a few kilobytes that stands for terabytes is refused before any of it is built."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from csoc.emulator.cloudformation.template.model import TemplateError
from csoc.emulator.cloudformation.template.reading import read_template
from csoc.emulator.cloudformation.template.room import LONGEST_TEXT, MOST_CHARACTERS
from tests.unit.emulator.cloudformation.stack_world import World, template, thing

_MOST_BYTES = 100_000_000


def nested(levels: int, repeated: int = 40) -> Any:
    """A text of `repeated` to the power of `levels` characters."""
    value: Any = "x"
    for _ in range(levels):
        value = {"Fn::Sub": ["${a}" * repeated, {"a": value}]}
    return value


def commas(levels: int = 3) -> Any:
    """A list of 64,000 texts."""
    return {"Fn::Split": ["x", nested(levels)]}


LONG = nested(3)  # 64,000 characters
HOSTILE: Mapping[str, Any] = {
    "Sub": nested(9),
    "Sub of parameters": {"Fn::Sub": "${P}" * 300},
    "Join of long delimiters": {"Fn::Join": ["d" * 10_000, commas()]},
    "Join of long texts": {"Fn::Join": ["", [LONG] * 20]},
    "Base64": {"Fn::Base64": {"Fn::Sub": ["${a}" * 13, {"a": LONG}]}},
    "FindInMap": [{"Fn::FindInMap": ["M", "k", "long"]}] * 500,
    "Select": [{"Fn::Select": [0, [LONG]]}] * 50,
    "lists": [commas()] * 50,
    "lists of parameters": [{"Ref": "L"}] * 1000,
    "If": [{"Fn::If": ["Always", LONG, ""]}] * 50,
    "dynamic references": "{{resolve:ssm:/p}}" * 300,
    "dynamic references that are made": {"Fn::Sub": ["${a}" * 300, {"a": "{{resolve:ssm:/p}}"}]},
    "attributes": [{"Fn::GetAtt": ["B", "Size"]}] * 100,
    "a key below": {"Deep": [1, {"Down": nested(9)}]},
}
SECTIONS = {
    "Parameters": {
        "P": {"Type": "String", "Default": "p" * 4096},
        "L": {"Type": "CommaDelimitedList", "Default": "," * 4095},
    },
    "Mappings": {"M": {"k": {"long": "m" * 10_000}}},
    "Conditions": {"Always": {"Fn::Equals": ["1", 1]}},
}


@pytest.fixture
def world() -> World:
    world = World()
    world.outside.parameters = {"/p": "v" * 4096}
    return world


@pytest.fixture
def bounded() -> Iterator[None]:
    """What the test does takes little memory, whatever it says."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < _MOST_BYTES, f"{peak} bytes were taken"


def reason(world: World, logical_id: str, status: str) -> str:
    events = world.stack().events
    return next(event.reason for event in events if (event.logical_id, event.status) == (logical_id, status))


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_resource_whose_functions_make_too_much_fails_with_its_property(world: World, name: str) -> None:
    resources = {
        "A": thing(Size=HOSTILE[name], dependsOn="B"),
        "B": thing(Size=LONG),
    }
    assert world.create(resources, sections=SECTIONS) == "ROLLBACK_COMPLETE"
    told = reason(world, "A", "CREATE_FAILED")
    assert told.startswith("Template error: the functions at [/Resources/A/Properties/Size"), told
    assert f"more than {LONGEST_TEXT} characters" in told or f"more than {MOST_CHARACTERS} characters" in told
    assert world.things.held == {}


def test_the_way_to_a_text_that_is_too_long_leads_through_lists_and_maps(world: World) -> None:
    world.create({"A": thing(Size=HOSTILE["a key below"])})
    assert "[/Resources/A/Properties/Size/Deep/1/Down]" in reason(world, "A", "CREATE_FAILED")


@pytest.mark.usefixtures("bounded")
def test_secrets_that_make_too_much_fail_the_call_that_needs_them(world: World) -> None:
    world.outside.secrets = {"s": "v" * 65_536}
    assert world.create({"A": thing(Secret="{{resolve:secretsmanager:s}}" * 100)}) == "ROLLBACK_COMPLETE"
    assert "the functions at [/Secret] would make a text of more than" in reason(world, "A", "CREATE_FAILED")


@pytest.mark.usefixtures("bounded")
def test_properties_of_many_resources_are_bounded_together(world: World) -> None:
    large = [{"Fn::Sub": ["${a}" * 10, {"a": LONG}]}] * 2
    assert world.create({f"R{number:02d}": thing(Size=large) for number in range(20)}) == "ROLLBACK_COMPLETE"
    told = [event.reason for event in world.stack().events if event.status == "CREATE_FAILED"]
    assert any("properties of all resources of the stack of more than" in found for found in told)


@pytest.mark.usefixtures("bounded")
def test_a_change_set_of_too_much_fails_with_the_property(world: World) -> None:
    world.create({"A": thing(Size=1)})
    planned = world.plan({"A": thing(Size=nested(9))})
    assert (planned["Status"], planned["Changes"]) == ("FAILED", [])
    assert "[/Resources/A/Properties/Size]" in planned["StatusReason"]
    large = [{"Fn::Sub": ["${a}" * 10, {"a": LONG}]}] * 2
    planned = world.plan({f"R{number:02d}": thing(Size=large) for number in range(20)}, set_name="many")
    assert planned["Status"] == "FAILED"
    assert "properties of all resources of the stack" in planned["StatusReason"]


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize(
    ("outputs", "place"),
    [
        ({"O": {"Value": nested(9)}}, "[/Outputs/O/Value]"),
        ({"O": {"Value": "v", "Export": {"Name": nested(9)}}}, "[/Outputs/O/Export/Name]"),
        ({f"O{number:03d}": {"Value": {"Fn::Sub": ["${a}" * 2, {"a": LONG}]}} for number in range(40)}, "[/Outputs/O0"),
    ],
    ids=["value", "export", "many"],
)
def test_outputs_that_make_too_much_roll_the_stack_back(world: World, outputs: Mapping[str, Any], place: str) -> None:
    assert world.create({"A": thing()}, sections={"Outputs": outputs}) == "ROLLBACK_COMPLETE"
    assert f"the functions at {place}" in reason(world, "app", "ROLLBACK_IN_PROGRESS")


@pytest.mark.usefixtures("bounded")
def test_a_condition_of_too_much_is_named_wherever_it_is_asked_for(world: World) -> None:
    conditions = {"C": {"Fn::Equals": [nested(9), "a"]}}
    body = template({"A": thing(condition="C")}, Conditions=conditions)
    refused = world.refused("CreateStack", StackName="app", TemplateBody=body)
    assert "the functions at [/Conditions/C] would make a text of more than" in refused.message
    sections = {"Conditions": conditions}
    assert world.create({"A": thing(Size={"Fn::If": ["C", 1, 2]})}, sections=sections) == "ROLLBACK_COMPLETE"
    assert "the functions at [/Conditions/C] would make" in reason(world, "A", "CREATE_FAILED")


def test_a_condition_that_needs_itself_by_if_is_refused() -> None:
    needs_itself = {"Fn::Equals": [{"Fn::If": ["C", "a", "b"]}, "a"]}
    with pytest.raises(TemplateError, match="Circular dependency between conditions"):
        read_template(template({"A": thing()}, Conditions={"C": needs_itself}))


def test_conditions_that_need_each_other_in_a_long_row_end(world: World) -> None:
    conditions: dict[str, Any] = {f"C{number}": {"Condition": f"C{number + 1}"} for number in range(1400)}
    conditions["C1400"] = {"Fn::Equals": ["a", "a"]}
    assert world.create({"A": thing(condition="C0")}, sections={"Conditions": conditions}) == "CREATE_COMPLETE"


def test_what_a_template_may_say_in_full_is_made(world: World) -> None:
    assert world.create({"A": thing(Size={"Fn::Sub": ["${a}" * 16, {"a": LONG}]})}) == "CREATE_COMPLETE"
    assert len(world.things.held[world.physical("A")]["Size"]) == 16 * 64_000


def test_memory_that_is_not_there_fails_the_resource_and_the_outputs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.outside, "resolved", _no_memory)
    assert world.create({"A": thing(Size="{{resolve:ssm:/p}}")}) == "ROLLBACK_COMPLETE"
    assert "failed with MemoryError" in reason(world, "A", "CREATE_FAILED")
    sections = {"Outputs": {"O": {"Value": "{{resolve:ssm:/p}}"}}}
    assert world.create({"A": thing()}, "other", sections=sections) == "ROLLBACK_COMPLETE"


def test_memory_that_is_not_there_fails_the_change_set_and_its_execution(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.create({"A": thing()})
    sections = {"Conditions": {"C": {"Fn::Equals": ["{{resolve:ssm:/p}}", "a"]}}}
    wanted = {"A": thing(Size={"Fn::If": ["C", 1, 2]})}
    world.plan(wanted, sections=sections, set_name="late")
    monkeypatch.setattr(world.outside, "resolved", _no_memory)
    planned = world.plan(wanted, sections=sections, set_name="early")
    assert (planned["Status"], "MemoryError" in planned["StatusReason"]) == ("FAILED", True)
    world.ask("ExecuteChangeSet", StackName="app", ChangeSetName="late")
    world.done()
    assert world.status() == "UPDATE_ROLLBACK_COMPLETE"


def _no_memory(*_: object) -> str:
    raise MemoryError


def test_properties_in_events_are_cut_and_say_so(world: World) -> None:
    world.topics.told = []
    world.create({"A": thing(Size=LONG), "B": thing(Size="short")})
    told = {event.logical_id: event.properties for event in world.stack().events}
    assert told["A"].endswith("... (the emulator's events have the first 32768 of 64012 characters)")
    assert json.loads(told["B"]) == {"Size": "short"}
    assert max(len(event.properties) for event in world.stack().events) < 33_000


def test_aliases_that_stand_for_much_text_are_refused() -> None:
    aliases = "".join(f"  M{number}: *long\n" for number in range(200))
    text = f"Metadata:\n  L: &long {'m' * 40_000}\n{aliases}Resources: {{A: {{Type: 'Test::Memory::Thing'}}}}\n"
    with pytest.raises(TemplateError, match="stands for more than 4194304 characters"):
        read_template(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"Metadata":\n {"a": NaN}}', "JSON not well-formed. NaN is no number that JSON has (line 2, column 8)"),
        ('{"Metadata": {"s": "NaN", "a": -Infinity}}', "JSON not well-formed. -Infinity is no number"),
        ('{"Metadata": {"a": 1e999}}', "JSON not well-formed. 1e999 is no number that JSON has (line 1, column 20)"),
        ('{"a":\n\n' + "9" * 5000 + "}", "JSON not well-formed. A number has more than 100 digits"),
        ('{"a":\n\n' + "9" * 5000 + "}", "(line 3, column 1)"),
        ('{"a": {"b": 1},\n "b": 1,\n "\\u0061": 2}', "JSON not well-formed. Duplicate key a (line 3, column 2)"),
        ('{"a": {"b": "\\"b\\":"},\n "b": }}', "JSON not well-formed. (line 2, column 7)"),
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "YAML not well-formed. Duplicate key c (line 4, column 3)"),
        ("a: 1\nb: " + "9" * 5000, "YAML not well-formed. A number has more than 100 digits"),
        ("a: 1\nb: 0x" + "f" * 50_000, "(line 2, column 4)"),
        ("a: 1\nb: .inf", "YAML not well-formed. .inf is no number that JSON has (line 2, column 4)"),
        ("a: 1\nb: .nan", "YAML not well-formed. .nan is no number that JSON has (line 2, column 4)"),
        ("a: 1\nb: !!int x", "YAML not well-formed. x is no number (line 2, column 4)"),
    ],
)
def test_what_is_not_well_formed_is_named_with_its_language_and_line(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        read_template(text)
    assert message in str(refused.value)


def test_json_that_only_yaml_takes_is_taken() -> None:
    body = template({"A": thing()})
    assert read_template(body[:-1] + ",}").resources.keys() == {"A"}
