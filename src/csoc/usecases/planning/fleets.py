"""The fleet as plans read it: its documents as they are committed, or as a launch would commit them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from csoc.errors import CsocError, RejectedError
from csoc.fleet.documents.collection import Documents, Placed
from csoc.fleet.documents.reading import read_documents
from csoc.fleet.overlay import OverlayTree
from csoc.fleet.parsing import ParsedStore
from csoc.fleet.repositories import SourceAddress, Tree
from csoc.usecases.planning.owners import Owner
from csoc.usecases.ports import Ports
from csoc.usecases.provisioning_ports import ProvisioningPorts


@dataclass(frozen=True, slots=True)
class FleetAt:
    """The fleet's documents at one commit, or as they stand in a work tree. source: the repository that they were read
    from."""

    tree: Tree
    documents: Documents
    source: str = ""

    @property
    def installation(self) -> str:
        """The fleet's uid. Raises RejectedError where there is no fleet."""
        if self.documents.fleet is None:
            raise RejectedError(
                "There is no fleet.yaml here, so nothing to plan for",
                fix="Begin one with `csoc fleet init DIR`, or `csoc fleet adopt SOURCE --write`",
            )
        return self.documents.fleet.uid


def open_fleet(ports: ProvisioningPorts, source: str, revision: str | None = None) -> FleetAt:
    """Reads the fleet's documents as they are committed: what stands in a work tree alone is nobody's word yet.

    Raises what opening a repository does, and RejectedError for faults in them, and for a folder that is no
    repository."""
    if revision is None:
        revision = ports.git.repositories.default_branch(SourceAddress(source, trusted=True))
    return fleet_at(ports.git, source, revision)


def fleet_at(git: Ports, source: str, revision: str | None = None) -> FleetAt:
    """As `open_fleet`, for what needs no more than Git. But without a revision a folder is read as it stands, with what
    is not committed yet: for what only looks, like the cost of a document that somebody is still writing."""
    return _read(git, git.repositories.open(SourceAddress(source, trusted=True), revision), source)


def uncommitted(git: Ports, fleet: FleetAt, owner: Owner) -> tuple[str, ...]:
    """Files of an owner, its cluster, its account and its fleet that are another in the work tree than in the commit
    that plans read; none where there is no work tree."""
    try:
        work = git.repositories.open(SourceAddress(fleet.source, trusted=True))
    except CsocError:  # the plan does not need it
        return ()
    now, then = work.entries(), fleet.tree.entries()
    files, folders = _files_of(fleet.documents, owner)
    changed = {path for path in {*now, *then} if now.get(path) != then.get(path)}
    return tuple(sorted(path for path in changed if path in files or path.startswith(folders)))


def _files_of(documents: Documents, owner: Owner) -> tuple[frozenset[str], tuple[str, ...]]:
    """Single files, and folders of which all counts."""
    placed: list[Placed[Any]] = [documents.clusters[owner.cluster.metadata.name]]
    placed += [found for name, found in documents.accounts.items() if name == owner.account.metadata.name]
    placed += [documents.fleet] if documents.fleet is not None else []
    values: list[str] = []
    folders: list[str] = []
    if owner.environment is not None:
        own = documents.environments[owner.environment.metadata.name]
        placed.append(own)
        values = [reference.path for reference in owner.environment.spec.values if reference.repository is None]
        folders = [f"{own.file.path.rpartition('/')[0]}/"] if "/" in own.file.path else []
    return frozenset({*(one.file.path for one in placed), *values}), tuple(folders)


def fleet_with(git: Ports, fleet: FleetAt, files: Mapping[str, bytes | None]) -> FleetAt:
    """The fleet as it would be with these files (None: without). Raises as `fleet_at`."""
    return _read(git, OverlayTree(fleet.tree, files), fleet.source)


def _read(git: Ports, tree: Tree, source: str) -> FleetAt:
    documents = read_documents(tree, ParsedStore(git.cache))
    if documents.errors:
        first = documents.errors[0]
        raise RejectedError(
            f"{len(documents.errors)} faults in the fleet's documents keep it from being planned; the first: {first}",
            fix="csoc check shows all of them",
        )
    return FleetAt(tree, documents, source)
