"""The testbed's Argo CD pulls from a private repository as in production: what fails here is the testbed, not csoc."""

from __future__ import annotations

import time

import pytest

from testbed.servers.argocd import Credential, Delivery
from testbed.servers.gitea import Gitea, GiteaRepository, GiteaUser
from testbed.servers.kube import Document

pytestmark = [pytest.mark.kubernetes, pytest.mark.gitea]

CHART = {
    "chart/Chart.yaml": "{apiVersion: v2, name: small, version: 1.0.0}\n",
    "chart/values.yaml": "greeting: from the chart\n",
    "chart/templates/config.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: small}\n"
        "data: {greeting: {{ .Values.greeting | quote }}, release: {{ .Release.Name }}}\n"
    ),
}
VALUES = "sites/here/values.yaml"


@pytest.fixture
def reader(gitea: Gitea) -> GiteaUser:
    """A person who may read what a test lets them read."""
    return gitea.create_user("reader")


@pytest.fixture
def repository(gitea: Gitea, reader: GiteaUser) -> GiteaRepository:
    """A private repository with a small chart and values, which the reader may read."""
    made = gitea.create_repository(private=True)
    made.push({**CHART, VALUES: "greeting: hello\n"})
    made.add_collaborator(reader, "read")
    return made


def credential(delivery: Delivery, repository: GiteaRepository, reader: GiteaUser) -> Credential:
    """Lets this test's Argo CD read the repository's owner with a token that can do nothing else."""
    gitea = repository.gitea
    return delivery.add_credential(
        f"{gitea.url}/{repository.owner}", reader.name, gitea.create_token(reader, "read:repository")
    )


def sources(repository: GiteaRepository) -> list[Document]:
    """The chart, with the values of the same repository by reference, as Gen3's Applications have it."""
    url = f"{repository.url}.git"
    chart = {"repoURL": url, "targetRevision": "main", "path": "chart"}
    helm = {"releaseName": "here", "valueFiles": [f"$values/{VALUES}"]}
    return [{**chart, "helm": helm}, {"repoURL": url, "targetRevision": "main", "ref": "values"}]


def greeting(delivery: Delivery) -> dict[str, str]:
    """What is in the namespace."""
    found: dict[str, str] = delivery.cluster.admin.get("v1", "ConfigMap", "small", delivery.namespace)["data"]
    return found


def conditions(document: Document) -> str:
    """What Argo CD says is wrong, in one text."""
    return "\n".join(row["message"] for row in document.get("status", {}).get("conditions", []))


def test_a_private_repository_is_synced_with_a_credential_that_may_only_read(
    delivery: Delivery, repository: GiteaRepository, reader: GiteaUser
) -> None:
    credential(delivery, repository, reader)

    name = delivery.create_application(sources(repository))
    done = delivery.wait_until_synced(name, repository.head())

    assert done["status"]["health"]["status"] == "Healthy"
    assert greeting(delivery) == {"greeting": "hello", "release": "here"}


def test_without_a_credential_it_says_that_access_is_missing(delivery: Delivery, repository: GiteaRepository) -> None:
    name = delivery.create_application(sources(repository))
    # Conditions are written first, and what is made of them a moment later.
    found = delivery.wait_for(
        name, lambda document: "authentication required" in conditions(document) and "sync" in document["status"]
    )
    assert found["status"]["sync"]["status"] == "Unknown"


def test_a_commit_is_live_after_a_refresh_is_asked_for(
    delivery: Delivery, repository: GiteaRepository, reader: GiteaUser
) -> None:
    credential(delivery, repository, reader)
    name = delivery.create_application(sources(repository))
    delivery.wait_until_synced(name, repository.head())

    commit = repository.push({VALUES: "greeting: good morning\n"})
    asked_at = time.monotonic()
    delivery.refresh(name)
    delivery.wait_until_synced(name, commit)

    assert time.monotonic() - asked_at < 60  # by itself it looks every 180 s
    assert greeting(delivery)["greeting"] == "good morning"


def test_lost_access_is_told_and_what_runs_stays(
    delivery: Delivery, repository: GiteaRepository, reader: GiteaUser
) -> None:
    access = credential(delivery, repository, reader)
    name = delivery.create_application(sources(repository))
    delivery.wait_until_synced(name)

    access.delete()
    found = delivery.look_until(name, lambda document: document["status"]["sync"]["status"] == "Unknown")

    assert "authentication required" in conditions(found)
    assert greeting(delivery)["greeting"] == "hello"


def test_a_project_keeps_an_application_in_its_namespace(
    delivery: Delivery, repository: GiteaRepository, reader: GiteaUser
) -> None:
    credential(delivery, repository, reader)
    elsewhere = {"server": "https://kubernetes.default.svc", "namespace": "kube-system"}
    name = delivery.create_application(sources(repository), destination=elsewhere)
    delivery.wait_for(name, lambda document: "do not match any of the allowed destinations" in conditions(document))


def test_a_pinned_commit_stays_when_the_branch_moves(
    delivery: Delivery, repository: GiteaRepository, reader: GiteaUser
) -> None:
    credential(delivery, repository, reader)
    pinned = repository.head()
    name = delivery.create_application([{**source, "targetRevision": pinned} for source in sources(repository)])
    delivery.wait_until_synced(name, pinned)

    repository.push({VALUES: "greeting: too early\n"})
    delivery.refresh(name)
    found = delivery.application(name)

    assert found["status"]["sync"] | {"revisions": [pinned] * 2, "status": "Synced"} == found["status"]["sync"]
    assert greeting(delivery)["greeting"] == "hello"
