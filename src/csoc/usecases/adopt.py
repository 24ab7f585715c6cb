"""Makes csoc known to a repository that was there before: documents below `.csoc/`, in one commit, and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from csoc.errors import RejectedError
from csoc.fleet.documents import layout
from csoc.fleet.githost import PullRequest
from csoc.fleet.overlay import blob_id
from csoc.gen3.adoption.documents import new_documents
from csoc.usecases.load import LoadedFleet
from csoc.usecases.ports import Ports
from csoc.usecases.publish import Proposal, publish

_MESSAGE = "Describe the fleet for csoc\n\nDocuments below .csoc/ only; nothing that is deployed changes."


@dataclass(frozen=True, slots=True)
class Adoption:
    """What adopting would write (path to content), or has written. again: the pull request was open before, and nothing
    was added to it. note: what a person must know besides."""

    files: dict[str, bytes]
    commit: str = ""
    branch: str = ""
    pull_request: PullRequest | None = None
    note: str = ""
    again: bool = False


def plan_adoption(ports: Ports, fleet: LoadedFleet, *, name: str = "") -> Adoption:
    """The documents that the fleet lacks. name: of the fleet, if it has no document yet ("": the repository's name)."""
    own = name or fleet.tree.repository.rstrip("/").rpartition("/")[2].removesuffix(".git") or "fleet"
    files = new_documents(fleet.view, fleet.documents, name=own, ids=ports.ids)
    entries = fleet.tree.entries()
    schemas = f"{layout.SCHEMAS}/"
    new = {path for path in files if path not in entries and not path.startswith(schemas)}
    if not new:
        return Adoption({})
    # Schemas follow this version of csoc; those that are the same already are no change.
    new |= {
        path
        for path in files
        if path.startswith(schemas) and (path not in entries or entries[path].blob != blob_id(files[path]))
    }
    return Adoption({path: files[path] for path in sorted(new)})


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
            message=_MESSAGE,
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
