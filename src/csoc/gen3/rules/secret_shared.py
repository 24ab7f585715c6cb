"""Secrets Manager names are global to an account and region, and the chart's default names hold no environment."""

from __future__ import annotations

from csoc.gen3.facts import Kind
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Rule
from csoc.gen3.rules.support.sharing import sharing_rule

RULE = sharing_rule(
    Rule(
        id="secret-shared",
        title="Two environments own one secret",
        severity=Severity.HIGH,
        consequence="Changing it for one changes it for both, and who reads it in a lower stage has production's.",
        fix="Name an own secret for each environment in <service>.externalSecrets, with the environment in its name.",
        covers=("fleet",),
    ),
    Kind.SECRET,
    "own the secret",
)
