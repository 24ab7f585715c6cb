"""The port to hosts of Git repositories (GitHub, Gitea), for changes that people review before they count.

Pushing a branch is the work of `fleet.repositories`; what happens to it afterwards is asked of the host here: open a
pull request, see what people and checks say, merge it if the host's own rules allow that, and say exactly what is
missing if they do not. csoc never goes around a protection: there is no force in this port.

A host answers some questions only to administrators. A field that holds None means "could not be known", which is
never the same as empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

from csoc.errors import RejectedError
from csoc.fleet import addresses
from csoc.fleet.codeowners import Dialect


class PullState(Enum):
    """Where a pull request is in its life. MERGED and CLOSED are final for csoc: it opens a new one instead."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


class Mergeable(Enum):
    """Whether the two branches can be joined without a person. Says nothing about reviews and protections."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"  # the host is still working it out, or will not say


class Verdict(Enum):
    """What a reviewer said last."""

    APPROVED = "approved"
    CHANGES_REQUESTED = "changes requested"
    COMMENTED = "commented"
    DISMISSED = "dismissed"


class CheckState(Enum):
    """What a status check says about the head commit."""

    PASSED = "passed"
    FAILED = "failed"
    PENDING = "pending"


class MergeMethod(Enum):
    """How the commits of the head reach the base."""

    MERGE = "merge"
    SQUASH = "squash"
    REBASE = "rebase"


@dataclass(frozen=True, slots=True)
class Review:
    """One submitted review. commit is what the reviewer saw (40 hex digits, or empty where the host does not say);
    stale is True if the head has moved since, so that the verdict is about something else."""

    author: str
    verdict: Verdict
    commit: str
    stale: bool
    body: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One status check on the head commit: the newest answer for that name."""

    name: str
    state: CheckState
    description: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request as the host described it.

    head and base are names of branches; head_repository is "owner/name", or empty if that repository is gone.
    conflicts: files that changed on both sides, given when mergeable is NO and the host (or the comparison of both
    sides) names them. reviews, checks and review_requests are None if they were not asked for (listings do not) or
    could not be read. merge_commit is empty until the pull request is merged.
    """

    number: int
    url: str
    state: PullState
    title: str
    body: str
    author: str
    head: str
    head_repository: str
    head_commit: str
    base: str
    mergeable: Mergeable
    draft: bool = False
    merge_commit: str = ""
    conflicts: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    reviews: tuple[Review, ...] | None = None
    checks: tuple[Check, ...] | None = None
    review_requests: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class BranchProtection:
    """What the host demands before a branch may move, as far as this credential may know.

    required_approvals: 0 if none are. required_checks: names. may_push: whether the current user may push directly.
    pushers: users, teams ("@team") and apps who may; () is nobody. unknown: why a field is None, in words.
    """

    branch: str
    protected: bool
    required_approvals: int | None = None
    required_checks: tuple[str, ...] | None = None
    may_push: bool | None = None
    pushers: tuple[str, ...] | None = None
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MergeOutcome:
    """A merge that happened. commit: what the base branch then pointed to, as the host named it (may be empty)."""

    number: int
    commit: str
    already_merged: bool = False


class EventKind(Enum):
    """The two events that csoc acts on."""

    PUSH = "push"
    PULL_REQUEST = "pull_request"


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One delivery of a webhook, checked and parsed.

    repository: canonical name as in `fleet.repositories.Tree.repository`. branch: what was pushed to (empty for a tag),
    or the head of the pull request. before and after: commits; after is empty if the branch was deleted. number,
    action, base and merged are for pull requests; action is the host's word ("opened", "closed", ...). sender is the
    host's account name: proven by the signature as far as the host is trusted, never proof of who wrote the commits.
    """

    kind: EventKind
    delivery: str
    repository: str
    sender: str
    branch: str
    before: str = ""
    after: str = ""
    deleted: bool = False
    number: int = 0
    action: str = ""
    base: str = ""
    merged: bool = False


@dataclass(frozen=True, slots=True)
class HostedRepository:
    """Where a repository is hosted. base: scheme and host with port ("https://github.com"), then owner and name."""

    base: str
    owner: str
    name: str

    def __str__(self) -> str:
        return f"{self.base}/{self.owner}/{self.name}"


def hosted_repository(text: str, *, prefix: str = "") -> HostedRepository:
    """Owner and name from an address: https://host/owner/name(.git), ssh://git@host/owner/name, git@host:owner/name.

    prefix: the path below which the host serves ("/git" for https://example.org/git/owner/name). SSH addresses become
    https ones without their port, since the port is that of SSH. Raises RejectedError for anything else.
    """
    fix = "Give an address like https://github.com/owner/name"
    address = addresses.parse(text)
    place = addresses.shown(text)
    if address.scheme not in {"https", "http", "ssh"}:
        raise RejectedError(
            "Only https, http and ssh addresses lead to a host with pull requests", place=place, fix=fix
        )
    path = address.path
    below = prefix.strip("/")
    if below and address.scheme != "ssh":
        if not path.startswith(f"{below}/"):
            raise RejectedError(f"The address is not below /{below}", place=place, fix=fix)
        path = path.removeprefix(f"{below}/")
    segments = path.split("/")
    if len(segments) != 2 or not all(_plain(segment) for segment in segments):
        raise RejectedError("The address does not name one owner and one repository", place=place, fix=fix)
    base = f"{address.scheme}://{address.authority}"
    if address.scheme == "ssh":
        base = f"https://{replace(address, port=None).authority}"
    return HostedRepository(base=f"{base}/{below}".rstrip("/"), owner=segments[0], name=segments[1])


