"""The rules of cluster roles that are made of others, written into them.

Source: Kubernetes 1.34, pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go.
"""

from __future__ import annotations

from csoc.emulator.kubernetes.access import rbac
from csoc.emulator.kubernetes.objects.options import Options
from csoc.emulator.kubernetes.objects.writing import Objects

RESOURCE = "clusterroles"
_MANAGER = "clusterrole-aggregation-controller"


def fill(objects: Objects, name: str) -> None:
    """Writes the rules of one role, if it is made of others and they are not those that it has."""
    written = {body["metadata"]["name"]: body for body in objects.store.objects(rbac.GROUP, RESOURCE)}
    chosen = ((written.get(name) or {}).get("aggregationRule") or {}).get("clusterRoleSelectors")
    if not chosen:
        return
    rules = rbac.collected(name, chosen, written)
    if rules == (written[name].get("rules") or []):
        return
    type_ = objects.types.resource(rbac.GROUP, "v1", RESOURCE)
    assert type_ is not None  # noqa: S101 - every cluster has it
    body = {
        "apiVersion": type_.api_version,
        "kind": type_.kind,
        "metadata": {"name": name},
        "rules": [dict(rule) for rule in rules],
    }
    objects.apply(type_, "", body, Options(manager=_MANAGER, force=True))
