"""Network policies of the older system."""

import pytest

from csoc.gen3.rules.workspaces_without_network_policy import check
from tests.unit.gen3.rules.cases import line
from tests.unit.gen3.rules.older import manifest_state

HATCHERY = {"hatchery": "2025.06"}


@pytest.mark.parametrize("general", [{}, {"netpolicy": "off"}, {"netpolicy": True}, {"netpolicy": ["on"]}])
def test_workspaces_are_found_without_policies(general: dict[str, object]) -> None:
    (hit,) = check(manifest_state(HATCHERY, general=general))
    assert line(hit) == 3
    assert len(hit.evidence) == 1 + len(general)


def test_quiet_with_policies_without_workspaces_and_where_people_try_things() -> None:
    assert not list(check(manifest_state(HATCHERY, general={"netpolicy": "on"})))
    assert not list(check(manifest_state({"fence": "2025.06"})))
    assert not list(check(manifest_state(HATCHERY, stage="qa")))
