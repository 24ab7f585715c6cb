"""Names and namespaces that are the cluster's own are no environment's: not in its document, and not in a plan."""

from __future__ import annotations

import pytest

from csoc.clusters.bootstrap.acting import ROOT
from csoc.clusters.bootstrap.surveying import application_of
from csoc.clusters.entering import _ACCOUNT
from csoc.clusters.platform import COMPONENTS
from csoc.clusters.platform_applications import PROJECT
from csoc.errors import RejectedError
from csoc.fleet.documents.faults import Fault
from csoc.fleet.documents.reserved import is_name_reserved, is_namespace_reserved
from csoc.usecases.planning.owners import find_owner
from tests.unit.fleet.test_documents_reading import commons, document, environment, fleet, read

OURS = [{"name": "gen3", "provider": "aws"}]
THEIRS = [{"name": "gen3", "provider": "existing"}]
NAMES = ["csoc-root", "platform", "platform-external-secrets", "default", "argocd", "in-cluster", "kube-system"]


def files(name: str, **spec: object) -> dict[str, str]:
    return {
        "fleet.yaml": fleet(),
        "accounts/a.yaml": document("Account", "a", "a000000001", provider="aws", id="1" * 12, purpose="workload"),
        "clusters/big/cluster.yaml": document("Cluster", "big", "c000000001", account="a"),
        "commons/heart/commons.yaml": commons("heart", "h000000001"),
        f"commons/heart/{name}/environment.yaml": environment(name, "e000000001", cluster="big", **spec),
    }


def faults(name: str, **spec: object) -> list[Fault]:
    return [one for one in read(files(name, **spec)).faults if one.field in ("metadata.name", "spec.namespace")]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_the_cluster_itself_is_refused_at_its_line_and_at_planning(name: str) -> None:
    [found] = faults(name, namespace="own", layers=OURS)
    assert (found.location.path, found.location.line) == (f"commons/heart/{name}/environment.yaml", 4)
    assert found.cause.startswith("metadata.name: expected another name than argocd, csoc, default, in-cluster,")
    assert found.cause.endswith(f'found "{name}"')
    with pytest.raises(RejectedError, match=f"The environment {name} cannot be planned: metadata.name is {name}") as no:
        find_owner(read(files(name, namespace="own", layers=OURS)), f"environment/{name}")
    assert no.value.place.endswith(f"commons/heart/{name}/environment.yaml:4")


@pytest.mark.parametrize("namespace", ["kube-system", "kube-public", "default", "argocd", "external-secrets"])
def test_a_namespace_of_the_cluster_itself_is_refused_at_its_line_and_at_planning(namespace: str) -> None:
    [found] = faults("heart-dev", namespace=namespace, layers=OURS)
    assert (found.field, found.location.line) == ("spec.namespace", 6)
    with pytest.raises(RejectedError, match=f"spec.namespace is {namespace}, and expected is a namespace of its own"):
        find_owner(read(files("heart-dev", namespace=namespace, layers=OURS)), "heart-dev")


def test_a_name_that_makes_such_a_namespace_is_refused_too() -> None:
    assert [one.field for one in faults("external-dns", layers=OURS)] == ["metadata.name"]


def test_what_somebody_else_runs_under_such_a_name_is_only_looked_at() -> None:
    assert faults("default", namespace="default", layers=THEIRS) == faults("default", namespace="default") == []
    assert find_owner(read(files("default", namespace="default")), "default").name == "default"


def test_all_that_csoc_itself_makes_in_a_cluster_is_reserved() -> None:
    assert is_name_reserved(ROOT)
    assert is_name_reserved(PROJECT)
    assert all(is_name_reserved(application_of(one)) for one in COMPONENTS.values())
    assert all(is_namespace_reserved(one.namespace) for one in COMPONENTS.values())
    assert is_namespace_reserved(_ACCOUNT["namespace"])
    assert not [one for one in ("heart-dev", "platforms-dev", "kubernetes", "csocs") if is_name_reserved(one)]
