"""Applications as plain values, whatever file, chart or ApplicationSet they come from.

Field names follow Argo CD's own, in snake case
(https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from csoc.fleet.location import Location, one_line
from csoc.fleet.masking import mask_text
from csoc.fleet.values import Path

RESOURCES_FINALIZER = "resources-finalizer.argocd.argoproj.io"
"""Deleting an Application that carries it (or it with a word behind a slash) deletes what it deployed."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """`helm.parameters[]`: one --set (or --set-string, if force_string)."""

    name: str
    value: str
    force_string: bool = False
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class ValueFile:
    """One line of `helm.valueFiles` as written, e.g. "$values/prod/values.yaml", and where it is written."""

    path: str
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class HelmOptions:
    """`source.helm`. inline_values is what `valuesObject` holds, else what `values` parses to (as Argo CD decides);
    inline_location points to its key. inline_text is `values` as written, empty for `valuesObject`; inline_text_line is
    the line of the file on which that text begins, 0 where its lines are not lines of the file (quoted, folded, made by
    a template). inline_locate finds a path of `valuesObject` in the file. namespace overrides the destination's."""

    release_name: str = ""
    value_files: tuple[ValueFile, ...] = ()
    inline_values: Mapping[str, Any] | None = None
    inline_location: Location | None = None
    inline_text: str = ""
    parameters: tuple[Parameter, ...] = ()
    file_parameters: tuple[Parameter, ...] = ()
    ignore_missing_value_files: bool = False
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    namespace: str = ""
    release_location: Location | None = None
    inline_text_line: int = 0
    inline_locate: Callable[[Path], Location | None] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ApplicationSource:
    """One source. `ref` names a source that others refer to as "$ref/path". kustomize, directory and plugin are as
    written; None where absent."""

    repo_url: str
    path: str = ""
    chart: str = ""
    target_revision: str = ""
    ref: str = ""
    helm: HelmOptions | None = None
    kustomize: Mapping[str, Any] | None = None
    directory: Mapping[str, Any] | None = None
    plugin: Mapping[str, Any] | None = None
    location: Location | None = None
    name: str = ""
    revision_location: Location | None = None
    path_location: Location | None = None


@dataclass(frozen=True, slots=True)
class IgnoredDifference:
    """One of `ignoreDifferences`: which objects, and which of their fields. "" and "*" match everything; parts holds
    JSON pointers, jq expressions and field managers alike, as written."""

    group: str = ""
    kind: str = ""
    name: str = ""
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Application:
    """One Argo CD Application.

    location: the document. document: its index in that file (0 for the first). generated_by: the ApplicationSet's, the
    chart's or the Application's place if no file holds it literally, else None. applied_by: names of the Applications
    in Git whose sources hold this one; empty means that nobody in Git applies it. hydrated: a source hydrator renders
    `sources` (its dry source) to another branch first. multiple: written as `sources`, so that "$ref/path" works.
    ignored: differences that Argo CD is told not to see.
    """

    name: str
    location: Location
    sources: tuple[ApplicationSource, ...]
    document: int = 0
    namespace: str = ""
    project: str = ""
    destination_server: str = ""
    destination_name: str = ""
    destination_namespace: str = ""
    automated: bool = False
    prune: bool = False
    sync_options: tuple[str, ...] = ()
    finalizers: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    generated_by: Location | None = None
    applied_by: tuple[str, ...] = ()
    self_heal: bool = False
    hydrated: bool = False
    multiple: bool = False
    annotations: Mapping[str, str] = field(default_factory=dict)
    name_location: Location | None = None
    namespace_location: Location | None = None
    ignored: tuple[IgnoredDifference, ...] = ()
    project_location: Location | None = None
    finalizers_location: Location | None = None
    sync_options_location: Location | None = None

    @property
    def identity(self) -> tuple[str, str, int, str]:
        """Tells this Application from every other one that was read: repository, path, document, name."""
        return (self.location.repository, self.location.path, self.document, self.name)


@dataclass(frozen=True, slots=True)
class Project:
    """One AppProject: where its Applications may come from and go to. destinations: (server or name, namespace)."""

    name: str
    location: Location
    source_repos: tuple[str, ...] = ()
    destinations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class KnownCluster:
    """A cluster that Argo CD can deploy to, as far as Git says: a cluster Secret, or a csoc Cluster document that the
    caller hands in. Never holds the Secret's `config`, which is a credential."""

    name: str
    server: str
    location: Location | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    project: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was read and not understood, or could not be read. It costs that thing and nothing else.

    kind: "unreadable file", "not understood", "unreachable repository", ... cause and fix are sentences, kept to one
    line and masked, whatever they quote. places: every further place with the same cause, in order.
    """

    kind: str
    cause: str
    location: Location
    fix: str = ""
    places: tuple[Location, ...] = ()

    def __post_init__(self) -> None:
        for name in ("cause", "fix"):
            object.__setattr__(self, name, mask_text(one_line(getattr(self, name))))

    def told(self, most: int = 2) -> str:
        """The cause with at most that many of its further places, and how many more there are."""
        if not self.places:
            return self.cause
        named = [", ".join(map(str, self.places[:most]))] if most else []
        if len(self.places) > most:
            named.append(f"{len(self.places) - most} more")
        return f"{self.cause}. Also at {' and '.join(named)}"
