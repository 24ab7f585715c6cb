"""The pull request that holds a launch's documents until somebody merges it.

Where the branch that is deployed takes no pushes, a launch begins with a pull request. Asked again, the launch finds it
by its branch, and goes on by what became of it; it is never opened a second time while the first one stands.
"""

from __future__ import annotations

from dataclasses import dataclass

from csoc.errors import ConflictError, NotFoundError
from csoc.fleet.documents import layout
from csoc.fleet.documents.collection import Placed
from csoc.fleet.documents.model import Environment
from csoc.fleet.githost import PullRequest, PullState
from csoc.fleet.repositories import SourceAddress
from csoc.gen3.launch.answers import Answers
from csoc.usecases.launch_differences import check_same
from csoc.usecases.planning.fleets import FleetAt, fleet_at
from csoc.usecases.planning.writing import lacks
from csoc.usecases.ports import Ports
from csoc.usecases.publish import place_of


@dataclass(frozen=True, slots=True)
class Pending:
    """A launch whose documents are not merged yet. lacks: what the pull request needs before it can be."""

    pull: PullRequest
    environment: Environment
    lacks: tuple[str, ...] = ()


def head_of(environment: str) -> str:
    """The branch of a launch's documents."""
    return f"csoc/launch-{environment}"


def find_pending(ports: Ports, fleet: FleetAt, source: str, answers: Answers, user_yaml: str = "") -> Pending | None:
    """What an earlier launch with these answers proposed; None if there is nothing, and it is to be proposed.
    user_yaml: content of the list of users that the answers name.

    Raises ConflictError (the pull request was closed, holds other answers, or is of a launch that is gone), and what
    the host raises.
    """
    name = answers.environment_name
    head = head_of(name)
    place = place_of(ports, SourceAddress(source, trusted=True), None, fleet.tree)
    host = ports.githost(place.address)
    proposed = _proposed(ports, place.address.url, head, answers, user_yaml)
    pull = host.last_pull_request(head, (place.upstream.branch if place.upstream else "") or host.default_branch())
    if pull is None or proposed is None:
        # A branch that is deleted takes its pull request with it: what follows is another change.
        return None
    if pull.state is PullState.OPEN:
        return Pending(pull, proposed.document, lacks(host, pull))
    anew = f"delete the branch {head}, and launch again to propose it anew"
    if pull.state is PullState.CLOSED:
        raise ConflictError(
            f"The pull request with the documents of {name} was closed without being merged",
            place=pull.url,
            fix=f"Reopen and merge it, then launch again; or {anew}",
        )
    path = layout.below(fleet.documents.top or "", f"commons/{answers.commons}/{name}/environment.yaml")
    if ports.repositories.history(fleet.tree, path, limit=1):
        raise ConflictError(
            f"The documents of {name} were merged and are gone again, and their branch {head} is left",
            place=pull.url,
            fix=f"{anew[0].upper()}{anew[1:]}",
        )
    return Pending(pull, proposed.document, ("it is merged, and this csoc has not fetched that yet",))


def _proposed(ports: Ports, url: str, head: str, answers: Answers, user_yaml: str) -> Placed[Environment] | None:
    """The environment as it stands on the branch. Raises ConflictError: the branch holds something else."""
    try:
        fleet = fleet_at(ports, url, head)
    except NotFoundError:
        return None
    there = fleet.documents.environments.get(answers.environment_name)
    if there is None:
        raise ConflictError(
            f"The branch {head} is there and has no environment {answers.environment_name}",
            place=url,
            fix="Delete that branch, and launch again",
        )
    check_same(there, fleet.documents, fleet.tree, answers, user_yaml)
    return there
