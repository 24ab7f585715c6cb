"""Fence writes audit logs to a queue and the audit service reads one: both must be on, and the queue the same.

Fence's side is known as far as its configuration is in Git, the audit service's side where Helm makes its secret.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.shapes import mapping
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import made_by_helm, on, values_complete
from csoc.gen3.rules.support.fence_settings import FenceSettings, fence_settings
from csoc.gen3.state import EnvironmentState

_PLACEHOLDER = "http://sqs.com"
_PULL = "audit.server.pull_from_queue"
_URL = "audit.server.sqs.url"
_QUEUE = ("PUSH_AUDIT_LOGS_CONFIG", "aws_sqs_config", "sqs_url")
_TYPE = ("PUSH_AUDIT_LOGS_CONFIG", "type")


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit each for logs without a reader, without a queue, with two queues, and for a reader without a queue."""
    if not values_complete(state):
        return
    yield from _reader(state)
    settings = fence_settings(state)
    if settings is None or not _logging(settings):
        return
    enabled = settings.path("ENABLE_AUDIT_LOGS")
    if not on(state, "audit"):
        yield Hit(
            cause="Fence writes audit logs, and the audit service is off",
            key="off",
            evidence=(state.at(enabled), state.at("audit.enabled")),
            fix="Set audit.enabled: true, or switch off ENABLE_AUDIT_LOGS in fence's configuration.",
        )
        return
    queue = settings.get(*_QUEUE)
    if settings.get(*_TYPE) not in ("aws_sqs", None):
        return
    if settings.whole and not queue:
        yield Hit(
            cause="Fence writes audit logs to a queue, and no queue is named",
            key="fence",
            evidence=(state.at(enabled),),
            consequence="Logins or downloads fail with an error while fence tries to write the log.",
            fix="Set fence.FENCE_CONFIG.PUSH_AUDIT_LOGS_CONFIG.aws_sqs_config.sqs_url and region.",
        )
    read = state.get(_URL)
    reading = made_by_helm(state, "audit", "audit-g3auto") and bool(state.get(_PULL))
    if reading and isinstance(queue, str) and isinstance(read, str) and queue and read not in (queue, _PLACEHOLDER, ""):
        yield Hit(
            cause=f"Fence writes audit logs to {_short(queue)}, and the audit service reads {_short(read)}",
            key=f"{queue} {read}",
            evidence=(state.at(settings.path(*_QUEUE)), state.at(_URL)),
        )


def _logging(settings: FenceSettings) -> bool:
    return any(value is True for value in mapping(settings.get("ENABLE_AUDIT_LOGS")).values())


def _reader(state: EnvironmentState) -> Iterator[Hit]:
    if not on(state, "audit") or not made_by_helm(state, "audit", "audit-g3auto") or not state.get(_PULL):
        return
    if state.get("audit.server.type", "aws_sqs") == "aws_sqs" and state.get(_URL) in (_PLACEHOLDER, "", None):
        yield Hit(
            cause="The audit service reads from a queue, and its address is the chart's placeholder",
            key="audit",
            evidence=(state.at(_PULL), state.at(_URL)),
            fix="Set audit.server.sqs.url and region to the queue that fence writes to.",
        )


def _short(address: str) -> str:
    return address.rstrip("/").rsplit("/", 1)[-1]


RULE = Rule(
    id="audit-log-queue",
    title="Audit logs that nobody reads",
    severity=Severity.HIGH,
    consequence="Logins and downloads leave no trace in the audit service.",
    fix="Name one queue in fence's PUSH_AUDIT_LOGS_CONFIG.aws_sqs_config.sqs_url and in audit.server.sqs.url.",
    covers=("M14",),
    environment=check,
)
