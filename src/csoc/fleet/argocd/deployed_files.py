"""Which files of a tree an Application's source deploys, by Argo CD's rules for charts, Kustomize and plain folders.

An Application that applies other Applications ("app of apps") is found by this: those that its files declare are
applied by it. A plain folder without `recurse` is only the folder itself, which decides who is applied by whom.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from csoc.fleet.argocd import globs, kustomize
from csoc.fleet.argocd.model import ApplicationSource, Problem
from csoc.fleet.argocd.parsed_files import Library
from csoc.fleet.argocd.paths import behind_link, inside
from csoc.fleet.argocd.reading import NOT_UNDERSTOOD
from csoc.fleet.argocd.scanning import ARGO_GROUP, makes_applications
from csoc.fleet.repositories import Tree

MISSING_PATH = "missing path"
_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Holdings:
    """kind: "chart", "kustomize", "directory", or "" (nothing could be said; see doubt). files: manifests that may
    declare Applications as they stand. templates: those that must be rendered for it. problems: of the files. doubt:
    why what the source deploys is not (wholly) known, as kind and cause of a Problem at each source that names it."""

    kind: str
    folder: str
    files: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    doubt: tuple[str, str] | None = None


def holdings(tree: Tree, source: ApplicationSource, library: Library) -> Holdings:
    """What a Git source deploys."""
    entries = tree.entries()
    folder = inside("", source.path)
    if folder is None or behind_link(entries, folder) is not None:
        cause = f"{source.path} leads out of the repository or through a link, which csoc does not follow"
        return Holdings("", "", doubt=(NOT_UNDERSTOOD, cause))
    below = library.below(tree, folder)
    if not below:
        where = f"{tree.repository} at {tree.revision}"
        cause = f"{source.path} is no folder of {where}"
        return Holdings("", folder, doubt=(MISSING_PATH, cause))
    if source.plugin is not None:
        cause = f"a plugin makes manifests of {source.path}, so that what it deploys is not known"
        return Holdings("", folder, doubt=(NOT_UNDERSTOOD, cause))
    kind = _kind(tree, source, folder)
    if kind == "chart":
        return _chart(tree, folder, below, library)
    if kind == "kustomize":
        found = kustomize.read(tree, folder, library.values)
        return Holdings(kind, folder, found.files, problems=found.problems)
    return _directory(folder, below, source.directory or {})


def _kind(tree: Tree, source: ApplicationSource, folder: str) -> str:
    """As Argo CD decides: what the source says, else what lies in the folder."""
    if source.helm is not None:
        return "chart"
    if source.kustomize is not None:
        return "kustomize"
    if source.directory is not None:
        return "directory"
    if (inside(folder, "Chart.yaml") or "") in tree.entries():
        return "chart"
    return "kustomize" if kustomize.find(tree, folder) else "directory"


def _chart(tree: Tree, folder: str, below: list[str], library: Library) -> Holdings:
    prefix = f"{folder}/" if folder else ""
    candidates = [
        path
        for path in below
        if path.endswith(_SUFFIXES) and path.removeprefix(prefix).startswith(("templates/", "charts/"))
    ]
    argo, actions = library.mentioning(tree, ARGO_GROUP), library.mentioning(tree, "{{")
    relevant = [path for path in candidates if path in argo and "/templates/" in f"/{path}"]
    return Holdings(
        "chart",
        folder,
        tuple(path for path in relevant if path not in actions),
        tuple(path for path in relevant if path in actions and makes_applications(tree, path)),
    )


def _directory(folder: str, below: list[str], options: Mapping[str, Any]) -> Holdings:
    prefix = f"{folder}/" if folder else ""
    recurse = options.get("recurse") is True
    include, exclude = (str(options.get(key) or "") for key in ("include", "exclude"))
    files, jsonnet = [], False
    for path in below:
        name = path.removeprefix(prefix)
        if "/" in name and not recurse:
            continue
        if (exclude and globs.matches_anywhere(exclude, name)) or (
            include and not globs.matches_anywhere(include, name)
        ):
            continue
        jsonnet = jsonnet or name.endswith(".jsonnet")
        if name.endswith(_SUFFIXES):
            files.append(path)
    cause = f"{folder or 'the root'} holds Jsonnet, which csoc does not evaluate"
    return Holdings("directory", folder, tuple(files), doubt=(NOT_UNDERSTOOD, cause) if jsonnet else None)
