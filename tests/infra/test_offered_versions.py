"""What csoc asks of AWS by version or type is offered there, as AWS's own library says, and is one fact everywhere.

The library drops no version that AWS ends; it says that it is no longer supported. So these tests fail when the library
is renewed after that day, and the version is due. Which machines a region has is what moto keeps of AWS's own answers
(DescribeInstanceTypeOfferings); of search, RDS and proxies' images nobody keeps such a list.
"""

from __future__ import annotations

import gzip
import json
import typing
from datetime import date
from pathlib import Path
from typing import Any

import moto.ec2
import pytest
from aws_cdk import aws_eks as eks
from aws_cdk import aws_opensearchservice as opensearch
from aws_cdk import aws_rds as rds

from csoc.costs.prices.tables import regions
from csoc.emulator.cloud.eks import facts
from csoc.fleet.documents.infrastructure import Size
from csoc.gen3.launch import versions
from csoc.gen3.rules.kubernetes_end_of_support import SUPPORT
from csoc.provisioning import sizes
from csoc_infra.parts import search


def said_of(kind: type, name: str) -> str:
    """What the library says of a version, without asking its other half, which would take seconds to start."""
    told: Any = vars(kind)[name]
    return str(told.fget.__doc__)


def test_a_new_cluster_has_the_same_kubernetes_wherever_its_version_comes_from() -> None:
    assert sizes.KUBERNETES_VERSION == versions.KUBERNETES


def test_kubernetes_of_new_clusters_is_offered_and_in_standard_support() -> None:
    assert "no longer" not in said_of(eks.KubernetesVersion, f"V{versions.KUBERNETES.replace('.', '_')}")
    standard, _ = SUPPORT[versions.KUBERNETES]
    assert standard > date(2026, 12, 31)


def test_the_rule_and_the_emulator_know_the_same_days() -> None:
    for name, one in facts.VERSIONS.items():
        assert SUPPORT[name] == (one.standard_until, one.extended_until)


def test_aurora_offers_the_postgresql_of_new_databases() -> None:
    said = said_of(rds.AuroraPostgresEngineVersion, f"VER_{sizes.DATABASE_VERSION.replace('.', '_')}")
    assert "no longer supported" not in said
    assert "no longer supported" in said_of(rds.AuroraPostgresEngineVersion, "VER_16_5")  # as it says it of others


def test_both_engines_of_search_are_offered() -> None:
    engines = typing.get_args(typing.get_type_hints(search.Settings)["engine_version"])
    assert engines == ("OpenSearch_1.3", "Elasticsearch_7.10")
    for engine in engines:
        said = said_of(opensearch.EngineVersion, engine.upper().replace(".", "_"))
        assert "deprecated" not in said


@pytest.mark.parametrize("region", regions())
def test_every_machine_that_a_size_names_is_offered_in_every_region_that_has_prices(region: str) -> None:
    assert moto.ec2.__file__ is not None
    kept = Path(moto.ec2.__file__).parent / "resources" / "instance_type_offerings" / "region" / f"{region}.json.gz"
    offered = {one["InstanceType"] for one in json.loads(gzip.decompress(kept.read_bytes()))}
    for size in typing.get_args(Size):
        pools = sizes.settings("cluster", size, given={"link_role": "x"})["pools"]
        proxies = sizes.settings("egress", size, given={"allowed": []})["instance_type"]
        assert {kind for pool in pools for kind in pool["instance_types"]} | {proxies} <= offered
