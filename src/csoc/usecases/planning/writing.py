"""What a run writes into Git: a commit, or a pull request whose merge the run waits for.

A run looks again and again, after a crash as well, so what became of its proposal is asked of the Git host and of
nobody's memory: the branch carries the run's id, and has one pull request in its life. It is opened once, whoever
closes it, merges it, or deletes the branch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from csoc.errors import ConflictError, NotFoundError
from csoc.fleet.githost import GitHost, Mergeable, PullRequest, PullState, missing_for_merge
from csoc.fleet.repositories import SourceAddress, Tree
from csoc.operations.runs import Run
from csoc.operations.services import Written
from csoc.usecases.ports import Ports
from csoc.usecases.publish import Proposal, place_of, publish


@dataclass(frozen=True, slots=True)
class Content:
    """files: by path, None takes one away. message: of the commit, and title of the pull request. head: its branch,
    without what makes it the run's own. body: what the pull request says."""

    files: Mapping[str, bytes | None]
    message: str
    head: str
    body: str


def write(ports: Ports, run: Run, source: str, content: Content) -> Written:
    """Commits, or proposes, what is not there already.

    Raises ConflictError (the pull request was closed, or holds something else by now), and what publishing raises.
    """
    address = SourceAddress(source, trusted=True)
    branch = ports.repositories.default_branch(address)
    tree = ports.repositories.open(address, branch)
    by_request = run.arguments.get("pull_request") is True
    head = f"csoc/{content.head}-{run.id}" if by_request else ""
    if by_request:
        place = place_of(ports, address, branch, tree)
        host = ports.githost(place.address)
        target = place.upstream.branch if place.upstream is not None else branch
        pull = host.last_pull_request(head, target or host.default_branch())
        if pull is not None:
            return _became(ports, run, content, tree, place.address, host, pull)
    if _holds(tree, content.files):
        return Written(tree.commit)
    published = publish(
        ports,
        Proposal(
            address=address,
            tree=tree,
            files=content.files,
            message=content.message,
            branch=branch,
            pull_request=by_request,
            head=head,
            body=content.body,
        ),
    )
    if published.pull_request is not None:
        return Written("", source, published.pull_request.url)
    return Written(published.commit or tree.commit)


def _became(
    ports: Ports, run: Run, content: Content, tree: Tree, address: SourceAddress, host: GitHost, pull: PullRequest
) -> Written:
    """What became of the run's pull request."""
    again = f"plan again, which proposes it anew: csoc plan {run.owner_name.replace(' ', '/', 1)}"
    if pull.state is PullState.OPEN:
        return Written("", address.url, pull.url, lacks(host, pull))
    if pull.state is PullState.MERGED and pull.merge_commit:
        try:
            merged = ports.repositories.open(address, pull.merge_commit)
        except NotFoundError:
            return Written("", address.url, pull.url, ("it is merged, and its commit cannot be fetched yet",))
        if _holds(merged, content.files):
            return Written(merged.commit)
    if _holds(tree, content.files):
        return Written(tree.commit)
    if pull.state is PullState.MERGED:
        paths = ", ".join(sorted(content.files)[:3])
        raise ConflictError(
            f"What was merged is not what this run proposed ({paths})",
            place=pull.url,
            fix=f"Look who changed it there; then {again}",
        )
    raise ConflictError(
        f"The pull request ({content.message}) was closed without being merged",
        place=pull.url,
        fix=f"Reopen and merge it, then csoc runs resume {run.id}; or {again}",
    )


def lacks(host: GitHost, pull: PullRequest) -> tuple[str, ...]:
    """What an open pull request still needs before it can be merged, one phrase each."""
    conflicts: tuple[str, ...] = ()
    if pull.mergeable is Mergeable.NO:
        conflicts = (f"it conflicts with {pull.base}" + (f" in {', '.join(pull.conflicts)}" if pull.conflicts else ""),)
    return (*conflicts, *missing_for_merge(host.protection(pull.base), pull))


def _holds(tree: Tree, files: Mapping[str, bytes | None]) -> bool:
    there = tree.entries()
    return all((path in there and tree.read(path) == data) if data is not None else path not in there
               for path, data in files.items())  # fmt: skip
