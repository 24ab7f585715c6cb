"""Bootstrap beside an Argo CD that is there and works, on a simulated and on a real cluster: it pulls a private
repository with the credential that bootstrap installed, and what is csoc's own is completed from any point."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from csoc.adapters.kube.client import KubeClient
from csoc.adapters.kube.connecting import from_kubeconfig_file
from csoc.clusters.applications import Applications
from csoc.clusters.bootstrap.acting import CREDENTIAL, IN_CLUSTER, ROOT, Credential, bootstrap
from csoc.clusters.bootstrap.deciding import Action
from csoc.clusters.bootstrap.looking import Presence, look
from csoc.clusters.following.looking import Seen, Wanted
from csoc.clusters.following.looking import look as look_at
from testbed.servers.cluster import Cluster
from testbed.servers.gitea import Gitea
from tests.contract.bootstrapping import FLEET, Counting, KilledError, Waits, moved, rendered, wanted
from tests.contract.cluster_worlds import SimulatedWorld

API = "argoproj.io/v1alpha1"
FOLDER = "clusters/tide/applications"
_SECONDS = 0.2
_LOOKS = 600


@pytest.fixture(
    params=[
        pytest.param("simulated", marks=pytest.mark.gitea),
        pytest.param("real", marks=[pytest.mark.kubernetes, pytest.mark.gitea]),
    ]
)
def client(request: pytest.FixtureRequest) -> Iterator[KubeClient]:
    """A cluster with an Argo CD that somebody else installed, left as it was."""
    if request.param == "simulated":
        world: SimulatedWorld = request.getfixturevalue("argo_cluster")
        found = world.admin
    else:
        cluster: Cluster = request.getfixturevalue("second_cluster")
        found = from_kubeconfig_file(cluster.kubeconfig, "real")
    default = found.get(API, "AppProject", "default", "argocd")["spec"]
    yield found
    for kind in ("Application", "AppProject"):
        found.delete(API, kind, ROOT, "argocd")
    found.delete("v1", "Secret", CREDENTIAL, "argocd")
    found.merge(API, "AppProject", "default", {"spec": default}, "argocd")


@dataclass(frozen=True)
class Private:
    """A private repository of a real Git host, and a token that may read it."""

    url: str
    token: str
    reader: str
    push: Callable[[Mapping[str, str]], str]

    @property
    def credential(self) -> Credential:
        return Credential(self.url, self.reader, self.token)


@pytest.fixture
def private(gitea: Gitea) -> Private:
    reader, repository = gitea.create_user("reader"), gitea.create_repository(private=True)
    repository.add_collaborator(reader, "read")
    token = gitea.create_token(reader, "read:repository")
    return Private(f"{repository.url}.git", token, reader.name, lambda files: repository.push(dict(files)))


def done(client: Any, what: Any) -> Action:
    return bootstrap(client, what, Waits(), lambda _: None).decision.action


def until(is_so: Callable[[], bool], why: Callable[[], object]) -> None:
    for _ in range(_LOOKS):
        if is_so():
            return
        threading.Event().wait(_SECONDS)
    raise AssertionError(why())


def application(name: str, namespace: str, url: str, commit: str) -> str:
    """A project and an Application in one file, as csoc writes them."""
    about = {"name": name, "namespace": "argocd"}
    destination = {"server": IN_CLUSTER, "namespace": namespace}
    project = {"apiVersion": API, "kind": "AppProject", "metadata": about, "spec": {
        "sourceRepos": [url], "destinations": [destination]}}  # fmt: skip
    body = {"apiVersion": API, "kind": "Application", "metadata": about, "spec": {
        "project": name, "destination": destination, "syncPolicy": {"automated": {}},
        "source": {"repoURL": url, "path": "small", "targetRevision": commit}}}  # fmt: skip
    return f"{json.dumps(project)}\n---\n{json.dumps(body)}\n"


def test_argo_cd_pulls_a_private_fleet_with_the_credential_that_bootstrap_installed(
    client: KubeClient, private: Private
) -> None:
    name = f"tide-{secrets.token_hex(4)}"
    small = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "small"}, "data": {"a": "b"}}
    commit = private.push({"small/one.json": json.dumps(small)})
    private.push({f"{FOLDER}/{name}.yaml": application(name, name, private.url, commit)})
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    try:
        assert done(client, wanted((), private.url, private.credential)) is Action.USE
        assert done(Counting(client), wanted((), private.url, private.credential)) is Action.USE
        what = Wanted(name, name, (commit,))
        seen: list[Seen] = []

        def is_healthy() -> bool:
            seen.append(look_at(client, what))
            if seen[-1].unseen:
                Applications(client).refresh(seen[-1].unseen)
            return seen[-1].is_healthy

        Applications(client).refresh(ROOT)
        until(is_healthy, lambda: [one.worst for one in seen[-3:]])
        assert client.get("v1", "ConfigMap", "small", name)["data"] == {"a": "b"}
    finally:
        client.delete(API, "Application", name, "argocd")
        client.delete(API, "AppProject", name, "argocd")
        client.delete("v1", "Namespace", name)


def test_without_the_credential_following_says_that_the_root_cannot_read_the_fleet(
    client: KubeClient, private: Private
) -> None:
    private.push({f"{FOLDER}/note.yaml": "{}\n"})
    wrong = Credential(private.url, private.reader, "0" * 40)
    assert done(client, wanted((), private.url, wrong)) is Action.USE

    def said() -> str:
        return look_at(client, Wanted("tide", "tide", ())).worst

    until(lambda: "ComparisonError" in said(), said)
    assert "0" * 40 not in said()


def test_chart_and_values_of_one_repository_at_two_commits_are_refused_in_the_same_words(
    client: KubeClient, private: Private
) -> None:
    name = f"tide-{secrets.token_hex(4)}"
    chart = {"apiVersion": "v2", "name": "small", "version": "0.1.0"}
    first = private.push({"small/Chart.yaml": json.dumps(chart), "values.yaml": "{}\n"})
    second = private.push({"values.yaml": "a: b\n"})
    done(client, wanted((), private.url, private.credential))
    about = {"name": name, "namespace": "argocd"}
    helm = {"valueFiles": ["$values/values.yaml"]}
    sources = [
        {"repoURL": private.url, "path": "small", "targetRevision": first, "helm": helm},
        {"repoURL": private.url, "targetRevision": second, "ref": "values"},
    ]
    destination = {"server": IN_CLUSTER, "namespace": "default"}
    project = {"sourceRepos": ["*"], "destinations": [destination]}
    client.create({"apiVersion": API, "kind": "AppProject", "metadata": about, "spec": project})
    spec = {"project": name, "destination": destination, "sources": sources}
    client.create({"apiVersion": API, "kind": "Application", "metadata": about, "spec": spec})
    try:

        def said() -> str:
            return look_at(client, Wanted(name, "default", ())).worst

        words = f'cannot reference a different revision of the same repository ($values references "{second}"'
        until(lambda: words in said(), said)
    finally:
        client.delete(API, "Application", name, "argocd")
        client.delete(API, "AppProject", name, "argocd")


def test_csocs_own_argo_cd_is_completed_from_any_point_and_somebody_elses_stays(client: KubeClient) -> None:
    namespace = f"argo-{secrets.token_hex(4)}"
    what = wanted(moved(rendered(), namespace), namespace=namespace)
    before = client.get("v1", "ConfigMap", "argocd-cm", "argocd")
    deaths = 0
    try:
        while True:
            counting = Counting(client, dies_before=3)
            try:
                done(counting, what)
            except KilledError:
                deaths += 1
                assert look(client, what.component, what.pin, FLEET).presence in (Presence.HALF, Presence.OURS)
                continue
            break
        assert deaths > 3
        assert look(client, what.component, what.pin, FLEET).presence is Presence.OURS
        again = Counting(client)
        assert done(again, what) is Action.KEEP
        assert again.written == []
        assert client.get("v1", "ConfigMap", "argocd-cm", "argocd") == before
    finally:
        for kind in ("ClusterRole", "ClusterRoleBinding"):
            client.delete("rbac.authorization.k8s.io/v1", kind, namespace)
        client.delete("v1", "Namespace", namespace)
