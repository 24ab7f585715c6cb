"""The portal's own build together with Crossplane."""

from dataclasses import replace

from csoc.fleet.charts import RenderFailure, Rendering
from csoc.gen3.rules.portal_build_with_crossplane import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, line

CASE = "portal:\n  portalBuild:\n    enabled: true\nglobal:\n  crossplane:\n    enabled: true\n"


def test_both_together_are_found_without_a_chart() -> None:
    (hit,) = check(environment_state(CASE))
    assert (line(hit, 0), line(hit, 1)) == (3, 6)


def test_a_template_that_gave_no_yaml_and_a_rendering_that_failed_are_found() -> None:
    broken = Rendering(unparsed=[("gen3/charts/portal/templates/crossplane.yaml", "line 66")])
    assert list(check(replace(environment_state(CASE), rendering=broken)))
    assert list(check(environment_state(CASE, failure=RenderFailure("template", "x"))))


def test_quiet_where_the_chart_at_hand_renders_it() -> None:
    assert not list(check(environment_state(CASE, objects=[])))


def test_quiet_where_one_of_them_or_the_portal_is_off() -> None:
    assert not list(check(environment_state("portal: {portalBuild: {enabled: true}}")))
    assert not list(check(environment_state("global: {crossplane: {enabled: true}}")))
    assert not list(check(environment_state(CASE.replace("portal:\n", "portal:\n  enabled: false\n"))))


def test_quiet_for_another_template_that_gave_no_yaml() -> None:
    broken = Rendering(unparsed=[("gen3/charts/fence/templates/x.yaml", "line 1")])
    assert not list(check(replace(environment_state(CASE), rendering=broken)))


def test_survives_wrong_types() -> None:
    for text in hostile(CASE, "portal.portalBuild.enabled", "global.crossplane.enabled"):
        list(check(environment_state(text)))
