"""Switches in quotes that do not do what they say."""

from csoc.gen3.findings import Severity
from csoc.gen3.rules.boolean_written_as_text import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, line


def test_false_in_quotes_counts_as_true() -> None:
    (hit,) = check(environment_state("portal:\n  enabled: 'false'\n"))
    assert (hit.key, line(hit)) == ("portal.enabled", 2)


def test_a_value_that_templates_compare_stops_the_rendering_and_can_be_mended() -> None:
    (hit,) = check(environment_state("global:\n  dev: 'true'\n"))
    assert hit.severity is Severity.CRITICAL
    assert [(patch.path, patch.action, patch.value) for patch in hit.patches] == [(("global", "dev"), "set", True)]


def test_quiet_for_true_in_quotes_which_does_what_it_says() -> None:
    assert not list(check(environment_state("portal:\n  enabled: 'true'\n")))


def test_quiet_for_booleans_and_where_text_is_wanted() -> None:
    text = "portal: {enabled: false}\nfence: {criticalService: 'false', podAnnotations: {enabled: 'false'}}\n"
    assert not list(check(environment_state(text)))


def test_quiet_below_keys_that_are_no_service_and_inside_lists() -> None:
    text = "mine: {enabled: 'false'}\nhatchery: {hatchery: {containers: [{enabled: 'false'}]}}\n"
    assert not list(check(environment_state(text)))


def test_flags_that_keep_secrets_are_switches_too() -> None:
    text = "fence: {externalSecrets: {createK8sJwtKeysSecret: 'false'}}"
    assert [hit.key for hit in check(environment_state(text))] == ["fence.externalSecrets.createK8sJwtKeysSecret"]


def test_survives_wrong_types() -> None:
    for text in hostile("", "global.dev", "portal.enabled", "fence.usersync.usersync"):
        list(check(environment_state(text)))
