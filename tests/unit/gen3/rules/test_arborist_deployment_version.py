"""How the older system deploys arborist."""

import pytest

from csoc.gen3.rules.arborist_deployment_version import check
from tests.unit.gen3.rules.cases import line
from tests.unit.gen3.rules.older import manifest_state


@pytest.mark.parametrize("tag", ["2.0.0", "2.3.1", "2025.06"])
def test_a_version_that_wants_the_second_kind_is_found_without_it(tag: str) -> None:
    (hit,) = check(manifest_state({"arborist": tag}, arborist={"other": "x"}))
    assert line(hit) == 3
    assert tag in hit.cause


@pytest.mark.parametrize("tag", ["1.9.9", "feat_new", "2019.01", ""])
def test_quiet_for_versions_before_it_and_for_those_that_nobody_can_compare(tag: str) -> None:
    assert not list(check(manifest_state({"arborist": tag})))


def test_quiet_where_the_manifest_says_it_and_without_arborist() -> None:
    assert not list(check(manifest_state({"arborist": "2025.06"}, arborist={"deployment_version": "2"})))
    assert not list(check(manifest_state({"fence": "2025.06"})))
