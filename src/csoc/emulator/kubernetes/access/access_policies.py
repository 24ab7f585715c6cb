"""EKS access policies: sets of rules that AWS keeps, bound to a cluster or to namespaces by access entries.

Source: Amazon EKS User Guide, "Review access policy permissions". EKS documents the first four as the Kubernetes roles
cluster-admin, admin, edit and view; AmazonEKSAdminViewPolicy reads everything, Secrets included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from csoc.emulator.kubernetes.access import rbac
from csoc.emulator.kubernetes.access.rbac import Rule
from csoc.emulator.kubernetes.store import Store
from csoc.emulator.kubernetes.users import User

_PREFIX = "arn:aws:eks::aws:cluster-access-policy/"
_ROLES = {
    "AmazonEKSClusterAdminPolicy": "cluster-admin",
    "AmazonEKSAdminPolicy": "admin",
    "AmazonEKSEditPolicy": "edit",
    "AmazonEKSViewPolicy": "view",
}
_READ_ALL = (Rule(("get", "list", "watch"), ("*",), ("*",)),)
NAMES = (*_ROLES, "AmazonEKSAdminViewPolicy")


@dataclass(frozen=True, slots=True)
class Association:
    """A policy given to somebody. policy: its ARN or name. namespaces: patterns; empty: the whole cluster."""

    policy: str
    namespaces: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.policy.rpartition("/")[2]


Associations = Callable[[User], Iterable[Association]]


def arn(name: str) -> str:
    return _PREFIX + name


def rules_for(store: Store, associations: Iterable[Association], namespace: str) -> list[Rule]:
    """What policies allow in a namespace ("": in the cluster as a whole)."""
    found: list[Rule] = []
    for one in associations:
        if one.namespaces and not (namespace and any(fnmatchcase(namespace, pattern) for pattern in one.namespaces)):
            continue
        if one.name == "AmazonEKSAdminViewPolicy":
            found += _READ_ALL
        elif one.name in _ROLES:
            found += rbac.role_rules(store, "ClusterRole", "", _ROLES[one.name]) or ()
    return found
