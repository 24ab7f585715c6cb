"""Fetches charts from wherever an Application names them, and hands out archives that are safe to render.

This is the only place where csoc goes to the network for a chart, and it never runs any of it. What an Application
names is untrusted: hosts and schemes are checked against the settings before each connection. A chart that a person
names on the command line is a path, and read as it lies.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Self

from csoc.adapters.git import system_resolve
from csoc.adapters.git.credentials import Credentials
from csoc.adapters.git.github_app import AppTokens
from csoc.adapters.helm.fetch import tar
from csoc.adapters.helm.fetch.archive import Files, read_archive
from csoc.adapters.helm.fetch.dependencies import Builder, Place, chart_metadata
from csoc.adapters.helm.fetch.downloads import FRESH, Downloads, digest_of
from csoc.adapters.helm.fetch.folders import DiskRoot, TreeRoot, read_file
from csoc.adapters.helm.fetch.helm_repository import Fetched, HelmRepository
from csoc.adapters.helm.fetch.http import Allowed, Basic, Http, Peer, gate
from csoc.adapters.helm.fetch.oci import OciRegistry
from csoc.adapters.unreached import Unreached
from csoc.clock import Clock, system_clock
from csoc.config import Settings
from csoc.errors import CsocError, DeniedError, NotFoundError, RejectedError
from csoc.fleet import addresses
from csoc.fleet.addresses import Policy
from csoc.fleet.charts import ChartArchive, ChartRef, pack
from csoc.fleet.repositories import Repositories, SourceAddress, Tree
from csoc.fleet.revisions import check_revision

_REMEMBERED = 16


class HelmChartSources:
    """`ChartSources` for Git, Helm repositories, OCI registries, folders and packed charts."""

    def __init__(
        self,
        repositories: Repositories,
        *,
        cache_dir: Path,
        allowed: Allowed,
        basic: Basic | None = None,
        peer: Peer | None = None,
        clock: Clock = system_clock,
        limits: tar.Limits | None = None,
        connect_seconds: float = 10.0,
        total_seconds: float = 300.0,
    ) -> None:
        """allowed: raises for origins that csoc may not contact; peer: for IP addresses that they turn out to be.
        basic: user and password for a URL."""
        self._repositories = repositories
        self._limits = limits or tar.Limits()
        self._clock = clock
        self._unreached = Unreached(total_seconds)
        self._http = Http(
            allowed,
            basic or (lambda _: None),
            peer=peer,
            connect_seconds=connect_seconds,
            total_seconds=total_seconds,
            unreached=self._unreached,
        )
        downloads = Downloads(cache_dir / "charts", clock)
        archive_bytes = self._limits.archive_bytes
        self._helm = HelmRepository(self._http, downloads, clock, archive_bytes=archive_bytes)
        self._oci = OciRegistry(self._http, downloads, clock, archive_bytes=archive_bytes)
        self._recent: OrderedDict[tuple[str, ...], tuple[ChartArchive, datetime]] = OrderedDict()
        self._lock = threading.Lock()
        self._busy: dict[str, threading.Lock] = {}

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        repositories: Repositories,
        *,
        resolve: addresses.Resolve = system_resolve,
        environ: Mapping[str, str] | None = None,
        clock: Clock = system_clock,
        credentials: Credentials | None = None,
    ) -> Self:
        """With the hosts, credentials, limits and cache folder of csoc's settings. credentials: shared with others, so
        that an App's token is asked for once."""
        shared = credentials or Credentials(
            settings, AppTokens(seconds=settings.limits.connect_seconds, clock=clock), environ
        )
        allowed, peer = gate(Policy.of(settings), resolve)
        return cls(
            repositories,
            cache_dir=settings.cache_dir,
            allowed=allowed,
            peer=peer,
            clock=clock,
            basic=partial(_basic, shared),
            connect_seconds=settings.limits.connect_seconds,
            total_seconds=settings.limits.fetch_seconds,
        )

    def close(self) -> None:
        """Releases connections."""
        self._http.close()

    def forget(self) -> None:
        """Servers that were not reached may be asked again: the next look at the fleet begins."""
        self._unreached.forget()

    def expire(self) -> None:
        """What servers said of their charts up to this moment is asked for again, and no older word stands in for it:
        for whoever is about to act on a chart."""
        self._helm.expire()
        self._oci.expire()

    def fetch(self, ref: ChartRef, *, local: Mapping[str, Tree] | None = None) -> ChartArchive:
        """See the port."""
        with self._one_at_a_time(str(ref)):
            try:
                if ref.chart or ref.repo_url.startswith("oci://"):
                    return self._packed(ref)
                return self._from_git(ref, local or {})
            except CsocError as error:
                if not error.place.startswith(addresses.shown(ref.repo_url)):
                    error.place = f"{_shown(ref)}: {error.place}".rstrip(": ")
                raise

    def load(self, path: str) -> ChartArchive:
        """See the port."""
        place = Path(path).expanduser()
        builder = Builder(self._files, self._limits)
        if place.is_dir():
            root, inner = DiskRoot.around(place)
            files = builder.folder(Place(root, inner))
        elif place.exists():
            content = read_file(place.resolve(), self._limits.archive_bytes)
            files = builder.with_dependencies(read_archive(content, self._limits), None)
        else:
            raise NotFoundError("There is no such chart", place=path, fix="Name a chart folder or a .tgz file")
        return _archive(files, builder, resolved="")

    def _packed(self, ref: ChartRef) -> ChartArchive:
        fetched = self._fetched(ref)
        key = ("packed", digest_of(fetched.content), fetched.resolved, *fetched.notes)
        known = self._remembered(key)
        if known is not None:
            return known
        builder = Builder(self._files, self._limits)
        files = builder.with_dependencies(read_archive(fetched.content, self._limits), None)
        archive = _archive(files, builder, resolved=fetched.resolved, notes=fetched.notes)
        return self._remember(key, archive)

    def _files(self, ref: ChartRef) -> Files:
        """A dependency, as files."""
        return read_archive(self._fetched(ref).content, self._limits)

    def _fetched(self, ref: ChartRef) -> Fetched:
        check_revision(ref.revision, packed=True)
        if ref.repo_url.startswith(("https://", "http://")):
            return self._helm.fetch(ref)
        return self._oci.fetch(ref)

    def _from_git(self, ref: ChartRef, local: Mapping[str, Tree]) -> ChartArchive:
        path = _inner_path(ref)
        tree = _open_already(ref, local)
        if tree is None:
            tree = self._repositories.open(SourceAddress(ref.repo_url), ref.revision or None)
        key = (tree.repository, tree.commit, path)
        known = self._remembered(key)
        if known is not None:
            return known
        builder = Builder(self._files, self._limits)
        files = builder.folder(Place(TreeRoot(tree, self._repositories), path))
        return self._remember(key, _archive(files, builder, resolved=tree.commit))

    def _remembered(self, key: tuple[str, ...]) -> ChartArchive | None:
        with self._lock:
            archive, at = self._recent.get(key, (None, None))
            # What could not be had may be there again in a while; what is whole stays what it is.
            if archive is None or at is None or (archive.notes and self._clock() - at > FRESH):
                return None
            self._recent.move_to_end(key)
            return archive

    def _remember(self, key: tuple[str, ...], archive: ChartArchive) -> ChartArchive:
        with self._lock:
            self._recent[key] = (archive, self._clock())
            while len(self._recent) > _REMEMBERED:
                self._recent.popitem(last=False)
        return archive

    def _one_at_a_time(self, name: str) -> threading.Lock:
        """A lock for one chart, so that many environments which ask for it at once fetch it once."""
        with self._lock:
            return self._busy.setdefault(name, threading.Lock())


