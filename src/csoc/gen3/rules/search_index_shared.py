"""Index names come from the ETL mapping, which is copied from one environment to the next more often than changed."""

from __future__ import annotations

from csoc.gen3.facts import Kind
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Rule
from csoc.gen3.rules.support.sharing import sharing_rule

RULE = sharing_rule(
    Rule(
        id="search-index-shared",
        title="Two environments write one search index",
        severity=Severity.HIGH,
        consequence="Each ETL run replaces what the other wrote: the explorer of one shows the data of the other.",
        fix="Give the ETL mappings of one of them other names, and guppy.indices with them.",
        covers=("fleet",),
    ),
    Kind.SEARCH_INDEX,
    "write the search index",
)
