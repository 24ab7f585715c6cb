"""Makes csoc known to a repository that was there before: documents below `.csoc/`, in one commit, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace

from csoc.errors import RejectedError
from csoc.fleet.documents import layout
from csoc.fleet.githost import PullRequest
from csoc.gen3.adoption.documents import new_documents
from csoc.usecases.load import LoadedFleet
from csoc.usecases.ports import Ports
from csoc.usecases.publish import Proposal, publish

_MESSAGE = "Describe the fleet for csoc\n\nDocuments below .csoc/ only; nothing that is deployed changes."


@dataclass(frozen=True, slots=True)
class Adoption:
    """What adopting would write (path to content), or has written. changed: False if there was nothing to write."""

    files: dict[str, bytes]
    commit: str = ""
    branch: str = ""
    pull_request: PullRequest | None = None


def plan_adoption(ports: Ports, fleet: LoadedFleet, *, name: str = "") -> Adoption:
    """The documents that the fleet lacks. name: of the fleet, if it has no document yet ("": the repository's name)."""
    own = name or fleet.tree.repository.rstrip("/").rpartition("/")[2].removesuffix(".git") or "fleet"
    files = new_documents(fleet.view, fleet.documents, name=own, ids=ports.ids)
    entries = fleet.tree.entries()
    schemas = f"{layout.SCHEMAS}/"
    return Adoption(
        {path: content for path, content in files.items() if path not in entries or path.startswith(schemas)}
    )


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
    revision = fleet.tree.revision
    made = publish(
        ports,
        Proposal(
            address=fleet.query.address,
            tree=fleet.tree,
            files=adoption.files,
            message=_MESSAGE,
            branch=branch or ("" if fleet.query.revision is None else revision),
            pull_request=pull_request,
            head=f"csoc/adopt-{ports.ids()}" if pull_request else "",
        ),
    )
    return replace(adoption, commit=made.commit, branch=made.branch, pull_request=made.pull_request)
