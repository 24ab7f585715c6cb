"""Logins to other commons that the chart throws away."""

from csoc.gen3.rules.external_login_of_workspaces import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, line

CASE = "wts:\n  secrets:\n    external_oidc:\n    - {base_url: https://x.org, oidc_client_secret: hidden-word}\n"


def test_a_list_is_found_and_what_is_in_it_not_shown() -> None:
    (hit,) = check(environment_state(CASE))
    assert line(hit) == 3
    assert "hidden-word" not in hit.cause + hit.evidence[0].text


def test_quiet_for_an_empty_list_and_for_nothing() -> None:
    assert not list(check(environment_state("wts: {secrets: {external_oidc: []}}")))
    assert not list(check(environment_state("wts: {secrets: {}}")))


def test_quiet_where_wts_is_off() -> None:
    assert not list(check(environment_state(CASE + "  enabled: false\n")))


def test_survives_wrong_types() -> None:
    for text in hostile("", "wts.secrets.external_oidc"):
        list(check(environment_state(text)))
