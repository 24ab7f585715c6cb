"""A maintenance mode that its author takes for on."""

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules.maintenance_mode_not_text import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, line


@pytest.mark.parametrize("value", ["on", "true", "'On'", "'true'", "'yes'"])
def test_what_is_meant_to_be_on_and_is_not_the_text_on_is_found(value: str) -> None:
    (hit,) = check(environment_state(f"global:\n  maintenanceMode: {value}\n"))
    assert (hit.key, line(hit)) == ("on", 2)
    assert not hit.patches


def test_off_without_quotes_is_untidy_and_mended_by_a_patch() -> None:
    (hit,) = check(environment_state("global: {maintenanceMode: off}"))
    assert hit.severity is Severity.LOW
    assert [patch.value for patch in hit.patches] == ["off"]


@pytest.mark.parametrize("value", ["'on'", "'off'", "''", "null"])
def test_quiet_for_texts_and_for_nothing(value: str) -> None:
    assert not list(check(environment_state(f"global: {{maintenanceMode: {value}}}")))


def test_survives_wrong_types() -> None:
    for text in hostile("", "global.maintenanceMode"):
        list(check(environment_state(text)))
