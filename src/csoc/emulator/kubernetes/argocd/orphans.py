"""Objects of a namespace that belong to no Application, where the AppProject wants to hear of them.

Source: Argo CD controller/appcontroller.go (isKnownOrphanedResourceExclusion, getResourceTree).
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from csoc.emulator.kubernetes.argocd import configuration, marks, projects
from csoc.emulator.kubernetes.argocd.state import Comparison
from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.kinds.lookup import group_of
from csoc.emulator.kubernetes.objects.parts import name_of

TYPE = "OrphanedResourceWarning"
_SKIPPED = ("events", "endpointslices", "endpoints", "leases")


def condition(
    cluster: Cluster, application: Mapping[str, Any], project: Mapping[str, Any], found: Comparison
) -> list[tuple[str, str]]:
    """The warning, if there is something to warn of."""
    rules = (project.get("spec") or {}).get("orphanedResources")
    namespace = str((application["spec"].get("destination") or {}).get("namespace") or "")
    if rules is None or rules.get("warn") is False or not namespace:
        return []
    settings = configuration.read(cluster)
    mine = {(group_of(one.body), one.body["kind"], name_of(one.body)) for one in found.resources}
    count = 0
    for group, resource in cluster.store.resources():
        if resource in _SKIPPED:
            continue
        for body in cluster.list(group, resource, namespace):
            if body["metadata"].get("namespace") != namespace or body["metadata"].get("ownerReferences"):
                continue
            kind, name = str(body["kind"]), name_of(body)
            known = (group, kind, name) in mine or marks.application_of(body, settings.tracking, settings.label)
            if known or _expected(group, kind, name, rules.get("ignore") or ()):
                continue
            count += projects.kind_permitted(project, group, kind, namespaced=True)
    return [(TYPE, f"Application has {count} orphaned resources")] if count else []


def _expected(group: str, kind: str, name: str, ignored: Any) -> bool:
    """What is in every namespace, and what the project says to ignore."""
    if (kind, name) in (("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt"), ("Service", "kubernetes")):
        return True
    return any(
        fnmatchcase(group, str(one.get("group") or "*"))
        and fnmatchcase(kind, str(one.get("kind") or "*"))
        and fnmatchcase(name, str(one.get("name") or "*"))
        for one in ignored
    )
