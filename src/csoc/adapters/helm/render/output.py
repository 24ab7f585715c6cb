"""From what templates printed to Kubernetes objects, as Helm itself does it between rendering and installing.

Helm splits each template's output at lines of dashes, reads kind, name and annotations of every document, drops hooks
of unknown kinds, and sorts by kind (order of installation), hooks after the rest. It refuses everything if one
document is not readable; csoc shows which one it was and keeps the others. The rules are Helm 3's (pkg/releaseutil),
since that is what Argo CD runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

DEPTH = 100
"""Objects nested deeper than this are refused; what reads them recurses."""

# Helm also eats the white space before the line; that is stripped from each document anyway, and a pattern for it would
# take quadratic time on a template that prints nothing else.
_SEPARATOR = re.compile(r"(?:\A|\n)---\s*", re.ASCII)
_HOOK = "helm.sh/hook"
_HOOKS = frozenset(
    f"{when}-{what}" for when in ("pre", "post") for what in ("install", "delete", "upgrade", "rollback")
) | {"test", "test-success"}

_INSTALL_ORDER = (
    "PriorityClass", "Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodSecurityPolicy",
    "PodDisruptionBudget", "ServiceAccount", "Secret", "SecretList", "ConfigMap", "StorageClass", "PersistentVolume",
    "PersistentVolumeClaim", "CustomResourceDefinition", "ClusterRole", "ClusterRoleList", "ClusterRoleBinding",
    "ClusterRoleBindingList", "Role", "RoleList", "RoleBinding", "RoleBindingList", "Service", "DaemonSet", "Pod",
    "ReplicationController", "ReplicaSet", "Deployment", "HorizontalPodAutoscaler", "StatefulSet", "Job", "CronJob",
    "IngressClass", "Ingress", "APIService",
)  # fmt: skip
_RANK = {kind: rank for rank, kind in enumerate(_INSTALL_ORDER)}


@dataclass(frozen=True, slots=True)
class Manifest:
    """One document that a template printed, parsed."""

    template: str
    body: Mapping[str, Any]


def split(printed: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(template, document) of everything that Helm would read, in the order of template names."""
    for template in sorted(printed):
        base = template.rpartition("/")[2]
        if base.startswith("_") or template.endswith("NOTES.txt"):
            continue
        for document in _SEPARATOR.split(printed[template].strip()):
            if document.strip():
                yield template, f"{document.strip()}\n"


def problem(body: Any) -> str:
    """Why Helm would not read this document's head, or "". Numbers and booleans pass for text there, as in Helm."""
    if not isinstance(body, dict):
        return "it is not a mapping"
    for key in ("apiVersion", "kind"):
        if isinstance(body.get(key), (dict, list)):
            return f"{key} is not text"
    metadata = body.get("metadata")
    if metadata is None:
        return ""
    if not isinstance(metadata, dict):
        return "metadata is not a mapping"
    if isinstance(metadata.get("name"), (dict, list)):
        return "metadata.name is not text"
    annotations = metadata.get("annotations")
    if annotations is None:
        return ""
    if not isinstance(annotations, dict):
        return "metadata.annotations is not a mapping"
    for key, value in annotations.items():
        if isinstance(value, (dict, list)):
            return f'the annotation "{key}" is not text'
    return ""


def too_deep(body: Any) -> bool:
    """True if the value is nested deeper than DEPTH."""
    level = [body]
    for _ in range(DEPTH):
        deeper: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                deeper.extend(child for child in value.values() if isinstance(child, (dict, list)))
            elif isinstance(value, list):
                deeper.extend(child for child in value if isinstance(child, (dict, list)))
        if not deeper:
            return False
        level = deeper
    return True


def hooks(body: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The moments at which Helm runs an object as a hook; () if it is none, None if one is unknown (Helm drops it)."""
    annotations = (body.get("metadata") or {}).get("annotations") or {}
    if _HOOK not in annotations:
        return ()
    named = tuple(part.strip().lower() for part in str(annotations[_HOOK] or "").split(","))
    return named if all(part in _HOOKS for part in named) else None


def ordered(manifests: list[Manifest]) -> list[Manifest]:
    """As `helm template` prints them: by kind in the order of installation, then other kinds by name; hooks last."""
    found = [(manifest, hooks(manifest.body)) for manifest in manifests]
    plain = [manifest for manifest, moments in found if moments == ()]
    hooked = [manifest for manifest, moments in found if moments]
    return sorted(plain, key=_rank) + sorted(hooked, key=_rank)


def _rank(manifest: Manifest) -> tuple[int, str]:
    kind = str(manifest.body.get("kind") or "")
    return (_RANK[kind], "") if kind in _RANK else (len(_RANK), kind)
