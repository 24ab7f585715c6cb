"""What the document of a cluster says of it, before there is anything."""

from __future__ import annotations

from typing import Any

import pytest

from csoc.errors import RejectedError
from csoc.fleet.documents.base import Metadata
from csoc.fleet.documents.model import Account, AccountSpec, Cluster, ClusterLayer, ClusterSpec
from csoc.provisioning.infrastructure import has_nodes_for_workspaces, region_of_cluster


def cluster(**spec: Any) -> Cluster:
    return Cluster.make(metadata=Metadata(name="heart", uid="u000000001"), spec=ClusterSpec.model_validate(spec))


def account(*regions: str) -> Account:
    spec = AccountSpec(provider="aws", id="111111111111", purpose="workload", regions=regions)
    return Account.make(metadata=Metadata(name="research", uid="u000000002"), spec=spec)


@pytest.mark.parametrize(("size", "has"), [("small", False), ("medium", True), ("large", True), (None, False)])
def test_all_sizes_but_the_smallest_have_nodes_for_workspaces_alone(size: str | None, has: bool) -> None:
    assert has_nodes_for_workspaces(cluster(provider="aws", size=size)) is has


def test_a_pool_that_may_not_have_a_node_is_none() -> None:
    layers = (ClusterLayer(name="cluster", settings={"pools.jupyter.largest": 0}),)
    assert not has_nodes_for_workspaces(cluster(provider="aws", size="medium", layers=layers))


def test_the_document_of_a_cluster_that_somebody_brought_says_nothing_of_its_nodes() -> None:
    assert not has_nodes_for_workspaces(cluster(provider="existing", size="large"))


def test_stacks_are_in_the_clusters_own_region_or_else_in_the_main_one_of_its_account() -> None:
    used = account("eu-west-2", "us-east-1")
    assert region_of_cluster(cluster(region="us-east-1"), used) == "us-east-1"
    assert region_of_cluster(cluster(), used) == "eu-west-2"


def test_where_no_document_names_a_region_none_is_guessed() -> None:
    with pytest.raises(RejectedError, match="Nobody says in which region") as found:
        region_of_cluster(cluster(), account())
    assert (found.value.place, found.value.fix) == ("cluster heart", "Add region to the Cluster")
