"""What the API does with objects, without HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from csoc.emulator.kubernetes.access.requests import Query
from csoc.emulator.kubernetes.api import lists
from csoc.emulator.kubernetes.clusters import SimulatedCluster
from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.objects import patches
from csoc.emulator.kubernetes.objects.options import STRICT, Body, Options
from csoc.emulator.kubernetes.store import Key
from tests.unit.emulator.kubernetes import made


@pytest.fixture
def simulated() -> SimulatedCluster:
    return made.cluster()


def config(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": data}


def names(page: lists.Listed) -> list[str]:
    return [text.decode().partition('"name":"')[2].partition('"')[0] for text in page.texts]


def test_the_pages_of_a_list_show_one_moment(simulated: SimulatedCluster) -> None:
    type_ = made.type_of(simulated, "ConfigMap")
    for name in "abcd":
        simulated.objects.create(type_, "default", config(name))
    first = lists.listed(simulated.objects, type_, "default", Query.of("limit=2"))
    simulated.objects.delete(type_, "default", "c")
    simulated.objects.create(type_, "default", config("bb"))
    rest = lists.listed(simulated.objects, type_, "default", Query.of(f"limit=2&continue={first.continue_}"))
    assert (names(first), first.remaining, names(rest), rest.continue_) == (["a", "b"], 2, ["c", "d"], "")
    assert rest.version == first.version
    assert names(lists.listed(simulated.objects, type_, "default", Query.of(""))) == ["a", "b", "bb", "d"]


def test_a_page_too_old_is_refused_with_a_token_that_goes_on_with_what_is_there(simulated: SimulatedCluster) -> None:
    type_ = made.type_of(simulated, "ConfigMap")
    for name in "abc":
        simulated.objects.create(type_, "default", config(name))
    first = lists.listed(simulated.objects, type_, "default", Query.of("limit=1"))
    simulated.objects.delete(type_, "default", "b")
    simulated.store.compact()
    with pytest.raises(ApiError) as caught:
        lists.listed(simulated.objects, type_, "default", Query.of(f"limit=1&continue={first.continue_}"))
    assert (caught.value.code, caught.value.reason) == (410, "Expired")
    token = caught.value.status()["metadata"]["continue"]
    assert names(lists.listed(simulated.objects, type_, "default", Query.of(f"continue={token}"))) == ["c"]


def test_a_definition_adds_its_kind_at_once_and_takes_it_away_with_its_objects(simulated: SimulatedCluster) -> None:
    definitions = made.type_of(simulated, "CustomResourceDefinition", "apiextensions.k8s.io/v1")
    simulated.objects.create(definitions, "", made.definition())
    widgets = made.type_of(simulated, "Widget", "example.org/v1")
    simulated.objects.create(widgets, "default", {"metadata": {"name": "w"}, "spec": {"size": 2}})
    found = simulated.objects.get(definitions, "", "widgets.example.org")
    assert {row["type"]: row["status"] for row in found["status"]["conditions"]} == {
        "NamesAccepted": "True",
        "Established": "True",
    }
    assert found["status"]["storedVersions"] == ["v1"]


def test_names_that_somebody_has_already_are_not_accepted(simulated: SimulatedCluster) -> None:
    definitions = made.type_of(simulated, "CustomResourceDefinition", "apiextensions.k8s.io/v1")
    simulated.objects.create(definitions, "", made.definition())
    simulated.objects.create(definitions, "", made.definition("gadgets"))
    found = simulated.objects.get(definitions, "", "gadgets.example.org")
    accepted = next(row for row in found["status"]["conditions"] if row["type"] == "NamesAccepted")
    assert (accepted["status"], accepted["message"]) == ("False", '"Widget" is already in use')
    assert simulated.objects.types.resource("example.org", "v1", "gadgets") is None


def test_custom_resources_are_pruned_defaulted_and_checked(simulated: SimulatedCluster) -> None:
    definitions = made.type_of(simulated, "CustomResourceDefinition", "apiextensions.k8s.io/v1")
    simulated.objects.create(definitions, "", made.definition(subresources={"status": {}}))
    widgets = made.type_of(simulated, "Widget", "example.org/v1")
    body = {"metadata": {"name": "w"}, "spec": {"size": 2, "nope": 1}, "status": {"seen": True}}
    found = simulated.objects.create(widgets, "default", body)
    assert found["spec"] == {"size": 2, "colour": "red"}
    assert "status" not in found
    with pytest.raises(ApiError, match=r'strict decoding error: unknown field "spec\.nope"'):
        simulated.objects.create(widgets, "default", {**body, "metadata": {"name": "x"}}, Options(validation=STRICT))
    with pytest.raises(
        ApiError, match=r"spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"
    ):
        simulated.objects.create(widgets, "default", {"metadata": {"name": "x"}, "spec": {"size": 0}})
    with pytest.raises(ApiError, match=r'spec.size in body must be of type integer: "string"'):
        simulated.objects.create(widgets, "default", {"metadata": {"name": "x"}, "spec": {"size": "2"}})


def test_only_the_spec_makes_a_new_generation(simulated: SimulatedCluster) -> None:
    definitions = made.type_of(simulated, "CustomResourceDefinition", "apiextensions.k8s.io/v1")
    simulated.objects.create(definitions, "", made.definition(subresources={"status": {}}))
    widgets = made.type_of(simulated, "Widget", "example.org/v1")
    simulated.objects.create(widgets, "default", {"metadata": {"name": "w"}, "spec": {"size": 2}})

    def patch(change: dict[str, Any], part: str = "") -> dict[str, Any]:
        return simulated.objects.patch(widgets, "default", "w", patches.MERGE, Body(change), None, part)

    assert patch({"metadata": {"labels": {"a": "b"}}})["metadata"]["generation"] == 1
    assert patch({"status": {"seen": 1}}, "status")["metadata"]["generation"] == 1
    changed = patch({"spec": {"size": 3}, "status": {"seen": 9}})
    assert (changed["metadata"]["generation"], changed["status"]) == (2, {"seen": 1})
    assert patch({"spec": {"size": 9}, "status": {"seen": 2}}, "status")["spec"]["size"] == 3


def test_versions_of_a_definition_are_the_same_objects(simulated: SimulatedCluster) -> None:
    definition = made.definition()
    older = {**definition["spec"]["versions"][0], "name": "v1beta1", "storage": False}
    definition["spec"]["versions"].append(older)
    definitions = made.type_of(simulated, "CustomResourceDefinition", "apiextensions.k8s.io/v1")
    simulated.objects.create(definitions, "", definition)
    beta, stable = (made.type_of(simulated, "Widget", f"example.org/{version}") for version in ("v1beta1", "v1"))
    simulated.objects.create(beta, "default", {"metadata": {"name": "w"}, "spec": {"size": 2}})
    assert simulated.objects.get(stable, "default", "w")["apiVersion"] == "example.org/v1"
    assert simulated.store.objects("example.org", "widgets")[0]["apiVersion"] == "example.org/v1"
    assert simulated.objects.types.groups["example.org"] == ["v1", "v1beta1"]


def test_scaling_a_custom_resource_changes_the_field_that_its_definition_names(simulated: SimulatedCluster) -> None:
    scale = {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"}
    definitions = made.type_of(simulated, "CustomResourceDefinition", "apiextensions.k8s.io/v1")
    simulated.objects.create(definitions, "", made.definition(subresources={"scale": scale}))
    widgets = made.type_of(simulated, "Widget", "example.org/v1")
    simulated.objects.create(widgets, "default", {"metadata": {"name": "w"}, "spec": {"size": 2}})
    answer = simulated.objects.patch(
        widgets, "default", "w", patches.MERGE, Body({"spec": {"replicas": 5}}), None, "scale"
    )
    assert answer["spec"] == {"replicas": 5}
    assert simulated.objects.get(widgets, "default", "w")["spec"]["size"] == 5


def test_nothing_is_created_in_a_namespace_that_ends(simulated: SimulatedCluster) -> None:
    namespaces = made.type_of(simulated, "Namespace")
    simulated.objects.create(namespaces, "", {"metadata": {"name": "team"}})
    assert simulated.store.get(Key("", "serviceaccounts", "team", "default")) is not None
    last, gone = simulated.objects.delete(namespaces, "", "team")
    assert (last["status"]["phase"], gone) == ("Terminating", False)
    with pytest.raises(ApiError, match="because it is being terminated"):
        simulated.objects.create(made.type_of(simulated, "ConfigMap"), "team", config("a"))


def test_a_pod_gets_its_account_and_token(simulated: SimulatedCluster) -> None:
    pods = made.type_of(simulated, "Pod")
    body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = simulated.objects.create(pods, "default", body)["spec"]
    assert spec["serviceAccountName"] == "default"
    assert spec["containers"][0]["volumeMounts"][0]["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"
    body["spec"]["serviceAccountName"] = "nobody"  # type: ignore[index]
    with pytest.raises(
        ApiError, match='error looking up service account default/nobody: serviceaccount "nobody" not found'
    ):
        simulated.objects.create(pods, "default", {**body, "metadata": {"name": "q"}})


def test_services_get_addresses_that_nobody_else_has(simulated: SimulatedCluster) -> None:
    services = made.type_of(simulated, "Service")
    body = {"spec": {"type": "NodePort", "ports": [{"port": 80}]}}
    found = [
        simulated.objects.create(services, "default", {**body, "metadata": {"name": name}})["spec"]
        for name in ("a", "b")
    ]
    assert len({spec["clusterIP"] for spec in found}) == 2
    assert len({spec["ports"][0]["nodePort"] for spec in found}) == 2
    again = simulated.objects.update(services, "default", "a", {**body, "metadata": {"name": "a"}})["spec"]
    assert (again["clusterIP"], again["ports"][0]["nodePort"]) == (
        found[0]["clusterIP"],
        found[0]["ports"][0]["nodePort"],
    )


def test_a_dry_run_leaves_nothing(simulated: SimulatedCluster) -> None:
    type_ = made.type_of(simulated, "ConfigMap")
    version = simulated.store.version
    found = simulated.objects.create(type_, "default", config("a"), Options(dry_run=True))
    assert found["metadata"]["uid"]
    assert simulated.store.version == version


def test_generated_names_are_new_each_time(simulated: SimulatedCluster) -> None:
    type_ = made.type_of(simulated, "ConfigMap")
    found = {
        simulated.objects.create(type_, "default", {"metadata": {"generateName": "x-"}})["metadata"]["name"]
        for _ in range(20)
    }
    assert len(found) == 20
    assert all(name.startswith("x-") and len(name) == 7 for name in found)


def test_events_are_the_same_ones_in_both_groups(simulated: SimulatedCluster) -> None:
    core = made.type_of(simulated, "Event")
    other = made.type_of(simulated, "Event", "events.k8s.io/v1")
    about = {"kind": "Pod", "name": "p", "namespace": "default"}
    simulated.objects.create(
        core, "default", {"metadata": {"name": "e"}, "involvedObject": about, "message": "hello", "count": 2}
    )
    found = simulated.objects.get(other, "default", "e")
    assert (found["apiVersion"], found["regarding"], found["note"], found["deprecatedCount"]) == (
        "events.k8s.io/v1",
        about,
        "hello",
        2,
    )


def test_the_deletion_of_a_running_pod_waits_for_its_grace(simulated: SimulatedCluster) -> None:
    pods = made.type_of(simulated, "Pod")
    body = {"metadata": {"name": "p"}, "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i"}]}}
    simulated.objects.create(pods, "default", body)
    marked, gone = simulated.objects.delete(pods, "default", "p")
    assert (gone, marked["metadata"]["deletionGracePeriodSeconds"], marked["metadata"]["deletionTimestamp"]) == (
        False,
        30,
        "2026-01-01T00:00:30Z",
    )
    assert simulated.objects.delete(pods, "default", "p", Options(grace_seconds=0))[1]
