"""Where documents stand in a repository, and which kinds there are.

A repository that was made for csoc holds them from its top on; one that was adopted holds them below `.csoc/`, since
folders of Argo CD repositories are charts and sources, which strange files would break. A document's kind decides what
it is, not its path: the paths here are those that csoc writes, and a document elsewhere below the same top counts too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from csoc.fleet.documents.base import Document
from csoc.fleet.documents.judgements import Baseline, Waivers
from csoc.fleet.documents.model import Account, Cluster, Commons, Environment, Fleet, Release

ADOPTED = ".csoc"
"""Top folder of the documents in a repository that was there before csoc."""

SCHEMAS = ".csoc/schemas"
"""Folder of the schemas for editors, in every repository."""

KINDS: Mapping[str, type[Document]] = MappingProxyType(
    {
        "Fleet": Fleet,
        "Account": Account,
        "Cluster": Cluster,
        "Commons": Commons,
        "Environment": Environment,
        "Release": Release,
        "Waivers": Waivers,
        "Baseline": Baseline,
    }
)
"""Every kind with its model, in the order in which people meet them."""

_PATTERNS = {
    "Fleet": "fleet.yaml",
    "Account": "accounts/<name>.yaml",
    "Cluster": "clusters/<name>/cluster.yaml",
    "Commons": "commons/<name>/commons.yaml",
    "Environment": "commons/<commons>/<name>/environment.yaml",
    "Release": "releases/<name>.yaml",
    "Waivers": "waivers.yaml",
    "Baseline": "baseline.yaml",
}


def pattern(kind: str) -> str:
    """Where csoc writes documents of a kind, below the top: "accounts/<name>.yaml"."""
    return _PATTERNS[kind]


def below(top: str, path: str) -> str:
    """A path below the documents' top folder."""
    return f"{top}/{path}" if top else path


def path_of(document: Document, top: str) -> str:
    """Where csoc writes a document."""
    kind = type(document).__name__
    path = _PATTERNS[kind]
    metadata = getattr(document, "metadata", None)
    path = path.replace("<name>", metadata.name if metadata else "")
    if isinstance(document, Environment):
        path = path.replace("<commons>", document.spec.commons)
    return below(top, path)


def kind_at(path: str, top: str) -> str:
    """The kind that csoc writes at a path, or ""."""
    match = _match(path, top)
    return (match.lastgroup or "") if match else ""


def names_at(path: str, top: str) -> tuple[str, str]:
    """The name, and for environments the commons, that a path of csoc's tree gives away; "" where it gives none."""
    match = _match(path, top)
    if match is None or match.lastgroup not in ("Account", "Cluster", "Commons", "Environment", "Release"):
        return "", ""
    steps = match[match.lastgroup].split("/")
    if match.lastgroup in ("Account", "Release"):
        return steps[-1].removesuffix(".yaml"), ""
    return steps[-2], steps[-3] if match.lastgroup == "Environment" else ""


def _match(path: str, top: str) -> re.Match[str] | None:
    if not top:
        return _PLACES.fullmatch(path)
    return _PLACES.fullmatch(path, len(top) + 1) if path.startswith(f"{top}/") else None


# One group a kind. A repository has many more files than documents, and each path is asked.
_PLACES = re.compile(
    "|".join(
        f"(?P<{kind}>{re.sub('<[a-z]+>', '[^/]+', written.replace('.', '[.]'))})" for kind, written in _PATTERNS.items()
    )
)
