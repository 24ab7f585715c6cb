"""What the document of a cluster says of it, before there is anything."""

from __future__ import annotations

from typing import Any

import pytest

from csoc.fleet.documents.base import Metadata
from csoc.fleet.documents.model import Cluster, ClusterLayer, ClusterSpec
from csoc.provisioning.infrastructure import has_nodes_for_workspaces


def cluster(**spec: Any) -> Cluster:
    return Cluster.make(metadata=Metadata(name="heart", uid="u000000001"), spec=ClusterSpec.model_validate(spec))


@pytest.mark.parametrize(("size", "has"), [("small", False), ("medium", True), ("large", True), (None, False)])
def test_all_sizes_but_the_smallest_have_nodes_for_workspaces_alone(size: str | None, has: bool) -> None:
    assert has_nodes_for_workspaces(cluster(provider="aws", size=size)) is has


def test_a_pool_that_may_not_have_a_node_is_none() -> None:
    layers = (ClusterLayer(name="cluster", settings={"pools.jupyter.largest": 0}),)
    assert not has_nodes_for_workspaces(cluster(provider="aws", size="medium", layers=layers))


def test_the_document_of_a_cluster_that_somebody_brought_says_nothing_of_its_nodes() -> None:
    assert not has_nodes_for_workspaces(cluster(provider="existing", size="large"))
