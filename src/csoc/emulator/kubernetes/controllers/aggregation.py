"""Cluster roles that are made of others: their rules are those of the roles that their selectors find.

Source: Kubernetes 1.34, pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from csoc.emulator.kubernetes.access import aggregated_roles, rbac
from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Controller
from csoc.emulator.kubernetes.store import Key


def reconcile(cluster: Cluster, key: Key) -> None:
    """One role that is made of others."""
    aggregated_roles.fill(cluster.objects, key.name)


def _made_of_others(cluster: Cluster, change: Change) -> Iterable[Key]:  # noqa: ARG001 - one of many ways to wake
    """Whatever role changes, it may be, or may have been, part of any of them."""
    return [
        key
        for key, text in cluster.store.texts(rbac.GROUP, aggregated_roles.RESOURCE)[0]
        if b'"aggregationRule"' in text
    ]


CONTROLLER = Controller("aggregation", reconcile, {(rbac.GROUP, aggregated_roles.RESOURCE): _made_of_others})
