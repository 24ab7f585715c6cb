"""What is a difference: three-way merges, jq paths, projects' patterns, waves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.emulator.kubernetes.argocd import jqpaths, projects, threeway
from csoc.emulator.kubernetes.argocd.tasks import Task, in_order, reverse_prune_waves
from csoc.emulator.kubernetes.kinds.schemas import Schema
from csoc.emulator.kubernetes.kinds.types import built_in

Object = dict[str, Any]

POD = next(one for one in built_in() if one.kind == "Pod").schema
VALUES = st.recursive(
    st.one_of(st.integers(0, 3), st.sampled_from("abc")),
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(st.sampled_from("abcd"), below, max_size=3)),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)


@given(OBJECTS, OBJECTS, OBJECTS)
def test_applying_what_was_applied_changes_nothing_more(original: Object, wanted: Object, live: Object) -> None:
    once = threeway.merged(None, original, wanted, live)
    assert threeway.merged(None, wanted, wanted, once) == once


@given(OBJECTS, OBJECTS)
def test_what_is_wanted_is_there_afterwards(wanted: Object, live: Object) -> None:
    made = threeway.merged(None, wanted, wanted, live)
    assert threeway.without_others(wanted, made) == threeway.without_others(wanted, wanted)


def test_what_was_applied_and_is_wanted_no_longer_goes_and_what_others_added_stays() -> None:
    made = threeway.merged(None, {"a": 1, "b": 1}, {"a": 2}, {"a": 1, "b": 1, "c": 1})
    assert made == {"a": 2, "c": 1}


@pytest.mark.parametrize("schema", [None, POD])
def test_a_field_of_a_map_goes_when_it_is_wanted_no_longer(schema: Schema | None) -> None:
    before = {"spec": {"nodeName": "n", "hostNetwork": True}}
    live = {"spec": {"nodeName": "n", "hostNetwork": True, "priority": 0}}
    made = threeway.merged(schema, before, {"spec": {"hostNetwork": True}}, live)
    assert made == {"spec": {"hostNetwork": True, "priority": 0}}


def test_lists_of_built_in_kinds_merge_by_their_keys() -> None:
    def pod(*containers: Object) -> Object:
        return {"spec": {"containers": list(containers)}}

    live = pod({"name": "injected", "image": "proxy"}, {"name": "app", "image": "app:1", "imagePullPolicy": "Always"})
    wanted = pod({"name": "app", "image": "app:2"})
    made = threeway.merged(POD, pod({"name": "app", "image": "app:1"}), wanted, live)
    assert made == pod(
        {"name": "injected", "image": "proxy"}, {"name": "app", "image": "app:2", "imagePullPolicy": "Always"}
    )
    gone = threeway.merged(POD, live, wanted, live)
    assert [one["name"] for one in gone["spec"]["containers"]] == ["app"]


def test_lists_of_custom_resources_are_replaced_if_they_differ_beyond_defaults() -> None:
    defaulted: dict[str, Any] = {"data": [{"key": "a", "conversionStrategy": "Default"}]}
    wanted: dict[str, Any] = {"data": [{"key": "a"}]}
    assert threeway.merged(None, wanted, wanted, defaulted) == defaulted
    other: dict[str, Any] = {"data": [{"key": "b"}]}
    assert threeway.merged(None, wanted, other, defaulted) == other


DOCUMENT = {
    "spec": {
        "replicas": 2,
        "a-b": 1,
        "containers": [{"name": "x", "env": [1]}, {"name": "y"}],
    }
}


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        (".spec.replicas", [("spec", "replicas")]),
        ('.spec."a-b"', [("spec", "a-b")]),
        ('.spec["a-b"]', [("spec", "a-b")]),
        (".spec.containers[].name", [("spec", "containers", 0, "name"), ("spec", "containers", 1, "name")]),
        (".spec.containers[1]", [("spec", "containers", 1)]),
        ('.spec.containers[] | select(.name == "y")', [("spec", "containers", 1)]),
        ('.spec.containers[] | select(.name != "y" and .env) | .env', [("spec", "containers", 0, "env")]),
        ('.spec.containers[] | select(.name | startswith("x")).name', [("spec", "containers", 0, "name")]),
        ('.spec.containers[]? | select(.name | contains("y") | not)', [("spec", "containers", 0)]),
        (".none[]?", []),
    ],
)
def test_jq_paths(expression: str, found: list[Any]) -> None:
    assert jqpaths.paths(expression, DOCUMENT) == found


@pytest.mark.parametrize("expression", ["del(.a)", ".a | map(.b)", ".a |= 1", 'test("(a+)+$")', "." * 3_000])
def test_jq_beyond_the_subset_is_refused_by_name(expression: str) -> None:
    with pytest.raises(jqpaths.JqError):
        jqpaths.paths(expression, {})


def test_paths_are_taken_out_from_the_end() -> None:
    document = {"a": [1, 2, 3]}
    jqpaths.remove(document, [("a", 0), ("a", 2), ("b",)])
    assert document == {"a": [2]}


@pytest.mark.parametrize(
    ("rules", "url", "permitted"),
    [
        (["*"], "https://x.org/a.git", True),
        (["https://x.org/a"], "https://X.org/a.git", True),
        (["https://x.org/*"], "https://x.org/a/b", False),
        (["https://x.org/**"], "https://x.org/a/b", True),
        (["*", "!https://x.org/a"], "https://x.org/a", False),
        ([], "https://x.org/a", False),
    ],
)
def test_source_patterns(rules: list[str], url: str, permitted: bool) -> None:
    assert projects.source_permitted({"spec": {"sourceRepos": rules}}, url) is permitted


@pytest.mark.parametrize(
    ("destinations", "permitted"),
    [
        ([{"server": "*", "namespace": "*"}], True),
        ([{"name": "in-cluster", "namespace": "gen3-*"}], True),
        ([{"server": projects.SERVER, "namespace": "other"}], False),
        ([{"server": "*", "namespace": "*"}, {"server": "*", "namespace": "!gen3-*"}], False),
    ],
)
def test_destination_patterns(destinations: list[Object], permitted: bool) -> None:
    assert projects.destination_permitted({"spec": {"destinations": destinations}}, "gen3-dev") is permitted


def task(
    kind: str, name: str, wave: int = 0, phase: str = "Sync", *, prune: bool = False, namespace: str = "a"
) -> Task:
    body: Object = {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "annotations": {"argocd.argoproj.io/sync-wave": str(wave)}},
    }
    if kind != "Namespace":
        body["metadata"]["namespace"] = namespace
    return Task(phase, None if prune else body, body if prune else None)


def names(tasks: list[Task]) -> list[str]:
    return [one.body["metadata"]["name"] for one in tasks]


def test_tasks_run_by_phase_wave_kind_and_name() -> None:
    tasks = [
        task("Service", "s"),
        task("ConfigMap", "b"),
        task("ConfigMap", "a"),
        task("Thing", "t"),
        task("Job", "after", phase="PostSync"),
        task("Job", "before", phase="PreSync"),
        task("ConfigMap", "early", -1),
    ]
    assert names(in_order(tasks)) == ["before", "early", "a", "b", "s", "t", "after"]


def test_a_namespace_comes_before_what_is_in_it_whatever_its_wave() -> None:
    tasks = in_order([task("Namespace", "a", 5), task("ConfigMap", "m", -1)])
    assert names(tasks) == ["a", "m"]
    assert tasks[0].wave == -1


def test_what_is_pruned_goes_in_reverse_order() -> None:
    tasks = [task("ConfigMap", str(wave), wave, prune=True) for wave in (0, 1, 2)]
    reverse_prune_waves(tasks, prune_last=False)
    assert names(in_order(tasks)) == ["2", "1", "0"]
