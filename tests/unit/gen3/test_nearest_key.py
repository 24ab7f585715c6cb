"""The key that was meant by one that no template reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.gen3.chart_keys import nearest

KEYS = frozenset(
    {
        "fence.replicaCount",
        "fence.enabled",
        "fence.image.tag",
        "fence.usersync.usersync",
        "fence.usersync.projects",
        "fence.autoscaling.averageCPUValue",
        "etl.etlMapping",
        "etl.etlMapping.*",
        "etl.etlMapping.mappings",
        "etl.image.tube.tag",
        "etl.image.spark.tag",
        "hatchery.hatchery.json",
        "metadata.esEndpoint",
        "metadata.image.tag",
        "portal.gitops.createdby",
        "global.hostname",
        "global.fenceURL",
        "audit.enabled",
        "guppy.indices",
    }
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("fence.replicas", "fence.replicaCount"),
        ("fence.autoscaling.targetCPUUtilizationPercentage", "fence.autoscaling.averageCPUValue"),
        ("etl.mappings", "etl.etlMapping.mappings"),
        ("hatchery.json", "hatchery.hatchery.json"),
        ("metadata.image.esEndpoint", "metadata.esEndpoint"),
        ("etl.tube", "etl.image.tube"),
        ("tube.image.tag", "etl.image.tube"),
        ("portal.gitops.createdBy", "portal.gitops.createdby"),
        ("fence.image.tga", None),  # too short to tell a slip from another word
        ("fence.replicaCuont", "fence.replicaCount"),
        ("guppy.indeces", "guppy.indices"),
        ("hostname", "global.hostname"),
        ("sheepdog.fenceUrl", "global.fenceURL"),
        ("audit-service", "audit"),
        ("fense", "fence"),
        ("fence.projects", "fence.usersync.projects"),
        ("pidgin", None),
        ("fence.something", None),
        ("fence.image.enabled", None),  # "enabled" stands everywhere
        ("revproxy.replicas", None),  # this chart has no replicaCount there
    ],
)
def test_the_key_that_was_meant(written: str, meant: str | None) -> None:
    assert nearest(written, KEYS) == meant


@given(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=4))
def test_only_keys_that_are_read_are_suggested(path: list[str]) -> None:
    found = nearest(tuple(path), KEYS)
    assert found is None or any(key == found or key.startswith(f"{found}.") for key in KEYS)
