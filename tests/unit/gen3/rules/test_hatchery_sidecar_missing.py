"""The second container of workspaces."""

import json

import pytest

from csoc.gen3.rules.hatchery_sidecar_missing import check
from csoc.testing.states import environment_state, layer
from tests.unit.gen3.rules.cases import hostile, line
from tests.unit.gen3.rules.older import manifest_state

SIDECAR = {"image": "quay.io/cdis/gen3fuse-sidecar:1.0"}


def chart(configuration: str) -> str:
    return f"hatchery:\n  hatchery:\n    json: '{configuration}'\n"


@pytest.mark.parametrize("configuration", ["{}", '{"sidecar": {}}', '{"sidecar": "x"}', '{"sidecar": {"image": ""}}'])
def test_a_configuration_without_it_is_found(configuration: str) -> None:
    (hit,) = check(environment_state(chart(configuration)))
    assert line(hit) == 3


@pytest.mark.parametrize("configuration", [json.dumps({"sidecar": SIDECAR}), "{", "[]", "", "null"])
def test_quiet_with_it_and_for_what_is_no_configuration(configuration: str) -> None:
    assert not list(check(environment_state(chart(configuration))))


def test_quiet_without_a_configuration_without_hatchery_and_with_a_chart_that_reads_none() -> None:
    assert not list(check(environment_state("")))
    assert not list(check(environment_state(chart("{}") + "  enabled: false\n")))
    assert not list(check(environment_state(chart("{}"), chart_keys=frozenset({"hatchery.enabled"}))))


def test_an_older_manifest_says_it_in_its_block_or_in_a_file_of_its_own() -> None:
    named = {"hatchery": "2025.06"}
    (hit,) = check(manifest_state(named, hatchery={"containers": []}))
    assert hit.evidence[0].location
    assert hit.evidence[0].location.path == "manifest.json"
    assert not list(check(manifest_state(named, hatchery={"sidecar": SIDECAR})))
    assert not list(check(manifest_state(named)))
    own = layer(chart("{}"), "manifests/hatchery/hatchery.json")
    assert list(check(manifest_state(named, own)))


def test_survives_wrong_types() -> None:
    for text in hostile("", "hatchery.hatchery.json", "hatchery.enabled"):
        list(check(environment_state(text)))
