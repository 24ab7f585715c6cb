"""Bucket and prefix together are one place; two environments that write there overwrite each other."""

from __future__ import annotations

from csoc.gen3.facts import Kind
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Rule
from csoc.gen3.rules.support.sharing import sharing_rule

RULE = sharing_rule(
    Rule(
        id="bucket-shared",
        title="Two environments write to one place in a bucket",
        severity=Severity.MEDIUM,
        consequence="They overwrite each other's objects: what one uploads appears in the other, or is lost.",
        fix="Give each a bucket or a prefix of its own.",
        covers=("fleet",),
    ),
    Kind.BUCKET,
    "write to",
)
