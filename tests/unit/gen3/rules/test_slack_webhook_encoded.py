"""The chart's own secret for Slack."""

from csoc.gen3.rules.slack_webhook_encoded import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, line

CASE = "global:\n  createSlackWebhookSecret: true\n  slackWebhook: https://hooks.slack.com/services/T0/B0/abcdef\n"


def test_the_charts_secret_is_found_and_the_address_not_shown() -> None:
    (hit,) = check(environment_state(CASE))
    assert line(hit) == 2
    assert "hooks.slack" not in hit.cause + hit.evidence[0].text


def test_quiet_with_external_secrets_since_the_chart_makes_none_then() -> None:
    assert not list(check(environment_state(CASE + "  externalSecrets: {deploy: true}\n")))


def test_quiet_where_it_is_off_or_not_written() -> None:
    assert not list(check(environment_state(CASE.replace("true", "false"))))
    assert not list(check(environment_state("global: {slackWebhook: x}")))


def test_survives_wrong_types() -> None:
    for text in hostile(CASE, "global.createSlackWebhookSecret", "global.externalSecrets.deploy"):
        list(check(environment_state(text)))
