"""Keeps up with a fleet: after a commit, what it touched is read and checked again, and nothing else.

What was parsed and what was found is kept by content, so a look costs what changed. A look that fails (a network, a
server) leaves everything as it was: that something could not be read never means that it is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeVar

from csoc.errors import CsocError, Kind
from csoc.fleet import gc_pause
from csoc.fleet.charts import ChartArchive, ChartRef, ChartSources
from csoc.fleet.parsing import ParsedStore
from csoc.fleet.repositories import CommitInfo, CommitRequest, Repositories, SourceAddress, Tree, Upstream
from csoc.fleet.snapshot import difference
from csoc.gen3.findings import Finding
from csoc.usecases.checking.against_base import came_and_went, renamings
from csoc.usecases.checking.checker import FleetChecker, Progress
from csoc.usecases.checking.equal_sight import alike
from csoc.usecases.checking.verdict import CheckRequest, Verdict, check_fleet
from csoc.usecases.load import FleetQuery, understand_tree
from csoc.usecases.ports import Ports

_UNSEEN = (Kind.UNAVAILABLE, Kind.DENIED)
_LONGEST_WAIT = 16  # times the interval, after looks that failed


@dataclass(frozen=True, slots=True)
class Update:
    """What a look found. commit: of the fleet's repository; before: at the last look ("": there was none).

    paths: of the fleet's repository, that differ. moved: other repositories (with revision) and charts that are not
    what they were. environments: checked anew. new, gone: findings to act on that came and went.
    """

    verdict: Verdict
    commit: str
    before: str = ""
    paths: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    new: tuple[Finding, ...] = ()
    gone: tuple[Finding, ...] = ()

    @property
    def first(self) -> bool:
        """True for the first look: everything is new then."""
        return not self.before

    @property
    def changed(self) -> bool:
        """True if anything is not as it was."""
        return self.first or bool(self.paths or self.moved or self.new or self.gone)


@dataclass(slots=True)
class KeepUp:
    """A fleet, looked at again and again. One object is used by one thread."""

    ports: Ports
    query: FleetQuery
    request: CheckRequest = field(default_factory=CheckRequest)
    rendering: bool = True
    _repositories: _Repositories = field(init=False)
    _charts: _Charts = field(init=False)
    _checker: FleetChecker = field(init=False)
    _store: ParsedStore = field(init=False)
    _tree: Tree | None = None
    _verdict: Verdict | None = None
    _day: date | None = None
    _replaced: Verdict | None = None

    def __post_init__(self) -> None:
        self._repositories = _Repositories(self.ports.repositories)
        self._charts = _Charts(self.ports.charts)
        self.ports = replace(self.ports, repositories=self._repositories, charts=self._charts)
        self._checker = FleetChecker(self.ports, rendering=self.rendering)
        self._store = ParsedStore(self.ports.cache)

    @property
    def verdict(self) -> Verdict | None:
        """What the last look that succeeded found."""
        return self._verdict

    def refresh(self, progress: Progress | None = None) -> Update:
        """Looks, and says what changed since the last look.

        Raises what opening the fleet raises, and the error of any other repository or chart that could be had at the
        last look and cannot be now; what was known then stays known, and the next call looks again.
        """
        with gc_pause.paused():
            update = self._refresh(progress)
            # Else the collector would begin with all of a new fleet, while somebody waits for the update.
            gc_pause.hide()
            return update

    def tidy(self) -> None:
        """Frees what the last look replaced. Takes a moment, and is best called while nobody waits."""
        self._replaced = None
        gc_pause.tidy()

    def _refresh(self, progress: Progress | None) -> Update:
        self.ports.begin_round()
        tree = self._repositories.again(self.query.address, self.query.revision)
        moved = self._moved()
        today = self.ports.clock().date()
        old_tree, old = self._tree, self._verdict
        if old is not None and old_tree is not None and today == self._day and not moved and _same(old_tree, tree):
            return Update(old, tree.commit, before=old_tree.commit)
        paths: tuple[str, ...] = ()
        if old_tree is not None:
            found = difference(old_tree, tree)
            paths = found.paths
            entries = old_tree.entries()
            self._store.forget(entries[path].blob for path in (*found.changed, *found.removed))
        self._repositories.start()
        self._charts.start()
        try:
            fleet = understand_tree(self.ports, self.query, tree, self._store)
            verdict = check_fleet(self.ports, fleet, self.request, checker=self._checker, progress=progress)
            lost = self._repositories.lost() or self._charts.lost()
            if lost is not None:
                raise lost
        except BaseException:
            # This reading is void: what the last one saw is what the next one is compared with.
            self._repositories.restore()
            self._charts.restore()
            raise
        self._tree, self._verdict, self._day, self._replaced = tree, verdict, today, old
        if old is None or old_tree is None:
            return Update(verdict, tree.commit, environments=verdict.outcome.fresh, new=verdict.findings)
        names = renamings(old.fleet.view.environments, fleet.view.environments)
        likeness = alike(self._checker, (old.fleet, old.outcome), (fleet, verdict.outcome), names, gone=True)
        new, gone = came_and_went(old.findings, verdict.findings, names, likeness)
        return Update(
            verdict,
            tree.commit,
            before=old_tree.commit,
            paths=paths,
            moved=tuple(moved),
            environments=verdict.outcome.fresh,
            new=new,
            gone=gone,
        )

    def _moved(self) -> list[str]:
        """Other repositories and charts that are not what they were. Raises if one could be had and cannot be now."""
        return [*self._repositories.moved(), *self._charts.moved()] if self._verdict is not None else []


def _same(old: Tree, new: Tree) -> bool:
    return (old.repository, old.commit) == (new.repository, new.commit)


def follow(
    keep_up: KeepUp,
    *,
    interval_seconds: float,
    wait: Callable[[float], bool],
    rounds: int = 0,
) -> Iterator[Update | CsocError]:
    """Looks again and again, and gives each update and each error. After errors the waits grow, up to 16 times as long.

    wait: waits so many seconds and returns False to stop. rounds: stop after so many looks; 0 goes on for ever.
    """
    failures = looks = 0
    while True:
        try:
            yield keep_up.refresh()
            failures = 0
        except CsocError as error:
            failures += 1
            yield error
        looks += 1
        keep_up.tidy()
        if looks == rounds or not wait(interval_seconds * min(2**failures, _LONGEST_WAIT)):
            return


_Key = TypeVar("_Key")


def _lost(before: Mapping[_Key, str | CsocError], now: Mapping[_Key, str | CsocError]) -> CsocError | None:
    for key, then in before.items():
        found = now.get(key)
        if isinstance(then, str) and isinstance(found, CsocError) and found.kind in _UNSEEN:
            return found
    return None


def _known(found: str | CsocError) -> str:
    """What it was; "" where it could not be had."""
    return found if isinstance(found, str) else ""


class _Repositories:
    """Opens repositories, and remembers what each one was when the fleet was last read."""

    def __init__(self, inner: Repositories) -> None:
        self._inner = inner
        self._seen: dict[tuple[SourceAddress, str | None], str | CsocError] = {}
        self._before: dict[tuple[SourceAddress, str | None], str | CsocError] = {}

    def start(self) -> None:
        """A new reading begins: what is not opened in it is not looked at again."""
        self._before, self._seen = self._seen, {}

    def lost(self) -> CsocError | None:
        """The error of one that was there at the last reading and could not be looked at in this one."""
        return _lost(self._before, self._seen)

    def restore(self) -> None:
        """The reading that began last does not count."""
        self._seen = self._before

    def again(self, address: SourceAddress, revision: str | None) -> Tree:
        """Opens the fleet's own repository, which is not one of the others."""
        return self._inner.open(address, revision)

    def moved(self) -> list[str]:
        """Those that are at another commit now, that came, or that are gone for certain."""
        found = []
        for (address, revision), then in self._seen.items():
            now: str | CsocError
            try:
                now = self._inner.open(address, revision).commit
            except CsocError as error:
                if error.kind in _UNSEEN and isinstance(then, str):
                    raise
                now = error
            if _known(now) != _known(then):
                found.append(f"{address.url}@{revision}" if revision else address.url)
        return found

    def open(self, address: SourceAddress, revision: str | None = None) -> Tree:
        """See the port."""
        key = (address, revision)
        try:
            tree = self._inner.open(address, revision)
        except CsocError as error:
            self._seen[key] = error
            raise
        self._seen[key] = tree.commit
        return tree

    def default_branch(self, address: SourceAddress) -> str:
        """See the port."""
        return self._inner.default_branch(address)

    def upstream(self, address: SourceAddress, revision: str | None = None) -> Upstream | None:
        """See the port."""
        return self._inner.upstream(address, revision)

    def history(self, tree: Tree, path: str, *, limit: int = 100) -> Sequence[tuple[CommitInfo, str | None]]:
        """See the port."""
        return self._inner.history(tree, path, limit=limit)

    def read_blob(self, tree: Tree, blob: str, *, limit_bytes: int = 20_000_000) -> bytes:
        """See the port."""
        return self._inner.read_blob(tree, blob, limit_bytes=limit_bytes)

    def merge_base(self, tree: Tree, revision: str) -> Tree:
        """See the port."""
        return self._inner.merge_base(tree, revision)

    def commit(self, address: SourceAddress, request: CommitRequest) -> str:
        """See the port."""
        return self._inner.commit(address, request)


