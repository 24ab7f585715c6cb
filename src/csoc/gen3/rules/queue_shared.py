"""A queue hands each message to one reader; two environments that read it lose half of it each."""

from __future__ import annotations

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Rule
from csoc.gen3.rules.sharing import sharing_rule

RULE = sharing_rule(
    Rule(
        id="queue-shared",
        title="Two environments read one queue",
        severity=Severity.MEDIUM,
        consequence="Each message reaches only one of them: audit records or uploaded files are missing in the other.",
        fix="Give each environment a queue of its own.",
        covers=("fleet",),
    ),
    "queue",
    "read the queue",
)
