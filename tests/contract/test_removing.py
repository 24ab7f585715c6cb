"""Gen3 leaves its cluster: what is the environment's goes, what is anybody else's stays, wherever csoc is stopped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from csoc.adapters.kube.client import KubeClient
from csoc.clusters.applications import API
from csoc.clusters.arriving import Arrival, check_free
from csoc.clusters.client import Applying, Object
from csoc.clusters.ownership import Delivered
from csoc.clusters.removing import Removal, Taken, take_away, users_of_the_account
from csoc.errors import ConflictError, NotFoundError
from tests.contract.bootstrapping import KilledError
from tests.contract.cluster_worlds import simulated_world

SERVER = "https://kubernetes.default.svc"
TRACKING = "argocd.argoproj.io/tracking-id"
SOURCE = {"repoURL": "https://charts.example.org", "path": "gen3", "targetRevision": "main"}
IN_GIT = Delivered("kelp-dev", "kelp-dev", "kelp", frozenset({"https://charts.example.org"}))
KELP = Removal("kelp-dev", ("kelp", "jupyter-pods-kelp"))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[KubeClient]:
    """A cluster with Argo CD and two environments."""
    with simulated_world(tmp_path, speed=100) as world:
        for name in ("kelp", "reef"):
            environment(world.admin, name)
        yield world.admin


def environment(client: KubeClient, name: str) -> None:
    application = f"{name}-dev"
    for namespace in (name, f"jupyter-pods-{name}"):
        about = {"name": namespace, "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": about}
        client.apply(made, Applying(manager="argocd-controller"))
    to = {"server": SERVER, "namespace": name}
    destinations = [to, {**to, "namespace": f"jupyter-pods-{name}"}]
    about = {"name": application, "namespace": "argocd"}
    by_root = [
        {**about, "annotations": {TRACKING: f"csoc-root:argoproj.io/{kind}:argocd/{application}"}}
        for kind in ("AppProject", "Application")
    ]
    client.create({"apiVersion": API, "kind": "AppProject", "metadata": by_root[0],
                   "spec": {"sourceRepos": ["*"], "destinations": destinations}})  # fmt: skip
    client.create({"apiVersion": API, "kind": "Application", "metadata": by_root[1],
                   "spec": {"project": application, "source": SOURCE, "destination": to}})  # fmt: skip
    tracked(client, "v1", "ConfigMap", name, "settings", application, data={"a": "b"})
    backend = {"service": {"name": "revproxy-service", "port": {"number": 80}}}
    tracked(client, "networking.k8s.io/v1", "Ingress", name, "revproxy", application,
            spec={"defaultBackend": backend})  # fmt: skip


def tracked(
    client: KubeClient, api: str, kind: str, namespace: str, name: str, application: str, **body: Any
) -> Object:
    group = api.rpartition("/")[0]
    by = {TRACKING: f"{application}:{group}/{kind}:{namespace}/{name}"} if application else {}
    about = {"name": name, "namespace": namespace, "annotations": by}
    return client.create({"apiVersion": api, "kind": kind, "metadata": about, **body})


class Steps:
    """A fence that ends the process before one of the effects."""

    def __init__(self, dies_at: int = 10**9) -> None:
        self.asked = 0
        self._dies_at = dies_at

    def check(self) -> None:
        self.asked += 1
        if self.asked == self._dies_at:
            raise KilledError


def removed(client: KubeClient, removal: Removal = KELP, fence: Steps | None = None) -> Taken:
    """As a run looks again and again."""
    for _ in range(400):
        found = take_away(client, removal, fence or Steps(), lambda _: None)
        if not found.waits:
            return found
        threading.Event().wait(0.05)
    raise AssertionError(found.waits)


def is_there(client: KubeClient, api: str, kind: str, name: str, namespace: str = "") -> bool:
    try:
        client.get(api, kind, name, namespace)
    except NotFoundError:
        return False
    return True


def what_is_there(client: KubeClient, name: str) -> list[bool]:
    return [
        is_there(client, API, "Application", f"{name}-dev", "argocd"),
        is_there(client, API, "AppProject", f"{name}-dev", "argocd"),
        is_there(client, "v1", "Namespace", name),
        is_there(client, "v1", "Namespace", f"jupyter-pods-{name}"),
    ]


def test_all_of_one_environment_goes_and_the_other_one_stays(client: KubeClient) -> None:
    assert removed(client) == Taken()
    assert what_is_there(client, "kelp") == [False] * 4
    assert what_is_there(client, "reef") == [True] * 4
    assert is_there(client, "networking.k8s.io/v1", "Ingress", "revproxy", "reef")
    assert removed(client) == Taken(), "done again, there is nothing to do"


def test_killed_before_any_effect_and_begun_again_it_ends_in_the_same_place(client: KubeClient) -> None:
    killed = 0
    for _ in range(60):
        try:
            removed(client, fence=Steps(dies_at=2))
        except KilledError:
            killed += 1
            continue
        break
    assert killed > 1
    assert what_is_there(client, "kelp") == [False] * 4
    assert what_is_there(client, "reef") == [True] * 4


def test_a_namespace_with_something_of_somebody_else_stays_and_says_what(client: KubeClient) -> None:
    tracked(client, "v1", "ConfigMap", "kelp", "theirs", "", data={"a": "b"})
    found = removed(client)
    assert found.kept == ("namespace kelp: it holds what does not go with the Application: ConfigMap theirs",)
    assert what_is_there(client, "kelp") == [False, False, True, False]
    assert not is_there(client, "networking.k8s.io/v1", "Ingress", "revproxy", "kelp"), "its load balancer goes"


@pytest.mark.parametrize(
    ("annotation", "value"), [("helm.sh/resource-policy", "keep"), ("argocd.argoproj.io/sync-options", "Delete=false")]
)
def test_what_a_chart_says_to_keep_stays_in_its_namespace(client: KubeClient, annotation: str, value: str) -> None:
    kept = tracked(client, "v1", "ConfigMap", "kelp", "keys", "kelp-dev", data={"a": "b"})
    client.merge("v1", "ConfigMap", "keys", {"metadata": {"annotations": {annotation: value}}}, "kelp")
    found = removed(client)
    assert found.kept == ("namespace kelp: it holds what does not go with the Application: ConfigMap keys",)
    assert client.get("v1", "ConfigMap", "keys", "kelp")["metadata"]["uid"] == kept["metadata"]["uid"]


def test_a_namespace_into_which_another_application_deploys_stays(client: KubeClient) -> None:
    source = {"repoURL": "https://charts.example.org", "path": "other", "targetRevision": "main"}
    client.create({"apiVersion": API, "kind": "Application", "metadata": {"name": "tool", "namespace": "argocd"},
                   "spec": {"project": "kelp-dev", "source": source,
                            "destination": {"server": SERVER, "namespace": "kelp"}}})  # fmt: skip
    found = removed(client)
    assert found.kept == ("namespace kelp: tool deploys into it", "AppProject kelp-dev: tool belongs to it")


def test_an_application_of_that_name_that_deploys_elsewhere_is_left_alone(client: KubeClient) -> None:
    with pytest.raises(ConflictError, match="it deploys into kelp, and not into other"):
        removed(client, Removal("kelp-dev", ("other",)))
    assert "finalizers" not in client.get(API, "Application", "kelp-dev", "argocd")["metadata"]
    assert what_is_there(client, "kelp") == [True] * 4


@pytest.mark.parametrize("name", ["kube-system", "argocd", "default"])
def test_a_namespace_of_the_cluster_never_goes(client: KubeClient, name: str) -> None:
    found = removed(client, Removal("nobody", (name,)))
    assert found.kept == (f"namespace {name}: it is the cluster's own",)
    assert is_there(client, "v1", "Namespace", name)


def test_what_a_cluster_has_in_the_account_is_named(client: KubeClient) -> None:
    ports = [{"port": 80}]
    for name, kind in (("open", "LoadBalancer"), ("inside", "ClusterIP")):
        client.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "reef"},
                       "spec": {"type": kind, "ports": ports, "selector": {"a": "b"}}})  # fmt: skip
    assert users_of_the_account(client) == (
        "Ingress kelp/revproxy",
        "Ingress reef/revproxy",
        "Service reef/open (LoadBalancer)",
    )


def test_an_application_that_bears_the_name_and_is_not_the_one_in_git_is_left_alone_whatever_differs(
    client: KubeClient,
) -> None:
    removal = replace(KELP, in_git=IN_GIT)
    theirs = {"repoURL": "https://git.example.org/team-x", "path": "tool", "targetRevision": "main"}
    elsewhere = {"server": "https://192.0.2.1", "namespace": "kelp"}
    changes: list[tuple[Object, Object, str]] = [
        ({"metadata": {"annotations": {TRACKING: None}}}, {}, "somebody brought it, and not csoc-root"),
        ({"metadata": {"annotations": {TRACKING: "apps:argoproj.io/Application:argocd/kelp-dev"}}}, {},
         "the Application apps brought it, and not csoc-root"),
        ({}, {"project": "team-x"}, "its project is team-x, and not kelp-dev"),
        ({}, {"source": theirs}, "It belongs to the project kelp-dev and deploys https://git.example.org/team-x"),
        ({}, {"source": None, "sources": [SOURCE, theirs]}, "it deploys from other repositories"),
        ({}, {"destination": elsewhere}, "it deploys to https://192.0.2.1"),
    ]  # fmt: skip
    about = client.get(API, "Application", "kelp-dev", "argocd")
    own = {"metadata": {"annotations": {TRACKING: about["metadata"]["annotations"][TRACKING]}},
           "spec": {**about["spec"], "sources": None}}  # fmt: skip
    for metadata, spec, said in changes:
        client.merge(API, "Application", "kelp-dev", {**metadata, "spec": spec}, "argocd")
        with pytest.raises(ConflictError, match=said) as found:
            removed(client, removal)
        assert "Nothing was taken away" in found.value.fix
        assert "finalizers" not in client.get(API, "Application", "kelp-dev", "argocd")["metadata"]
        with pytest.raises(ConflictError, match=said):
            check_free(client, Arrival((IN_GIT,), KELP.namespaces))
        client.merge(API, "Application", "kelp-dev", own, "argocd")
    assert what_is_there(client, "kelp") == [True] * 4
    check_free(client, Arrival((IN_GIT,), KELP.namespaces))
    assert removed(client, removal) == Taken()


@pytest.mark.parametrize(
    ("name", "namespace", "project", "mark"),
    [
        ("csoc-root", "argocd", "csoc-root", ""),
        ("platform-external-secrets", "external-secrets", "platform",
         "csoc-root:argoproj.io/Application:argocd/platform-external-secrets"),
    ],
)  # fmt: skip
def test_the_applications_of_the_cluster_itself_are_nobodys_environment(
    client: KubeClient, name: str, namespace: str, project: str, mark: str
) -> None:
    about = {"name": name, "namespace": "argocd", "annotations": {TRACKING: mark} if mark else {}}
    spec = {"project": project, "source": SOURCE, "destination": {"server": SERVER, "namespace": namespace}}
    made = client.create({"apiVersion": API, "kind": "Application", "metadata": about, "spec": spec})
    with pytest.raises(ConflictError, match=f"The Application {name} in the cluster is not the environment's"):
        removed(client, Removal(name, (namespace,)))
    there = client.get(API, "Application", name, "argocd")["metadata"]
    assert (there["uid"], there.get("finalizers")) == (made["metadata"]["uid"], None)


LABELLED = {"app.kubernetes.io/instance": "kelp-dev"}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
BACKEND = {"defaultBackend": {"service": {"name": "theirs", "port": {"number": 80}}}}


def labelled(client: KubeClient) -> None:
    """What a Helm release of the environment's name leaves in its namespace."""
    for api, kind, spec in (("v1", "PersistentVolumeClaim", CLAIM), ("networking.k8s.io/v1", "Ingress", BACKEND)):
        about = {"name": "theirs", "namespace": "kelp", "labels": LABELLED}
        client.create({"apiVersion": api, "kind": kind, "metadata": about, "spec": spec})


