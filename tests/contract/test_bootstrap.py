"""A cluster becomes one whose Argo CD reads the fleet, whatever it has and whenever csoc is stopped: on a simulated
and on a real cluster."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from csoc.adapters.kube.client import KubeClient
from csoc.clusters.bootstrap.acting import Bootstrap, Credential, bootstrap
from csoc.clusters.bootstrap.deciding import Action
from csoc.clusters.bootstrap.looking import Presence, look
from csoc.clusters.client import Applying, Where
from csoc.emulator.kubernetes.api.serving import serving
from csoc.emulator.kubernetes.clusters import SimulatedCluster
from csoc.emulator.kubernetes.controllers.nodes import Node, set_nodes
from csoc.emulator.kubernetes.living import LivingClusters
from csoc.emulator.timeline import RunningTimeline
from csoc.errors import ConflictError, RejectedError, UnavailableError
from tests.contract.bootstrapping import FLEET, Counting, KilledError, Waits, rendered, wanted
from tests.contract.cluster_worlds import AS_KWOK, SimulatedWorld

CREDENTIAL = Credential("https://git.example.org/fleet.git", "reader", "pull-token-one")


@pytest.fixture(scope="module")
def objects() -> tuple[Mapping[str, Any], ...]:
    return rendered()


@pytest.fixture
def empty() -> Iterator[KubeClient]:
    """An empty cluster."""
    timeline = RunningTimeline(speed=100)
    clusters = LivingClusters(timeline, AS_KWOK)
    with serving(clusters.all) as served:
        made: SimulatedCluster = clusters.all.create("empty")
        set_nodes(clusters.living("empty"), [Node("node-1"), Node("node-2")])
        yield SimulatedWorld(made, served.certificate).admin
    clusters.close()
    timeline.stop()


def done(client: Any, what: Bootstrap) -> tuple[Action, list[str]]:
    said: list[str] = []
    return bootstrap(client, what, Waits(), said.append).decision.action, said


def test_an_empty_cluster_gets_argo_cd_its_credential_and_the_root(
    empty: KubeClient, objects: tuple[Mapping[str, Any], ...]
) -> None:
    what = wanted(objects, credential=CREDENTIAL)
    action, said = done(empty, what)
    assert action is Action.INSTALL
    assert "Argo CD is absent: csoc installs 9.1.5" in said
    assert look(empty, what.component, what.pin, FLEET).presence is Presence.OURS
    secret = empty.get("v1", "Secret", "csoc-fleet", "argocd")
    shown = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert shown == {
        "type": "git", "url": CREDENTIAL.url, "username": "reader", "password": "pull-token-one",
        "forceHttpBasicAuth": "true",
    }  # fmt: skip
    root = empty.get("argoproj.io/v1alpha1", "Application", "csoc-root", "argocd")
    assert root["spec"]["source"]["path"] == "clusters/tide/applications"
    assert root["spec"]["syncPolicy"] == {"automated": {"prune": False, "selfHeal": True}}
    assert "finalizers" not in root["metadata"]
    default = empty.get("argoproj.io/v1alpha1", "AppProject", "default", "argocd")
    assert (default["spec"]["sourceRepos"], default["spec"]["destinations"]) == ([], [])
    assert not any("pull-token-one" in sentence for sentence in said)


def test_done_again_nothing_is_written(empty: KubeClient, objects: tuple[Mapping[str, Any], ...]) -> None:
    what = wanted(objects, credential=CREDENTIAL)
    done(empty, what)
    counting = Counting(empty)
    action, _ = done(counting, what)
    assert (action, counting.written) == (Action.KEEP, [])


def test_killed_before_any_write_and_begun_again_it_ends_in_the_same_place_with_each_object_written_once(
    empty: KubeClient, objects: tuple[Mapping[str, Any], ...]
) -> None:
    what = wanted(objects, credential=CREDENTIAL)
    written: list[str] = []
    for number in range(1, 60):
        counting = Counting(empty, dies_before=2)
        try:
            done(counting, what)
        except KilledError:
            assert len(counting.written) == 1, f"killed for the {number}th time, it had gone on by one object"
            written += counting.written
            continue
        written += counting.written
        break
    else:
        pytest.fail("it never came to its end")
    twice = {one for one in written if written.count(one) > 1}
    assert twice == {"apply Namespace argocd"}, "the namespace is marked at the beginning and at the end"
    assert look(empty, what.component, what.pin, FLEET).presence is Presence.OURS


def test_another_pin_is_brought_and_what_it_does_not_have_goes(
    empty: KubeClient, objects: tuple[Mapping[str, Any], ...]
) -> None:
    old = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-old", "namespace": "argocd"}}
    done(empty, wanted((*objects, old)))
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": "argocd"}}
    empty.create(theirs)
    action, said = done(empty, wanted(objects))
    assert action is Action.CHANGE, said
    names = {one["metadata"]["name"] for one in empty.list_all("v1", "ConfigMap", Where("argocd"))[0]}
    assert "argocd-old" not in names
    assert {"theirs", "argocd-cm"} <= names


def test_a_rotated_credential_takes_the_place_of_the_old_one_and_of_one_changed_by_hand(
    empty: KubeClient, objects: tuple[Mapping[str, Any], ...]
) -> None:
    done(empty, wanted(objects, credential=CREDENTIAL))
    new = Credential(CREDENTIAL.url, "reader", "pull-token-two")
    for _ in range(2):
        counting = Counting(empty)
        done(counting, wanted(objects, credential=new))
        assert counting.written == ["apply Secret csoc-fleet"]
        kept = empty.get("v1", "Secret", "csoc-fleet", "argocd")["data"]["password"]
        assert base64.b64decode(kept) == b"pull-token-two"
        by_hand = {"data": {"password": base64.b64encode(b"wrong").decode()}}
        empty.merge("v1", "Secret", "csoc-fleet", by_hand, "argocd")


def foreign_argo(client: KubeClient, version: str = "v3.0.6", namespace: str = "argocd", **data: str) -> None:
    """An Argo CD that somebody else installed."""
    labels = {"app.kubernetes.io/part-of": "argocd"}
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    about = {"namespace": namespace, "labels": labels}
    client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**about, "name": "argocd-cmd-params-cm"},
                   "data": data})  # fmt: skip
    container = {"name": "c", "image": f"quay.io/argoproj/argocd:{version}"}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "serviceName": "s",
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}}}  # fmt: skip
    client.create({"apiVersion": "apps/v1", "kind": "StatefulSet", "spec": spec,
                   "metadata": {**about, "name": "argocd-application-controller"}})  # fmt: skip
    rbac = "rbac.authorization.k8s.io"
    client.create({"apiVersion": f"{rbac}/v1", "kind": "ClusterRoleBinding",
                   "metadata": {"name": f"theirs-{namespace}"},
                   "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "cluster-admin"},
                   "subjects": [{"kind": "ServiceAccount", "name": "argocd-application-controller",
                                 "namespace": namespace}]})  # fmt: skip
    open_ = {"sourceRepos": ["*"], "destinations": [{"namespace": "*", "server": "*"}]}
    client.create({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "spec": open_,
                   "metadata": {"name": "default", "namespace": namespace}})  # fmt: skip


def fingerprint(client: KubeClient) -> dict[str, str]:
    """A digest of every object, but for what changes by itself."""
    found = {}
    for resource in client.discover().resources:
        if "list" not in resource.verbs or resource.kind in ("Event", "Lease", "Pod", "Node", "ControllerRevision"):
            continue
        for body in client.list_all(resource.api_version, resource.kind)[0]:
            about = body["metadata"]
            plain = {key: value for key, value in body.items() if key not in ("status",)}
            plain["metadata"] = {
                key: value for key, value in about.items() if key not in ("managedFields", "resourceVersion")
            }
            name = f"{resource}/{about.get('namespace', '')}/{about['name']}"
            found[name] = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
    return found


def test_somebody_elses_argo_cd_is_used_and_not_one_of_its_objects_changes(
    empty: KubeClient, objects: tuple[Mapping[str, Any], ...]
) -> None:
    foreign_argo(empty)
    before = fingerprint(empty)
    action, said = done(empty, wanted(objects, credential=CREDENTIAL))
    assert action is Action.USE
    assert said[0] == "Argo CD 3.0.6 in argocd is somebody else's: csoc leaves it as it is"
    after = fingerprint(empty)
    assert {name: after.get(name) for name in before} == before
    assert sorted(set(after) - set(before)) == [
        "applications.argoproj.io/argocd/csoc-root",
        "appprojects.argoproj.io/argocd/csoc-root",
        "secrets/argocd/csoc-fleet",
    ]


@pytest.mark.parametrize(
    ("version", "namespace", "data", "why"),
    [
        ("v2.8.1", "argocd", {}, "Gen3 needs Argo CD 2.10.0 or later, below 4.0.0, and it is 2.8.1"),
        ("v3.0.6", "ops", {}, "It takes Applications from ops only, and csoc's are in argocd"),
    ],
)
def test_somebody_elses_argo_cd_that_does_not_fit_stops_it_before_anything_is_written(
    empty: KubeClient, objects: tuple[Mapping[str, Any], ...], version: str, namespace: str, data: dict[str, str],
    why: str,
) -> None:  # fmt: skip
    foreign_argo(empty, version, namespace, **data)
    counting = Counting(empty)
    with pytest.raises(RejectedError, match=why):
        done(counting, wanted(objects))
    assert counting.written == []


def test_somebody_elses_argo_cd_elsewhere_is_used_if_it_takes_csocs_applications(
    empty: KubeClient, objects: tuple[Mapping[str, Any], ...]
) -> None:
    foreign_argo(empty, "v3.0.6", "ops", **{"application.namespaces": "team-*, argo*"})
    empty.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}})
    action, _ = done(empty, wanted(objects))
    assert action is Action.USE


def test_an_object_of_csocs_name_that_is_not_csocs_is_never_taken_over(
    empty: KubeClient, objects: tuple[Mapping[str, Any], ...]
) -> None:
    empty.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}})
    theirs = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "csoc-fleet", "namespace": "argocd"}}
    empty.apply(theirs, Applying(manager="them"))
    with pytest.raises(ConflictError, match="Secret argocd/csoc-fleet is there and is not this csoc's"):
        done(empty, wanted(objects, credential=CREDENTIAL))
    assert "data" not in empty.get("v1", "Secret", "csoc-fleet", "argocd")


def test_the_argo_cd_of_another_csoc_is_somebody_elses(
    empty: KubeClient, objects: tuple[Mapping[str, Any], ...]
) -> None:
    done(empty, wanted(objects))
    found = look(empty, wanted(objects).component, wanted(objects).pin, "anotherone")
    assert found.presence is Presence.FOREIGN


def test_waiting_in_vain_says_what_keeps_argo_cd(empty: KubeClient, objects: tuple[Mapping[str, Any], ...]) -> None:
    class Impatient(Waits):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if self._left < 1_180:
                raise UnavailableError("The step did not come to its end", place="step bootstrap cluster")

    node = {"spec": {"unschedulable": True}}
    for name in ("node-1", "node-2"):
        empty.merge("v1", "Node", name, node)
    with pytest.raises(UnavailableError, match=r"waited for Argo CD to be ready in vain: .*no node takes it"):
        bootstrap(empty, wanted(objects), Impatient(), lambda _: None)
