"""Labels' values that stop the rendering."""

from csoc.fleet.charts import RenderFailure
from csoc.gen3.rules.label_value_not_text import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, line


def test_a_boolean_where_the_chart_compares_text_is_found() -> None:
    (hit,) = check(environment_state("fence:\n  criticalService: true\n"))
    assert (hit.key, line(hit)) == ("fence.criticalService", 2)
    assert [patch.value for patch in hit.patches] == ["true"]


def test_it_explains_a_rendering_that_failed() -> None:
    failure = RenderFailure("template", "incompatible types for comparison")
    (hit,) = check(environment_state("fence: {release: 7}", failure=failure))
    assert hit.key == "fence.release"


def test_quiet_where_the_chart_rendered_all_the_same() -> None:
    assert not list(check(environment_state("fence: {criticalService: true}", objects=[])))


def test_quiet_for_text_null_and_services_that_are_off() -> None:
    text = "fence: {criticalService: 'true', release: null}\nguppy: {enabled: false, criticalService: true}"
    assert not list(check(environment_state(text)))


def test_a_release_is_left_to_a_person_since_it_is_in_selectors() -> None:
    (hit,) = check(environment_state("fence: {release: true}"))
    assert not hit.patches


def test_a_number_has_no_safe_patch() -> None:
    (hit,) = check(environment_state("fence: {criticalService: 1}"))
    assert not hit.patches


def test_survives_wrong_types() -> None:
    for text in hostile("", "fence.criticalService", "fence.release"):
        list(check(environment_state(text)))
