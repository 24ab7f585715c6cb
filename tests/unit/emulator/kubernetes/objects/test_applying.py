"""Server-side apply: what several managers own together. Compared with a real server in test_cluster_likeness."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.kinds import schemas
from csoc.emulator.kubernetes.objects import fieldsets, managers, merging
from csoc.emulator.kubernetes.objects.managers import Writer

DEPLOYMENT = schemas.of_kind("apps", "v1", "Deployment")
NAMES = st.sampled_from(["a", "b", "c", "d"])
TEXTS = st.sampled_from(["1", "2", "3"])


def container(draw: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"name": draw(NAMES)}
    for field, values in (("image", TEXTS), ("command", st.lists(TEXTS, min_size=1, max_size=2))):
        if draw(st.booleans()):
            made[field] = draw(values)
    env = draw(st.dictionaries(NAMES, TEXTS, max_size=3))
    if env:
        made["env"] = [{"name": name, "value": value} for name, value in env.items()]
    return made


@st.composite
def configurations(draw: Any) -> dict[str, Any]:
    """What somebody may apply: labels, a set, keyed lists in keyed lists, scalars, an atomic list."""
    body: dict[str, Any] = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}}
    labels = draw(st.dictionaries(NAMES, TEXTS, max_size=3))
    if labels:
        body["metadata"]["labels"] = labels
    finalizers = draw(st.lists(NAMES, unique=True, max_size=2))
    if finalizers:
        body["metadata"]["finalizers"] = finalizers
    spec: dict[str, Any] = {}
    if draw(st.booleans()):
        spec["replicas"] = draw(st.integers(0, 3))
    containers = {made["name"]: made for made in (container(draw) for _ in range(draw(st.integers(0, 3))))}
    if containers:
        spec["template"] = {"spec": {"containers": list(containers.values())}}
    if spec:
        body["spec"] = spec
    return body


def apply(live: dict[str, Any], body: dict[str, Any], who: str, *, force: bool = True) -> dict[str, Any]:
    writer = Writer(who, "apps/v1", "", "2026-01-01T00:00:00Z")
    return managers.apply(DEPLOYMENT, copy.deepcopy(live), copy.deepcopy(body), writer, force=force)


def created(body: dict[str, Any], who: str) -> dict[str, Any]:
    made = apply({}, body, who)
    made["metadata"]["uid"] = "u"
    return made


def owned(live: dict[str, Any]) -> dict[str, fieldsets.FieldSet]:
    return {row["manager"]: fieldsets.decoded(row["fieldsV1"]) for row in live["metadata"].get("managedFields", ())}


def fields(live: dict[str, Any]) -> fieldsets.FieldSet:
    return merging.field_set(
        DEPLOYMENT, {key: value for key, value in live.items() if key != "metadata"}
    ) | merging.field_set(
        DEPLOYMENT, {"metadata": {key: value for key, value in live["metadata"].items() if key != "managedFields"}}
    )


@given(configurations(), configurations())
@settings(max_examples=150, deadline=None)
def test_applying_twice_changes_nothing(first: dict[str, Any], second: dict[str, Any]) -> None:
    live = apply(created(first, "one"), second, "two")
    assert apply(live, second, "two") == live


@given(configurations(), configurations())
@settings(max_examples=150, deadline=None)
def test_managers_of_equal_values_or_different_fields_never_conflict(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    live = created(first, "one")
    merged = merging.merge(DEPLOYMENT, first, second)
    disjoint = not (merging.compare(DEPLOYMENT, first, merged).modified & merging.field_set(DEPLOYMENT, first))
    if disjoint:
        both = apply(live, second, "two", force=False)
        assert merging.field_set(DEPLOYMENT, second) - managers._NEVER_OWNED <= owned(both).get("two", frozenset())
    else:
        with pytest.raises(ApiError, match="Apply failed with"):
            apply(live, second, "two", force=False)


@given(configurations(), configurations(), configurations())
@settings(max_examples=200, deadline=None)
def test_what_one_removes_goes_only_if_nobody_else_owns_it(
    first: dict[str, Any], second: dict[str, Any], later: dict[str, Any]
) -> None:
    live = apply(created(first, "one"), second, "two")
    after = apply(live, later, "one")
    mine_before, mine_now = owned(live).get("one", frozenset()), owned(after).get("one", frozenset())
    others = owned(after).get("two", frozenset())
    there = fields(after)
    leaves = {
        path
        for path in fields(live)
        if not any(len(one) > len(path) and one[: len(path)] == path for one in fields(live))
    }
    for path in leaves & mine_before - mine_now - others:
        assert path not in there or path in fields(later), fieldsets.shown(path)
    for path in others:
        assert path in there, f"{fieldsets.shown(path)} of another manager is gone"


@given(configurations(), configurations())
@settings(max_examples=100, deadline=None)
def test_owners_survive_being_written_and_read(first: dict[str, Any], second: dict[str, Any]) -> None:
    live = apply(created(first, "one"), second, "two")
    rows = live["metadata"].get("managedFields", [])
    assert managers.written(managers.read(rows)) == rows
    for row in rows:
        assert fieldsets.encoded(fieldsets.decoded(row["fieldsV1"])) == row["fieldsV1"]


def test_a_conflict_names_manager_and_field() -> None:
    live = created({"metadata": {"name": "x", "labels": {"a": "1"}}, "spec": {"replicas": 1}}, "one")
    with pytest.raises(ApiError) as caught:
        apply(live, {"metadata": {"name": "x", "labels": {"a": "2"}}, "spec": {"replicas": 2}}, "two", force=False)
    assert caught.value.message == (
        'Apply failed with 2 conflicts: conflicts with "one":\n- .metadata.labels.a\n- .spec.replicas'
    )
    assert caught.value.status()["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".metadata.labels.a"},
        {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".spec.replicas"},
    ]


def test_force_takes_the_field_away_from_the_other() -> None:
    live = apply(
        created({"metadata": {"name": "x"}, "spec": {"replicas": 1}}, "one"),
        {"metadata": {"name": "x"}, "spec": {"replicas": 2}},
        "two",
    )
    assert live["spec"]["replicas"] == 2
    assert list(owned(live)) == ["two"]


def test_an_update_is_owned_by_who_wrote_it_and_taken_from_who_applied() -> None:
    live = created({"metadata": {"name": "x"}, "spec": {"replicas": 1, "paused": True}}, "one")
    new = copy.deepcopy(live)
    new["spec"]["replicas"] = 5
    made = managers.update(DEPLOYMENT, live, new, Writer("hand", "apps/v1", "", "2026-01-02T00:00:00Z"))
    assert owned(made) == {"one": {("f:spec", "f:paused")}, "hand": {("f:spec", "f:replicas")}}


def test_the_status_is_owned_apart() -> None:
    live = created({"metadata": {"name": "x"}, "spec": {"replicas": 1}}, "one")
    new = {**copy.deepcopy(live), "status": {"replicas": 1}}
    made = managers.update(DEPLOYMENT, live, new, Writer("one", "apps/v1", "status", "2026-01-02T00:00:00Z"))
    assert [
        (row["manager"], row["operation"], row.get("subresource", "")) for row in made["metadata"]["managedFields"]
    ] == [
        ("one", "Apply", ""),
        ("one", "Update", "status"),
    ]


def test_old_updaters_are_put_together_once_there_are_more_than_ten() -> None:
    live: dict[str, Any] = {"metadata": {"name": "x", "uid": "u"}}
    for number in range(13):
        new = copy.deepcopy(live)
        new["metadata"].setdefault("labels", {})[f"l{number}"] = "1"
        live = managers.update(
            DEPLOYMENT, live, new, Writer(f"m{number}", "apps/v1", "", f"2026-01-01T00:00:{number:02}Z")
        )
    names = [row["manager"] for row in live["metadata"]["managedFields"]]
    assert len(names) == 10
    assert "ancient-changes" in names
    assert ("f:metadata", "f:labels", "f:l0") in owned(live)["ancient-changes"]


def test_a_key_twice_in_what_is_applied_is_refused() -> None:
    containers = [{"name": "a", "image": "1"}, {"name": "a", "image": "2"}]
    with pytest.raises(ApiError, match="duplicate entries for key"):
        apply({}, {"metadata": {"name": "x"}, "spec": {"template": {"spec": {"containers": containers}}}}, "one")
