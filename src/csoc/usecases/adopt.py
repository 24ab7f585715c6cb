"""Makes csoc known to a repository that was there before: documents below `.csoc/`, in one commit, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace

from csoc.errors import RejectedError
from csoc.fleet.argocd.model import Problem
from csoc.fleet.documents import layout
from csoc.fleet.documents.schemas import schema_files, stale_schemas
from csoc.fleet.githost import PullRequest
from csoc.fleet.location import Location
from csoc.gen3.adoption.documents import NOT_WRITTEN, new_documents
from csoc.usecases.load import LoadedFleet
from csoc.usecases.ports import Ports
from csoc.usecases.publish import Proposal, publish

_NEAR = (layout.ADOPTED, "accounts/", "clusters/", "commons/", "releases/", "fleet.yaml")
_MESSAGE = "Describe the fleet for csoc\n\nDocuments below .csoc/ only; nothing that is deployed changes."
_RENEWED = "Renew csoc's schemas for editors\n\nFiles below .csoc/schemas/ only; nothing that is deployed changes."


@dataclass(frozen=True, slots=True)
class Adoption:
    """What adopting would write (path to content), or has written. problems: what has no document, or only a part of
    one, and why. renewed: those of the files that are schemas of another version of csoc so far. again: the pull
    request was open before, and nothing was added to it. note: what a person must know besides."""

    files: dict[str, bytes]
    commit: str = ""
    branch: str = ""
    pull_request: PullRequest | None = None
    note: str = ""
    again: bool = False
    problems: tuple[Problem, ...] = ()
    renewed: tuple[str, ...] = ()


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
    for path, obstacle in _obstacles(files, entries).items():
        del files[path]
        cause = f"{path} cannot be written beside {obstacle}"
        fix = "Rename or remove one of them, then adopt again"
        place = Location(fleet.tree.repository, fleet.tree.commit, obstacle)
        problems.append(Problem(NOT_WRITTEN, cause, place, fix))
    renewed = tuple(path for path in renewed if path in files)
    return Adoption(dict(sorted(files.items())), problems=tuple(problems), renewed=renewed)


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

    Raises ConflictError, DeniedError (a protected branch: ask for a pull request), UnavailableError, RejectedError.
    """
    if not adoption.files:
        return adoption
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
