"""A launch on real servers: csoc's documents and values in a private repository, the real gen3 chart, and the real Argo
CD, which reads both with the credential that bootstrap installed. csoc follows until it is healthy.

What no cluster here has is played: the External Secrets operator, and a load balancer.
"""

from __future__ import annotations

import contextlib
import secrets
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from csoc.adapters.kube.client import KubeClient
from csoc.adapters.kube.connecting import from_kubeconfig_file
from csoc.clusters.applications import Applications
from csoc.clusters.bootstrap.acting import CREDENTIAL, ROOT, Credential, bootstrap
from csoc.clusters.bootstrap.deciding import Action
from csoc.clusters.client import Where
from csoc.clusters.following.looking import Seen, Wanted, look
from csoc.errors import CsocError
from csoc.gen3.launch import applications
from testbed.servers.cluster import Cluster
from testbed.servers.gitea import Gitea
from tests.contract.bootstrapping import Waits, wanted
from tests.unit.gen3.launch.launching import answers, launch, outputs_file

pytestmark = [pytest.mark.kubernetes, pytest.mark.gitea, pytest.mark.real]

API = "argoproj.io/v1alpha1"
CHART = "helm/gen3"
BALANCER = "k8s-heart.elb.ap-southeast-2.amazonaws.com"
_READY = {"conditions": [{"type": "Ready", "status": "True", "reason": "SecretSynced", "message": "synced"}]}
_SECONDS, _LOOKS = 0.5, 500


@pytest.fixture
def client(cluster: Cluster) -> Iterator[KubeClient]:
    cluster.apply_definitions("external-secrets")
    found = from_kubeconfig_file(cluster.kubeconfig, "real")
    default = found.get(API, "AppProject", "default", "argocd")["spec"]
    yield found
    for kind in ("Application", "AppProject"):
        found.delete(API, kind, ROOT, "argocd")
    found.delete("v1", "Secret", CREDENTIAL, "argocd")
    found.merge(API, "AppProject", "default", {"spec": default}, "argocd")
    found.close()


def play_controllers(client: KubeClient, namespace: str) -> None:
    """What External Secrets and the load balancer controller would say."""
    for kind in ("SecretStore", "ExternalSecret"):
        for body in client.list_all("external-secrets.io/v1", kind, Where(namespace))[0]:
            if not (body.get("status") or {}).get("conditions"):
                its_name = body["metadata"]["name"]
                client.merge("external-secrets.io/v1", kind, its_name, {"status": _READY}, namespace, "status")
    for body in client.list_all("networking.k8s.io/v1", "Ingress", Where(namespace))[0]:
        if not (body["status"].get("loadBalancer") or {}).get("ingress"):
            patch: dict[str, Any] = {"status": {"loadBalancer": {"ingress": [{"hostname": BALANCER}]}}}
            client.merge("networking.k8s.io/v1", "Ingress", body["metadata"]["name"], patch, namespace, "status")


def test_the_real_chart_is_launched_from_a_private_repository_and_followed_until_it_is_healthy(
    client: KubeClient, gitea: Gitea, real: Path
) -> None:
    reader, repository = gitea.create_user("reader"), gitea.create_repository(private=True)
    repository.add_collaborator(reader, "read")
    token = gitea.create_token(reader, "read:repository")
    url = f"{repository.url}.git"
    files: dict[str, str | bytes] = {}
    with tarfile.open(next(real.glob("gen3-chart-*.tgz"))) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                files[f"{CHART}/{member.name.partition('/')[2]}"] = content.read()
    # In a repository of its own: Argo CD takes no chart and values of one repository at two commits.
    charts = gitea.create_repository()
    chart_commit = charts.push(files)

    name = f"heart-{secrets.token_hex(3)}"
    chart = {"repoURL": f"{charts.url}.git", "path": CHART, "version": chart_commit}
    made = launch(answers(["minimal"], chart=chart, namespace=name))
    values_commit = repository.push({**made.files, made.outputs_path: outputs_file(made)})
    deployment = made.deployment(url, values_commit)
    repository.push({made.application_path: applications.application_file(deployment)})

    what = wanted((), url, Credential(url, reader.name, token))
    assert bootstrap(client, what, Waits(), lambda _: None).decision.action is Action.USE
    root = {"spec": {"source": {"path": made.application_path.rpartition("/")[0]}}}
    client.merge(API, "Application", ROOT, root, "argocd")
    Applications(client).refresh(ROOT)

    follow = Wanted(deployment.environment, deployment.namespace, (chart_commit, values_commit))
    seen: list[Seen] = []
    try:
        for _ in range(_LOOKS):
            seen.append(look(client, follow))
            if seen[-1].is_healthy or seen[-1].failed:
                break
            if seen[-1].total:
                play_controllers(client, deployment.namespace)
            threading.Event().wait(_SECONDS)
        assert seen[-1].is_healthy, "\n".join(dict.fromkeys(one.worst for one in seen))
        assert seen[-1].address == BALANCER
        assert seen[-1].ready == seen[-1].total > 5
        said = " ".join(str(reason) for one in seen for reason in one.reasons)
        assert "nobody has looked after the secret" in said, "External Secrets was away at first"
        assert "it has no load balancer yet" in said
        assert token not in said
    finally:
        for kind in ("Application", "AppProject"):
            with contextlib.suppress(CsocError):
                client.delete(API, kind, deployment.environment, "argocd")
        client.delete("v1", "Namespace", deployment.namespace)
