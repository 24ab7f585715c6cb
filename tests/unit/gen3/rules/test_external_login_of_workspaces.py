"""Logins to other commons that the chart throws away."""

import json

from csoc.gen3.rules.external_login_of_workspaces import check
from csoc.gen3.state import EnvironmentState
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, hostile_objects, line, made

CASE = "wts:\n  secrets:\n    external_oidc:\n    - {base_url: https://x.org, oidc_client_secret: hidden-word}\n"


def secret(*logins: str) -> dict[str, object]:
    return made("Secret", "wts-g3auto", stringData={"appcreds.json": json.dumps({"external_oidc": logins})})


def wts(values: str, *objects: dict[str, object]) -> EnvironmentState:
    return environment_state(values, objects=objects or [secret()])


def test_a_list_that_does_not_reach_the_secret_is_found_and_what_is_in_it_not_shown() -> None:
    (hit,) = check(wts(CASE))
    assert line(hit) == 3
    assert "hidden-word" not in hit.cause + hit.evidence[0].text


def test_a_list_is_found_where_the_secret_comes_from_secrets_manager() -> None:
    assert list(check(environment_state(CASE, objects=[])))


def test_quiet_with_a_version_of_the_chart_that_uses_the_list() -> None:
    assert not list(check(wts(CASE, secret("https://x.org"))))


def test_quiet_for_an_empty_list_and_for_nothing_and_where_nothing_was_rendered() -> None:
    assert not list(check(wts("wts: {secrets: {external_oidc: []}}")))
    assert not list(check(wts("wts: {secrets: {}}")))
    assert not list(check(environment_state(CASE)))


def test_quiet_where_wts_is_off_or_its_secret_is_not_understood() -> None:
    assert not list(check(wts(CASE + "  enabled: false\n")))
    assert not list(check(wts(CASE, made("Secret", "wts-g3auto", stringData={"appcreds.json": "{"}))))


def test_survives_wrong_types() -> None:
    for text in hostile("", "wts.secrets.external_oidc"):
        list(check(wts(text)))
    for body in hostile_objects(secret("x")):
        list(check(wts(CASE, body)))
