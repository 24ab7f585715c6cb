"""Services of an older manifest that work only together with others."""

import pytest

from csoc.gen3.rules.manifest_service_alone import RULE, check
from csoc.gen3.views import MANIFEST
from tests.unit.gen3.rules.cases import line
from tests.unit.gen3.rules.older import manifest_state

WHOLE = ("hatchery", "wts", "ambassador", "guppy", "aws-es-proxy", "tube", "spark")


@pytest.mark.parametrize(
    ("gone", "keys"),
    [
        ("wts", {"hatchery wts"}),
        ("ambassador", {"hatchery ambassador"}),
        ("spark", {"tube spark"}),
        ("aws-es-proxy", {"guppy aws-es-proxy", "tube aws-es-proxy"}),
        ("hatchery", set()),
        ("guppy", set()),
        ("tube", set()),
        ("none", set()),
    ],
)
def test_each_service_is_found_without_its_partner(gone: str, keys: set[str]) -> None:
    state = manifest_state({name: "2025.06" for name in WHOLE if name != gone})
    assert {hit.key for hit in check(state)} == keys


def test_the_place_is_the_line_of_the_service_in_the_manifest() -> None:
    (hit,) = check(manifest_state({"fence": "1.0.0", "tube": "master", "aws-es-proxy": "1.0"}))
    assert (line(hit), hit.evidence[0].location and hit.evidence[0].location.path) == (4, "manifest.json")


def test_only_older_manifests_are_judged() -> None:
    assert RULE.systems == (MANIFEST,)
