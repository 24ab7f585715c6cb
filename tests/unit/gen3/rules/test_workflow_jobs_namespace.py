"""The namespace in which funnel starts its jobs."""

from dataclasses import replace

from csoc.gen3.rules.workflow_jobs_namespace import check
from csoc.testing.states import environment_state, location
from tests.unit.gen3.rules.cases import hostile, incomplete, line

CASE = "gen3-workflow:\n  enabled: true\nfunnel:\n  Kubernetes:\n    JobsNamespace: %s\n"


def test_an_empty_value_is_found_and_mended_by_a_patch() -> None:
    (hit,) = check(environment_state(CASE % "''"))
    assert line(hit) == 5
    assert [patch.value for patch in hit.patches] == ["workflow-pods-alpha"]


def test_a_value_that_is_not_written_is_found_at_the_switch() -> None:
    (hit,) = check(environment_state("gen3-workflow:\n  enabled: true\n"))
    assert line(hit) == 2
    assert not hit.patches


def test_another_namespace_is_found_and_left_to_a_person_since_the_destination_may_be_wrong() -> None:
    (hit,) = check(environment_state(CASE % "workflow-pods-beta"))
    assert not hit.patches
    assert "destination" in hit.fix


def test_quiet_where_it_fits_and_where_funnel_is_off() -> None:
    assert not list(check(environment_state(CASE % "workflow-pods-alpha")))
    assert not list(check(environment_state("")))


def test_quiet_where_the_namespace_is_not_known_or_a_value_file_is_missing() -> None:
    assert not list(check(environment_state(CASE % "''", namespace="")))
    assert not list(check(incomplete(environment_state(CASE % "''"))))


def test_the_destination_is_shown_where_the_application_writes_it() -> None:
    state = environment_state(CASE % "workflow-pods-beta")
    place = location("alpha-prod/app.yaml", 20)
    application = replace(state.view.application, namespace_location=place)
    (hit,) = check(replace(state, view=replace(state.view, application=application)))
    assert line(hit, 1) == 20
    (hit,) = check(state)
    assert line(hit, 1) == 1


def test_survives_wrong_types() -> None:
    for text in hostile(CASE % "''", "funnel.Kubernetes.JobsNamespace", "gen3-workflow.enabled"):
        list(check(environment_state(text)))
