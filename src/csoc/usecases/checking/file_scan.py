"""Looks for secrets in every file of a fleet's repository, whether anything reads it or not.

What a file holds is kept by its content, so that a commit costs the files that it touches. Kept are lines and reasons,
never what was found. Values that environments read are other rules' matter; of their files only what is no value (a
comment) is told here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from csoc.errors import CsocError
from csoc.fleet.argocd.model import Problem
from csoc.fleet.caching import Cache
from csoc.fleet.code_digest import code_digest
from csoc.fleet.location import Location
from csoc.fleet.repositories import Entry, EntryKind, Tree
from csoc.fleet.values import walk
from csoc.gen3.file_secrets import FileSecret, holds_keys, is_text, secrets_in_file
from csoc.gen3.rules.secret_in_file import FoundInFile
from csoc.usecases.load import LoadedFleet

FILE_BYTES = 5_000_000
TOTAL_BYTES = 500_000_000
NOT_SEARCHED = "not searched for secrets"
_BATCH = 2_000
_NAMED = 3


@dataclass(frozen=True, slots=True)
class FileScan:
    """What was found. looked: how many files were searched; binary: how many were not, since they are no text;
    problems: what was left out for its size, or could not be read."""

    found: tuple[FoundInFile, ...] = ()
    looked: int = 0
    binary: int = 0
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class FileScanner:
    """Searches trees. file_bytes, total_bytes: of what is searched in one file and in one tree."""

    cache: Cache
    file_bytes: int = FILE_BYTES
    total_bytes: int = TOTAL_BYTES
    _known: dict[tuple[str, str], list[list[object]] | None] = field(default_factory=dict)

    def scan(self, fleet: LoadedFleet) -> FileScan:
        """The secrets of all files of the fleet's own repository."""
        tree = fleet.tree
        entries, large = self._chosen(tree)
        values = value_files(fleet)
        manifests = {secret.location.path for secret in fleet.view.secrets}
        failed: list[str] = []
        found: list[FoundInFile] = []
        binary = 0
        modes = {entry.path: _mode(entry.path, values, manifests) for entry in entries}
        for mode in sorted(set(modes.values())):
            self._fill(fleet, mode, [entry for entry in entries if modes[entry.path] == mode], failed)
        for entry in entries:
            hits = self._known.get((modes[entry.path], entry.blob), [])
            if hits is None:
                binary += 1
            elif hits:
                found.append(FoundInFile(tree.repository, tree.commit, entry.path, tuple(_hits(hits))))
        problems = [*_left_out(tree, large, self), *_unread(tree, failed)]
        return FileScan(tuple(found), len(entries) - binary - len(failed), binary, tuple(problems))

    def _chosen(self, tree: Tree) -> tuple[list[Entry], list[Entry]]:
        chosen: list[Entry] = []
        large: list[Entry] = []
        spent = 0
        for entry in tree.entries().values():
            if entry.kind is not EntryKind.FILE:
                continue
            if entry.size_bytes > self.file_bytes or spent + entry.size_bytes > self.total_bytes:
                large.append(entry)
                continue
            spent += entry.size_bytes
            chosen.append(entry)
        return chosen, large

    def _fill(self, fleet: LoadedFleet, mode: str, entries: Sequence[Entry], failed: list[str]) -> None:
        """Makes known what these files hold."""
        namespace = f"file-secrets-{mode}-{code_digest('csoc.gen3.file_secrets')}"
        missing = {entry.blob: entry for entry in entries if (mode, entry.blob) not in self._known}
        cached = self.cache.get_many(namespace, missing) if missing else {}
        fresh: dict[str, bytes] = {}
        for blob, entry in missing.items():
            if blob in cached:
                try:
                    self._known[mode, blob] = json.loads(cached[blob])
                    continue
                except ValueError:
                    pass  # a cut entry is as good as none
            try:
                content = fleet.tree.read(entry.path, limit_bytes=self.file_bytes)
                hits = _searched(fleet, mode, entry.path, content)
            except CsocError:
                failed.append(entry.path)
                continue
            self._known[mode, blob] = hits
            fresh[blob] = json.dumps(hits).encode()
            if len(fresh) >= _BATCH:
                self.cache.put_many(namespace, fresh)
                fresh = {}
        if fresh:
            self.cache.put_many(namespace, fresh)


def texts_in(fleet: LoadedFleet, path: str) -> frozenset[tuple[str, str]]:
    """Reason and text of each secret that `scan` finds in a file, for comparing two trees; nobody keeps them."""
    manifests = {secret.location.path for secret in fleet.view.secrets}
    try:
        content = fleet.tree.read(path, limit_bytes=FILE_BYTES)
        found = _secrets(fleet, _mode(path, value_files(fleet), manifests), path, content)
    except CsocError:
        return frozenset()
    return frozenset((item.reason, item.text) for item in found)


def value_files(fleet: LoadedFleet) -> frozenset[str]:
    """Files of the fleet's own repository that rules see as values."""
    layers = [layer for resolved in fleet.resolved.values() for layer in resolved.values.layers]
    layers += [layer for cluster in fleet.view.clusters for layer in cluster.layers]
    places = (layer.locate(()) for layer in layers)
    home = fleet.tree.repository, fleet.tree.commit
    return frozenset(place.path for place in places if place is not None and (place.repository, place.commit) == home)


def _mode(path: str, values: frozenset[str], manifests: set[str]) -> str:
    if path in values:
        return "values"
    return "keys" if holds_keys(path) and path not in manifests else "shapes"


def _searched(fleet: LoadedFleet, mode: str, path: str, content: bytes) -> list[list[object]] | None:
    """As it is kept: line, reason, whether it opens much; None for what is no text."""
    if not is_text(content):
        return None
    return [[item.line, item.reason, item.opens_much] for item in _secrets(fleet, mode, path, content)]


def _secrets(fleet: LoadedFleet, mode: str, path: str, content: bytes) -> list[FileSecret]:
    found = secrets_in_file(content, keys=mode == "keys")
    if mode != "values" or not found:
        return found
    files = fleet.discovery.library.files(fleet.tree)
    documents = files[path].documents if path in files else ()
    texts = "\n".join(
        "".join(str(value).split()) for document in documents for _, value in walk(document.data) if value is not None
    )
    return [item for item in found if "".join(item.text.split()) not in texts]


def _hits(kept: Sequence[Sequence[object]]) -> Iterator[tuple[int, str, bool]]:
    for line, reason, much in kept:
        yield int(str(line)), str(reason), bool(much)


def _left_out(tree: Tree, large: Sequence[Entry], scanner: FileScanner) -> Iterator[Problem]:
    if large:
        named = ", ".join(entry.path for entry in large[:_NAMED])
        more = f" and {len(large) - _NAMED} more" if len(large) > _NAMED else ""
        cause = (
            f"{len(large)} files were not searched for secrets, since at most {scanner.file_bytes // 1_000_000} MB of "
            f"a file and {scanner.total_bytes // 1_000_000} MB of a repository are: {named}{more}"
        )
        yield Problem(NOT_SEARCHED, cause, Location(tree.repository, tree.commit, large[0].path))


def _unread(tree: Tree, failed: Sequence[str]) -> Iterator[Problem]:
    for path in failed:
        place = Location(tree.repository, tree.commit, path)
        yield Problem(NOT_SEARCHED, f"{path} could not be read to search it for secrets", place)
