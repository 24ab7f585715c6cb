"""Follows what csoc proposed: which pull requests are open, what each still lacks, merging one, closing one, and making
one again whose files have changed on the other side.

A pull request with a conflict is not repaired but made anew: the same command on what the branch holds now, as another
pull request, and the old one is closed with a word about where it went. Nobody's review is thereby carried over to a
change that they have not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

from csoc.errors import ConflictError, CsocError, Kind, RejectedError
from csoc.fleet.githost import GitHost, MergeMethod, MergeOutcome, PullRequest, PullState, missing_for_merge
from csoc.fleet.markdown import code
from csoc.fleet.overlay import blob_id
from csoc.fleet.repositories import SourceAddress
from csoc.usecases.change.command import read_command
from csoc.usecases.change.operations import Operation
from csoc.usecases.change.plan import ChangePlan, plan_change
from csoc.usecases.change.propose import HEAD_PREFIX, ChangeReport, propose_change
from csoc.usecases.load import FleetQuery, load_fleet
from csoc.usecases.ports import Ports
from csoc.usecases.publish import host_of, place_of


@dataclass(frozen=True, slots=True)
class Proposed:
    """An open pull request of csoc. missing: what its base's protection still wants, as far as can be known."""

    pull: PullRequest
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge. note: what a person must know besides."""

    outcome: MergeOutcome
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A proposal made anew. plan: what it does now. report is None if nothing of it is left to do. closed: the old one
    was closed. note: what a person must know besides."""

    old: PullRequest
    plan: ChangePlan
    report: ChangeReport | None
    closed: bool
    note: str = ""


def proposed_changes(ports: Ports, address: SourceAddress) -> list[Proposed]:
    """Open pull requests whose branch csoc made, newest first. One from a fork is none, whatever its branch is called:
    anybody may open such. Raises as the host's port does."""
    host = host_of(ports, address)
    found = []
    for listed in host.list_open(head_prefix=HEAD_PREFIX):
        if not _is_own(host, listed):
            continue
        pull = host.get(listed.number)
        found.append(Proposed(pull, missing_for_merge(host.protection(pull.base), pull)))
    return found


def merge_proposed(ports: Ports, address: SourceAddress, number: int, method: MergeMethod) -> Merged:
    """Merges a pull request at the head that it has now, if its host's rules allow it, and removes its branch.

    Raises ConflictError (the branches conflict, the head moved), DeniedError (says what is missing), RejectedError (not
    one of csoc's), and as the port.
    """
    place = place_of(ports, address)
    host = ports.githost(place.address)
    pull = _own(host, number)
    outcome = host.merge(number, method, expected_head=pull.head_commit)
    return Merged(outcome, _joined(place.note, _remove_branch(host, pull)))


def close_proposed(ports: Ports, address: SourceAddress, number: int) -> str:
    """Closes a pull request without merging it and removes its branch; returns what a person must know besides.

    Raises ConflictError if it is merged, RejectedError if it is not one of csoc's, and as the port.
    """
    place = place_of(ports, address)
    host = ports.githost(place.address)
    pull = _own(host, number)
    host.close(number)
    return _joined(place.note, _remove_branch(host, pull))


