"""What would change in a cluster: nothing between equals, each thing once, and never a secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.fleet.charts import RenderedObject
from csoc.provisioning.plans import LayerPlan, PlanKind
from csoc.provisioning.rendered import beyond, changes_between, objects_of
from csoc.provisioning.stacks import Action, ResourceChange

_LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=6))
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
_BODIES = st.dictionaries(st.text(max_size=4), _VALUES, max_size=4)
_OBJECTS = st.dictionaries(st.sampled_from(["A a", "A b", "B a", "B b"]), _BODIES)


def made(kind: str, name: str, **body: Any) -> RenderedObject:
    metadata = {"name": name, **body.pop("metadata", {})}
    return RenderedObject("t.yaml", {"apiVersion": "v1", "kind": kind, "metadata": metadata, **body})


def objects(*items: RenderedObject) -> Mapping[str, Mapping[str, Any]]:
    return objects_of(items, items)


@given(_OBJECTS, _OBJECTS)
def test_each_object_that_differs_is_told_once_and_no_other(
    before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]
) -> None:
    found = {one.logical_id: one.action for one in changes_between(before, after)}
    expected = dict.fromkeys(after.keys() - before.keys(), Action.ADD)
    expected |= dict.fromkeys(before.keys() - after.keys(), Action.REMOVE)
    # As JSON compares: 1 is not true.
    both = [
        name
        for name in before.keys() & after.keys()
        if json.dumps(before[name], sort_keys=True) != json.dumps(after[name], sort_keys=True)
    ]
    expected |= dict.fromkeys(both, Action.MODIFY)
    assert found == expected
    assert changes_between(before, before) == ()


@given(_OBJECTS, _OBJECTS)
def test_what_is_changed_says_where(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> None:
    for one in changes_between(before, after):
        assert bool(one.properties) == (one.action is Action.MODIFY)
        assert all(change.before != change.after for change in one.properties)


def test_a_property_is_shown_before_and_after() -> None:
    before, after = objects(made("Thing", "a", spec={"replicas": 1})), objects(made("Thing", "a", spec={"replicas": 3}))
    (change,) = changes_between(before, after)
    assert (change.logical_id, change.type) == ("Thing a", "v1 Thing")
    assert [(one.path, one.before, one.after) for one in change.properties] == [("/spec/replicas", "1", "3")]


def test_a_secret_that_changes_is_said_to_and_not_shown() -> None:
    before = objects(made("Secret", "a", data={"password": "b2xkLWNhbmFyeQ=="}))
    after = objects(made("Secret", "a", data={"password": "bmV3LWNhbmFyeQ=="}))
    (change,) = changes_between(before, after)
    assert change.properties[0].path == "/data/password"
    assert "canary" not in repr(change)
    assert "Y2FuYXJ5" not in repr(change)


def test_of_long_texts_only_the_lines_that_differ_are_shown() -> None:
    text = "\n".join(f"line {number}" for number in range(50))
    before = objects(made("ConfigMap", "a", data={"f": text}))
    after = objects(made("ConfigMap", "a", data={"f": text.replace("line 7\n", "line seven\n")}))
    ((one,),) = [change.properties for change in changes_between(before, after)]
    assert (one.before, one.after) == ("line 7", "line seven")


def test_what_a_chart_makes_up_anew_is_no_change() -> None:
    first = made("Secret", "a", data={"key": "b25l"})
    second = made("Secret", "a", data={"key": "dHdv"})
    third = made("Secret", "a", data={"key": "dGhyZWU="})
    fourth = made("Secret", "a", data={"key": "Zm91cg=="})
    assert changes_between(objects_of([first], [second]), objects_of([third], [fourth])) == ()


def test_stand_ins_are_shown_as_words() -> None:
    before = objects(made("Thing", "a", spec={"host": "db.example.org"}))
    after = objects(made("Thing", "a", spec={"host": "database.later.invalid"}))
    ((one,),) = [
        change.properties for change in changes_between(before, after, {"database.later.invalid": "(known once made)"})
    ]
    assert one.after == "(known once made)"


def test_two_objects_of_one_name_in_two_namespaces_are_two() -> None:
    found = objects(made("Thing", "a", metadata={"namespace": "x"}), made("Thing", "a", metadata={"namespace": "y"}))
    assert set(found) == {"Thing a", "Thing y/a"}


def test_more_changes_than_anybody_reads_are_cut_and_said_to_be() -> None:
    before = objects(made("Thing", "a", spec={str(number): 1 for number in range(500)}))
    after = objects(made("Thing", "a", spec={str(number): 2 for number in range(500)}))
    (change,) = changes_between(before, after)
    assert len(change.properties) == 101
    assert change.properties[-1].after == "more differs than is shown here"
    assert len(json.dumps([one.path for one in change.properties])) < 5_000


def layer(kind: PlanKind, *changes: tuple[Action, str]) -> LayerPlan:
    return LayerPlan("gen3", "a", kind, changes=tuple(ResourceChange(action, name, "v1 T") for action, name in changes))


@pytest.mark.parametrize(
    ("shown", "now", "more"),
    [
        (layer(PlanKind.RENDERED, (Action.ADD, "T a")), layer(PlanKind.RENDERED, (Action.ADD, "T a")), []),
        (layer(PlanKind.RENDERED, (Action.ADD, "T a")), layer(PlanKind.RENDERED), []),
        (layer(PlanKind.RENDERED), layer(PlanKind.RENDERED, (Action.MODIFY, "T a")), ["T a"]),
        (layer(PlanKind.PREVIEW), layer(PlanKind.RENDERED, (Action.MODIFY, "T a")), []),
        (layer(PlanKind.PREVIEW), layer(PlanKind.RENDERED, (Action.ADD, "T a")), ["T a"]),
        (layer(PlanKind.PREVIEW), layer(PlanKind.RENDERED, (Action.REMOVE, "T a")), ["T a"]),
        (layer(PlanKind.RENDERED, (Action.MODIFY, "T a")), layer(PlanKind.RENDERED, (Action.REMOVE, "T a")), ["T a"]),
    ],
)
def test_what_was_not_shown_is_beyond_the_plan(shown: LayerPlan, now: LayerPlan, more: list[str]) -> None:
    assert [one.logical_id for one in beyond(shown, now)] == more
