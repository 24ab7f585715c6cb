"""The chart's own secret for Slack."""

import base64

from csoc.gen3.rules.slack_webhook_encoded import check
from csoc.gen3.state import EnvironmentState
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, hostile_objects, line, made

ADDRESS = "https://hooks.slack.com/services/T0/B0/abcdef"
CASE = f"global:\n  createSlackWebhookSecret: true\n  slackWebhook: {ADDRESS}\n"
TWICE = made(
    "Secret", "slack-webhook", stringData={"slack_webhook": base64.b64encode(f'"{ADDRESS}"'.encode()).decode()}
)
ONCE = made("Secret", "slack-webhook", data={"slack_webhook": base64.b64encode(ADDRESS.encode()).decode()})


def slack(values: str, *objects: dict[str, object]) -> EnvironmentState:
    return environment_state(values, objects=objects)


def test_an_address_that_is_encoded_with_its_quotes_is_found_and_not_shown() -> None:
    (hit,) = check(slack(CASE, TWICE))
    assert line(hit) == 2
    assert "hooks.slack" not in hit.cause + hit.evidence[0].text


def test_quiet_with_a_version_of_the_chart_that_encodes_it_as_kubernetes_wants() -> None:
    assert not list(check(slack(CASE, ONCE)))


def test_quiet_where_the_chart_makes_none_and_where_nothing_was_rendered() -> None:
    assert not list(check(slack(CASE + "  externalSecrets: {deploy: true}\n")))
    assert not list(check(environment_state(CASE)))


def test_survives_wrong_types() -> None:
    for text in hostile(CASE, "global.createSlackWebhookSecret", "global.externalSecrets.deploy"):
        list(check(slack(text, TWICE)))
    for body in hostile_objects(TWICE):
        list(check(slack(CASE, body)))