def test_the_label_that_every_helm_release_has_makes_nothing_the_environments(client: KubeClient) -> None:
    labelled(client)
    [kept] = removed(client).kept
    assert kept == (
        "namespace kelp: it holds what does not go with the Application: Ingress theirs, PersistentVolumeClaim theirs"
    )
    for api, kind in (("v1", "PersistentVolumeClaim"), ("networking.k8s.io/v1", "Ingress")):
        assert "deletionTimestamp" not in client.get(api, kind, "theirs", "kelp")["metadata"]
    arrival = Arrival((IN_GIT,), KELP.namespaces)
    with pytest.raises(ConflictError, match="holds what is not this environment's: Ingress theirs, Persistent") as no:
        check_free(client, arrival)
    assert "a namespace of its own" in no.value.fix


def test_where_argo_cd_tracks_by_label_the_label_counts(client: KubeClient) -> None:
    settings = {"application.resourceTrackingMethod": "label"}
    about = {"name": "argocd-cm", "namespace": "argocd"}
    client.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": settings}, Applying(force=True))
    labelled(client)
    check_free(client, Arrival((Delivered("kelp-dev", "kelp-dev", "kelp"),), ("kelp",)))
    client.merge("v1", "PersistentVolumeClaim", "theirs", {"metadata": {"labels": None}}, "kelp")
    assert removed(client).kept == (
        "namespace kelp: it holds what does not go with the Application: PersistentVolumeClaim theirs",
    )


