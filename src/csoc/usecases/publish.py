"""From edited files to a commit or a pull request: the one way in which csoc changes a fleet's repository.

Whatever writes (adoption, a changed value, later a run) goes through here, so that all of it is a commit by a person,
made on the newest head, refused when somebody else changed the same files, and a pull request where the branch is
protected. Proposing the same change twice (since the first time was cut off, or somebody else was quicker) finds the
branch and the pull request of the first time and goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from csoc.errors import ConflictError, CsocError, DeniedError, Kind, NotFoundError, RejectedError
from csoc.fleet import addresses
from csoc.fleet.githost import GitHost, PullRequest
from csoc.fleet.overlay import blob_id
from csoc.fleet.repositories import Change, CommitRequest, SourceAddress, Tree, Upstream
from csoc.usecases.ports import Ports


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change to publish.

    tree: what the change was made on. files: path to new content (None removes). read: paths that the change depends on
    without writing them. message: first line is the subject. branch: where it goes ("": the branch that was read).
    base: the commit to begin at ("": the tree's). pull_request: on a branch of its own (named by `head`), to be merged
    into `branch`. by_path: it is the same proposal if it has the same paths, since what is in them is made up anew each
    time.
    """

    address: SourceAddress
    tree: Tree
    files: Mapping[str, bytes | None]
    message: str
    branch: str = ""
    pull_request: bool = False
    head: str = ""
    body: str = ""
    reviewers: Sequence[str] = ()
    labels: Sequence[str] = ()
    read: Sequence[str] = ()
    base: str = ""
    by_path: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a proposal. commit is "" where the change was there already. again: the pull request was open
    before. note: what a person must know besides."""

    commit: str
    branch: str
    pull_request: PullRequest | None = None
    note: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where pull requests for an address are made. note: which remote was taken for a folder on this machine.
    upstream: that remote."""

    address: SourceAddress
    note: str = ""
    upstream: Upstream | None = None


def place_of(ports: Ports, address: SourceAddress, revision: str | None = None, tree: Tree | None = None) -> Place:
    """The address itself, or the remote that a branch (None: the one checked out) of a folder on this machine tracks.

    The remote stands in a file that came with the folder, so it counts as little as any address from a repository.
    Raises RejectedError where there is no remote (the tree's own names are offered, as far as it has any).
    """
    if not addresses.parse(address.url).local:
        return Place(address)
    found = ports.repositories.upstream(address, revision)
    if found is None or addresses.parse(found.url).local:
        remotes = sorted(name for name in tree.aliases if "/" in name and not name.startswith("/")) if tree else []
        named = f"https://{remotes[0]}" if remotes else "https://HOST/OWNER/NAME"
        raise RejectedError(
            "Pull requests are made at a repository's host, and this is a folder on this machine without a remote",
            place=address.url,
            fix=f"Name the repository by its URL, e.g. --fleet {named}",
        )
    url = addresses.parse(found.url).url
    note = f"Pull requests are those of {url}, the remote {found.remote} of this folder"
    return Place(SourceAddress(url), note, found)


def host_of(ports: Ports, address: SourceAddress, revision: str | None = None, tree: Tree | None = None) -> GitHost:
    """The host of a repository, or of the remote of a folder. Raises as `place_of`, and as the port does."""
    return ports.githost(place_of(ports, address, revision, tree).address)


def publish(ports: Ports, proposal: Proposal) -> Published:
    """Commits, or commits on a new branch and opens a pull request.

    Raises ConflictError (the same files changed meanwhile; both sides are in the text), DeniedError (protected branch,
    no rights), UnavailableError, RejectedError. After an error nothing is half done, except that a pushed branch can
    stay behind if its pull request could not be opened; the error names it, and publishing again goes on from there.
    """
    if proposal.pull_request:
        return _propose(ports, proposal)
    target = proposal.branch or ports.repositories.default_branch(proposal.address)
    try:
        return Published(ports.repositories.commit(proposal.address, _request(ports, proposal, target)), target)
    except DeniedError as error:
        if not addresses.parse(proposal.address.url).local:
            error.fix = f"{error.fix}. Or use --pull-request" if error.fix else "Use --pull-request"
        raise


def _request(ports: Ports, proposal: Proposal, branch: str) -> CommitRequest:
    entries = proposal.tree.entries()

    def blob(path: str) -> str | None:
        return entries[path].blob if path in entries else None

    return CommitRequest(
        branch=branch,
        base=proposal.base or proposal.tree.commit,
        changes=[Change(path, content, blob(path)) for path, content in sorted(proposal.files.items())],
        message=proposal.message,
        author_name="",
        author_email="",
        at=ports.clock(),
        read={path: blob(path) for path in proposal.read if path not in proposal.files},
        create_branch=proposal.pull_request,
    )