class _Charts:
    """Fetches charts, and remembers what each one was when the fleet was last checked."""

    def __init__(self, inner: ChartSources) -> None:
        self._inner = inner
        self._seen: dict[ChartRef | str, str | CsocError] = {}
        self._before: dict[ChartRef | str, str | CsocError] = {}

    def start(self) -> None:
        """See `_Repositories.start`."""
        self._before, self._seen = self._seen, {}

    def lost(self) -> CsocError | None:
        """See `_Repositories.lost`."""
        return _lost(self._before, self._seen)

    def restore(self) -> None:
        """See `_Repositories.restore`."""
        self._seen = self._before

    def moved(self) -> list[str]:
        """Those whose content is another now. Charts of the fleet's own tree are not among them: they move with it."""
        found = []
        for key, then in self._seen.items():
            now: str | CsocError
            try:
                now = (self._inner.load(key) if isinstance(key, str) else self._inner.fetch(key)).digest
            except CsocError as error:
                if error.kind in _UNSEEN and isinstance(then, str):
                    raise
                now = error
            if _known(now) != _known(then):
                found.append(str(key))
        return found

    def fetch(self, ref: ChartRef, *, local: Mapping[str, Tree] | None = None) -> ChartArchive:
        """See the port."""
        if local:
            return self._inner.fetch(ref, local=local)
        return self._remember(ref, lambda: self._inner.fetch(ref))

    def load(self, path: str) -> ChartArchive:
        """See the port."""
        return self._remember(path, lambda: self._inner.load(path))

    def _remember(self, key: ChartRef | str, get: Callable[[], ChartArchive]) -> ChartArchive:
        try:
            archive = get()
        except CsocError as error:
            self._seen[key] = error
            raise
        self._seen[key] = archive.digest
        return archive