def test_a_namespace_and_a_project_that_somebody_made_stay(client: KubeClient) -> None:
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kelp-tools"}})
    client.merge(API, "AppProject", "kelp-dev", {"metadata": {"annotations": None}}, "argocd")
    assert removed(client, Removal("kelp-dev", ("kelp", "kelp-tools", "jupyter-pods-kelp"))).kept == (
        "namespace kelp-tools: Argo CD did not make it",
        "AppProject kelp-dev: csoc-root did not bring it",
    )


def test_a_namespace_is_free_for_what_was_kept_of_this_environment_and_for_no_other(client: KubeClient) -> None:
    tracked(client, "v1", "PersistentVolumeClaim", "kelp", "kept", "kelp-dev", spec=CLAIM)
    client.merge("v1", "PersistentVolumeClaim", "kept",
                 {"metadata": {"annotations": {"helm.sh/resource-policy": "keep"}}}, "kelp")  # fmt: skip
    assert [one.partition(": ")[0] for one in removed(client).kept] == ["namespace kelp"]
    check_free(client, Arrival((IN_GIT,), KELP.namespaces))
    other = Delivered("moss-dev", "moss-dev", "kelp")
    with pytest.raises(ConflictError, match=r"The namespace kelp holds .* PersistentVolumeClaim kept"):
        check_free(client, Arrival((other,), ("kelp",)))
