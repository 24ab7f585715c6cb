"""Kustomizations, as far as they say which files and which Helm charts they deploy.

A Gen3 chart can be deployed by Kustomize's `helmCharts` instead of by Argo CD's own Helm; without looking there, such
an environment would not exist for csoc. Patches are not applied: what they change is seen by nobody before the cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from csoc.errors import CsocError
from csoc.fleet.argocd.model import Problem
from csoc.fleet.argocd.paths import ReadValues, behind_link, inside, read_values
from csoc.fleet.argocd.reading import NOT_UNDERSTOOD, Fields, FilePlace, Place
from csoc.fleet.argocd.values.layers import ABSENT, file_layer
from csoc.fleet.argocd.values.resolution import UNREAD, ResolvedValues
from csoc.fleet.charts import ChartRef
from csoc.fleet.location import Location
from csoc.fleet.repositories import Tree
from csoc.fleet.values import EffectiveValues, Layer, MissingFile, Path, look_up

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_MAX_FOLDERS = 200


@dataclass(frozen=True, slots=True)
class KustomizeChart:
    """One item of `helmCharts`. values_merge: "override" (inline wins over the file), "merge" (the file wins) or
    "replace" (no file). folder: of the kustomization, from which value files are named; path: inside that file.
    local_path: the chart's folder where no repo is named."""

    name: str
    repo: str
    version: str
    release_name: str
    namespace: str
    values_file: str
    additional_values_files: tuple[str, ...]
    values_inline: Mapping[str, Any] | None
    values_merge: str
    folder: str
    place: Place = field(repr=False, compare=False)
    path: Path = ()
    local_path: str = ""

    @property
    def location(self) -> Location:
        return self.place.locate(self.path)

    @property
    def chart(self) -> ChartRef:
        """What to fetch; a chart without a repo lies in the kustomization's own repository, at local_path."""
        if not self.repo:
            return ChartRef(self.location.repository, path=self.local_path, revision=self.location.commit)
        return ChartRef(self.repo, chart=self.name, revision=self.version)


@dataclass(frozen=True, slots=True)
class Kustomization:
    """A kustomization with everything that it includes from the same tree. files: the manifests; remote: what stands
    in other repositories and was not read; images: as written, with their folder."""

    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    remote: tuple[str, ...] = ()
    charts: tuple[KustomizeChart, ...] = ()
    images: tuple[Mapping[str, Any], ...] = ()
    namespace: str = ""
    patched: bool = False
    problems: tuple[Problem, ...] = ()


def find(tree: Tree, folder: str) -> str | None:
    """The path of a folder's kustomization file, or None."""
    entries = tree.entries()
    paths = (inside(folder, name) or name for name in FILE_NAMES)
    return next((path for path in paths if path in entries), None)


def read(tree: Tree, folder: str, read_document: ReadValues = read_values) -> Kustomization:
    """The kustomization of a folder and all local ones that it includes: each once, at most 200 folders."""
    pending = [folder]
    seen: set[str] = set()
    files: list[str] = []
    remote: list[str] = []
    charts: list[KustomizeChart] = []
    images: list[Mapping[str, Any]] = []
    problems: list[Problem] = []
    namespace, patched = "", False
    while pending and len(seen) < _MAX_FOLDERS:
        current = pending.pop(0)
        path = find(tree, current)
        if current in seen or path is None:
            continue
        seen.add(current)
        fields = _fields(tree, path, read_document, problems)
        if fields is None:
            continue
        if current == folder:
            namespace = fields.text("namespace")
        patched = patched or any(
            fields.data.get(key) for key in ("patches", "patchesStrategicMerge", "patchesJson6902")
        )
        images.extend(item.data for item in fields.children("images"))
        charts.extend(_charts(fields, current))
        for key in ("resources", "bases", "components"):
            for text, number in fields.texts(key):
                _include(tree, current, text, fields.locate(key, number), (files, pending, remote, problems))
    return Kustomization(
        tuple(sorted(seen)),
        tuple(dict.fromkeys(files)),
        tuple(dict.fromkeys(remote)),
        tuple(charts),
        tuple(images),
        namespace,
        patched,
        tuple(problems),
    )


