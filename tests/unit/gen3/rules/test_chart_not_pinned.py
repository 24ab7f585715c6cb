"""Charts that follow a branch, a range or nothing."""

from dataclasses import replace

import pytest

from csoc.fleet.charts import ChartRef
from csoc.gen3.findings import Severity
from csoc.gen3.rules.chart_not_pinned import check
from csoc.testing.states import REPOSITORY, environment_state, environment_view, location

GIT = "https://github.com/uc-cdis/gen3-helm"


def git(revision: str, url: str = GIT) -> ChartRef:
    return ChartRef(url, path="helm/gen3", revision=revision)


def helm(revision: str) -> ChartRef:
    return ChartRef("https://helm.gen3.org", chart="gen3", revision=revision)


@pytest.mark.parametrize(
    "chart", [git("master"), git("feat/canary"), git(""), git("release/1.2"), helm("*"), helm("^0.3"), helm("")]
)
def test_branches_ranges_and_nothing_are_found(chart: ChartRef) -> None:
    (hit,) = check(environment_state("", chart=chart))
    assert hit.severity is Severity.MEDIUM
    assert hit.evidence[0].location == location("alpha-prod/app.yaml", 8)


def test_the_place_is_that_of_the_revision_where_it_is_known() -> None:
    view = environment_view(chart=git("master"))
    place = location("alpha-prod/app.yaml", 13)
    view = replace(view, source=replace(view.source, revision_location=place))
    (hit,) = check(environment_state("", view=view))
    assert hit.evidence[0].location == place


def test_it_matters_less_below_production_and_as_much_where_the_stage_is_unknown() -> None:
    (staging,) = check(environment_state("", chart=git("master"), stage="staging"))
    (unknown,) = check(environment_state("", chart=git("master"), stage=""))
    assert (staging.severity, unknown.severity) == (Severity.LOW, Severity.MEDIUM)


@pytest.mark.parametrize(
    "chart",
    [
        git("gen3-0.3.90"),
        git("v1.2.3"),
        git("refs/tags/gen3-0.3.90"),
        git("42cc46bc5406a06404149f0f6dcae02430251507"),
        helm("0.3.90"),
        git("main", f"https://{REPOSITORY}.git"),
    ],
)
def test_quiet_for_tags_commits_exact_versions_and_charts_of_the_fleets_own_repository(chart: ChartRef) -> None:
    assert not list(check(environment_state("", chart=chart)))


def test_quiet_for_a_wrapping_chart_which_is_read_with_the_values() -> None:
    view = replace(environment_view(chart=git("main", "https://other.example.org/x")), wrapper="gen3")
    assert not list(check(environment_state("", view=view)))


def test_survives_an_address_that_is_none() -> None:
    assert len(list(check(environment_state("", chart=git("main", "ext::sh -c true"))))) == 1
