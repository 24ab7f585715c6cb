"""Names that no environment of csoc's may have, and namespaces into which none goes.

The name of an environment becomes that of an Application and of a project in its cluster's Argo CD, beside csoc's own
and Argo CD's: with one of theirs, launching it would write over them and destroying it would take them away.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # steps that only ask for a name do not load the documents
    from csoc.fleet.documents.model import Environment

_NAMES = frozenset({"argocd", "csoc", "default", "in-cluster", "platform"})
_NAMES_BEGIN = ("csoc-", "kube-", "platform-")
_NAMESPACES = frozenset({"argocd", "csoc", "default", "external-dns", "external-secrets"})
_NAMESPACES_BEGIN = ("kube-",)

NAME = (
    f"another name than {', '.join(sorted(_NAMES))}, and none that begins with {', '.join(_NAMES_BEGIN)}: those are of "
    "csoc's own and of Argo CD's Applications and projects"
)
"""What is expected of an environment's name."""
NAMESPACE = (
    f"a namespace of its own, which nothing else uses: not {', '.join(sorted(_NAMESPACES))}, and none that begins with "
    f"{', '.join(_NAMESPACES_BEGIN)}"
)
"""What is expected of an environment's namespace."""


def is_name_reserved(name: str) -> bool:
    """Of an environment."""
    return name in _NAMES or name.startswith(_NAMES_BEGIN)


def is_namespace_reserved(name: str) -> bool:
    """Of an environment's objects: the cluster's own, Argo CD's and those of the platform's components."""
    return name in _NAMESPACES or name.startswith(_NAMESPACES_BEGIN)


def mistakes(environment: Environment) -> Iterator[tuple[str, str, str]]:
    """Fields that say something reserved: path, what is expected, what is found. None of an environment in which csoc
    makes nothing: what somebody else runs under such a name is only looked at."""
    if all(layer.provider == "existing" for layer in environment.spec.layers):
        return
    name, namespace = environment.metadata.name, environment.spec.namespace
    if is_name_reserved(name):
        yield "metadata.name", NAME, name
    if is_namespace_reserved(namespace or name):
        yield ("spec.namespace" if namespace else "metadata.name"), NAMESPACE, namespace or name
