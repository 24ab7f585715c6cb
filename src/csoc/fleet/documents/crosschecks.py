"""Compares documents with each other: names and identifiers that stand twice, references that lead nowhere.

A document that refers to something missing still counts: it is the fault that is wrong with it, and hiding the
environment would hide more than its author got wrong. Two documents that share a uid both count too, and neither can be
planned: physical names carry the uid, so the two would act on the same things.
"""

from __future__ import annotations

import fnmatch
import hashlib
import string
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar

from csoc.fleet.addresses import canonical_name
from csoc.fleet.documents import layout, reserved
from csoc.fleet.documents.base import UNKNOWN, Document
from csoc.fleet.documents.collection import Documents, Placed
from csoc.fleet.documents.faults import Fault, Weight, nearest
from csoc.fleet.documents.judgements import Baseline, Waivers
from csoc.fleet.documents.model import Account, Cluster, Commons, Environment, Fleet, Release
from csoc.fleet.documents.schemas import stale_schemas
from csoc.fleet.location import Location
from csoc.fleet.repositories import Tree

D = TypeVar("D", bound=Document)

OWN_APPLICATION = "an Application of its own"
NEITHER_COUNTS = "None of them counts until all but one name another Application, or are removed"

# Each costs a look at every environment; real fleets have a handful.
_MOST_PATTERNS = 1_000


def cross_check(top: str, read: Sequence[Placed[Document]], faults: Sequence[Fault], tree: Tree) -> Documents:
    """The documents as one value. read: every valid document; faults: those found so far; tree: where they stand."""
    found = list(faults)
    fleets = _of(read, Fleet)
    found.extend(
        Fault(other.locate("kind"), "kind", "one Fleet a repository", f"another one at {_at(fleets[0])}")
        for other in fleets[1:]
    )
    # Waivers and a baseline alone need no fleet: whoever only checks a repository has nothing else to say about it.
    judged_only = bool(read) and all(isinstance(placed.document, (Waivers, Baseline)) for placed in read)
    if not fleets and not judged_only and not any(_is_fleet(fault, top) for fault in faults):
        place = Location(tree.repository, tree.commit, layout.below(top, "fleet.yaml"))
        found.append(Fault(place, "", "a document of kind Fleet", "none", "Write one, or run csoc fleet init"))
    environments = _by_name(_of(read, Environment), found)
    documents = Documents(
        top=top,
        fleet=fleets[0] if fleets else None,
        accounts=_by_name(_of(read, Account), found),
        clusters=_by_name(_of(read, Cluster), found),
        commons=_by_name(_of(read, Commons), found),
        environments=environments,
        releases=_by_name(_of(read, Release), found),
        waivers=tuple(_of(read, Waivers)),
        baselines=tuple(_of(read, Baseline)),
        unplannable=_shared_uids(read, found),
        namesakes=_namesakes(_of(read, Environment)),
    )
    found.extend(_misnamed(read, top))
    found.extend(_references(documents, tree))
    found.extend(_stale_schemas(tree))
    found.sort(key=lambda fault: (fault.location.path, fault.location.line, fault.location.column, fault.field))
    return replace(documents, faults=tuple(found))


def _of(read: Iterable[Placed[Document]], kind: type[D]) -> list[Placed[D]]:
    return [placed for placed in read if isinstance(placed.document, kind)]  # type: ignore[misc]


def _at(placed: Placed[Any], path: str = "") -> str:
    return str(placed.locate(path))


def _is_fleet(fault: Fault, top: str) -> bool:
    return layout.kind_at(fault.location.path, top) == "Fleet"


def _by_name(placed: Sequence[Placed[D]], faults: list[Fault]) -> Mapping[str, Placed[D]]:
    """By name; of two with one name the first counts."""
    named: dict[str, Placed[D]] = {}
    for candidate in placed:
        first = named.setdefault(candidate.name, candidate)
        if first is not candidate:
            faults.append(
                Fault(
                    candidate.locate("metadata.name"),
                    "metadata.name",
                    f"a name that no other {candidate.kind} has",
                    f'"{candidate.name}", which {_at(first, "metadata.name")} has too',
                    "None of them counts until all but one are renamed"
                    if candidate.kind == "Environment"
                    else "Only the other one counts until one of them is renamed",
                )
            )
    return MappingProxyType(named)


def _namesakes(environments: Sequence[Placed[Environment]]) -> Mapping[str, tuple[Placed[Environment], ...]]:
    groups: dict[str, list[Placed[Environment]]] = defaultdict(list)
    for placed in environments:
        groups[placed.name].append(placed)
    return MappingProxyType({name: tuple(group) for name, group in groups.items() if len(group) > 1})


