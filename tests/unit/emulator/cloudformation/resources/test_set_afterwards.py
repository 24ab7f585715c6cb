"""When properties that no create call takes are set: once the resource is there, and when some of them change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from csoc.emulator.cloudformation.resources.declared import Declared
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.table import HANDLERS

ID = "thing-1"


class Thing(Declared):
    """Something of a service that nobody calls; done: what happened to it, in order."""

    type_name, service, tags = "AWS::Test::Thing", "test", ""
    takes, afterwards, at_first = ("Size",), ("Logging", "Policy"), {"Logging": False}
    attributes: ClassVar[Mapping[str, str]] = {"Id": ""}

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.refused = False

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        self.done.append("made")
        return ID

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        if self.refused:
            raise ResourceError("The policy is wrong", "InvalidRequest")
        self.done.append((dict(before), dict(after)))

    def finish(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        self.done.append("finished")

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        self.done.append("removed")


@pytest.fixture
def thing() -> Thing:
    return Thing()


@pytest.fixture
def context() -> Context:
    return Context(lambda _: None, "1" * 12, "eu-west-1", "arn:x", "stack", "It", "stack-It-ABC", "token")


def test_they_are_set_once_the_resource_is_there_and_before_it_is_finished(thing: Thing, context: Context) -> None:
    given = {"Size": 1, "Logging": True}
    thing.create(context, given)
    assert thing.done == ["made", ({"Logging": False}, given), "finished"]


@pytest.mark.parametrize("given", [{"Size": 1, "Logging": False}, {"Logging": False}])
def test_what_a_new_resource_has_anyhow_is_not_set(thing: Thing, context: Context, given: Mapping[str, Any]) -> None:
    thing.create(context, given)
    assert thing.done == ["made", "finished"]


def test_what_cannot_be_set_takes_the_new_resource_along(thing: Thing, context: Context) -> None:
    thing.refused = True
    with pytest.raises(ResourceError, match="The policy is wrong"):
        thing.create(context, {"Policy": "x"})
    assert thing.done == ["made", "removed"]


def test_they_are_set_again_when_one_of_them_changes(thing: Thing, context: Context) -> None:
    before, after = {"Logging": True, "Policy": "x"}, {"Logging": True}
    thing.update(context, ID, before, after)
    assert thing.done == [(before, after)]


def test_they_are_left_alone_when_none_of_them_changes(thing: Thing, context: Context) -> None:
    thing.update(context, ID, {"Logging": True}, {"Logging": True})
    assert thing.done == []
    with pytest.raises(ResourceError, match="does not change Size of AWS::Test::Thing in place"):
        thing.update(context, ID, {"Size": 1, "Logging": True}, {"Size": 2, "Logging": True})
    assert thing.done == []


@pytest.mark.parametrize(
    "handler",
    [handler for handler in HANDLERS.values() if isinstance(handler, Declared)],
    ids=lambda handler: handler.type_name,
)
def test_a_type_has_such_properties_exactly_if_it_says_how_they_are_set(handler: Declared) -> None:
    says_how = type(handler).set_afterwards is not Declared.set_afterwards
    assert bool(handler.afterwards) == says_how
    assert not set(handler.at_first) - set(handler.afterwards)
    others = {*handler.takes, *handler.renamed, *handler.also}
    assert not set(handler.afterwards) & others, "one way to set a property is enough"
