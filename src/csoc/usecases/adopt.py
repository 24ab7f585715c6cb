"""Makes csoc known to a repository that was there before: documents below `.csoc/`, in one commit, and nothing else."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from csoc.errors import ConflictError, RejectedError
from csoc.fleet import addresses
from csoc.fleet.argocd.model import Problem
from csoc.fleet.documents import layout
from csoc.fleet.documents.schemas import schema_files, stale_schemas
from csoc.fleet.githost import PullRequest
from csoc.fleet.location import Location
from csoc.fleet.repositories import EntryKind
from csoc.gen3.adoption.documents import NOT_WRITTEN, new_documents
from csoc.usecases.load import LoadedFleet
from csoc.usecases.ports import Ports
from csoc.usecases.publish import Proposal, publish

_NESTED_DEPTH = 3
_MOST_NESTED = 50
_NEAR = (layout.ADOPTED, "accounts/", "clusters/", "commons/", "releases/", "fleet.yaml")
_MESSAGE = "Describe the fleet for csoc\n\nDocuments below .csoc/ only; nothing that is deployed changes."
_RENEWED = "Renew csoc's schemas for editors\n\nFiles below .csoc/schemas/ only; nothing that is deployed changes."


@dataclass(frozen=True, slots=True)
class Adoption:
    """What adopting would write (path to content), or has written. problems: what has no document, or only a part of
    one, and why. renewed: those of the files that are schemas of another version of csoc so far. again: the pull
    request was open before, and nothing was added to it. note: what a person must know besides. commands: where a
    folder holds several repositories, the command that adopts each. blocked: what stands where a folder of csoc's has
    to be, so that nothing is written."""

    files: dict[str, bytes]
    commit: str = ""
    branch: str = ""
    pull_request: PullRequest | None = None
    note: str = ""
    again: bool = False
    problems: tuple[Problem, ...] = ()
    renewed: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()


def plan_adoption(ports: Ports, fleet: LoadedFleet, *, name: str = "") -> Adoption:
    """The documents that the fleet lacks. name: of the fleet, if it has no document yet ("": the repository's name)."""
    own = name or fleet.tree.repository.rstrip("/").rpartition("/")[2].removesuffix(".git") or "fleet"
    made = new_documents(fleet.view, fleet.documents, name=own, ids=ports.ids)
    entries = fleet.tree.entries()
    files = {path: content for path, content in made.files.items() if path not in entries}
    renewed = stale_schemas(fleet.tree)
    if files or renewed:
        # Schemas follow this version of csoc; those that are the same already are no change.
        files |= {path: text for path, text in schema_files().items() if path not in entries or path in renewed}
    problems = list(made.problems)
    obstacles = _obstacles(files, entries)
    blocked = {obstacle for path, obstacle in obstacles.items() if path.startswith(f"{obstacle}/")}
    blocked |= {path for path, entry in entries.items() if path in made.files and entry.kind is not EntryKind.FILE}
    for path, obstacle in obstacles.items():
        del files[path]
        cause = f"{path} cannot be written beside {obstacle}"
        fix = "Rename or remove one of them, then adopt again"
        place = Location(fleet.tree.repository, fleet.tree.commit, obstacle)
        problems.append(Problem(NOT_WRITTEN, cause, place, fix))
    renewed = tuple(path for path in renewed if path in files)
    inside = nested_repositories(fleet.query.address.url)
    commands = tuple(f"csoc fleet adopt {shlex.quote(path)}" for path in inside)
    return Adoption(
        dict(sorted(files.items())),
        problems=tuple(problems),
        renewed=renewed,
        commands=commands,
        blocked=tuple(sorted(blocked)),
    )


def nested_repositories(source: str) -> tuple[str, ...]:
    """Repositories below a folder that is none itself, at most three levels down; as one would type them, sorted.

    () for an address elsewhere, and for a repository: what stands in it besides is not its own (a submodule, or a clone
    that Git does not see).
    """
    address = addresses.parse(source)
    top = Path(address.path).expanduser() if address.local else None
    if top is None or not top.is_dir() or (top / ".git").exists() or (top / "HEAD").is_file():
        return ()
    found: list[str] = []
    for folder, folders, names in os.walk(top):
        if folder != str(top) and (".git" in folders or ".git" in names):
            found.append(folder)
            folders.clear()
        depth = len(Path(folder).relative_to(top).parts)
        folders[:] = [] if depth >= _NESTED_DEPTH else sorted(name for name in folders if name != ".git")
    return tuple(sorted(found)[:_MOST_NESTED])


def _obstacles(files: Collection[str], entries: Collection[str]) -> dict[str, str]:
    """Files that cannot be there, to what is in their way: something that is no folder where they need one, or a file
    whose name differs by case only, of which some computers can hold but one."""
    folded = {path.casefold(): path for path in entries if path.casefold().startswith(_NEAR)}
    found = {}
    for path in files:
        if path in entries:
            continue
        parts = path.split("/")
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        obstacle = next((folder for folder in above if folder in entries), folded.get(path.casefold(), path))
        if obstacle != path:
            found[path] = obstacle
    return found


def write_adoption(
    ports: Ports, fleet: LoadedFleet, adoption: Adoption, *, branch: str = "", pull_request: bool = False
) -> Adoption:
    """Commits the documents on the branch that was read (or `branch`), or opens a pull request with them.

    Raises ConflictError, DeniedError (a protected branch: ask for a pull request), UnavailableError, RejectedError (a
    folder of several repositories among them).
    """
    if adoption.blocked:
        raise ConflictError(
            f"csoc's documents need a folder where something else stands: {', '.join(adoption.blocked)}",
            place=fleet.query.source,
            fix="Rename or remove it, then adopt again; nothing was written",
        )
    if not adoption.files:
        return adoption
    if adoption.commands:
        raise RejectedError(
            f"This folder is no repository; it holds {len(adoption.commands)}",
            place=fleet.query.source,
            fix=f"Adopt each for itself: {'; '.join(f'{command} --write' for command in adoption.commands)}",
        )
    strange = [path for path in adoption.files if not path.startswith(f"{layout.ADOPTED}/")]
    if strange and fleet.documents.top in (None, layout.ADOPTED):
        raise RejectedError(f"Adopting writes below {layout.ADOPTED}/ only, and {strange[0]} is outside")
    made = publish(
        ports,
        Proposal(
            address=fleet.query.address,
            tree=fleet.tree,
            files=adoption.files,
            message=_RENEWED if set(adoption.files) <= set(schema_files()) else _MESSAGE,
            branch=branch or (fleet.query.revision or ""),
            pull_request=pull_request,
            head=_head(adoption) if pull_request else "",
            by_path=True,
        ),
    )
    return replace(
        adoption,
        commit=made.commit,
        branch=made.branch,
        pull_request=made.pull_request,
        note=made.note,
        again=made.again,
    )


def _head(adoption: Adoption) -> str:
    """The branch for these documents. Their uids are new each time, so the paths alone say whether it is the same."""
    return f"csoc/adopt-{hashlib.sha256(chr(0).join(sorted(adoption.files)).encode()).hexdigest()[:10]}"
