"""Finds every Application of a fleet: those that files hold, and those that charts, ApplicationSets and other
Applications make.

One starts from the files of one repository and follows what they name: an Application whose source holds further
Applications leads to other folders, charts and repositories. Each step is bounded, each file counts once, and what
could not be looked at is a Problem, never an absence.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from csoc.errors import CsocError
from csoc.fleet.argocd import parse
from csoc.fleet.argocd.applicationsets import expansion as applicationsets
from csoc.fleet.argocd.deployed_files import Holdings, holdings
from csoc.fleet.argocd.gotemplate.evaluation import TemplateRenderer
from csoc.fleet.argocd.model import Application, ApplicationSource, KnownCluster, Problem, Project
from csoc.fleet.argocd.parsed_files import Library
from csoc.fleet.argocd.reading import NOT_UNDERSTOOD, Manifest, unreadable
from csoc.fleet.argocd.rendering import ApplicationCharts, Order
from csoc.fleet.argocd.same_repository import Identity, Reference, identify
from csoc.fleet.argocd.scanning import Scan, scan, sort_manifest
from csoc.fleet.argocd.trees import OpenTree, Trees, problem_at
from csoc.fleet.argocd.values.resolution import resolve
from csoc.fleet.caching import Cache
from csoc.fleet.charts import ChartRef, ChartRenderer, ChartSources
from csoc.fleet.location import Location
from csoc.fleet.parsing import ParsedStore
from csoc.fleet.repositories import Tree

_MAX_APPLICATIONS = 100_000


@dataclass(frozen=True, slots=True)
class Ports:
    """What discovery may ask of the outside; whatever is None becomes a Problem where it is needed.

    open_tree: opens another repository. charts, renderer: for charts that make Applications. render_template: for
    ApplicationSets with Go templates beyond the subset.
    """

    open_tree: OpenTree | None = None
    charts: ChartSources | None = None
    renderer: ChartRenderer | None = None
    render_template: TemplateRenderer | None = None
    max_depth: int = 5
    max_trees: int = 200
    max_generated_each: int = applicationsets.MOST
    max_generated: int = applicationsets.MOST_TOGETHER


@dataclass(frozen=True, slots=True)
class GeneratedSet:
    """One ApplicationSet and how many Applications came of it."""

    name: str
    location: Location
    count: int


@dataclass(frozen=True, slots=True)
class Discovery:
    """Everything that was found. trees: resolves what Applications name, and goes on to be used for values. library:
    the parsed files of all trees (`library.files(trees.home)` are those of the repository itself).

    charts, kustomizations: paths in the home tree. csoc_documents: objects of csoc's own API group, unparsed.
    """

    applications: tuple[Application, ...]
    application_sets: tuple[GeneratedSet, ...]
    projects: tuple[Project, ...]
    clusters: tuple[KnownCluster, ...]
    csoc_documents: tuple[Manifest, ...]
    charts: tuple[str, ...]
    kustomizations: tuple[str, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    trees: Trees
    library: Library

    @property
    def read(self) -> tuple[tuple[str, str, str], ...]:
        """(repository, revision asked for, commit) of each tree that was read."""
        return tuple((tree.repository, tree.revision, tree.commit) for tree in self.trees.opened())


def discover(
    home: Tree,
    ports: Ports | None = None,
    *,
    store: ParsedStore | None = None,
    cache: Cache | None = None,
    clusters: Collection[KnownCluster] = (),
    stated: Collection[str] = (),
) -> Discovery:
    """Reads a repository and what it names.

    store: parses files, shared with whoever else reads them. cache: remembers lines between runs.
    clusters: those that are known from elsewhere (csoc's Cluster documents), for cluster generators. stated: URLs that
    a person says mean this repository. Never raises for what repositories hold.
    """
    return _Discovery(home, ports or Ports(), Library(store, cache), clusters, stated).run()


@dataclass(slots=True)
class _Record:
    """An Application on its way. applied_by: for those that were rendered; others are looked up by their file."""

    application: Application
    depth: int
    applied_by: tuple[str, ...] | None = None


_FileKey = tuple[str, str, str]


class _Discovery:
    def __init__(
        self,
        home: Tree,
        ports: Ports,
        library: Library,
        clusters: Collection[KnownCluster],
        stated: Collection[str],
    ) -> None:
        self._home = home
        self._ports = ports
        self._library = library
        self._scan = scan(home, library)
        self._clusters = (*self._scan.clusters, *clusters)
        self._problems: list[Problem] = list(self._scan.problems)
        self._charts = ApplicationCharts(ports.charts, ports.renderer)
        self._records: dict[tuple[object, ...], _Record] = {}
        self._queue: deque[_Record] = deque()
        self._applied: dict[_FileKey, set[str]] = defaultdict(set)
        self._read_files: set[_FileKey] = set()
        self._holdings: dict[tuple[object, ...], Holdings] = {}
        self._doubts: dict[tuple[str, str], set[Location]] = defaultdict(set)
        self._rendered: set[tuple[str, str, str]] = set()
        self._sets: list[GeneratedSet] = []
        self._generated = 0
        self._too_deep: set[Location] = set()
        applications = list(self._parsed(self._scan.applications))
        identity = identify(home, self._references(applications), stated)
        self._trees = Trees(home, identity, ports.open_tree, limit=ports.max_trees)
        for application in applications:
            self._add(application, 0)
        for manifest in self._scan.application_sets:
            self._expand(manifest, 0)

    def run(self) -> Discovery:
        self._follow()
        for folder, templates in self._scan.templates.items():
            if (self._home.repository, self._home.commit, folder) not in self._rendered:
                self._render_alone(folder, templates)
                self._follow()
        applications = tuple(
            replace(record.application, applied_by=self._applied_by(record)) for record in self._records.values()
        )
        self._library.positions.save()
        doubts = (problem_at(kind, cause, places) for (kind, cause), places in self._doubts.items())
        return Discovery(
            applications=tuple(sorted(applications, key=lambda found: (found.location, found.document, found.name))),
            application_sets=tuple(self._sets),
            projects=tuple(self._scan.projects),
            clusters=tuple(self._scan.clusters),
            csoc_documents=tuple(self._scan.csoc_documents),
            charts=tuple(self._scan.charts),
            kustomizations=tuple(self._scan.kustomizations),
            problems=tuple(dict.fromkeys((*self._problems, *doubts, *self._trees.problems()))),
            notes=self._notes(),
            trees=self._trees,
            library=self._library,
        )

    def _notes(self) -> tuple[str, ...]:
        identity: Identity = self._trees.identity
        notes = [*identity.notes]
        if identity.evidence.endswith("exist here"):
            notes.insert(0, identity.evidence)
        if self._scan.not_yaml:
            notes.append(f"{len(self._scan.not_yaml)} files are templates of something else and were not read")
        return tuple(notes)

    def _applied_by(self, record: _Record) -> tuple[str, ...]:
        if record.applied_by is not None:
            return record.applied_by
        at = record.application.location
        return tuple(sorted(self._applied[(at.repository, at.commit, at.path)]))

    # Records

    def _parsed(self, manifests: Iterable[Manifest], generated_by: Location | None = None) -> Iterator[Application]:
        for manifest in manifests:
            application = parse.application(manifest, self._problems, generated_by=generated_by)
            if application is not None:
                yield application

    def _references(self, applications: Iterable[Application]) -> Iterator[Reference]:
        """What Applications and ApplicationSets name, to find out which URL means this repository."""
        for application in applications:
            yield from references(application)
        for manifest in self._scan.application_sets:
            yield from applicationsets.references(manifest)

    def _add(self, application: Application, depth: int, applied_by: tuple[str, ...] | None = None) -> None:
        key = (application.location, application.document, application.name, application.generated_by, applied_by)
        if key in self._records:
            return
        if len(self._records) >= _MAX_APPLICATIONS:
            cause = f"there are more than {_MAX_APPLICATIONS} Applications; the rest was left out"
            self._doubts[(NOT_UNDERSTOOD, cause)].add(Location(self._home.repository, self._home.commit, ""))
            return
        record = _Record(application, depth, applied_by)
        self._records[key] = record
        self._queue.append(record)

    def _expand(self, manifest: Manifest, depth: int, applied_by: tuple[str, ...] | None = None) -> None:
        expansion = applicationsets.expand(
            manifest,
            self._trees,
            library=self._library,
            clusters=self._clusters,
            renderer=self._ports.render_template,
            most=self._ports.max_generated_each,
            left=max(0, self._ports.max_generated - self._generated),
        )
        self._generated += len(expansion.applications)
        self._problems.extend(expansion.problems)
        self._sets.append(GeneratedSet(expansion.name, manifest.location, len(expansion.applications)))
        for application in expansion.applications:
            self._add(application, depth, applied_by)

    # What Applications hold

    def _follow(self) -> None:
        while self._queue:
            record = self._queue.popleft()
            for number, source in enumerate(record.application.sources):
                if source.chart or source.repo_url.startswith("oci://"):
                    self._render_packaged(record, number, source)
                elif source.repo_url and (source.path or not source.ref):
                    self._look_into(record, number, source)

    def _look_into(self, record: _Record, number: int, source: ApplicationSource) -> None:
        application = record.application
        tree = self._trees.resolve(source.repo_url, source.target_revision, source.revision_location)
        if tree is None:
            return
        held = self._held(tree, source)
        if (held.files or held.templates) and record.depth >= self._ports.max_depth and tree is not self._home:
            self._stop(application)
            return
        for path in held.files:
            key = (tree.repository, tree.commit, path)
            self._applied[key].add(application.name)
            if tree is not self._home and key not in self._read_files:
                self._read_files.add(key)
                self._read_file(tree, path, record.depth + 1)
        if held.templates:
            self._rendered.add((tree.repository, tree.commit, held.folder))
            self._render_for(record, number, tree, held)

    def _stop(self, application: Application) -> None:
        if application.location not in self._too_deep:
            self._too_deep.add(application.location)
            cause = (
                f'Application "{application.name}" applies others, {self._ports.max_depth} levels deep: not followed'
            )
            self._problems.append(Problem(NOT_UNDERSTOOD, cause, application.location))

    def _held(self, tree: Tree, source: ApplicationSource) -> Holdings:
        kinds = (source.helm is not None, source.kustomize is not None, source.plugin is not None)
        directory = None if source.directory is None else repr(sorted(source.directory.items(), key=str))
        key = (tree.repository, tree.commit, source.path, kinds, directory)
        if key not in self._holdings:
            self._holdings[key] = holdings(tree, source, self._library)
            self._problems.extend(self._holdings[key].problems)
        held = self._holdings[key]
        if held.doubt is not None and source.path_location is not None:
            self._doubts[held.doubt].add(source.path_location)
        return held

    def _read_file(self, tree: Tree, path: str, depth: int) -> None:
        """Takes the Applications and ApplicationSets out of one file of another repository."""
        if path not in self._library.mentioning(tree, "argoproj.io"):
            return
        found = Scan()
        try:
            for manifest in self._library.manifests(tree, path):
                sort_manifest(manifest, found)
        except CsocError as error:
            self._problems.append(unreadable(tree, path, error))
            return
        self._take(found, depth, None, None)

    def _take(self, found: Scan, depth: int, generated_by: Location | None, applied_by: tuple[str, ...] | None) -> None:
        self._problems.extend(found.problems)
        self._scan.projects.extend(found.projects)
        for application in self._parsed(found.applications, generated_by):
            self._add(application, depth, applied_by)
        for manifest in found.application_sets:
            self._expand(manifest, depth, applied_by)

    # Charts of Applications

    def _render_for(self, record: _Record, number: int, tree: Tree, held: Holdings) -> None:
        """Renders a chart of Applications with the values of the Application that deploys it."""
        application, source = record.application, record.application.sources[number]
        if record.depth >= self._ports.max_depth:
            self._stop(application)
            return
        values = resolve(application, number, self._trees, library=self._library)
        self._problems.extend(values.problems)
        order = Order(
            ref=ChartRef(source.repo_url, path=source.path, revision=source.target_revision),
            values=values.values.data,
            release=(source.helm.release_name if source.helm else "") or application.name,
            namespace=application.destination_namespace,
            place=source.path_location or application.location,
            tree=tree,
            folder=held.folder,
            templates=held.templates,
        )
        self._render(order, record.depth + 1, application.location, (application.name,))

    def _render_alone(self, folder: str, templates: Sequence[str]) -> None:
        """Renders a chart of Applications which no Application in Git deploys, with the chart's own values."""
        chart = f"{folder}/Chart.yaml" if folder else "Chart.yaml"
        place = Location(self._home.repository, self._home.commit, chart)
        order = Order(
            ref=ChartRef(self._home.repository, path=folder, revision=self._home.revision),
            values={},
            release=folder.rpartition("/")[2] or "release",
            namespace="argocd",
            place=place,
            tree=self._home,
            folder=folder,
            templates=templates,
        )
        self._render(order, 0, place, ())

    def _render_packaged(self, record: _Record, number: int, source: ApplicationSource) -> None:
        """Renders a chart of a Helm repository if its name says that it makes Applications, e.g. "argocd-apps"."""
        application = record.application
        name = (source.chart or source.repo_url).rpartition("/")[2]
        if not (name.endswith(("-apps", "-applications")) or "app-of-apps" in name):
            return
        if record.depth >= self._ports.max_depth:
            self._stop(application)
            return
        values = resolve(application, number, self._trees, library=self._library)
        self._problems.extend(values.problems)
        place = source.path_location or application.location
        order = Order(
            ref=ChartRef(source.repo_url, chart=source.chart, revision=source.target_revision),
            values=values.values.data,
            release=(source.helm.release_name if source.helm else "") or application.name,
            namespace=application.destination_namespace,
            place=place,
        )
        self._render(order, record.depth + 1, application.location, (application.name,))

    def _render(self, order: Order, depth: int, generated_by: Location, applied_by: tuple[str, ...]) -> None:
        found = Scan()
        for manifest in self._charts.render(order, self._problems):
            sort_manifest(manifest, found)
        self._take(found, depth, generated_by, applied_by)


def references(application: Application) -> Iterator[Reference]:
    """What one Application names: each source with its path, and the value files that it reads in another source."""
    named: Mapping[str, list[str]] = {source.ref: [] for source in application.sources if source.ref}
    for source in application.sources:
        for file in source.helm.value_files if source.helm else ():
            name, _, path = file.path.partition("/")
            if name[:1] == "$" and name[1:] in named and not any(mark in path for mark in "*?[$"):
                named[name[1:]].append(path)
    for source in application.sources:
        if not source.chart and source.repo_url:
            paths = (*named.get(source.ref, ()), *((source.path,) if source.path else ()))
            yield Reference(source.repo_url, source.target_revision, paths)