def _shared_uids(read: Sequence[Placed[Document]], faults: list[Fault]) -> Mapping[tuple[str, str], str]:
    sharing: dict[str, list[Placed[Document]]] = defaultdict(list)
    for placed in read:
        if placed.uid:
            sharing[placed.uid].append(placed)
    unplannable: dict[tuple[str, str], str] = {}
    for uid, group in sharing.items():
        for placed in group if len(group) > 1 else ():
            others = ", ".join(_at(other, "metadata.uid") for other in group if other is not placed)
            reason = f'the uid "{uid}" stands at {others} too'
            unplannable[placed.kind, placed.name] = reason
            faults.append(
                Fault(
                    placed.locate("metadata.uid"),
                    "metadata.uid",
                    "a uid that no other document has",
                    f'"{uid}", which {others} has too',
                    f'If this is the copy, write "uid: {_renewed(placed)}" here; the one whose things are made already '
                    "keeps its own. None of them can be planned until each has another",
                )
            )
    return MappingProxyType(unplannable)


def _renewed(placed: Placed[Document]) -> str:
    """A uid for a copy, the same each time: a check that is asked twice says the same twice."""
    number = int(hashlib.sha256(f"{placed.uid} {placed.file.path}".encode()).hexdigest(), 16)
    letters = string.ascii_lowercase
    made = letters[number % len(letters)]
    for _ in range(9):
        number, rest = divmod(number, 36)
        made += (letters + string.digits)[rest]
    return made


def _misnamed(read: Iterable[Placed[Document]], top: str) -> Iterable[Fault]:
    """Folders that say something else than the document in them."""
    for placed in read:
        if layout.kind_at(placed.file.path, top) != placed.kind:
            continue
        name, commons = layout.names_at(placed.file.path, top)
        if name and name != placed.name:
            yield _mismatch(placed, "metadata.name", name, placed.name)
        document = placed.document
        if isinstance(document, Environment) and commons and commons != document.spec.commons:
            yield _mismatch(placed, "spec.commons", commons, document.spec.commons)


def _mismatch(placed: Placed[Document], field: str, in_path: str, written: str) -> Fault:
    return Fault(
        placed.locate(field),
        field,
        f'"{in_path}", as in its path {placed.file.path}',
        f'"{written}"',
        "What is written counts; rename the folder or the field",
        Weight.WARNING,
    )


def _stale_schemas(tree: Tree) -> Iterable[Fault]:
    stale = stale_schemas(tree)
    if stale:
        names = ", ".join(path.rpartition("/")[2] for path in stale)
        place = Location(tree.repository, tree.commit, stale[0])
        fix = "Editors check documents by them; csoc fleet adopt . --write renews them"
        yield Fault(place, "", "the schemas of this csoc", f"others ({names})", fix, Weight.WARNING)


class _Files:
    """Which files and folders the repository has."""

    def __init__(self, tree: Tree) -> None:
        self._entries = tree.entries()
        self._sorted = sorted(self._entries)

    def has_file(self, path: str) -> bool:
        return path in self._entries

    def has_folder(self, path: str) -> bool:
        if path in ("", "."):
            return True
        prefix = path.rstrip("/") + "/"
        at = bisect_left(self._sorted, prefix)
        return at < len(self._sorted) and self._sorted[at].startswith(prefix)


def _references(documents: Documents, tree: Tree) -> Iterable[Fault]:
    files = _Files(tree)
    for cluster in documents.clusters.values():
        yield from _cluster(cluster, documents, files)
    yield from _destinations(documents)
    yield from _shared_folders(documents)
    for commons in documents.commons.values():
        for number, member in enumerate(commons.document.spec.members):
            path = ("spec", "members", number)
            yield from _named(commons, path, "Commons", member, documents.commons)
    yield from _accounts(documents)
    yield from _environments(documents, files, tree)
    for waivers in documents.waivers:
        yield from _waivers(waivers, documents)


def _named(
    placed: Placed[Any], path: tuple[str | int, ...], kind: str, name: str, known: Mapping[str, object]
) -> Iterable[Fault]:
    if name not in known:
        field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)[1:]
        fix = nearest(name, list(known)) or f"Write its document, or the name of a {kind} that there is"
        yield Fault(placed.locate(path), field, f"the name of a {kind}", f'"{name}", which is none', fix)


def _cluster(cluster: Placed[Cluster], documents: Documents, files: _Files) -> Iterable[Fault]:
    spec = cluster.document.spec
    if spec.account is not None:
        yield from _named(cluster, ("spec", "account"), "Account", spec.account, documents.accounts)
    for field, folder in (("folder", spec.folder), ("applications", spec.applications)):
        if folder is not None and not files.has_folder(folder):
            path = f"spec.{field}"
            found = f'"{folder}", which is none'
            yield Fault(cluster.locate(path), path, "a folder of this repository", found, weight=Weight.WARNING)


