"""What Argo CD's repo server does, by csoc's own ports: sources are opened, values resolved, charts rendered.

Source of the words: Argo CD 3.2, reposerver/repository/repository.go and util/git/client.go. Kustomize, Jsonnet and
plugins are refused by name.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml

from csoc.emulator.kubernetes.argocd.ports import Credential, EmptyTree, Manifested, ManifestError, Wanted
from csoc.emulator.kubernetes.argocd.rendered import Rendered, key_of
from csoc.errors import CsocError, Kind, NotFoundError
from csoc.fleet.argocd import parse
from csoc.fleet.argocd.applicationsets.expansion import Expansion, expand
from csoc.fleet.argocd.deployed_files import holdings
from csoc.fleet.argocd.model import Application, ApplicationSource, HelmOptions, KnownCluster
from csoc.fleet.argocd.parsed_files import Library
from csoc.fleet.argocd.reading import FixedPlace, Manifest
from csoc.fleet.argocd.same_repository import Identity
from csoc.fleet.argocd.trees import Trees
from csoc.fleet.argocd.values.resolution import resolve
from csoc.fleet.charts import ChartArchive, ChartRef, ChartRenderer, ChartSources, RenderRequest
from csoc.fleet.location import Location
from csoc.fleet.repositories import Repositories, SourceAddress, Tree

Object = dict[str, Any]
_NOWHERE = Location("", "", "")
_REMOTE = ("https://", "http://", "ssh://", "git@")
_FILE = "file://"
_CHART_REMOTE = ("https://", "http://", "oci://")
_MOST_OPEN = 32


@dataclass(frozen=True, slots=True)
class Opened:
    """Ports with some credentials. forget: what was fetched a moment ago is fetched again."""

    repositories: Repositories
    charts: ChartSources
    forget: Callable[[], None]


_Key = tuple[str, str, str, str, str]
OpenPorts = Callable[[Collection[Credential]], Opened]


class RepositoryServer:
    """Renders the sources of Applications. Threads may share it; open: makes ports that show some credentials. local:
    the folder of this machine below which file:// repositories are read; None reads none, since whoever writes
    Applications would read whatever this process may."""

    def __init__(self, open_ports: OpenPorts, renderer: ChartRenderer, local: Path | None = None) -> None:
        self._open_ports = open_ports
        self._renderer = renderer
        self._local = local.resolve() if local is not None else None
        self._opened: dict[tuple[_Key, ...], Opened] = {}
        self._seen: dict[tuple[str, str], tuple[str, tuple[_Key, ...]]] = {}
        self._lock = threading.RLock()
        self._rendered = Rendered()

    def render(self, wanted: Wanted) -> Manifested:
        """See the port."""
        # One at a time: the Git library's objects belong to whoever uses them.
        with self._lock:
            return _Rendering(
                wanted, self._ports(wanted), self._renderer, self._note, self._rendered, self._may_read
            ).run()

    def generate(
        self, manifest: Manifest, clusters: Sequence[KnownCluster], credentials: Mapping[str, Credential]
    ) -> Expansion:
        """See `Generating`."""
        with self._lock:
            ports = self._ports_with(credentials)
            ports.forget()

            def open_tree(url: str, revision: str) -> Tree:
                if not self._may_read(url):
                    raise NotFoundError(f"The repository {url} cannot be used: it is no address of a Git host")
                known = None if revision in ("", "HEAD") else revision
                return ports.repositories.open(SourceAddress(url, trusted=True), known)

            trees = Trees(EmptyTree(), Identity(frozenset(), frozenset(), ""), open_tree)
            return expand(manifest, trees, clusters=clusters)

    def moved(self) -> Collection[str]:
        """See the port."""
        found: set[str] = set()
        with self._lock:
            for (url, revision), (commit, credentials) in list(self._seen.items()):
                ports = self._opened.get(credentials)
                if ports is None or url in found:
                    continue
                ports.forget()
                try:
                    now = ports.repositories.open(SourceAddress(url, trusted=True), revision or None).commit
                except CsocError:
                    continue  # it is asked again when the Application is looked at, and the reason is told there
                if now != commit:
                    found.add(url)
        return found

    def _may_read(self, url: str) -> bool:
        if url.startswith(_REMOTE):
            return True
        if self._local is None or not url.startswith(_FILE):
            return False
        return Path(unquote(url.removeprefix(_FILE))).resolve().is_relative_to(self._local)

    def _ports(self, wanted: Wanted) -> Opened:
        ports = self._ports_with(wanted.credentials)
        if wanted.force or wanted.hard:
            ports.forget()
        return ports

    def _ports_with(self, credentials: Mapping[str, Credential]) -> Opened:
        shown = {_key(one): one for one in credentials.values()}
        key = tuple(sorted(shown))
        if key not in self._opened:
            while len(self._opened) >= _MOST_OPEN:
                self._opened.pop(next(iter(self._opened)))
            self._opened[key] = self._open_ports([shown[one] for one in key])
        return self._opened[key]

    def _note(self, wanted: Wanted, url: str, revision: str, commit: str) -> None:
        self._seen[url, revision] = (commit, tuple(sorted({_key(one) for one in wanted.credentials.values()})))


def _key(credential: Credential) -> _Key:
    return (credential.url, credential.kind, credential.username, credential.password, credential.ssh_key)


Note = Callable[[Wanted, str, str, str], None]


class _Rendering:
    """One request."""

    def __init__(
        self, wanted: Wanted, ports: Opened, renderer: ChartRenderer, note: Note, rendered: Rendered,
        may_read: Callable[[str], bool],
    ) -> None:  # fmt: skip
        self._wanted = wanted
        self._ports = ports
        self._renderer = renderer
        self._note = note
        self._rendered = rendered
        self._may_read = may_read
        self._library = Library()
        self._trees: dict[int, Tree] = {}
        self._archives: dict[int, ChartArchive] = {}

    def run(self) -> Manifested:
        application = self._application()
        revisions = [self._resolved(number, source) for number, source in enumerate(application.sources)]
        pinned = replace(
            application,
            sources=tuple(
                replace(source, target_revision=revision)
                for source, revision in zip(application.sources, revisions, strict=True)
            ),
        )
        objects: list[Object] = []
        types: list[str] = []
        for number, source in enumerate(pinned.sources):
            kind, made = self._made(pinned, number, source)
            objects += made
            types.append(kind)
        return Manifested(objects, revisions, types)

    def _application(self) -> Application:
        wanted = self._wanted
        spec: Object = {"destination": {"namespace": wanted.namespace}, "project": wanted.project}
        if wanted.multiple:
            spec["sources"] = list(wanted.sources)
        else:
            spec["source"] = wanted.sources[0]
        found = parse.application(
            Manifest({"metadata": {"name": wanted.application}, "spec": spec}, FixedPlace(_NOWHERE)), []
        )
        if found is None or len(found.sources) != len(wanted.sources):
            raise ManifestError("the sources of the application cannot be read")
        return found

    def _resolved(self, number: int, source: ApplicationSource) -> str:
        """The commit or version of a source."""
        asked = self._wanted.revisions[number] if number < len(self._wanted.revisions) else ""
        revision = asked or source.target_revision
        try:
            if source.chart:
                if not (source.repo_url.startswith(_CHART_REMOTE) or "://" not in source.repo_url):
                    raise ManifestError(f"repository {source.repo_url} cannot be used", number + 1)
                archive = self._ports.charts.fetch(ChartRef(source.repo_url, source.chart, revision=revision))
                self._archives[number] = archive
                return archive.resolved or archive.version
            if not self._may_read(source.repo_url):
                raise ManifestError(f"repository {source.repo_url} cannot be used", number + 1)
            address = SourceAddress(source.repo_url, trusted=True)
            tree = self._ports.repositories.open(address, None if revision in ("", "HEAD") else revision)
        except CsocError as error:
            raise ManifestError(_in_argos_words(error, revision), number + 1) from error
        self._trees[number] = tree
        self._note(self._wanted, source.repo_url, "" if revision == "HEAD" else revision, tree.commit)
        return tree.commit

    def _made(self, application: Application, number: int, source: ApplicationSource) -> tuple[str, list[Object]]:
        if number in self._archives:
            return "Helm", self._once(application, number, lambda: self._archives[number])
        if not source.path:
            return "", []
        tree = self._trees[number]
        found = holdings(tree, source, self._library)
        if found.kind == "chart":
            self._check_references(application, number, source)
            return "Helm", self._once(application, number, lambda: self._fetched(number, source, tree))
        if found.kind == "kustomize":
            raise ManifestError("the emulator runs no Kustomize", number + 1)
        if found.kind == "directory" and found.doubt is None:
            return "Directory", self._documents(number, tree, found.files)
        if found.doubt is not None and "is no folder" in found.doubt[1]:
            raise ManifestError(f"{source.path}: app path does not exist", number + 1)
        raise ManifestError(found.doubt[1] if found.doubt else f"nothing is known of {source.path}", number + 1)

    def _check_references(self, application: Application, number: int, source: ApplicationSource) -> None:
        """Argo CD has one work tree a repository, so `$ref` of the chart's own must be at the chart's commit."""
        written = source.helm.value_files if source.helm is not None else ()
        named = {file.path.partition("/")[0] for file in written if file.path.startswith("$")}
        for other, given in enumerate(application.sources):
            same = given.ref and f"${given.ref}" in named and given.repo_url == source.repo_url
            if not same or given.target_revision == source.target_revision:
                continue
            asked, mine = (self._wanted.sources[one].get("targetRevision", "") for one in (other, number))
            raise ManifestError(
                f'cannot reference a different revision of the same repository (${given.ref} references "{asked}" '
                f'which resolves to "{given.target_revision}" while the application references "{mine}" which '
                f'resolves to "{source.target_revision}")',
                number + 1,
            )

    def _fetched(self, number: int, source: ApplicationSource, tree: Tree) -> ChartArchive:
        ref = ChartRef(source.repo_url, path=source.path, revision=tree.commit)
        try:
            return self._ports.charts.fetch(ref, local={tree.repository: tree})
        except CsocError as error:
            raise ManifestError(_in_argos_words(error, tree.revision), number + 1) from error

    def _once(self, application: Application, number: int, archive: Callable[[], ChartArchive]) -> list[Object]:
        """What was rendered before, unless it is to be rendered anew."""
        key = key_of(self._wanted, number, [source.target_revision for source in application.sources])
        found = None if self._wanted.hard else self._rendered.get(key)
        if found is None:
            found = self._chart(application, number, application.sources[number], archive())
            self._rendered.keep(key, found)
        return found

    def _chart(
        self, application: Application, number: int, source: ApplicationSource, archive: ChartArchive
    ) -> list[Object]:
        home: Tree = next(iter(self._trees.values()), EmptyTree())
        helm = source.helm or HelmOptions(release_name=application.name)
        trees = Trees(home, Identity(frozenset(), frozenset(), ""), self._open)
        found = resolve(application, number, trees, library=self._library)
        absent = next((file for file in found.values.missing if not file.tolerated), None)
        if absent is not None:
            name = absent.resolved or absent.written
            why = f"Error: open <path to cached source>/{name}: no such file or directory"
            raise ManifestError(f"failed to execute helm template command: {why}", number + 1)
        if found.problems:
            raise ManifestError(f"failed to execute helm template command: {found.problems[0].cause}", number + 1)
        rendering = self._renderer.render(
            RenderRequest(
                archive,
                found.values.data,
                helm.release_name or application.name,
                application.destination_namespace or "default",
                self._wanted.kube_version,
                tuple(self._wanted.api_versions),
            )
        )
        if rendering.failure is not None:
            raise ManifestError(f"failed to execute helm template command: {rendering.failure.message}", number + 1)
        if rendering.unparsed:
            template, reason = rendering.unparsed[0]
            raise ManifestError(f"failed to unmarshal manifest {template}: {reason}", number + 1)
        return [dict(item.body) for item in rendering.objects]

    def _open(self, repo_url: str, revision: str) -> Tree:
        for number, tree in self._trees.items():
            if self._wanted.sources[number].get("repoURL") == repo_url and tree.commit == revision:
                return tree
        return self._ports.repositories.open(SourceAddress(repo_url, trusted=True), revision or None)

    def _documents(self, number: int, tree: Tree, paths: Collection[str]) -> list[Object]:
        objects: list[Object] = []
        for path in paths:
            try:
                documents = list(yaml.load_all(tree.read(path), yaml.CSafeLoader))
            except (CsocError, yaml.YAMLError, UnicodeDecodeError) as error:
                raise ManifestError(f'Failed to unmarshal "{path}": {error}', number + 1) from error
            for document in documents:
                if isinstance(document, dict) and str(document.get("kind", "")).endswith("List"):
                    objects += [item for item in document.get("items") or () if isinstance(item, dict)]
                elif isinstance(document, dict) and document.get("apiVersion") and document.get("kind"):
                    objects.append(document)
        return objects


def _in_argos_words(error: CsocError, revision: str) -> str:
    if error.kind is Kind.DENIED:
        return "failed to list refs: authentication required: Unauthorized"
    if error.kind is Kind.NOT_FOUND:
        return f"unable to resolve '{revision or 'HEAD'}' to a commit SHA"
    if error.kind is Kind.UNAVAILABLE:
        return f"failed to list refs: {error.cause}"
    return error.cause
