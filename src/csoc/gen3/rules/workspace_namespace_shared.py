"""Workspaces of two environments in one namespace mix their users' pods and volumes."""

from __future__ import annotations

from csoc.gen3.facts import Kind
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Rule
from csoc.gen3.rules.support.sharing import sharing_rule

RULE = sharing_rule(
    Rule(
        id="workspace-namespace-shared",
        title="Two environments launch workspaces in one namespace",
        severity=Severity.HIGH,
        consequence=(
            "Pods and volumes are named after the user alone: who works in both environments gets the other's "
            "workspace and files."
        ),
        fix="Set hatchery's user-namespace (hatchery.hatchery.json or hatchery.jupyterNamespace) to one each.",
        covers=("fleet", "M6"),
    ),
    Kind.WORKSPACE_NAMESPACE,
    "launch workspaces in the namespace",
)
