"""What goes with its owner, its namespace, its definition."""

from __future__ import annotations

import pytest

from tests.unit.emulator.kubernetes.controllers.living import Living, config_map, namespace, workload


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_everything_of_a_deployment_goes_with_it(propagation: str) -> None:
    living = Living()
    living.add(workload("Deployment", "web", replicas=2))
    living.wait()
    living.delete("Deployment", "web", propagation=propagation)
    living.wait()
    assert [living.all(kind) for kind in ("Deployment", "ReplicaSet", "Pod")] == [[], [], []]


def test_foreground_deletion_keeps_the_owner_until_its_dependents_are_gone() -> None:
    living = Living()
    living.add(workload("Deployment", "web"))
    living.wait()
    living.delete("Deployment", "web", propagation="Foreground")
    living.wait(0.5)
    assert living.get("Deployment", "web")["metadata"]["finalizers"] == ["foregroundDeletion"]
    living.wait()
    assert living.all("Deployment") == []


def test_orphans_stay_and_forget_their_owner() -> None:
    living = Living()
    living.add(workload("Deployment", "web"))
    living.wait()
    living.delete("Deployment", "web", propagation="Orphan")
    living.wait()
    assert living.all("Deployment") == []
    [left] = living.all("ReplicaSet")
    assert "ownerReferences" not in left["metadata"]
    assert len(living.all("Pod")) == 1


def test_an_object_whose_owner_never_was_is_garbage() -> None:
    living = Living()
    body = config_map("lost", k="v")
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "none", "uid": "u"}
    body["metadata"]["ownerReferences"] = [owner]
    living.add(body)
    living.wait()
    assert living.find("ConfigMap", "lost") is None


def test_an_object_with_a_finalizer_waits_for_it() -> None:
    living = Living()
    body = config_map("held", k="v")
    body["metadata"]["finalizers"] = ["example.org/hold"]
    living.add(body)
    living.delete("ConfigMap", "held")
    living.wait()
    assert living.get("ConfigMap", "held")["metadata"]["deletionTimestamp"]


def test_a_new_namespace_has_an_account_and_the_certificate() -> None:
    living = Living()
    living.add(namespace("b"))
    living.wait()
    assert living.get("ServiceAccount", "default", "b")
    assert living.get("ConfigMap", "kube-root-ca.crt", "b")
    assert living.get("Namespace", "b")["status"]["phase"] == "Active"


def test_a_namespace_takes_everything_with_it() -> None:
    living = Living()
    living.add(workload("Deployment", "web", replicas=2), workload("StatefulSet", "db"), config_map("m", k="v"))
    living.wait()
    living.delete("Namespace", "a")
    living.wait()
    assert living.find("Namespace", "a") is None
    assert not [place for place in living.versions() if place[2] == "a"]


def test_a_namespace_says_what_keeps_it() -> None:
    living = Living()
    body = config_map("held", k="v")
    body["metadata"]["finalizers"] = ["example.org/hold"]
    living.add(body)
    living.delete("Namespace", "a")
    living.wait()
    found = living.get("Namespace", "a")
    assert found["status"]["phase"] == "Terminating"
    assert [one["message"] for one in found["status"]["conditions"]] == [
        "Some resources are remaining: configmaps has 1 resource instances",
        "Some content in the namespace has finalizers remaining: example.org/hold in 1 resource instances",
    ]
    held = living.get("ConfigMap", "held")
    del held["metadata"]["finalizers"]
    living.cluster.save("", "configmaps", held)
    living.wait()
    assert living.find("Namespace", "a") is None


def test_objects_go_with_their_definition() -> None:
    living = Living()
    living.add(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "things.example.org"},
            "spec": {
                "group": "example.org",
                "scope": "Namespaced",
                "names": {"plural": "things", "singular": "thing", "kind": "Thing"},
                "versions": [
                    {
                        "name": "v1",
                        "served": True,
                        "storage": True,
                        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                    }
                ],
            },
        }
    )
    living.wait(2)
    conditions = living.get("CustomResourceDefinition", "things.example.org")["status"]["conditions"]
    assert {one["type"]: one["status"] for one in conditions} == {"NamesAccepted": "True", "Established": "True"}
    living.add({"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "one", "namespace": "a"}})
    living.delete("CustomResourceDefinition", "things.example.org")
    living.wait()
    assert living.find("CustomResourceDefinition", "things.example.org") is None
    assert living.cluster.list("example.org", "things") == []


def test_a_deleted_default_account_is_made_again_as_it_was_made_with_its_namespace() -> None:
    living = Living()
    before = living.get("ServiceAccount", "default")
    living.delete("ServiceAccount", "default")
    living.wait(1)
    after = living.get("ServiceAccount", "default")
    assert after["metadata"].pop("uid") != before["metadata"].pop("uid")
    for body in (before, after):
        del body["metadata"]["resourceVersion"], body["metadata"]["creationTimestamp"]
    assert after == before