def _fields(tree: Tree, path: str, read_document: ReadValues, problems: list[Problem]) -> Fields | None:
    try:
        document = read_document(tree, path)
    except CsocError as error:
        at = Location(tree.repository, tree.commit, path, getattr(error, "line", 0))
        problems.append(Problem("unreadable file", error.cause, at, error.fix))
        return None
    place = FilePlace(tree.repository, tree.commit, path, document)
    return Fields(document.data or {}, (), place, problems, "Kustomization")


def _include(
    tree: Tree,
    folder: str,
    text: str,
    location: Location,
    into: tuple[list[str], list[str], list[str], list[Problem]],
) -> None:
    """Sorts one resource into files, folders or what is remote; what is not there is a Problem."""
    files, pending, remote, problems = into
    path = inside(folder, text)
    if "://" in text or text.startswith("git@") or "?ref=" in text or (path is not None and "//" in text):
        remote.append(text)
    elif path is None or behind_link(tree.entries(), path) is not None:
        problems.append(Problem(NOT_UNDERSTOOD, f"{text} leads out of the repository or through a link", location))
    elif path in tree.entries():
        files.append(path)
    elif find(tree, path) is not None:
        pending.append(path)
    else:
        problems.append(
            Problem(NOT_UNDERSTOOD, f"{text} is neither a file nor a folder with a kustomization", location)
        )


def _charts(fields: Fields, folder: str) -> list[KustomizeChart]:
    home = fields.child("helmGlobals")
    chart_home = (home.text("chartHome") if home else "") or "charts"
    found: list[KustomizeChart] = []
    for item in fields.children("helmCharts"):
        name = item.text("name")
        found.append(
            KustomizeChart(
                name=name,
                repo=item.text("repo"),
                version=item.text("version"),
                release_name=item.text("releaseName") or name,
                namespace=item.text("namespace") or fields.text("namespace"),
                values_file=item.text("valuesFile"),
                additional_values_files=tuple(text for text, _ in item.texts("additionalValuesFiles")),
                values_inline=item.mapping("valuesInline"),
                values_merge=item.text("valuesMerge") or "override",
                folder=folder,
                local_path="" if item.text("repo") else inside(folder, f"{chart_home}/{name}") or "",
                place=item.place,
                path=item.path,
            )
        )
    return found


def values(chart: KustomizeChart, tree: Tree, read_document: ReadValues = read_values) -> ResolvedValues:
    """The values of one of `helmCharts`: the file and the inline values (by valuesMerge), then the additional files."""
    layers: list[Layer] = []
    missing: list[MissingFile] = []
    problems: list[Problem] = []
    unread: list[str] = []
    inline = _inline_layer(chart)
    first = [chart.values_file] if chart.values_file and not (inline and chart.values_merge == "replace") else []
    for written in (*first, None, *chart.additional_values_files):
        if written is None:
            if inline is not None:
                layers.insert(0 if chart.values_merge == "merge" else len(layers), inline)
            continue
        path = inside(chart.folder, written)
        if path is None or behind_link(tree.entries(), path) is not None:
            unread.append(written)
            problems.append(Problem(UNREAD, f"{written} leads out of the repository or through a link", chart.location))
        elif path not in tree.entries():
            missing.append(MissingFile(written, path, chart.location, tolerated=False))
        else:
            try:
                layers.append(file_layer(tree, path, read_document))
            except CsocError as error:
                unread.append(written)
                place = Location(tree.repository, tree.commit, path, getattr(error, "line", 0))
                problems.append(Problem(UNREAD, error.cause, place, error.fix))
    return ResolvedValues(EffectiveValues.merge(layers, missing), tuple(problems), tuple(unread))


def _inline_layer(chart: KustomizeChart) -> Layer | None:
    data = chart.values_inline
    if not data:
        return None

    def locate(steps: Path) -> Location | None:
        if look_up(data, steps, ABSENT) is ABSENT:
            return None
        return chart.place.locate((*chart.path, "valuesInline", *steps))

    return Layer(f"inline values of {chart.name}", data, locate)
