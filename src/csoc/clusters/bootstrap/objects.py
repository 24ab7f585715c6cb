"""How csoc marks what it applies, so that it knows its own from everybody else's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from csoc.clusters.client import Object
from csoc.fleet.shapes import mapping, text

INSTALLATION = "csoc.gen3.org/installation"
"""Label: uid of the Fleet whose csoc made it."""
COMPONENT = "csoc.gen3.org/component"
"""Label: which component of the platform it belongs to."""
DIGEST = "csoc.gen3.org/digest"
"""Annotation: of the object as it was applied, so that an unchanged one is not written again."""
PIN = "csoc.gen3.org/pin"
"""Annotation of the component's namespace: what is installed, once it is whole."""

_HOOK = "helm.sh/hook"
_ORDER = (
    "Namespace", "CustomResourceDefinition", "ServiceAccount", "Secret", "ConfigMap", "ClusterRole",
    "ClusterRoleBinding", "Role", "RoleBinding", "Service",
)  # fmt: skip


def marked(body: Mapping[str, Any], component: str, installation: str) -> Object:
    """An object with csoc's marks."""
    found: Object = json.loads(json.dumps(body))
    found.pop("status", None)
    about = found.setdefault("metadata", {})
    about.pop("creationTimestamp", None)
    about["labels"] = {**(about.get("labels") or {}), COMPONENT: component, INSTALLATION: installation}
    about["annotations"] = {**(about.get("annotations") or {}), DIGEST: digest(found)}
    return found


def installable(rendered: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The objects of a rendering in the order in which they can be applied, without hooks: those need Helm."""
    kept = [one for one in rendered if _HOOK not in mapping(mapping(one.get("metadata")).get("annotations"))]
    rank = {kind: number for number, kind in enumerate(_ORDER)}
    return sorted(kept, key=lambda one: rank.get(text(one.get("kind")), len(rank)))


def digest(body: object) -> str:
    """Of any JSON."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:32]


def is_ours(body: Mapping[str, Any], installation: str) -> bool:
    """True if this installation of csoc made it."""
    return mapping(mapping(body.get("metadata")).get("labels")).get(INSTALLATION) == installation


def has_digest(body: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """True if it was applied as wanted."""
    annotations = mapping(mapping(body.get("metadata")).get("annotations"))
    return annotations.get(DIGEST) == mapping(mapping(wanted.get("metadata")).get("annotations")).get(DIGEST)


def named(body: Mapping[str, Any]) -> str:
    """ "Secret argocd/csoc-fleet"."""
    about = mapping(body.get("metadata"))
    namespace = text(about.get("namespace"))
    return f"{text(body.get('kind'))} {namespace + '/' if namespace else ''}{text(about.get('name'))}"
