"""Names that are made up, identifiers of several parts, and what is remembered of resources without an object."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.emulator.cloudformation.resources.handler import Context, ResourceError
from csoc.emulator.cloudformation.resources.placed import Placed
from csoc.emulator.cloudformation.resources.service_type import gone_and_new, made_up_name, pieces
from csoc.emulator.cloudformation.resources.table import HANDLERS

_NAMES = st.text("abcXYZ019", min_size=1, max_size=100)


def context(stack: str = "fleet", logical: str = "Thing", region: str = "ap-southeast-2") -> Context:
    def nobody(service: str) -> Any:
        raise AssertionError(f"{service} was called")

    name = f"{stack}-{logical}-A1B2C3D4E5F6"
    return Context(nobody, "1" * 12, region, f"stack/{stack}", stack, logical, name, "token")


def test_a_name_that_fits_is_the_stack_the_logical_id_and_a_suffix() -> None:
    assert made_up_name(context()) == "fleet-Thing-A1B2C3D4E5F6"
    assert made_up_name(context(), small=True) == "fleet-thing-a1b2c3d4e5f6"


@given(_NAMES, _NAMES, st.integers(28, 255))
def test_a_name_is_cut_so_that_it_fits_and_keeps_its_suffix(stack: str, logical: str, longest: int) -> None:
    name = made_up_name(context(stack, logical), longest)
    assert len(name) <= longest
    assert name.endswith("-A1B2C3D4E5F6")
    assert name[0] not in "-"


def test_a_long_stack_leaves_room_for_the_logical_id() -> None:
    assert made_up_name(context("s" * 128, "Database"), 63).startswith("s" * 20)
    assert "-Database-" in made_up_name(context("s" * 128, "Database"), 63)


def test_what_goes_and_what_comes_keep_their_order() -> None:
    assert gone_and_new(["c", "a", "b"], ["d", "b", "e"]) == (["c", "a"], ["d", "e"])


def test_an_identifier_of_too_few_parts_is_refused() -> None:
    assert pieces("group|stream|with|bars") == ["group", "stream|with|bars"]
    with pytest.raises(ResourceError, match="'alone' is no identifier of 2 parts"):
        pieces("alone")


def test_what_was_never_placed_differs_from_what_was_deleted() -> None:
    placed = Placed()
    assert placed.kept(context(), "it") is None
    placed.keep(context(), "it", {"Queues": ["a"]})
    assert placed.kept(context(), "it") == {"Queues": ["a"]}
    assert placed.kept(context(region="us-east-1"), "it") is None
    placed.forget(context(), "it")
    assert placed.kept(context(), "it") == {}


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("AWS::IAM::Policy", "restart"),
        ("AWS::IAM::UserToGroupAddition", "restart"),
        ("AWS::SQS::QueuePolicy", "restart"),
    ],
)
def test_reading_what_nothing_is_known_of_says_why(kind: str, word: str) -> None:
    with pytest.raises(ResourceError, match=word):
        HANDLERS[kind].read(context(), "fleet-Thing-never")
