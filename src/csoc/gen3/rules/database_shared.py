"""The chart names databases after service and release, so two releases of one name on one server meet."""

from __future__ import annotations

from csoc.gen3.facts import Kind
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Rule
from csoc.gen3.rules.support.sharing import sharing_rule

RULE = sharing_rule(
    Rule(
        id="database-shared",
        title="Two environments use one database",
        severity=Severity.CRITICAL,
        consequence="They write into each other's records, and a migration of one breaks the other.",
        fix="Set <service>.postgres.database and username (or the dbcreds secret) to names of their own.",
        covers=("fleet",),
    ),
    Kind.DATABASE,
    "use the database",
)
