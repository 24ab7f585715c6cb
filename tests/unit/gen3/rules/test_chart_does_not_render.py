"""Charts that Helm refuses, and templates that are no YAML."""

from dataclasses import replace

from csoc.fleet.charts import RenderFailure
from csoc.gen3.rules.chart_does_not_render import RULE, check
from csoc.testing.states import environment_state, environment_view

FAILURE = RenderFailure("template", "nil pointer evaluating", "gen3/templates/a.yaml", 14)


def test_a_failure_names_the_template_and_the_line() -> None:
    (hit,) = check(environment_state("", failure=FAILURE))
    assert hit.cause == "the chart does not render with these values (gen3/templates/a.yaml:14)"
    assert hit.evidence[0].text == "nil pointer evaluating"
    assert hit.evidence[0].location == environment_view().source.location


def test_a_limit_and_a_broken_chart_are_told_apart() -> None:
    (limit,) = check(environment_state("", failure=replace(FAILURE, kind="limit")))
    (chart,) = check(environment_state("", failure=replace(FAILURE, kind="chart")))
    assert "exceeds the limits" in limit.cause
    assert "cannot be loaded" in chart.cause


def test_a_template_whose_output_is_no_yaml_is_found() -> None:
    state = environment_state("", objects=[])
    assert state.rendering is not None
    broken = replace(state, rendering=replace(state.rendering, unparsed=[("templates/b.yaml", "line 3: a tab")]))
    (hit,) = check(broken)
    assert (hit.key, hit.evidence[0].text) == ("yaml templates/b.yaml", "line 3: a tab")


def test_quiet_where_it_renders_and_where_nothing_was_rendered() -> None:
    assert not list(check(environment_state("text: [1]\n", objects=[{"kind": "Secret"}])))
    assert not list(check(environment_state("")))


def test_it_says_with_which_chart() -> None:
    assert RULE.rendered
