"""Kubeconfigs that csoc keeps: for its user alone, and none that reaches out."""

from __future__ import annotations

from pathlib import Path

import pytest

from csoc.adapters.kube.kubeconfigs import Kubeconfigs, OpenedClusters
from csoc.clusters.access import EksReference, KubeconfigReference
from csoc.clusters.client import ClusterClient
from csoc.errors import DeniedError, NotFoundError, RejectedError

GOOD = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://cluster.example.org"}}]
users: [{name: u, user: {token: t}}]
"""


def test_what_is_kept_is_for_its_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "kubeconfigs"
    Kubeconfigs(folder).put("tide", GOOD)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [(path.name, path.stat().st_mode & 0o777) for path in folder.iterdir()] == [("tide.yaml", 0o600)]
    Kubeconfigs(folder).open(KubeconfigReference("tide", "here")).close()


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (GOOD.replace("token: t", "exec: {command: steal}"), DeniedError),
        (GOOD.replace("token: t", "tokenFile: /etc/shadow"), DeniedError),
        (GOOD.replace("https://", "http://"), RejectedError),
        (GOOD.replace("current-context: here", "current-context: there"), RejectedError),
    ],
)
def test_what_runs_reads_or_shows_its_token_to_anybody_is_not_kept(
    tmp_path: Path, wrong: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        Kubeconfigs(tmp_path).put("tide", wrong)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../tide", "", "Tide", "a/b", "a" * 64])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RejectedError):
        Kubeconfigs(tmp_path).open(KubeconfigReference(name))


def test_a_cluster_without_one_is_not_found_with_the_command_that_gives_one(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="csoc cluster connect tide --kubeconfig"):
        Kubeconfigs(tmp_path).open(KubeconfigReference("tide"))


def test_a_cluster_of_eks_is_opened_by_the_one_who_knows_aws(tmp_path: Path) -> None:
    reference = EksReference("tide", "research", "111111111111", "us-east-1", "tide")
    asked: list[tuple[str, object, str, str]] = []

    class Eks:
        def open(self, reference: EksReference, *, person: str, task: str) -> ClusterClient:
            asked.append(("open", reference, person, task))
            raise NotFoundError("no matter")

        def raise_rights(self, reference: EksReference, *, person: str, task: str) -> None:
            asked.append(("raise", reference, person, task))

        def lower_rights(self, reference: EksReference, *, person: str, task: str) -> None:
            asked.append(("lower", reference, person, task))

    opened = OpenedClusters(Kubeconfigs(tmp_path), Eks())
    with pytest.raises(NotFoundError):
        opened.open(reference, person="sts:ada", task="run-1")
    assert asked == [("open", reference, "sts:ada", "run-1")]