def _propose(ports: Ports, proposal: Proposal) -> Published:
    place = place_of(ports, proposal.address, proposal.branch or None, proposal.tree)
    if place.upstream is not None:
        proposal, note = _at_the_remote(ports, proposal, place, place.upstream)
        published = _propose(ports, proposal)
        return replace(published, note=". ".join(text for text in (note, published.note) if text))
    host = ports.githost(place.address)
    # Asked before anything is pushed: a wrong token or a host that is down must leave nothing behind.
    default = host.default_branch()
    target = proposal.branch or default
    found = host.find_pull_request(proposal.head, target)
    if found is not None:
        return Published("", proposal.head, found, _changed_since(ports, proposal), again=True)
    try:
        commit = ports.repositories.commit(proposal.address, _request(ports, proposal, proposal.head))
    except ConflictError:
        # The branch is there without a pull request: an earlier attempt ended in between, or its request was closed.
        if _changed_since(ports, proposal):
            raise ConflictError(
                f"The branch {proposal.head} exists and holds something else than this change",
                place=str(host.repository),
                fix="Delete that branch, or open a pull request for it by hand",
            ) from None
        commit = ""
    subject, _, body = proposal.message.partition("\n")
    try:
        opened = host.open_pull_request(
            head=proposal.head, base=target, title=subject, body=proposal.body or body.strip(), labels=proposal.labels
        )
    except CsocError as error:
        again = "do the same again" if error.kind is Kind.UNAVAILABLE else "open its pull request by hand"
        error.fix = f"The branch {proposal.head} is pushed: {again}. {error.fix}".strip()
        raise
    note = ""
    if proposal.reviewers:
        note = _ask_for_reviews(host, opened, proposal.reviewers)
    return Published(commit, proposal.head, opened, note)


def _at_the_remote(ports: Ports, proposal: Proposal, place: Place, upstream: Upstream) -> tuple[Proposal, str]:
    """The proposal for the remote of a folder, on the commit that both have, and what a person must know of it.

    Raises RejectedError where the branch has commits that the remote has not, or a file of the proposal has changes
    that are not committed: a pull request would hold less than was looked at, or more than was asked for.
    """
    if upstream.ahead:
        commits = "1 commit" if upstream.ahead == 1 else f"{upstream.ahead} commits"
        raise RejectedError(
            f"The branch has {commits} that {upstream.remote} has not, as far as this folder knows",
            place=proposal.address.url,
            fix=f"Push them (git push {upstream.remote}), or name the repository by its URL",
        )
    note = f"{place.note}; the change is made on {upstream.branch or 'its default branch'} at {upstream.head[:12]}"
    if proposal.tree.commit != upstream.head:
        here = proposal.tree.entries()
        there = ports.repositories.open(proposal.address, upstream.head).entries()
        for path in (*proposal.files, *proposal.read):
            if (here[path].blob if path in here else None) != (there[path].blob if path in there else None):
                raise RejectedError(
                    "The file has changes that are not committed, so a pull request cannot be made on it",
                    place=path,
                    fix="Commit and push them, or undo them",
                )
        note += "; what is not committed in this folder is no part of it"
    branch = upstream.branch or proposal.branch
    return replace(proposal, address=place.address, branch=branch, base=upstream.head), note


def _changed_since(ports: Ports, proposal: Proposal) -> str:
    """Says so if the proposal's branch does not hold what the proposal says, for whatever reason; else ""."""
    different = f"The branch {proposal.head} holds something else by now"
    try:
        entries = ports.repositories.open(proposal.address, proposal.head).entries()
    except NotFoundError:
        return f"The branch {proposal.head} is gone"
    for path, content in proposal.files.items():
        blob = entries[path].blob if path in entries else None
        wanted = None if content is None else blob_id(content)
        if (blob is None) != (wanted is None) or (blob != wanted and not proposal.by_path):
            return different
    return ""


def _ask_for_reviews(host: GitHost, opened: PullRequest, reviewers: Sequence[str]) -> str:
    """Asks; the change stands even if the host knows one of them no more, and then the note says so."""
    try:
        host.request_review(opened.number, reviewers)
        return ""
    except CsocError as error:
        cause = error.cause
    failed = []
    for reviewer in reviewers if len(reviewers) > 1 else ():
        # One who left must not keep the others from being asked.
        try:
            host.request_review(opened.number, (reviewer,))
        except CsocError as error:
            failed.append(f"{reviewer} ({error.cause})")
    names = ", ".join(failed) if len(reviewers) > 1 else f"{reviewers[0]} ({cause})"
    return f"Could not be asked for a review: {names}" if names else ""
