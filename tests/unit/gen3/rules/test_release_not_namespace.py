"""Release and namespace of different names matter where workspaces run."""

import pytest

from csoc.gen3.rules.model import Hit
from csoc.gen3.rules.release_not_namespace import check
from csoc.testing.states import environment_state

BY_HAND = "ambassador: {jupyterNamespace: pods}\nhatchery: {jupyterNamespace: pods}\n"


def hits(values: str, release: str = "gen3", namespace: str = "default") -> list[Hit]:
    return list(check(environment_state(values, release=release, namespace=namespace)))


def test_namespaces_that_somebody_set_by_hand_are_found_once_for_all_environments() -> None:
    (hit,) = hits(BY_HAND)
    (other,) = hits(BY_HAND, release="beta")
    assert hit.key == other.key
    assert "release gen3, namespace default" in hit.evidence[0].text


def test_quiet_where_both_have_one_name() -> None:
    assert not hits(BY_HAND, namespace="gen3")


def test_quiet_where_nothing_depends_on_it_or_a_sharper_rule_speaks() -> None:
    assert not hits("ambassador: {enabled: false}\n")
    assert not hits("ambassador: {jupyterNamespace: pods}\n")


@pytest.mark.parametrize("values", ["ambassador: 1\nhatchery: [x]\n", "hatchery: {jupyterNamespace: {a: 1}}\n"])
def test_survives_shapes_that_nobody_foresaw(values: str) -> None:
    assert not hits(values)
