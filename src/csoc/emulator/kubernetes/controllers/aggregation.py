"""Cluster roles that are made of others: their rules are those of the roles that their selectors find.

Source: Kubernetes 1.34, pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from csoc.emulator.kubernetes import rbac
from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Controller
from csoc.emulator.kubernetes.objects import Objects, Options
from csoc.emulator.kubernetes.store import Key

_RESOURCE = "clusterroles"
_MANAGER = "clusterrole-aggregation-controller"


def fill(objects: Objects, name: str) -> None:
    """Writes the rules of one role, if it is made of others and they are not those that it has."""
    written = {body["metadata"]["name"]: body for body in objects.store.objects(rbac.GROUP, _RESOURCE)}
    chosen = ((written.get(name) or {}).get("aggregationRule") or {}).get("clusterRoleSelectors")
    if not chosen:
        return
    rules = rbac.collected(name, chosen, written)
    if rules == (written[name].get("rules") or []):
        return
    type_ = objects.types.resource(rbac.GROUP, "v1", _RESOURCE)
    assert type_ is not None  # noqa: S101 - every cluster has it
    body = {
        "apiVersion": type_.api_version,
        "kind": type_.kind,
        "metadata": {"name": name},
        "rules": [dict(rule) for rule in rules],
    }
    objects.apply(type_, "", body, Options(manager=_MANAGER, force=True))


def reconcile(cluster: Cluster, key: Key) -> None:
    """One role that is made of others."""
    fill(cluster.objects, key.name)


def _made_of_others(cluster: Cluster, change: Change) -> Iterable[Key]:  # noqa: ARG001 - one of many ways to wake
    """Whatever role changes, it may be, or may have been, part of any of them."""
    return [key for key, text in cluster.store.texts(rbac.GROUP, _RESOURCE)[0] if b'"aggregationRule"' in text]


CONTROLLER = Controller("aggregation", reconcile, {(rbac.GROUP, _RESOURCE): _made_of_others})
