"""The password with which upload jobs log in to the file index."""

from csoc.gen3.rules.indexing_password_differs import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, incomplete, line

CASE = """ssjdispatcher:
  enabled: true
  ssjcreds:
    jobPassword: first-word
indexd:
  secrets:
    userdb:
      ssj: second-word
"""


def test_two_passwords_are_found_and_not_shown() -> None:
    (hit,) = check(environment_state(CASE))
    assert (hit.key, line(hit, 0), line(hit, 1)) == ("differs", 4, 8)
    said = hit.cause + hit.fix + "".join(item.text for item in hit.evidence)
    assert "first-word" not in said
    assert "second-word" not in said


def test_a_random_one_of_indexd_is_found() -> None:
    (hit,) = check(environment_state(CASE.replace("ssj: second-word", "ssj: null")))
    assert "random" in hit.cause


def test_the_placeholder_is_found_wherever_indexd_has_its_own() -> None:
    local = "global: {externalSecrets: {deploy: true}}\n" + CASE.replace("first-word", "replace_with_password")
    local += "  externalSecrets: {createK8sServiceCredsSecret: false}\n"
    local = local.replace("  ssjcreds", "  externalSecrets: {createK8sSsjdispatcherSecret: true}\n  ssjcreds")
    assert [hit.key for hit in check(environment_state(local))] == ["placeholder"]


def test_quiet_for_one_password_and_for_another_user() -> None:
    assert not list(check(environment_state(CASE.replace("second", "first"))))
    assert not list(check(environment_state(CASE.replace("ssjcreds:", "ssjcreds:\n    jobUser: mine"))))


def test_quiet_where_both_are_in_secrets_manager_or_the_service_is_off() -> None:
    assert not list(check(environment_state("global: {externalSecrets: {deploy: true}}\n" + CASE)))
    assert not list(check(environment_state(CASE.replace("enabled: true", "enabled: false"))))


def test_quiet_where_a_value_file_is_missing() -> None:
    assert not list(check(incomplete(environment_state(CASE))))


def test_quiet_for_a_password_whose_counterpart_is_not_known() -> None:
    elsewhere = "global: {externalSecrets: {deploy: true}}\n" + CASE
    elsewhere = elsewhere.replace("  ssjcreds", "  externalSecrets: {createK8sSsjdispatcherSecret: true}\n  ssjcreds")
    assert not list(check(environment_state(elsewhere)))
    assert not list(check(environment_state(CASE + "  enabled: false\n")))


def test_quiet_where_the_dispatcher_has_no_password_to_compare() -> None:
    assert not list(check(environment_state(CASE.replace("first-word", "''"))))


def test_quiet_for_a_placeholder_that_is_not_used() -> None:
    outside = "global: {externalSecrets: {deploy: true}}\n"
    assert not list(check(environment_state(outside + CASE.replace("first-word", "replace_with_password"))))


def test_survives_wrong_types() -> None:
    for text in hostile(CASE, "ssjdispatcher.ssjcreds.jobPassword", "indexd.secrets.userdb.ssj"):
        list(check(environment_state(text)))
