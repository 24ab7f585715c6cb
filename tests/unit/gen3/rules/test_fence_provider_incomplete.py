"""Logins that are offered and cannot work."""

from csoc.gen3.rules.fence_provider_incomplete import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, incomplete, line

CASE = """fence:
  FENCE_CONFIG:
    LOGIN_OPTIONS:
    - {name: Google, idp: google}
    DEFAULT_LOGIN_IDP: google
    OPENID_CONNECT:
      google: {client_id: abc, client_secret: ''}
"""
WELL = CASE.replace("''", "hidden")


def test_a_provider_without_a_secret_is_one_hit_that_does_not_show_the_other_half() -> None:
    (hit,) = check(environment_state(CASE))
    assert (hit.key, line(hit, 0), line(hit, 1)) == ("google", 3, 7)
    assert "no client_secret" in hit.cause
    assert "abc" not in "".join(item.text for item in hit.evidence)


def test_a_provider_that_is_not_configured_is_found() -> None:
    assert [
        hit.key
        for hit in check(environment_state(WELL.replace("DEFAULT_LOGIN_IDP: google", "DEFAULT_LOGIN_IDP: okta")))
    ] == ["okta"]


def test_quiet_for_complete_ones_and_for_those_that_nobody_offers() -> None:
    assert not list(check(environment_state(WELL + "      orcid: {client_id: '', client_secret: ''}\n")))


def test_quiet_for_mocked_providers() -> None:
    assert not list(check(environment_state(CASE + "    MOCK_GOOGLE_AUTH: true\n")))
    assert not list(check(environment_state(CASE.replace("client_id", "mock: true, client_id"))))


def test_quiet_where_the_configuration_is_elsewhere_or_not_all_there() -> None:
    assert not list(check(environment_state("global: {externalSecrets: {deploy: true}}\n" + CASE)))
    assert not list(check(incomplete(environment_state(CASE))))


def test_quiet_for_shibboleth_and_where_all_logins_are_mocked() -> None:
    by_header = WELL.replace("LOGIN_OPTIONS:", "LOGIN_OPTIONS:\n    - {name: NIH, idp: shibboleth}")
    assert not list(check(environment_state(by_header)))
    assert not list(check(environment_state(CASE + "    MOCK_AUTH: true\n")))


def test_a_mocked_google_does_not_complete_another_provider() -> None:
    other = CASE.replace("google", "okta") + "    MOCK_GOOGLE_AUTH: true\n"
    assert [hit.key for hit in check(environment_state(other))] == ["okta"]


def test_quiet_where_the_secret_part_is_not_known_or_fence_is_off() -> None:
    public = CASE.replace("FENCE_CONFIG:", "FENCE_CONFIG_PUBLIC:")
    assert not list(check(environment_state("global: {externalSecrets: {deploy: true}}\n" + public)))
    assert not list(check(environment_state(CASE + "  enabled: false\n")))


def test_quiet_without_any_provider_since_the_chart_is_not_known_then() -> None:
    assert not list(check(environment_state("fence: {FENCE_CONFIG: {DEFAULT_LOGIN_IDP: google}}")))
    assert not list(check(environment_state(WELL.replace("DEFAULT_LOGIN_IDP: google", "DEFAULT_LOGIN_IDP: ''"))))


def test_survives_wrong_types() -> None:
    for text in hostile(
        CASE,
        "fence.FENCE_CONFIG.LOGIN_OPTIONS",
        "fence.FENCE_CONFIG.OPENID_CONNECT.google.client_id",
        "fence.FENCE_CONFIG.DEFAULT_LOGIN_IDP",
    ):
        list(check(environment_state(text)))
