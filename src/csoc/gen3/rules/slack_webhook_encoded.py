"""The chart encodes global.slackWebhook once too often, quotes included, so that no job finds an address in it.

templates/slack-webhook-secret.yaml puts base64 of the quoted address where plain text belongs, only where External
Secrets are off (chart 0.2.60 to 0.3.90, as far as tried). The secret that is made shows whether this version does so.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.chart import decoded, secret_content
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.state import EnvironmentState

_SWITCH = "global.createSlackWebhookSecret"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if the chart makes the secret, and what it holds is base64 and no address."""
    if not rendered(state) or not state.get(_SWITCH):
        return
    made = secret_content(state, "slack-webhook") or {}
    if (decoded(made.get("slack_webhook", "")) or "").startswith('"'):
        yield Hit(
            cause="The chart's secret slack-webhook holds an address that is encoded twice",
            key="slack-webhook",
            evidence=(state.at(_SWITCH),),
        )


RULE = Rule(
    id="slack-webhook-encoded",
    title="Messages to Slack that are never sent",
    severity=Severity.MEDIUM,
    consequence="Jobs that fail tell nobody, since what they read is not an address.",
    fix="Set global.createSlackWebhookSecret: false, and make a secret slack-webhook with key slack_webhook yourself.",
    covers=("M16",),
    environment=check,
    rendered=True,
)
