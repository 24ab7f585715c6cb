"""data-upload-cron reads AWS keys from a secret whose name has no default, and the reference is not optional."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import on, values_complete
from csoc.gen3.rules.support.chart import may_read
from csoc.gen3.state import EnvironmentState

_PATH = "data-upload-cron.awsCredsSecret.secretName"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if the job is on and no secret is named."""
    if not values_complete(state) or not may_read(state, _PATH):
        return
    if on(state, "data-upload-cron") and not state.get(_PATH):
        yield Hit(
            cause=f"data-upload-cron is on, and {_PATH} is empty",
            key="secretName",
            evidence=(state.at(_PATH) if state.written(_PATH) else state.at("data-upload-cron.enabled"),),
        )


RULE = Rule(
    id="upload-cron-credentials",
    title="The upload job has no credentials",
    severity=Severity.CRITICAL,
    consequence="Kubernetes refuses the CronJob, or its pods never start: uploads are not picked up.",
    fix="Make a secret with aws_access_key_id and aws_secret_access_key, and name it in"
    " data-upload-cron.awsCredsSecret.secretName.",
    covers=("M29",),
    environment=check,
)
