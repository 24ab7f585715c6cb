"""Who answers at `/`."""

from csoc.gen3.findings import Severity
from csoc.gen3.rules.front_page_without_owner import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, incomplete, line


def test_a_root_that_is_off_is_found() -> None:
    (hit,) = check(environment_state("global:\n  frontendRoot: gen3ff\n"))
    assert (hit.key, line(hit), hit.severity) == ("gen3ff", 2, None)
    assert "portal is on" in hit.cause


def test_another_spelling_is_found() -> None:
    (hit,) = check(environment_state("global: {frontendRoot: frontend-framework}\nfrontend-framework: {enabled: true}"))
    assert (hit.key, hit.severity) == ("unknown", Severity.MEDIUM)


def test_a_commons_without_any_page_is_worth_a_remark_only() -> None:
    (hit,) = check(environment_state("portal: {enabled: false}"))
    assert (hit.key, hit.severity) == ("none", Severity.INFO)


def test_quiet_where_the_owner_is_on() -> None:
    assert not list(check(environment_state("global: {frontendRoot: portal}")))
    assert not list(check(environment_state("global: {frontendRoot: gen3ff}\nfrontend-framework: {enabled: true}")))


def test_quiet_without_a_reverse_proxy_and_with_a_missing_value_file() -> None:
    text = "global: {frontendRoot: gen3ff}\n"
    assert not list(check(environment_state(text + "revproxy: {enabled: false}")))
    assert not list(check(incomplete(environment_state(text))))


def test_a_root_that_is_written_is_found_although_nothing_else_is_on() -> None:
    (hit,) = check(environment_state("portal: {enabled: false}\nglobal: {frontendRoot: portal}"))
    assert (hit.key, hit.severity) == ("portal", None)
    assert "while" not in hit.cause


def test_the_other_application_is_found_although_no_root_is_written() -> None:
    (hit,) = check(environment_state("portal: {enabled: false}\nfrontend-framework: {enabled: true}"))
    assert (hit.key, hit.severity) == ("portal", None)


def test_another_spelling_weighs_more_where_the_portal_is_off() -> None:
    (hit,) = check(environment_state("portal: {enabled: false}\nglobal: {frontendRoot: gen3}"))
    assert hit.severity is Severity.HIGH


def test_quiet_for_a_root_that_is_null_or_the_charts() -> None:
    assert not list(check(environment_state("", defaults={"global": {"frontendRoot": "other"}})))


def test_survives_wrong_types() -> None:
    for text in hostile("", "global.frontendRoot", "portal.enabled"):
        list(check(environment_state(text)))
