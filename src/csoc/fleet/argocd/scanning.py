"""Sorts the files of a tree: what declares Applications, what must be rendered first, and what is none of Argo CD's.

A GitOps repository is full of YAML that is not Kubernetes (values, CI, mappings) and of templates that are not YAML.
Neither is a problem. A file that ought to be YAML and does not parse is one, and costs that file only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from csoc.errors import CsocError
from csoc.fleet.argocd import parse
from csoc.fleet.argocd.kustomize import FILE_NAMES
from csoc.fleet.argocd.model import KnownCluster, Problem, Project
from csoc.fleet.argocd.parsed_files import Library
from csoc.fleet.argocd.reading import Manifest, unreadable
from csoc.fleet.repositories import Tree

ARGO_GROUP = "argoproj.io"
CSOC_GROUP = "csoc.gen3.org"
_KINDS = re.compile(r"^[ \t-]*\"?kind\"?:[ \t]*[\"']?(Application|ApplicationSet|AppProject)[\"']?[ \t,]*\r?$", re.M)
_ACTION = "{{"


@dataclass(slots=True)
class Scan:
    """What the files of a tree hold. charts: folders with a Chart.yaml. templates: by the folder of the outermost
    chart, those of its templates that make Applications and must be rendered for it. not_yaml: templates that are not
    a chart's, which were passed over."""

    applications: list[Manifest] = field(default_factory=list)
    application_sets: list[Manifest] = field(default_factory=list)
    projects: list[Project] = field(default_factory=list)
    clusters: list[KnownCluster] = field(default_factory=list)
    csoc_documents: list[Manifest] = field(default_factory=list)
    kustomizations: list[str] = field(default_factory=list)
    charts: list[str] = field(default_factory=list)
    templates: dict[str, list[str]] = field(default_factory=dict)
    not_yaml: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def scan(tree: Tree, library: Library) -> Scan:
    """Looks at every YAML file of a tree, and at JSON files that name one of the API groups."""
    result = Scan()
    charts = chart_folders(tree.entries())
    result.charts = sorted(charts)
    result.kustomizations = [path for path in tree.entries() if path.rpartition("/")[2] in FILE_NAMES]
    files = library.files(tree)
    argo, actions = library.mentioning(tree, ARGO_GROUP), library.mentioning(tree, _ACTION)
    documents = library.mentioning(tree, CSOC_GROUP)
    json_files = sorted(path for path in argo | documents if path.endswith(".json"))
    plain: list[str] = []
    for path in (*files, *json_files):
        chart = template_of(path, charts)
        if chart is None or path not in actions:
            plain.append(path)
        elif path in argo and makes_applications(tree, path):
            result.templates.setdefault(outermost_chart(chart, charts), []).append(path)
    library.positions.load(tree.entries()[path].blob for path in argo)
    files.load(path for path in plain if not path.endswith(".json"))
    for path in plain:
        try:
            for manifest in library.manifests(tree, path):
                sort_manifest(manifest, result)
        except CsocError as error:
            if path in actions and path not in argo:
                result.not_yaml.append(path)
            else:
                result.problems.append(unreadable(tree, path, error))
    return result


def sort_manifest(manifest: Manifest, into: Scan) -> None:
    """Puts one object where it belongs; what is neither Argo CD's nor csoc's is left alone."""
    if manifest.group == CSOC_GROUP:
        into.csoc_documents.append(manifest)
    elif manifest.group == ARGO_GROUP and manifest.kind == "Application":
        into.applications.append(manifest)
    elif manifest.group == ARGO_GROUP and manifest.kind == "ApplicationSet":
        into.application_sets.append(manifest)
    elif manifest.group == ARGO_GROUP and manifest.kind == "AppProject":
        project = parse.project(manifest, into.problems)
        if project is not None:
            into.projects.append(project)
    elif manifest.kind in ("Secret", "ExternalSecret"):
        cluster = parse.cluster(manifest, into.problems)
        if cluster is not None:
            into.clusters.append(cluster)


def chart_folders(paths: Iterable[str]) -> set[str]:
    """Folders with a Chart.yaml; "" is the root."""
    return {path.rpartition("/")[0] for path in paths if path.rpartition("/")[2] == "Chart.yaml"}


def template_of(path: str, charts: set[str]) -> str | None:
    """The folder of the chart among whose templates a path is, or None."""
    parts = path.split("/")
    for at in range(len(parts) - 2, -1, -1):
        if parts[at] == "templates" and "/".join(parts[:at]) in charts:
            return "/".join(parts[:at])
    return None


def outermost_chart(folder: str, charts: set[str]) -> str:
    """The chart that a chart is vendored in ("charts/" below it), or the folder itself."""
    while True:
        parent, slash, _ = folder.rpartition("/")
        owner = parent.rpartition("/")[0]
        if not slash or parent.rpartition("/")[2] != "charts" or owner not in charts:
            return folder
        folder = owner


def makes_applications(tree: Tree, path: str) -> bool:
    """Whether a template's text declares an Application, an ApplicationSet or an AppProject."""
    try:
        text = tree.read(path).decode("utf-8", "replace")
    except CsocError:
        return False
    return ARGO_GROUP in text and _KINDS.search(text) is not None