def _basic(credentials: Credentials, url: str) -> tuple[str, str] | None:
    """User and password for a URL, or None."""
    try:
        address = addresses.parse(url.partition("?")[0].partition("#")[0])
    except (RejectedError, DeniedError):
        return None  # nothing that stands in the settings is below such an address
    return credentials.basic(address)


def _open_already(ref: ChartRef, local: Mapping[str, Tree]) -> Tree | None:
    """A tree that stands for the repository at the revision that is asked for."""
    name = addresses.canonical_name(ref.repo_url)
    candidates = [tree for key, tree in local.items() if name in {key, tree.repository, *tree.aliases}]
    for tree in candidates:
        if ref.revision in ("", "HEAD", tree.revision, tree.commit):
            return tree
    # A work tree is what its owner wants looked at, whatever branch the Application names; a commit is a commit.
    is_commit = len(ref.revision) == 40 and all(char in "0123456789abcdef" for char in ref.revision)
    return next((tree for tree in candidates if tree.revision == "work tree" and not is_commit), None)


def _shown(ref: ChartRef) -> str:
    what = (
        f"{addresses.shown(ref.repo_url)}/{ref.chart}" if ref.chart else f"{addresses.shown(ref.repo_url)}//{ref.path}"
    )
    return f"{what} at {ref.revision or 'its newest'}"


def _inner_path(ref: ChartRef) -> str:
    parts = [part for part in ref.path.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in ref.path:
        raise RejectedError("The path leads out of the repository", place=_shown(ref))
    return "/".join(parts)


def _archive(files: Files, builder: Builder, *, resolved: str, notes: tuple[str, ...] = ()) -> ChartArchive:
    metadata = chart_metadata(files)
    name, version = metadata.get("name"), metadata.get("version")
    if not isinstance(name, str) or not name or "/" in name or name in (".", ".."):
        raise RejectedError("Chart.yaml names no chart", fix="It needs name and version")
    return pack(
        name,
        str(version or ""),
        files,
        resolved=resolved,
        missing_dependencies=builder.report.missing,
        notes=(*notes, *builder.report.notes),
    )
