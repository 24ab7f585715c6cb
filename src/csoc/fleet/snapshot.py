"""Everything that was read, from where, at which commit; immutable, so that an answer can say what it rests on.

One commit is not a fleet: Applications and charts point to other repositories and revisions, so a snapshot holds
several trees, and names those that could not be opened too. Files are parsed when somebody first asks, once for each
content (blob), and kept in a cache between runs; lines and columns are worked out again from the bytes, since only what
a reader is shown needs them. After a commit only what it touched is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from csoc.errors import CsocError, NotFoundError
from csoc.fleet.addresses import canonical_name
from csoc.fleet.caching import Cache
from csoc.fleet.location import Location
from csoc.fleet.parsing import FileError, Parsed, ParsedStore
from csoc.fleet.repositories import Entry, EntryKind, Repositories, SourceAddress, Tree
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
class Unopened:
    """A repository at a revision ("" for its default branch) that could not be opened, and why."""

    url: str
    revision: str
    error: CsocError


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


class FleetSnapshot:
    """See the module. The first tree is the fleet's own repository."""

    def __init__(
        self,
        trees: Sequence[Tree],
        store: ParsedStore | None = None,
        *,
        unopened: Sequence[Unopened] = (),
        defaults: Mapping[str, Tree] | None = None,
    ) -> None:
        """defaults: by canonical name, the trees that were opened at a repository's default branch."""
        if not trees:
            raise ValueError("a snapshot is read from at least one tree")
        self._defaults = dict(defaults or {})
        self._trees = tuple(trees)
        self._store = store or ParsedStore()
        self._unopened = tuple(unopened)
        self._files = {_identity(tree): ParsedFiles(tree, self._store) for tree in trees}

    @classmethod
    def of(cls, *trees: Tree, cache: Cache | None = None) -> FleetSnapshot:
        """A snapshot of trees that are open already; parsed files are kept in the cache, if there is one."""
        return cls(trees, ParsedStore(cache))

    @property
    def fleet(self) -> Tree:
        """The fleet's own repository."""
        return self._trees[0]

    @property
    def trees(self) -> tuple[Tree, ...]:
        """Every tree, the fleet's first."""
        return self._trees

    @property
    def unopened(self) -> tuple[Unopened, ...]:
        """What was named and could not be opened."""
        return self._unopened

    @property
    def read(self) -> tuple[tuple[str, str, str], ...]:
        """(repository, revision asked for, commit) of each tree."""
        return tuple((tree.repository, tree.revision, tree.commit) for tree in self._trees)

    def tree(self, address: str, revision: str = "") -> Tree | None:
        """The tree of a repository (address or canonical name) at a revision, or None if this snapshot has not read it.

        revision: branch, tag or commit as it was asked for; "" is the default branch, and for the fleet's own
        repository the tree at hand.
        """
        return _find(self._trees, self._defaults, address, revision)

    def parsed(self, tree: Tree | None = None) -> ParsedFiles:
        """The YAML files of a tree of this snapshot (None: the fleet's own). Raises KeyError for another tree."""
        return self._files[_identity(tree or self.fleet)]

    def opening(self, repositories: Repositories, wanted: Iterable[tuple[str, str]]) -> FleetSnapshot:
        """This snapshot with the repositories (address, revision) that it lacks. They were named in a repository, so
        they are untrusted. One that cannot be opened is listed in `unopened`."""
        trees, unopened, defaults = list(self._trees), list(self._unopened), dict(self._defaults)
        tried = {(failed.url, failed.revision) for failed in unopened}
        for url, revision in dict.fromkeys(wanted):
            if (url, revision) in tried or _find(trees, defaults, url, revision) is not None:
                continue
            try:
                tree = repositories.open(SourceAddress(url), revision or None)
            except CsocError as error:
                unopened.append(Unopened(url, revision, error))
                continue
            known = next((other for other in trees if _identity(other) == _identity(tree)), None)
            if known is None:
                trees.append(tree)
            if not revision:
                defaults[canonical_name(url)] = known or tree
        return self._with(trees, unopened, defaults)

    def replacing(self, tree: Tree) -> tuple[FleetSnapshot, Difference]:
        """This snapshot with a newer tree of the same repository and revision, and what differs. Raises NotFoundError
        if the snapshot holds none."""
        for number, old in enumerate(self._trees):
            if (old.repository, old.revision) == (tree.repository, tree.revision):
                trees = [*self._trees[:number], tree, *self._trees[number + 1 :]]
                found = difference(old, tree)
                entries = old.entries()
                self._store.forget(entries[path].blob for path in (*found.changed, *found.removed))
                defaults = {name: tree if known is old else known for name, known in self._defaults.items()}
                return self._with(trees, self._unopened, defaults), found
        raise NotFoundError(
            f"{tree.repository} at {tree.revision} was not read before",
            place=tree.repository,
            fix="Read the fleet anew",
        )

    def _with(self, trees: Sequence[Tree], unopened: Sequence[Unopened], defaults: Mapping[str, Tree]) -> FleetSnapshot:
        made = FleetSnapshot(trees, self._store, unopened=unopened, defaults=defaults)
        # What was parsed of a tree that stays is shared, not made again.
        for identity, files in self._files.items():
            if identity in made._files:
                made._files[identity] = files
        return made


def _identity(tree: Tree) -> tuple[str, str, str]:
    return tree.repository, tree.revision, tree.commit


def _find(trees: Sequence[Tree], defaults: Mapping[str, Tree], address: str, revision: str) -> Tree | None:
    name = canonical_name(address)
    if not revision:
        own = name == trees[0].repository or name in trees[0].aliases
        return trees[0] if own else defaults.get(name)
    for tree in trees:
        if (name == tree.repository or name in tree.aliases) and revision in (tree.revision, tree.commit):
            return tree
    return None


def refresh(snapshot: FleetSnapshot, new_tree: Tree) -> tuple[FleetSnapshot, Difference]:
    """The snapshot after a fetch: the tree of the same repository and revision is replaced, only blobs that are new are
    parsed (when they are asked for), and the paths that differ are named. Raises NotFoundError."""
    return snapshot.replacing(new_tree)


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
