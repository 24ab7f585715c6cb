"""Patches stand only where the path that was read is the path in the file."""

from dataclasses import replace

from csoc.gen3.rules.support.patching import set_value
from csoc.testing.states import environment_state, layer
from tests.unit.gen3.rules.cases import layered


def test_a_value_of_a_file_can_be_set_at_its_line() -> None:
    state = environment_state("a:\n  b: 1\n")
    (patch,) = set_value(state, "a.b", 2)
    assert (patch.location.line, patch.path, patch.action, patch.value) == (2, ("a", "b"), "set", 2)


def test_the_last_file_that_writes_it_is_patched() -> None:
    (patch,) = set_value(layered(layer("a: 1", "base.yaml"), layer("a: 2", "prod.yaml")), "a", 3)
    assert patch.location.path == "prod.yaml"


def test_nothing_is_patched_that_nobody_wrote() -> None:
    assert not set_value(environment_state("a: {c: 1}"), "a.b", 2)


def test_nothing_is_patched_inside_an_application_or_below_a_wrapping_chart() -> None:
    inline = layered(layer("a: 1", "alpha-prod/app.yaml"))
    assert not set_value(inline, "a", 2)
    state = environment_state("a: 1")
    assert not set_value(replace(state, view=replace(state.view, wrapper="gen3")), "a", 2)
