"""Blocks of an older manifest that services read."""

import pytest

from csoc.gen3.rules.manifest_block_missing import check
from csoc.testing.states import layer
from tests.unit.gen3.rules.cases import line
from tests.unit.gen3.rules.older import manifest_state

BOTH = {"guppy": "2025.06", "sower": "master"}


def test_services_without_their_blocks_are_found_at_their_versions() -> None:
    assert [(hit.key, line(hit)) for hit in check(manifest_state(BOTH))] == [("guppy", 3), ("sower", 4)]


@pytest.mark.parametrize("guppy", [{"indices": [{"index": "a", "type": "b"}]}, {"config_index": "a"}])
def test_quiet_with_their_blocks(guppy: dict[str, object]) -> None:
    assert not list(check(manifest_state(BOTH, guppy=guppy, sower=[])))


def test_quiet_where_sowers_jobs_stand_in_a_file_of_their_own() -> None:
    own = layer("sower: {json: '[]'}", "manifests/sower/sower.json")
    assert [hit.key for hit in check(manifest_state(BOTH, own))] == ["guppy"]


def test_quiet_for_services_that_the_manifest_does_not_name() -> None:
    assert not list(check(manifest_state({"fence": "2025.06"})))
