"""A production environment that nobody here wrote, rendered by the real gen3 chart and synced by the real Argo CD.

It is the largest thing that the testbed is asked to carry, and shows what csoc will see of a commons that is delivered.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.servers import argocd
from testbed.servers.argocd import Delivery
from testbed.servers.cluster import Cluster
from testbed.servers.gitea import Gitea, GiteaRepository
from testbed.servers.kube import Document, KubeError

pytestmark = [pytest.mark.kubernetes, pytest.mark.gitea, pytest.mark.real]

VALUES = "brhprod/brh.data-commons.org/values/values.yaml"
CHART = "helm/gen3"
SYNC_SECONDS = 240
WAITING_FOR_NODES = "hot-node-"


@pytest.fixture(scope="module")
def repository(gitea: Gitea, real: Path) -> GiteaRepository:
    """A private repository with the chart and the environment's values."""
    files = {VALUES: (real / "gitops-ctds" / VALUES).read_bytes()}
    with tarfile.open(next(real.glob("gen3-chart-*.tgz"))) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                files[f"{CHART}/{member.name.partition('/')[2]}"] = content.read()
    made = gitea.create_repository(private=True)
    made.push(files)
    return made


@pytest.fixture
def external_secrets(cluster: Cluster) -> None:
    """The kinds of External Secrets, as in production."""
    cluster.apply_definitions("external-secrets")


@pytest.fixture
def bare(second_cluster: Cluster) -> Iterator[Delivery]:
    """A namespace and project in a cluster where nobody installed External Secrets."""
    with pytest.raises(KubeError, match="404"):
        second_cluster.admin.request("GET", "/apis/external-secrets.io/v1")
    with argocd.delivery(second_cluster) as made:
        yield made


def create(delivery: Delivery, repository: GiteaRepository) -> str:
    """The environment as an Application of this test, with a credential that may only read."""
    gitea = repository.gitea
    reader = gitea.create_user("reader")
    repository.add_collaborator(reader, "read")
    delivery.add_credential(
        f"{gitea.url}/{repository.owner}", reader.name, gitea.create_token(reader, "read:repository")
    )
    url = f"{repository.url}.git"
    # Pinned to the commit: what follows a branch with values by `$ref` is rendered apart by a look and by a sync, and
    # the chart makes up other passwords each time.
    commit = repository.head()
    chart = {"repoURL": url, "targetRevision": commit, "path": CHART}
    helm = {"releaseName": "gen3-brhprod", "valueFiles": [f"$values/{VALUES}"]}
    sources: list[Document] = [{**chart, "helm": helm}, {"repoURL": url, "targetRevision": commit, "ref": "values"}]
    # Healing is as in the environment's own Application.
    return delivery.create_application(sources, syncPolicy={"automated": {"selfHeal": True}})


def is_ready(deployment: Document) -> bool:
    """Whether all of its Pods are ready."""
    wanted: int = deployment["spec"]["replicas"]
    return bool(deployment["status"].get("readyReplicas", 0) == wanted)


def operation(document: Document) -> Document:
    """What Argo CD says of its last sync."""
    found: Document = document.get("status", {}).get("operationState", {})
    return found


@pytest.mark.usefixtures("external_secrets")
def test_it_is_synced_and_its_pods_run(delivery: Delivery, repository: GiteaRepository) -> None:
    client = delivery.cluster.admin
    name = create(delivery, repository)

    done = delivery.wait_until_synced(name, repository.head(), SYNC_SECONDS)
    for deployment in client.list("apps/v1", "Deployment", delivery.namespace):
        its_name = deployment["metadata"]["name"]
        if not its_name.startswith(WAITING_FOR_NODES):
            client.wait_for("apps/v1", "Deployment", its_name, is_ready, namespace=delivery.namespace)

    assert {row["status"] for row in done["status"]["resources"]} == {"Synced"}
    assert sum(row["kind"] == "Deployment" for row in done["status"]["resources"]) == 20
    # What keeps the whole from being Healthy is what no cluster here has: nodes in three zones and a load balancer.
    waiting = [found for found in client.list("v1", "Pod", delivery.namespace) if found["status"]["phase"] == "Pending"]
    assert len(waiting) == 3
    for pod in waiting:
        assert pod["metadata"]["name"].startswith(WAITING_FOR_NODES)
        assert "didn't match Pod's node affinity/selector" in pod["status"]["conditions"][0]["message"]
    (ingress,) = client.list("networking.k8s.io/v1", "Ingress", delivery.namespace)
    assert ingress["status"]["loadBalancer"] == {}
    assert delivery.application(name)["status"]["health"]["status"] == "Progressing"


def test_without_the_kinds_of_external_secrets_it_says_that_tasks_are_not_valid(
    bare: Delivery, repository: GiteaRepository
) -> None:
    name = create(bare, repository)

    # It tries again for minutes, so the operation is still Running while it says so.
    found = bare.wait_for(name, lambda document: "not valid" in operation(document).get("message", ""), SYNC_SECONDS)

    assert "one or more synchronization tasks are not valid" in operation(found)["message"]
    failed = [row for row in operation(found)["syncResult"]["resources"] if row["status"] == "SyncFailed"]
    assert {row["kind"] for row in failed} == {"ExternalSecret", "SecretStore"}
    assert all('Make sure the "' in row["message"] for row in failed)
    assert not bare.cluster.admin.list("v1", "Pod", bare.namespace)
