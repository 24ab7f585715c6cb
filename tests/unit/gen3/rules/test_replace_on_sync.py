"""Applications that replace whole objects."""

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules.replace_on_sync import check
from csoc.testing.states import environment_state, location
from tests.unit.gen3.rules.making import application_view


def test_replacing_every_object_is_found_and_by_force_is_worse() -> None:
    state = environment_state("", view=application_view(sync_options=("CreateNamespace=true", "Replace=true")))
    (hit,) = check(state)
    assert hit.severity is Severity.LOW
    assert hit.evidence[0].location == location("alpha-prod/app.yaml")
    state = environment_state("", view=application_view(sync_options=("Force=true", "Replace=true")))
    (hit,) = check(state)
    assert hit.severity is Severity.MEDIUM


@pytest.mark.parametrize("options", [(), ("Replace=false",), ("ServerSideApply=true", "Force=true")])
def test_quiet_for_other_ways_to_sync(options: tuple[str, ...]) -> None:
    assert not list(check(environment_state("", view=application_view(sync_options=options))))
