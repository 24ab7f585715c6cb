"""The YAML files of a tree, parsed when somebody first asks, and what differs between two trees.

Files are parsed once for each content (blob), and kept in a cache between runs; lines and columns are worked out again
from the bytes, since only what a reader is shown needs them. After a commit only what it touched is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from csoc.fleet.location import Location
from csoc.fleet.parsing import FileError, Parsed, ParsedStore
from csoc.fleet.repositories import Entry, EntryKind, Tree
from csoc.fleet.values import Path
from csoc.fleet.yaml.yamltext import YamlDocument, documents_of

YAML_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """One YAML file of a tree. documents: those that are not empty, their data read-only. error: why the file could not
    be read as YAML; it then has no documents. read: its bytes, again."""

    repository: str
    commit: str
    path: str
    blob: str
    documents: tuple[YamlDocument, ...]
    error: FileError | None = None
    read: Callable[[], bytes] = field(default=bytes, compare=False, repr=False)

    def line_text(self, line: int) -> str:
        """One line of the file, counted from 1; "" where there is none. It may hold a secret."""
        lines = self.read().decode("utf-8", "replace").split("\n")
        return lines[line - 1].rstrip("\r") if 0 < line <= len(lines) else ""

    def locate(self, path: Path = (), document: int = 0) -> Location:
        """The place of a key path (or of its nearest written ancestor) in the document with that index; the whole file
        where there is no such document. After an error, the place of the error."""
        if self.error is not None:
            return Location(self.repository, self.commit, self.path, self.error.line, self.error.column)
        for candidate in self.documents:
            if candidate.index == document:
                line, column = _position(candidate, path)
                return Location(self.repository, self.commit, self.path, line, column)
        return Location(self.repository, self.commit, self.path)


def _position(document: YamlDocument, path: Path) -> tuple[int, int]:
    while path:
        found = document.position(path)
        if found is not None:
            return found
        path = path[:-1]
    return document.line, 1


class ParsedFiles(Mapping[str, ParsedFile]):
    """The YAML files of one tree by path, sorted; each is parsed when it is first asked for.

    Whoever needs many calls `load` first: it asks the cache in batches. Links and submodules are not files.
    """

    def __init__(self, tree: Tree, store: ParsedStore) -> None:
        self._tree = tree
        self._store = store
        self._files: dict[str, ParsedFile] = {}
        self._entries: dict[str, Entry] | None = None

    def __getitem__(self, path: str) -> ParsedFile:
        known = self._files.get(path)
        if known is None:
            self.load((path,))
            known = self._files[path]
        return known

    def __iter__(self) -> Iterator[str]:
        return iter(self._yaml())

    def __len__(self) -> int:
        return len(self._yaml())

    def __contains__(self, path: object) -> bool:
        return path in self._yaml()

    def load(self, paths: Iterable[str] | None = None) -> None:
        """Parses these files (None: all) if they are not yet. Raises KeyError for a path that is no YAML file here."""
        entries = self._yaml()
        wanted = [entries[path] for path in (entries if paths is None else paths) if path not in self._files]
        parsed = self._store.parse([(entry, self._reader(entry.path)) for entry in wanted])
        for entry in wanted:
            self._files[entry.path] = self._file(entry, parsed[entry.blob])

    def size_bytes(self, path: str) -> int:
        """The size of a file, which is not read for it. Raises KeyError."""
        return self._yaml()[path].size_bytes

    def place(self, path: str) -> Location:
        """The whole file, which is not read for it."""
        return Location(self._tree.repository, self._tree.commit, path)

    def mentioning(self, word: str) -> list[str]:
        """Paths of the YAML files whose bytes hold the word (ASCII, case-sensitive), without parsing them. Files that
        are too large to be read are among them: whether they hold it is not known."""
        entries = self._yaml()
        found = self._store.mentions(word, [(entry, self._reader(path)) for path, entry in entries.items()])
        return [path for path, entry in entries.items() if found[entry.blob]]

    def duplicates(self, paths: Iterable[str]) -> dict[str, list[tuple[int, Path, int]]]:
        """Keys that stand twice in one mapping of these files, by file: (index of the document, path, line of the later
        one, which counts). Files without any are left out."""
        files = {path: self[path] for path in paths}
        found = self._store.duplicates({file.blob: (file.documents, file.read) for file in files.values()})
        return {path: found[file.blob] for path, file in files.items() if file.blob in found}

    def _yaml(self) -> Mapping[str, Entry]:
        if self._entries is None:
            self._entries = {
                path: entry
                for path, entry in self._tree.entries().items()
                if entry.kind is EntryKind.FILE and path.endswith(YAML_SUFFIXES)
            }
        return self._entries

    def _reader(self, path: str) -> Callable[[], bytes]:
        tree, limit_bytes = self._tree, self._store.limits.file_bytes
        return lambda: tree.read(path, limit_bytes=limit_bytes)

    def _file(self, entry: Entry, parsed: Parsed) -> ParsedFile:
        source = self._reader(entry.path)
        documents = documents_of(parsed.documents, source)
        return ParsedFile(
            self._tree.repository, self._tree.commit, entry.path, entry.blob, documents, parsed.error, source
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """Paths that differ between two trees, each sorted. Files of every kind, not only YAML."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """All of them, sorted."""
        return tuple(sorted((*self.added, *self.changed, *self.removed)))


def difference(old: Tree, new: Tree) -> Difference:
    """What differs between two trees."""
    before, after = old.entries(), new.entries()
    added, changed = [], []
    for path, entry in after.items():
        known = before.get(path)
        if known is None:
            added.append(path)
        elif known is not entry and (known.blob, known.kind, known.executable) != (
            entry.blob,
            entry.kind,
            entry.executable,
        ):
            changed.append(path)
    removed = [path for path in before if path not in after] if len(before) + len(added) != len(after) else []
    return Difference(tuple(added), tuple(changed), tuple(removed))
