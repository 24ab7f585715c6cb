"""Puts a chart's dependencies into its charts/ folder, as `helm dependency build` does, and says which are missing.

What is vendored stays. A dependency by `file://` comes from beside the chart in the same repository, with its own
dependencies; one from a repository or registry is fetched by the version of the lock file, or the newest that fits.
Helm gives up at the first that is missing; csoc goes on, since a chart without its development database tells nearly
as much, and names what is missing.

Dependencies that are switched off (by condition or tags) come too. Only an environment's values say what is on, and
one archive serves every environment and every change that is proposed for one, the change that switches something on
included; Helm as well wants all of them before it looks at what is on. What this may cost is bounded by whoever
fetches: a host that does not answer is waited for once, whatever a chart wants of it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from csoc.adapters.helm.fetch import tar
from csoc.adapters.helm.fetch.archive import Files, read_members
from csoc.adapters.helm.fetch.folders import Root
from csoc.errors import CsocError, NotFoundError, RejectedError
from csoc.fleet.charts import ChartRef
from csoc.fleet.shapes import items
from csoc.fleet.versions import Constraint, Version
from csoc.fleet.yaml import yamltext

_METADATA = yamltext.Limits(size_bytes=2_000_000, depth=60, nodes=200_000, documents=5)
_DEEPEST = 10
_MOST = 300  # of one chart

Fetch = Callable[[ChartRef], Files]
"""A chart from a repository or registry, as files."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chart folder lies: the folder's path in a root."""

    root: Root
    path: str


@dataclass(slots=True)
class Report:
    """What is missing, by name, and why; in the order of finding."""

    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def lacks(self, name: str, cause: str) -> None:
        """Notes a dependency that could not be had."""
        self.missing.append(name)
        self.notes.append(f"The dependency {name} is missing: {cause}")


class Builder:
    """Builds one chart. fetch: for what is not beside it."""

    def __init__(self, fetch: Fetch, limits: tar.Limits) -> None:
        self._fetch = fetch
        self._limits = limits
        self._built: dict[str, Files] = {}
        self.report = Report()

    def folder(self, place: Place) -> Files:
        """A chart folder with its dependencies. Raises as `ChartSources.fetch` for the chart itself."""
        return self._folder(place, ())

    def with_dependencies(self, files: Files, place: Place | None) -> Files:
        """Files of a chart with its dependencies. place: where it lies, None if it came packed."""
        return self._completed(files, place, ())

    def _folder(self, place: Place, above: tuple[str, ...]) -> Files:
        if place.path in self._built:
            return self._built[place.path]
        members = place.root.members(place.path)
        if not members:
            raise NotFoundError("There is no such folder", place=place.path, fix="Check the path and the revision")
        files = self._completed(read_members(members, self._limits), place, (*above, place.path))
        self._built[place.path] = files
        return files

    def _completed(self, files: Files, place: Place | None, above: tuple[str, ...]) -> Files:
        metadata = chart_metadata(files)
        declared = [entry for entry in items(metadata.get("dependencies")) if isinstance(entry, Mapping)]
        if len(declared) > _MOST:
            raise RejectedError(f"The chart names more than {_MOST} dependencies")
        vendored = _vendored(files)
        locked = _locked(files)
        completed = dict(files)
        for entry in declared:
            name = str(entry.get("name") or "")
            if not name or "/" in name or name in (".", ".."):
                self.report.lacks(name or "without a name", "its name is not one")
                continue
            version = str(entry.get("version") or "")
            if name in vendored and _fits(vendored[name], version):
                continue
            try:
                found = self._one(entry, name, locked, place, above)
            except CsocError as error:
                self._note_missing(name, error, vendored)
                continue
            own = str(chart_metadata(found).get("version") or "")
            folder = name if not any(path.startswith(f"charts/{name}/") for path in completed) else f"{name}-{own}"
            completed |= {f"charts/{folder}/{path}": content for path, content in found.items()}
            vendored.setdefault(name, []).append(own)
            self._check_size(completed)
        return completed

    def _note_missing(self, name: str, error: CsocError, vendored: Mapping[str, list[str]]) -> None:
        cause = f"{error.cause} ({error.place})" if error.place else error.cause
        if name in vendored:  # Helm asks for the name only, when it renders
            versions = ", ".join(vendored[name])
            self.report.notes.append(f"The dependency {name} is in the chart as {versions}, not as asked for: {cause}")
        else:
            self.report.lacks(name, cause)

    def _one(
        self,
        entry: Mapping[str, Any],
        name: str,
        locked: Mapping[str, str],
        place: Place | None,
        above: tuple[str, ...],
    ) -> Files:
        repository = str(entry.get("repository") or "").strip()
        version = str(entry.get("version") or "")
        if not repository:
            raise NotFoundError("it names no repository and is not in charts/")
        if repository.startswith("file://"):
            return self._beside(repository.removeprefix("file://"), version, place, above)
        if repository.startswith(("@", "alias:")):
            raise RejectedError(f'"{repository}" is a name on the machine of whoever wrote it')
        lock = locked.get(name, "")
        wanted = lock if lock and _fits([lock], version) else version
        return self._fetch(ChartRef(repo_url=repository, chart=name, revision=wanted))

    def _beside(self, written: str, version: str, place: Place | None, above: tuple[str, ...]) -> Files:
        if place is None:
            raise RejectedError(
                f"it lies beside the chart (file://{written}), and the chart came without what is beside"
            )
        path = posixpath.normpath(posixpath.join(place.path, written))
        if written.startswith("/") or path == ".." or path.startswith("../"):
            raise RejectedError(f"file://{written} leads out of the repository")
        path = "" if path == "." else path
        if path in above:
            raise RejectedError(f"file://{written} leads back to a chart that needs this one")
        if len(above) >= _DEEPEST:
            raise RejectedError("Charts depend on charts too many times")
        files = self._folder(Place(place.root, path), above)
        own = str(chart_metadata(files).get("version") or "")
        if not _fits([own], version):
            raise NotFoundError(f'file://{written} has version {own}, and "{version}" is asked for')
        return files

    def _check_size(self, files: Files) -> None:
        if len(files) > self._limits.files or sum(map(len, files.values())) > self._limits.total_bytes:
            raise RejectedError(
                f"The chart with its dependencies is over {self._limits.files:,} files"
                f" or {self._limits.total_bytes:,} bytes"
            )


