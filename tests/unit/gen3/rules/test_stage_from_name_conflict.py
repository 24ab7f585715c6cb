"""Hostnames that say one stage beside names that say another."""

from dataclasses import replace

import pytest

from csoc.fleet.argocd.model import Application
from csoc.gen3.rules.stage_from_name_conflict import check
from csoc.gen3.views import EnvironmentView, Fact
from csoc.testing.states import environment_state, environment_view, location


def view(hostname: str, application: str, release: str, namespace: str = "alpha") -> EnvironmentView:
    source = environment_view(release=release).source
    app = Application(application, location("app.yaml"), (source,), name_location=location("app.yaml", 4))
    return environment_view(hostname=hostname, release=release, namespace=namespace, application=app)


def test_a_staging_that_is_deployed_as_production_is_found_with_each_name() -> None:
    found = view("alphastaging.example.org", "gen3-alphaprod", "gen3-alphaprod", "alphaprod-helm")
    state = environment_state("global:\n  hostname: alphastaging.example.org\n", view=found)
    (hit,) = check(state)
    assert [str(item.location) for item in hit.evidence] == [
        "values.yaml:2",
        "app.yaml:4",
        "alpha-prod/app.yaml:8",
        "app.yaml:1",
    ]


def test_a_production_hostname_deployed_as_development_is_found() -> None:
    assert list(check(environment_state("", view=view("prod.example.org", "gen3-dev", "alpha"))))


@pytest.mark.parametrize(
    "innocent",
    [
        view("staging.example.org", "gen3-alphastaging", "alphastaging"),
        view("alpha.example.org", "gen3-alphaprod", "alphaprod"),
        view("staging.example.org", "gen3-alpha", "alpha", "alphaprod-helm"),
        view("preprod.example.org", "gen3-alphapreprod", "alphapreprod"),
        view("qa.example.org", "gen3-alphadev", "alphadev"),
        view("", "gen3-alphaprod", "alphaprod"),
    ],
)
def test_quiet_where_names_agree_say_nothing_or_only_the_namespace_differs(innocent: EnvironmentView) -> None:
    assert not list(check(environment_state("", view=innocent)))


def test_quiet_where_somebody_wrote_the_stage_down() -> None:
    stated = replace(view("staging.example.org", "gen3-prod", "prod"), stage=Fact("staging", "test", stated=True))
    assert not list(check(environment_state("", view=stated)))


def test_survives_a_hostname_of_another_shape() -> None:
    assert not list(check(environment_state("global: text\n", view=view("...", "gen3-prod", "prod"))))