def _destinations(documents: Documents) -> Iterable[Fault]:
    """Clusters that Applications address alike. The first counts, as of two with one name."""
    seen: dict[tuple[str, str], Placed[Cluster]] = {}
    for cluster in documents.clusters.values():
        destination = cluster.document.spec.destination
        for field in ("name", "server") if destination else ():
            stated = str(getattr(destination, field) or "")
            first = seen.setdefault((field, stated), cluster) if stated else cluster
            if first is not cluster:
                path = f"spec.destination.{field}"
                found = f'"{stated}", which that of {first.name} at {_at(first, path)} is too'
                fix = f"Applications with it are taken for those of {first.name} until one of the two is corrected"
                yield Fault(cluster.locate(path), path, "a destination that no other Cluster has", found, fix)


def _shared_folders(documents: Documents) -> Iterable[Fault]:
    """Clusters whose Applications stand below one folder. The first counts, as of two with one name."""
    seen: dict[str, tuple[str, Placed[Cluster]]] = {}
    for cluster in documents.clusters.values():
        spec = cluster.document.spec
        path, folder = ("spec.folder", spec.folder) if spec.folder else ("spec.applications", spec.applications)
        if not folder:
            continue
        first_path, first = seen.setdefault(folder.strip("/"), (path, cluster))
        if first is not cluster:
            found = f'"{folder}", which that of {first.name} at {_at(first, first_path)} is too'
            fix = f"Applications below it that name no cluster are taken for those of {first.name} until one is moved"
            # One Argo CD may deploy from one folder to several clusters, if each Application names its own.
            hub = path == first_path == "spec.applications"
            weight = Weight.WARNING if hub else Weight.ERROR
            yield Fault(cluster.locate(path), path, "a folder that no other Cluster has", found, fix, weight)


def _accounts(documents: Documents) -> Iterable[Fault]:
    seen: dict[tuple[str, str], Placed[Account]] = {}
    for account in documents.accounts.values():
        spec = account.document.spec
        first = seen.setdefault((spec.provider, spec.id), account)
        if first is not account:
            found = f'"{spec.id}", which {_at(first, "spec.id")} has too'
            yield Fault(account.locate("spec.id"), "spec.id", "an id that no other Account has", found)


def _environments(documents: Documents, files: _Files, tree: Tree) -> Iterable[Fault]:
    own = {tree.repository, *tree.aliases}
    stages = documents.fleet.document.spec.stages if documents.fleet else ()
    applications: dict[tuple[str, str, int, str], Placed[Environment]] = {}
    for environment in documents.environments.values():
        spec = environment.document.spec
        for field, expected, found in reserved.mistakes(environment.document):
            yield Fault(environment.locate(field), field, expected, f'"{found}"', "Choose another one")
        yield from _named(environment, ("spec", "commons"), "Commons", spec.commons, documents.commons)
        if spec.cluster != UNKNOWN:
            yield from _named(environment, ("spec", "cluster"), "Cluster", spec.cluster, documents.clusters)
        if stages and spec.stage not in (*stages, UNKNOWN):
            fix = nearest(spec.stage, stages) or "Add it to the stages of the Fleet, in its place in the order"
            expected = f"one of the fleet's stages {', '.join(stages)}, or unknown"
            yield Fault(environment.locate("spec.stage"), "spec.stage", expected, f'"{spec.stage}"', fix)
        application = spec.application
        if application is None:
            continue
        if application.repository is None and not files.has_file(application.path):
            path = "spec.application.path"
            place, found = environment.locate(path), f'"{application.path}", which is none'
            yield Fault(place, path, "a file of this repository", found, weight=Weight.WARNING)
        named = canonical_name(application.repository) if application.repository else ""
        identity = ("" if named in own else named, application.path, application.document, application.name)
        first = applications.setdefault(identity, environment)
        if first is not environment:
            found = f'"{application.name}", which is that of {first.name} at {_at(first, "spec.application")} too'
            place = environment.locate("spec.application")
            yield Fault(place, "spec.application", OWN_APPLICATION, found, NEITHER_COUNTS)


def _waivers(waivers: Placed[Waivers], documents: Documents) -> Iterable[Fault]:
    names = list(documents.environments)
    fits: dict[str, bool] = dict.fromkeys(names, True)
    for number, waiver in enumerate(waivers.document.spec.waivers):
        for index, pattern in enumerate(waiver.environments):
            if not names or len(fits) > len(names) + _MOST_PATTERNS:
                return
            if pattern not in fits:
                fits[pattern] = any(fnmatch.fnmatchcase(name, pattern) for name in names)
            if not fits[pattern]:
                path = ("spec", "waivers", number, "environments", index)
                field = f"spec.waivers[{number}].environments[{index}]"
                expected = "the name of an Environment, or a pattern that fits one"
                fix = nearest(pattern, names)
                yield Fault(waivers.locate(path), field, expected, f'"{pattern}"', fix, Weight.WARNING)