def chart_metadata(files: Files) -> dict[str, Any]:
    """Chart.yaml, with the dependencies of a requirements.yaml, as older charts have them. Raises RejectedError."""
    metadata = _mapping(files, "Chart.yaml")
    older = _mapping(files, "requirements.yaml")
    return metadata | ({"dependencies": older["dependencies"]} if "dependencies" in older else {})


def _mapping(files: Files, path: str) -> dict[str, Any]:
    if path not in files:
        return {}
    try:
        documents = yamltext.parse(files[path], _METADATA)
    except yamltext.YamlError as error:
        raise RejectedError(
            f"{path} of the chart is not readable: {error.cause}", place=f"{path}:{error.line}"
        ) from None
    data = documents[0].data if documents else {}
    return dict(data) if isinstance(data, Mapping) else {}


def _vendored(files: Files) -> dict[str, list[str]]:
    """Versions by name of what is in charts/ already."""
    found: dict[str, list[str]] = {}
    for path in files:
        parts = path.split("/")
        if len(parts) == 3 and parts[0] == "charts" and parts[2] == "Chart.yaml":
            metadata = _mapping({"Chart.yaml": files[path]}, "Chart.yaml")
            found.setdefault(str(metadata.get("name") or parts[1]), []).append(str(metadata.get("version") or ""))
    return found


def _locked(files: Files) -> dict[str, str]:
    lock = _mapping(files, "Chart.lock") or _mapping(files, "requirements.lock")
    entries = [entry for entry in items(lock.get("dependencies")) if isinstance(entry, Mapping)]
    return {str(entry.get("name")): str(entry.get("version") or "") for entry in entries}


def _fits(versions: list[str], wanted: str) -> bool:
    constraint = Constraint.parse(wanted)
    if constraint is None:
        return False
    return any(version is not None and constraint.allows(version) for version in map(Version.parse, versions))
