"""ssjdispatcher learns of uploads from a queue, and the chart's default is the address of one that does not exist.

It matters where Helm makes ssjdispatcher's secret; in Secrets Manager the address stands in the secret itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import made_by_helm, on, values_complete
from csoc.gen3.state import EnvironmentState

_QUEUE = "ssjdispatcher.ssjcreds.sqsUrl"
_EXAMPLE = "https://sqs.us-east-1.amazonaws.com/12345678901234/test-upload_data_upload"
_LOCAL = "ssjdispatcher.externalSecrets.createK8sSsjdispatcherSecret"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if the queue that ssjdispatcher would read is the chart's example, or none. With Crossplane the chart makes
    one, whose address is not known before."""
    if not on(state, "ssjdispatcher") or not made_by_helm(state, "ssjdispatcher", "ssjdispatcher-creds"):
        return
    if state.get("global.crossplane.enabled") or not values_complete(state) or state.chart_used is None:
        return
    if state.get(_QUEUE) in (_EXAMPLE, "", None):
        path = next((path for path in (_QUEUE, _LOCAL) if state.written(path)), "ssjdispatcher.enabled")
        yield Hit(cause="ssjdispatcher reads the queue of the chart's example", key="queue", evidence=(state.at(path),))


RULE = Rule(
    id="upload-queue-placeholder",
    title="Uploads that nobody hears of",
    severity=Severity.HIGH,
    consequence="The queue does not exist, so that uploaded files are never indexed.",
    fix="Set ssjdispatcher.ssjcreds.sqsUrl and jobPattern, or keep the secret in Secrets Manager"
    " (ssjdispatcher.externalSecrets.credsFile, with createK8sSsjdispatcherSecret: false).",
    covers=("M14",),
    environment=check,
)