def missing_for_merge(protection: BranchProtection, pull: PullRequest) -> tuple[str, ...]:
    """What the pull request still lacks to satisfy the protection of its base, one phrase each; empty if nothing that
    can be known from here is missing."""
    missing: list[str] = []
    if pull.draft:
        missing.append("it is a draft")
    latest = latest_verdicts(pull.reviews or ())
    if protection.required_approvals and pull.reviews is not None:
        have = sum(1 for verdict in latest.values() if verdict is Verdict.APPROVED)
        if have < protection.required_approvals:
            plural = "" if protection.required_approvals == 1 else "s"
            missing.append(f"{protection.branch} needs {protection.required_approvals} approval{plural}, it has {have}")
    objectors = sorted(author for author, verdict in latest.items() if verdict is Verdict.CHANGES_REQUESTED)
    if objectors:
        missing.append("changes are requested by " + ", ".join(objectors))
    if protection.required_checks and pull.checks is not None:
        states = {check.name: check.state for check in pull.checks}
        for name in protection.required_checks:
            state = states.get(name)
            if state is not CheckState.PASSED:
                missing.append(f"check {name} {'has not reported' if state is None else 'is ' + state.value}")
    return tuple(missing)


def latest_verdicts(reviews: Sequence[Review]) -> dict[str, Verdict]:
    """Each reviewer's standing verdict: the newest of theirs that approves or asks for changes, unless dismissed.

    reviews are in the order in which they were submitted. Comments do not change a verdict.
    """
    standing: dict[str, Verdict] = {}
    for review in reviews:
        if review.verdict is Verdict.DISMISSED:
            standing.pop(review.author, None)
        elif review.verdict is not Verdict.COMMENTED:
            standing[review.author] = review.verdict
    return standing


def _plain(segment: str) -> bool:
    """Letters, digits, ".", "-" and "_" only, as both hosts demand: such a name cannot change a request's path."""
    return segment not in {"", ".", ".."} and all(
        char.isascii() and (char.isalnum() or char in ".-_") for char in segment
    )


class GitHost(Protocol):
    """One repository at its host. Contract: tests/contract/test_githost.py.

    Every method raises DeniedError (credential refused or not enough rights), NotFoundError (no such repository, pull
    request or branch, or none that this credential may see), UnavailableError (host down, too slow, or over its rate
    limit: the text says when to try again) and RejectedError (the host finds the request wrong), besides what it names.
    """

    @property
    def repository(self) -> HostedRepository:
        """The repository that every method acts on."""

    @property
    def codeowners(self) -> Dialect:
        """Whose rules a CODEOWNERS file follows at this host."""

    def default_branch(self) -> str:
        """Name of the branch that a clone starts with."""

    def protection(self, branch: str) -> BranchProtection:
        """What protects the branch."""

    def open_pull_request(
        self, *, head: str, base: str, title: str, body: str, labels: Sequence[str] = ()
    ) -> PullRequest:
        """Opens a pull request from one branch of this repository to another.

        If one is open for the same head and base, its title and body are updated and it is returned, so that opening
        twice gives one. Raises ConflictError if there is nothing to merge.
        """

    def find_pull_request(self, head: str, base: str | None = None) -> PullRequest | None:
        """The open pull request whose head is that branch of this repository (the newest), with details, or None."""

    def last_pull_request(self, head: str, base: str) -> PullRequest | None:
        """The newest pull request from that branch of this repository, open or over, also once the branch is deleted;
        with details, or None if there never was one."""

    def get(self, number: int) -> PullRequest:
        """One pull request with reviews, checks and conflicts."""

    def list_open(self, *, head_prefix: str = "", label: str = "") -> tuple[PullRequest, ...]:
        """Open pull requests, newest first, without details.

        Raises UnavailableError if the host has more open ones than csoc reads, rather than leave some out.
        """

    def comment(self, number: int, text: str) -> None:
        """Adds a comment to the conversation."""

    def request_review(self, number: int, reviewers: Sequence[str]) -> None:
        """Asks users ("name") and teams ("organisation/team") for a review; a leading "@" is ignored."""

    def review(self, number: int, verdict: Verdict, body: str, *, commit: str) -> Review:
        """Reviews that commit as the current user: APPROVED, CHANGES_REQUESTED or COMMENTED.

        Raises ConflictError if the head is another commit by now, DeniedError for one's own pull request.
        """

    def merge(self, number: int, method: MergeMethod, *, expected_head: str, message: str = "") -> MergeOutcome:
        """Merges exactly expected_head. Merging what is merged already, at that head, is no error.

        Raises ConflictError (head moved; closed; or the branches conflict: files are named if they can be),
        DeniedError (a protection is not satisfied: says what is missing), UnavailableError (the host has not worked
        out yet whether it can be merged).
        """

    def close(self, number: int) -> PullRequest:
        """Closes without merging; no error if it is closed. Raises ConflictError if it is merged."""

    def delete_branch(self, branch: str) -> None:
        """Deletes a branch. Raises DeniedError if it is protected or the default one."""

    def register_webhook(self, url: str, secret: str) -> int:
        """Has pushes and pull requests delivered to url, signed with secret. Registering again for the same url
        replaces the secret; there is never more than one. Returns the host's number of the webhook, perhaps a new
        one."""
