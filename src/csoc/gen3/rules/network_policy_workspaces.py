"""The policy that should let workspaces talk to Gen3 names a namespace that nobody makes.

It selects the namespace `<release>-hatchery`, where Gen3's services are in the release's own (chart 0.3.90,
hatchery/templates/jupyter-namespace.yaml). The policies apply only where the cluster's network enforces them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from csoc.fleet.shapes import mapping, mappings
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.rules.support.workloads import at_source, name_of, namespace_of
from csoc.gen3.state import EnvironmentState

_POLICY = "netpolicy-usercode"
_NAME = "kubernetes.io/metadata.name"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if that policy's only namespaces are neither the release's own nor made by this release."""
    if not rendered(state):
        return
    made = {name_of(item.body) for item in state.objects("Namespace")} | {state.view.namespace}
    policies = [item.body for item in state.objects("NetworkPolicy")]
    for body in policies:
        if name_of(body) != _POLICY:
            continue
        targets = [target for rule in _egress(body) for target in mappings(rule.get("to"))]
        named = {_namespace(target) for target in targets} - {""}
        others = [other for other in policies if namespace_of(other) == namespace_of(body) and other is not body]
        if named and not named & made and not any(_reaches(other, state.view.namespace) for other in others):
            yield Hit(
                cause=f"Workspaces may talk to the namespace {min(named)} only, and Gen3 is not there",
                key=_POLICY,
                evidence=(state.at("global.netPolicy.enabled"), at_source(state, f"NetworkPolicy {_POLICY}")),
            )


def _egress(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return mappings(mapping(body.get("spec")).get("egress"))


def _namespace(target: Mapping[str, Any]) -> str:
    labels = mapping(mapping(target.get("namespaceSelector")).get("matchLabels"))
    return str(labels.get(_NAME) or "")


def _reaches(body: Mapping[str, Any], namespace: str) -> bool:
    """True if the policy lets pods out to the namespace or anywhere, on all ports."""
    for rule in _egress(body):
        if rule.get("ports"):
            continue
        targets = mappings(rule.get("to"))
        if not targets or any(_admits(target, namespace) for target in targets):
            return True
    return False


def _admits(target: Mapping[str, Any], namespace: str) -> bool:
    everywhere = target.get("namespaceSelector") == {}
    return everywhere or "ipBlock" in target or _namespace(target) == namespace


RULE = Rule(
    id="network-policy-workspaces",
    title="Network policies that isolate workspaces",
    severity=Severity.MEDIUM,
    consequence="Where the cluster enforces network policies, notebooks reach neither Gen3 nor the internet.",
    fix="Add a NetworkPolicy in the workspaces' namespace that lets pods out to the release's namespace.",
    covers=("M12",),
    environment=check,
    rendered=True,
)
