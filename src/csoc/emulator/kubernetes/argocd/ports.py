"""What Argo CD's controller asks of its repo server: objects for the sources of an Application."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from csoc.errors import NotFoundError
from csoc.fleet.argocd.applicationsets.expansion import Expansion, expand
from csoc.fleet.argocd.model import KnownCluster
from csoc.fleet.argocd.reading import Manifest
from csoc.fleet.argocd.same_repository import Identity
from csoc.fleet.argocd.trees import Trees
from csoc.fleet.repositories import Entry

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Credential:
    """What a Secret of Argo CD says about a repository. url: of the repository, or the prefix that it is for.
    options: the Secret's other fields ("forceHttpBasicAuth", "insecure", "enableOCI", ...)."""

    url: str
    kind: str = "git"
    username: str = ""
    password: str = field(default="", repr=False)
    ssh_key: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. sources: as `spec.sources` (a single `spec.source` is one of them, and `multiple` False).
    revisions: for each source, instead of its `targetRevision`. credentials: by the sources' repoURL, for those that
    have one. force: resolve branches and constraints anew, whatever a cache says. hard: render anew as well."""

    cluster: str
    application: str
    namespace: str
    project: str
    sources: Sequence[Mapping[str, Any]]
    revisions: Sequence[str]
    multiple: bool
    credentials: Mapping[str, Credential]
    kube_version: str
    api_versions: Sequence[str]
    force: bool = False
    hard: bool = False


@dataclass(frozen=True, slots=True)
class Manifested:
    """What came of it. objects: in the order of the sources, lists taken apart. revisions: what each source's was
    resolved to: a commit, or a chart's version. types: for each source Helm, Kustomize, Directory or Plugin; "" for one
    that is only a `ref`."""

    objects: Sequence[Object]
    revisions: Sequence[str]
    types: Sequence[str]


class ManifestError(Exception):
    """Why there are no objects, in the repo server's words without what the controller puts before them. source:
    which one failed, from 1; 0 for none of them."""

    def __init__(self, message: str, source: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.source = source


class Manifests(Protocol):
    """Renders sources. Several threads may ask at once; it is its business to keep what it rendered."""

    def render(self, wanted: Wanted) -> Manifested:
        """Raises ManifestError."""
        ...

    def moved(self) -> Collection[str]:
        """URLs of repositories that it was asked for and whose branches or versions have moved since it said so."""
        ...


Generate = Callable[[Manifest, Sequence[KnownCluster], Mapping[str, Credential]], Expansion]
"""The Applications of an ApplicationSet, with the clusters that Argo CD knows and the credentials of the repositories
that generators name."""


@runtime_checkable
class Generating(Protocol):
    """What can also open repositories for the generators of ApplicationSets; several threads may ask at once."""

    def generate(
        self, manifest: Manifest, clusters: Sequence[KnownCluster], credentials: Mapping[str, Credential]
    ) -> Expansion:
        """See `Generate`. Never raises for what the set holds."""
        ...


def without_repositories(
    manifest: Manifest,
    clusters: Sequence[KnownCluster],
    credentials: Mapping[str, Credential],  # noqa: ARG001
) -> Expansion:
    """A `Generate` that opens no repository: a git generator is refused, by the words of who reads it."""
    return expand(manifest, Trees(EmptyTree(), Identity(frozenset(), frozenset(), "")), clusters=clusters)


class EmptyTree:
    """Stands where there is no Git source, and holds nothing."""

    repository = ""
    commit = "0" * 40
    revision = ""
    aliases: frozenset[str] = frozenset()

    def entries(self) -> Mapping[str, Entry]:
        return {}

    def read(self, path: str, *, limit_bytes: int = 0) -> bytes:  # noqa: ARG002 - as the port has it
        raise NotFoundError(f"There is no {path}")


Job = Callable[[], None]
Background = Callable[[Job], None]
"""Runs a job now (tests) or on another thread, so that fetching does not hold up the time of all clusters."""


def at_once(job: Job) -> None:
    """Runs it here."""
    job()
