"""workspace-proxy, jeg and hatchery must agree about the namespace of workspaces; two of them have no usable default.

workspace-proxy's namespaces are empty, jeg's is jupyter-pods, and hatchery makes jupyter-pods-<namespace> (chart
0.3.90).
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.claims import from_values
from csoc.gen3.facts import Kind
from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import on, values_complete
from csoc.gen3.rules.support.chart import may_read
from csoc.gen3.state import EnvironmentState

_OWN = "workspace-proxy.deploymentNamespace"
_PROXY = "workspace-proxy.workspaceNamespace"
_GATEWAY = "jeg.workspaceNamespace"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit a namespace that does not fit."""
    if not values_complete(state):
        return
    workspaces = _workspaces(state)
    release = state.view.namespace
    wanted = [
        ("workspace-proxy", _OWN, release, "the release's own"),
        ("workspace-proxy", _PROXY, workspaces, "where hatchery starts workspaces"),
        ("jeg", _GATEWAY, workspaces, "where hatchery starts workspaces"),
    ]
    for service, path, namespace, meaning in wanted:
        value = state.get(path)
        if not on(state, service) or not namespace or value == namespace or not may_read(state, path):
            continue
        other = ", or correct the Application's destination" if value and path == _OWN else ""
        yield Hit(
            cause=f"{path} is {value if value else 'empty'!s:.63}, and should be {namespace}, {meaning}",
            key=f"{path} {namespace}",
            evidence=(state.at(path) if state.written(path) else state.at((service, "enabled")),),
            fix=f"Set {path}: {namespace}{other}.",
        )


def _workspaces(state: EnvironmentState) -> str:
    """Where workspaces run; "" if hatchery is off, and then nobody knows."""
    if not on(state, "hatchery"):
        return ""
    found = from_values.claims_in_values(Gen3Values(state))
    return next((claim.identity for claim in found if claim.kind is Kind.WORKSPACE_NAMESPACE), "")


RULE = Rule(
    id="workspace-proxy-namespace",
    title="A workspace proxy in the wrong namespace",
    severity=Severity.HIGH,
    consequence="The proxy finds no workspace, or the synchronisation fails on a namespace that does not exist.",
    fix="Set the namespaces of workspace-proxy and jeg to those of the release and of hatchery.",
    covers=("M26",),
    environment=check,
)
