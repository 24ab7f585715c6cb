"""A hostname is the address of one environment: its sign-in, cookies, tokens and certificate are made for it."""

from __future__ import annotations

from csoc.gen3.facts import Kind
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Rule
from csoc.gen3.rules.support.sharing import sharing_rule

RULE = sharing_rule(
    Rule(
        id="hostname-shared",
        title="Two environments have one hostname",
        severity=Severity.HIGH,
        consequence="DNS leads to one of them; the other's sign-in, tokens and links break, or both answer in turn.",
        fix="Give one of them another global.hostname; if they take turns, state stage and slot in csoc's documents.",
        covers=("fleet",),
    ),
    Kind.HOSTNAME,
    "have the hostname",
)
