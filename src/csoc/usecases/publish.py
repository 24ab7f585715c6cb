"""From edited files to a commit or a pull request: the one way in which csoc changes a fleet's repository.

Whatever writes (adoption, a changed value, later a run) goes through here, so that all of it is a commit by a person,
made on the newest head, refused when somebody else changed the same files, and a pull request where the branch is
protected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from csoc.errors import ConflictError, CsocError, DeniedError
from csoc.fleet.githost import GitHost, PullRequest
from csoc.fleet.repositories import Change, CommitRequest, SourceAddress, Tree
from csoc.usecases.ports import Ports


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change to publish.

    tree: what the change was made on. files: path to new content (None removes). read: paths that the change depends on
    without writing them. message: first line is the subject. branch: where it goes ("": the branch that was read).
    pull_request: on a branch of its own (named by `head`), to be merged into `branch`.
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


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a proposal. note: what a person must know besides."""

    commit: str
    branch: str
    pull_request: PullRequest | None = None
    note: str = ""


def publish(ports: Ports, proposal: Proposal) -> Published:
    """Commits, or commits on a new branch and opens a pull request.

    Raises ConflictError (the same files changed meanwhile; both sides are in the text), DeniedError (protected branch,
    no rights), UnavailableError, RejectedError. After an error nothing is half done, except that a pushed branch can
    stay behind if its pull request could not be opened; the error names it.
    """
    target = proposal.branch or ports.repositories.default_branch(proposal.address)
    entries = proposal.tree.entries()

    def blob(path: str) -> str | None:
        return entries[path].blob if path in entries else None

    request = CommitRequest(
        branch=proposal.head if proposal.pull_request else target,
        base=proposal.tree.commit,
        changes=[Change(path, content, blob(path)) for path, content in sorted(proposal.files.items())],
        message=proposal.message,
        author_name="",
        author_email="",
        at=ports.clock(),
        read={path: blob(path) for path in proposal.read},
        create_branch=proposal.pull_request,
    )
    if not proposal.pull_request:
        try:
            return Published(ports.repositories.commit(proposal.address, request), target)
        except DeniedError as error:
            raise DeniedError(error.cause, place=error.place, fix=error.fix or "Use --pull-request") from error
    host = ports.githost(proposal.address)
    try:
        commit = ports.repositories.commit(proposal.address, request)
    except ConflictError as error:
        found = host.find_pull_request(proposal.head, target)
        if found is None:
            raise
        raise ConflictError(
            f"The branch {proposal.head} exists and has an open pull request: {found.url}",
            place=error.place,
            fix="Merge or close it first",
        ) from error
    subject, _, body = proposal.message.partition("\n")
    try:
        opened = host.open_pull_request(
            head=proposal.head, base=target, title=subject, body=proposal.body or body.strip(), labels=proposal.labels
        )
    except CsocError as error:
        error.fix = f"The branch {proposal.head} is pushed; open its pull request by hand. {error.fix}".strip()
        raise
    note = ""
    if proposal.reviewers:
        note = _ask_for_reviews(host, opened, proposal.reviewers)
    return Published(commit, proposal.head, opened, note)


def _ask_for_reviews(host: GitHost, opened: PullRequest, reviewers: Sequence[str]) -> str:
    """Asks; the change stands even if the host knows one of them no more, and then the note says so."""
    try:
        host.request_review(opened.number, reviewers)
    except CsocError as error:
        return f"Reviews of {', '.join(reviewers)} could not be asked for: {error.cause}"
    return ""