def rebuild_proposed(ports: Ports, query: FleetQuery, number: int) -> Rebuilt:
    """Makes the change of an open pull request again on what its base holds now, as a new pull request, and closes the
    old one. Where nothing is left to do, the old one stays as it is.

    The command in its text is only taken if its branch holds exactly what the command made of it. Raises RejectedError
    (it does not; the text holds no command; not one of csoc's; not open), ConflictError (the branch has moved
    meanwhile), and as the ports.
    """
    place = place_of(ports, query.address)
    host = ports.githost(place.address)
    pull = _own(host, number)
    if pull.state is not PullState.OPEN:
        raise RejectedError(
            f"#{number} is {pull.state.value} already", place=pull.url, fix="Run `csoc fleet set` again"
        )
    names, operations = _command(pull)
    names = [f"env:{name}" for name in names]
    if place.upstream is not None:
        # An address from a folder's configuration is not trusted, and a query's is: so it has to pass here first.
        ports.repositories.open(place.address, pull.base)
    changed = _checked(ports, query, place.address, pull, names, operations)
    fleet = load_fleet(ports, FleetQuery(place.address.url, pull.base, query.chart, query.own_urls))
    plan = plan_change(ports, fleet, fleet.select(names), operations)
    paths = [change.path for change in plan.files if change.path in changed]
    if not paths:
        return Rebuilt(pull, plan, None, closed=False)
    report = propose_change(ports, fleet, plan, pull_request=True, branch=pull.base, only=paths)
    made = [outcome.published.pull_request for outcome in report.outcomes if outcome.published]
    new = [item for item in made if item is not None and item.number != number]
    if len(new) != len(report.outcomes):
        return Rebuilt(pull, plan, report, closed=False)
    links = ", ".join(f"#{item.number}" for item in new)
    note = ""
    try:
        host.comment(number, f"Made again on what {code(pull.base)} holds now, as {links}.")
    except CsocError as error:
        note = f"#{number} could not be told of {links}: {error.cause}"
    host.close(number)
    return Rebuilt(pull, plan, report, closed=True, note=_joined(place.note, note or _remove_branch(host, pull)))


def _checked(
    ports: Ports,
    query: FleetQuery,
    address: SourceAddress,
    pull: PullRequest,
    names: list[str],
    operations: list[Operation],
) -> frozenset[str]:
    """Paths that the branch changes, once it is sure that the command makes the very same change of them.

    Title and text of a pull request can be edited by others than those who may push. So the command is run on what the
    branch began with, and what comes of it is compared with what the branch holds.
    """
    head = ports.repositories.open(address, pull.head)
    if head.commit != pull.head_commit:
        raise ConflictError(f"The branch of #{pull.number} moved a moment ago", place=pull.url, fix="Run it again")
    base = ports.repositories.merge_base(head, pull.base)
    before, after = base.entries(), head.entries()
    changed = frozenset(path for path in {*before, *after} if before.get(path) != after.get(path))
    began = load_fleet(ports, FleetQuery(address.url, base.commit, query.chart, query.own_urls))
    try:
        then = plan_change(ports, began, began.select(names), operations, manifests=False)
        made = {change.path: blob_id(change.after) for change in then.files}
    except CsocError:
        made = {}
    if not changed or any(path not in after or made.get(path) != after[path].blob for path in changed):
        raise RejectedError(
            "The command in its text does not make what its branch changes",
            place=pull.url,
            fix="Look at who edited the text or the branch; then run `csoc fleet set` again, and close this one",
        )
    return changed


def _command(pull: PullRequest) -> tuple[list[str], list[Operation]]:
    try:
        return read_command(pull.body)
    except CsocError as error:
        error.place = pull.url
        raise


def _joined(*notes: str) -> str:
    return ". ".join(note for note in notes if note)


def _own(host: GitHost, number: int) -> PullRequest:
    pull = host.get(number)
    if not pull.head.startswith(HEAD_PREFIX) or not _is_own(host, pull):
        raise RejectedError(
            f"#{number} was not made by csoc",
            place=pull.url,
            fix="Merge or close it at its host; `csoc fleet changes` lists csoc's",
        )
    return pull


def _is_own(host: GitHost, pull: PullRequest) -> bool:
    """True if the branch is in this repository, where only those who may push make branches."""
    own = f"{host.repository.owner}/{host.repository.name}"
    return pull.head_repository.lower() == own.lower()


def _remove_branch(host: GitHost, pull: PullRequest) -> str:
    """Removes the branch that csoc made, which nobody needs any more; says so if it stays."""
    try:
        host.delete_branch(pull.head)
    except CsocError as error:
        if error.kind is Kind.NOT_FOUND:
            return ""
        return f"The branch {pull.head} stays behind: {error.cause}"
    return ""
