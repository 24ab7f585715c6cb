"""The YAML of every tree that one reading touches, parsed once for each content.

Discovery, generators and value files read the same files; all of them go through here, and through the store that
parses each blob once and remembers it between runs.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Mapping

from csoc.errors import NotFoundError, RejectedError
from csoc.fleet.argocd import globs
from csoc.fleet.argocd.positions import Positions
from csoc.fleet.argocd.reading import Manifest, manifests
from csoc.fleet.caching import Cache
from csoc.fleet.parsing import ParsedStore
from csoc.fleet.repositories import Entry, EntryKind, Tree
from csoc.fleet.snapshot import YAML_SUFFIXES, ParsedFile, ParsedFiles
from csoc.fleet.yaml import yamltext

_MAX_TRIED = 10_000_000


class Library:
    """Parsed files by tree. store, cache None: nothing is remembered beyond this object."""

    def __init__(self, store: ParsedStore | None = None, cache: Cache | None = None) -> None:
        self.positions = Positions(cache)
        self._store = store or ParsedStore()
        self._files: dict[tuple[str, str], ParsedFiles] = {}
        self._paths: dict[tuple[str, str], list[str]] = {}
        self._matches: dict[tuple[str, str, str], tuple[str, ...]] = {}
        self._tried = 0
        self._mentions: dict[tuple[str, str, str], frozenset[str]] = {}

    def files(self, tree: Tree) -> ParsedFiles:
        """The tree's YAML files."""
        key = (tree.repository, tree.commit)
        if key not in self._files:
            self._files[key] = ParsedFiles(tree, self._store)
        return self._files[key]

    def values(self, tree: Tree, path: str) -> yamltext.YamlDocument:
        """A file's first document as `helm -f` reads it (a `paths.ReadValues`). Raises CsocError."""
        if not path.endswith(YAML_SUFFIXES):
            return yamltext.values_document(tree.read(path))
        try:
            parsed = self.files(tree)[path]
        except KeyError:
            tree.read(path)  # says whether it is a link or not there
            raise NotFoundError("There is no such file", place=path) from None
        first = parsed.documents[0] if parsed.documents and parsed.error is None else None
        if first is not None and first.index == 0 and isinstance(first.data, dict):
            return first
        return yamltext.values_document(tree.read(path))  # says what is wrong, or reads the first document alone

    def manifests(self, tree: Tree, path: str) -> Iterator[Manifest]:
        """The Kubernetes objects of a YAML or JSON file. Raises CsocError if it cannot be read."""
        text = _reader(tree, path)
        if path.endswith(YAML_SUFFIXES):
            parsed: ParsedFile = self.files(tree)[path]
            if parsed.error is not None:
                error = parsed.error
                raise yamltext.YamlError(error.cause, line=error.line, column=error.column, fix=error.fix)
            documents = parsed.documents
        else:
            documents = yamltext.parse(text())
        # Most files are values: for those nothing is set up.
        if not any(isinstance(document.data, Mapping) and "kind" in document.data for document in documents):
            return iter(())
        known = self.positions.of(tree.entries()[path].blob)
        return manifests(tree.repository, tree.commit, path, documents, text, known)

    def below(self, tree: Tree, folder: str) -> list[str]:
        """Every regular file below a folder ("" is the root), sorted."""
        key = (tree.repository, tree.commit)
        if key not in self._paths:
            self._paths[key] = sorted(path for path, entry in tree.entries().items() if entry.kind is EntryKind.FILE)
        paths = self._paths[key]
        if not folder:
            return list(paths)
        start = bisect.bisect_left(paths, f"{folder}/")
        return paths[start : bisect.bisect_left(paths, f"{folder}0", start)]  # "0" follows "/"

    def matching(self, tree: Tree, pattern: str) -> tuple[str, ...]:
        """The files that a doublestar pattern matches, sorted. Raises RejectedError if the patterns of one reading make
        csoc try too many paths."""
        key = (tree.repository, tree.commit, pattern)
        if key not in self._matches:
            folders = pattern.split("/")
            fixed = next(at for at, name in enumerate([*folders, "*"]) if globs.is_pattern(name) or "{" in name)
            below = self.below(tree, "/".join(folders[:fixed]))
            self._tried += len(below)
            if self._tried > _MAX_TRIED:
                raise RejectedError(f"the patterns of value files make csoc try more than {_MAX_TRIED} paths")
            self._matches[key] = tuple(path for path in below if globs.matches_doublestar(pattern, path))
        return self._matches[key]

    def mentioning(self, tree: Tree, word: str) -> frozenset[str]:
        """Paths of YAML and JSON files whose bytes hold the word."""
        key = (tree.repository, tree.commit, word)
        if key not in self._mentions:
            self._mentions[key] = self._mentioning(tree, word)
        return self._mentions[key]

    def _mentioning(self, tree: Tree, word: str) -> frozenset[str]:
        entries = [
            entry for path, entry in tree.entries().items() if entry.kind is EntryKind.FILE and path.endswith(".json")
        ]
        found = self._store.mentions(word, [(entry, _entry_reader(tree, entry)) for entry in entries])
        return frozenset((*self.files(tree).mentioning(word), *(entry.path for entry in entries if found[entry.blob])))


def _reader(tree: Tree, path: str) -> Callable[[], bytes]:
    return lambda: tree.read(path)


def _entry_reader(tree: Tree, entry: Entry) -> Callable[[], bytes]:
    return lambda: tree.read(entry.path)
