"""What GitHub's and Gitea's interfaces have in common, which is most: Gitea follows GitHub's addresses and shapes.

Where they part (who says what about conflicts, protections, checks and labels), the two adapters fill in. The order of
questions stands here once, since it is what makes changes safe to repeat: look for the pull request before opening
one, compare the head before reviewing or merging.
"""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

from csoc.adapters.githost import shapes
from csoc.adapters.githost.client import Answer, HostClient
from csoc.adapters.githost.linemerge import lines_conflict
from csoc.errors import ConflictError, CsocError, DeniedError, NotFoundError, RejectedError
from csoc.fleet.githost import (
    BranchProtection,
    Check,
    HostedRepository,
    Mergeable,
    MergeMethod,
    MergeOutcome,
    PullRequest,
    PullState,
    Review,
    Verdict,
    missing_for_merge,
)

WEBHOOK_EVENTS = ("push", "pull_request")
_MAX_JUDGED = 20


class RestGitHost(ABC):
    """Base of both adapters. Implements `fleet.githost.GitHost`."""

    page_size_parameter: ClassVar[str]
    settle_seconds: ClassVar[tuple[float, ...]]
    answers_may_be_old: ClassVar[bool]
    review_events: ClassVar[dict[Verdict, str]]
    webhook_type: ClassVar[dict[str, str]]

    def __init__(self, repository: HostedRepository, client: HostClient) -> None:
        self._repository = repository
        self._client = client
        self._root = f"/repos/{quote(repository.owner)}/{quote(repository.name)}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._repository})"

    @property
    def repository(self) -> HostedRepository:
        return self._repository

    # What the two differ in.

    @abstractmethod
    def protection(self, branch: str) -> BranchProtection: ...

    @abstractmethod
    def delete_branch(self, branch: str) -> None: ...

    @abstractmethod
    def _open_for_head(self, head: str, base: str | None) -> list[dict[str, Any]]:
        """Open pull requests from that branch of this repository, newest first, as the host describes them."""

    @abstractmethod
    def _last_for_head(self, head: str, base: str) -> dict[str, Any] | None:
        """The newest pull request between two branches of this repository, in whatever state."""

    @abstractmethod
    def _pull(self, data: dict[str, Any]) -> PullRequest:
        """A pull request without details from the host's description."""

    @abstractmethod
    def _review(self, data: dict[str, Any], head: str) -> Review | None:
        """A submitted review; None for what is not one (a request, a draft)."""

    @abstractmethod
    def _checks(self, commit: str) -> tuple[Check, ...] | None:
        """The newest answer of each check on a commit; None if it could not be read."""

    @abstractmethod
    def _changed_on_both_sides(self, pull: PullRequest, ancestor: str) -> tuple[str, list[str]]:
        """The common ancestor of head and base (given, or asked for if empty), and the files both changed, sorted."""

    @abstractmethod
    def _add_labels(self, number: int, labels: Sequence[str]) -> None: ...

    @abstractmethod
    def _ask_to_merge(self, number: int, method: MergeMethod, expected_head: str, message: str) -> Answer:
        """Sends the request; statuses that refuse are returned."""

    @abstractmethod
    def _asked_too_early(self, answer: Answer) -> bool:
        """Whether a merge was refused only because the host had not looked at the branches yet."""

    @abstractmethod
    def _refusal(self, answer: Answer, pull: PullRequest, method: MergeMethod) -> CsocError:
        """Why the host did not merge. `pull` was read again after the refusal."""

    # What they share.

    def default_branch(self) -> str:
        return shapes.text(self._client.get(self._root), "default_branch")

    def open_pull_request(
        self, *, head: str, base: str, title: str, body: str, labels: Sequence[str] = ()
    ) -> PullRequest:
        found = self._open_for_head(head, base)
        if not found:
            request = {"head": head, "base": base, "title": title, "body": body}
            answer = self._client.request("POST", f"{self._root}/pulls", body=request, accept={404, 409, 422})
            if answer.status < 300:
                number = shapes.number(answer.data, "number")
                if labels:
                    self._add_labels(number, labels)
                return self.get(number)
            found = self._open_for_head(head, base) if answer.status != 404 else []  # somebody was faster
            if not found:
                raise self._cannot_open(answer, head, base)
        number = shapes.number(found[0], "number")
        if (shapes.text(found[0], "title"), shapes.text(found[0], "body")) != (title, body):
            self._edit(number, {"title": title, "body": body})
        missing = [label for label in labels if label not in self._pull(found[0]).labels]
        if missing:
            self._add_labels(number, missing)
        return self.get(number)

    def find_pull_request(self, head: str, base: str | None = None) -> PullRequest | None:
        found = self._open_for_head(head, base)
        return self.get(shapes.number(found[0], "number")) if found else None

    def last_pull_request(self, head: str, base: str) -> PullRequest | None:
        found = self._last_for_head(head, base)
        return self.get(shapes.number(found, "number")) if found is not None else None

    def get(self, number: int) -> PullRequest:
        data = shapes.mapping(self._client.get(f"{self._root}/pulls/{number}"))
        pull = self._pull(data)
        listed = self._client.get_all(f"{self._root}/pulls/{number}/reviews", size_parameter=self.page_size_parameter)
        reviews = [self._review(shapes.mapping(item), pull.head_commit) for item in listed]
        asked = [shapes.text(user, "login") for user in shapes.sequence(data, "requested_reviewers")]
        teams = shapes.sequence(data, "requested_teams") or shapes.sequence(data, "requested_reviewers_teams")
        asked += [
            f"{self._repository.owner}/{shapes.text(team, 'slug') or shapes.text(team, 'name')}" for team in teams
        ]
        pull = replace(
            pull,
            reviews=tuple(review for review in reviews if review is not None),
            review_requests=tuple(sorted(asked)),
        )
        pull = replace(pull, checks=self._checks(pull.head_commit) if pull.head_commit else None)
        return self._settled(pull, data) if pull.state is PullState.OPEN else pull

    def _settled(self, pull: PullRequest, data: dict[str, Any]) -> PullRequest:
        """Gives the host time to work out whether it can be merged, and names the files of a conflict.

        Where the host's answer may be from before a branch moved, files whose lines conflict settle it at once. Files
        that could not be judged do so only if the host still says no after the last pause.
        """
        if not self.answers_may_be_old:
            pull = self._waited(pull)
            if pull.mergeable is Mergeable.NO:
                certain, possible = self._conflicts(pull, "")
                return replace(pull, conflicts=certain or possible)
            return pull
        certain, possible = self._conflicts(pull, shapes.text(data, "merge_base"))
        if certain:
            return replace(pull, mergeable=Mergeable.NO, conflicts=certain)
        if not pull.draft:  # Gitea calls every draft not mergeable
            pull = self._waited(pull)
        if pull.mergeable is Mergeable.YES or pull.draft or not possible:
            return pull
        return replace(pull, mergeable=Mergeable.NO, conflicts=possible)

    def _waited(self, pull: PullRequest) -> PullRequest:
        """Asks again, with growing pauses, as long as the host does not know; not if the head moves meanwhile."""
        for pause in self.settle_seconds:
            if pull.mergeable is not Mergeable.UNKNOWN:
                break
            self._client.wait(pause)
            again = self._pull(shapes.mapping(self._client.get(f"{self._root}/pulls/{pull.number}")))
            if again.head_commit != pull.head_commit:
                break
            pull = replace(pull, mergeable=again.mergeable)
        return pull

    def _conflicts(self, pull: PullRequest, ancestor: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Of the files that both sides changed: those that conflict, and those that could not be judged."""
        ancestor, both = self._changed_on_both_sides(pull, ancestor)
        verdicts = {path: self._conflict_in(path, ancestor, pull) for path in both[:_MAX_JUDGED]}
        certain = [path for path, verdict in verdicts.items() if verdict]
        possible = [path for path, verdict in verdicts.items() if verdict is None]
        return tuple(certain), (*possible, *both[_MAX_JUDGED:])

    def _conflict_in(self, path: str, ancestor: str, pull: PullRequest) -> bool | None:
        """Whether a file conflicts; None if it was removed on one side (git may find it renamed) or is too large."""
        try:
            old, ours, theirs = (self._content(path, ref) for ref in (ancestor, pull.base, pull.head_commit))
        except RejectedError:
            return None
        if ours is None or theirs is None:
            return False if ours == theirs else None
        return lines_conflict(old, ours, theirs)

    def _content(self, path: str, ref: str) -> bytes | None:
        """A file's bytes at a branch or commit; None if it is not there. Raises RejectedError if it has none to see."""
        address = f"{self._root}/contents/{quote(path)}"
        answer = self._client.request("GET", address, params={"ref": ref}, accept={404})
        if answer.status == 404:
            return None
        if not isinstance(answer.data, dict) or answer.data.get("encoding") != "base64":
            raise RejectedError("the host does not show this file (a folder, a submodule, too large)", place=path)
        try:
            return base64.b64decode(shapes.text(answer.data, "content"))
        except ValueError as error:
            raise RejectedError("the host's copy of this file is not readable", place=path) from error

    def list_open(self, *, head_prefix: str = "", label: str = "") -> tuple[PullRequest, ...]:
        listed = self._client.get_all(f"{self._root}/pulls", size_parameter=self.page_size_parameter, state="open")
        pulls = (self._pull(shapes.mapping(item)) for item in listed)
        return tuple(
            pull for pull in pulls if pull.head.startswith(head_prefix) and (not label or label in pull.labels)
        )

    def comment(self, number: int, text: str) -> None:
        self._client.request("POST", f"{self._root}/issues/{number}/comments", body={"body": text})

    def request_review(self, number: int, reviewers: Sequence[str]) -> None:
        author = shapes.text(self._client.get(f"{self._root}/pulls/{number}"), "user", "login")
        users: list[str] = []
        teams: list[str] = []
        for reviewer in reviewers:
            owner, slash, team = reviewer.removeprefix("@").partition("/")
            if not slash:
                users.append(owner)
            elif owner.lower() == self._repository.owner.lower():
                teams.append(team)
            else:
                raise RejectedError(
                    f"the team {reviewer} is of another organisation, so the host cannot ask it",
                    place=str(self._repository),
                    fix=f"Name a team of {self._repository.owner}",
                )
        # Both hosts refuse the author among the reviewers, and with it everyone else who was named.
        users = [user for user in users if user.lower() != author.lower()]
        if users or teams:
            body = {"reviewers": users, "team_reviewers": teams}
            self._client.request("POST", f"{self._root}/pulls/{number}/requested_reviewers", body=body)

    def review(self, number: int, verdict: Verdict, body: str, *, commit: str) -> Review:
        event = self.review_events.get(verdict)
        if event is None:
            raise RejectedError(f"a review cannot be submitted as {verdict.value}")
        pull = self._pull(shapes.mapping(self._client.get(f"{self._root}/pulls/{number}")))
        self._same_head(pull, commit)
        request = {"event": event, "body": body, "commit_id": commit}
        answer = self._client.request("POST", f"{self._root}/pulls/{number}/reviews", body=request, accept={422})
        if answer.status == 422:
            if "your own pull" in answer.message.lower():
                raise DeniedError("nobody can review their own pull request", place=pull.url, fix="Ask another person")
            raise self._client.error(answer)
        review = self._review(shapes.mapping(answer.data), commit)
        if review is None:
            raise RejectedError("the host kept the review as a draft", place=pull.url)
        return review

    def merge(self, number: int, method: MergeMethod, *, expected_head: str, message: str = "") -> MergeOutcome:
        before = self._pull(shapes.mapping(self._client.get(f"{self._root}/pulls/{number}")))
        self._same_head(before, expected_head)
        if before.state is PullState.MERGED:
            return MergeOutcome(number, before.merge_commit, already_merged=True)
        if before.state is PullState.CLOSED:
            raise ConflictError("the pull request is closed", place=before.url, fix="Open a new one")
        answer = self._ask_to_merge(number, method, expected_head, message)
        pull = self.get(number)
        for pause in (0.0, *self.settle_seconds):
            # A yes may be from before another merge, after which the host looks at the branches again.
            if not self._asked_too_early(answer) or (pull.state, pull.mergeable) != (PullState.OPEN, Mergeable.YES):
                break
            if pause:
                self._client.wait(pause)
            answer = self._ask_to_merge(number, method, expected_head, message)
            pull = self.get(number)
        if answer.status < 300 or pull.state is PullState.MERGED:
            return MergeOutcome(number, pull.merge_commit, already_merged=answer.status >= 300)
        self._same_head(pull, expected_head)
        raise self._refusal(answer, pull, method)

    def close(self, number: int) -> PullRequest:
        pull = self._pull(shapes.mapping(self._client.get(f"{self._root}/pulls/{number}")))
        if pull.state is PullState.MERGED:
            raise ConflictError("the pull request is merged already", place=pull.url)
        if pull.state is PullState.OPEN:
            self._edit(number, {"state": "closed"})
        return self.get(number)

    def register_webhook(self, url: str, secret: str) -> int:
        config = {"url": url, "content_type": "json", "secret": secret}
        body: dict[str, Any] = {"active": True, "events": list(WEBHOOK_EVENTS), "config": config}
        hooks = self._client.get_all(f"{self._root}/hooks", size_parameter=self.page_size_parameter)
        old = [shapes.number(hook, "id") for hook in hooks if shapes.text(hook, "config", "url") == url]
        # Gitea keeps the old secret when a webhook is edited, so a new one takes the old one's place: made first, so
        # that no event is lost between them.
        answer = self._client.request(
            "POST", f"{self._root}/hooks", body={**body, **self.webhook_type}, secrets=[secret], accept={422}
        )
        if answer.status == 422 and old:
            # GitHub has one webhook for an address, and edits all of it.
            self._client.request("PATCH", f"{self._root}/hooks/{old[0]}", body=body, secrets=[secret])
            return old[0]
        if answer.status == 422:
            raise self._client.error(answer)
        for number in old:
            self._client.request("DELETE", f"{self._root}/hooks/{number}", accept={404})
        return shapes.number(answer.data, "id")

    def _edit(self, number: int, body: dict[str, str]) -> None:
        self._client.request("PATCH", f"{self._root}/pulls/{number}", body=body)

    def _same_head(self, pull: PullRequest, expected: str) -> None:
        if pull.head_commit != expected:
            raise ConflictError(
                f"the head is {pull.head_commit[:12]} by now, not {expected[:12]}",
                place=pull.url,
                fix="Look at what was added, then try again",
            )

    def _cannot_open(self, answer: Answer, head: str, base: str) -> CsocError:
        place = str(self._repository)
        words = answer.message.lower()
        if "no commits between" in words or "no changes between" in words:
            return ConflictError(f"{head} has nothing that {base} lacks", place=place)
        if answer.status == 404:
            # Gitea says this for a branch; the repository itself may also have gone.
            self.default_branch()
            fix = "Push the branch first"
            return NotFoundError(f"one of the branches {head} and {base} does not exist", place=place, fix=fix)
        if "head invalid" in words or "base invalid" in words:
            return NotFoundError(f"one of the branches {head} and {base} does not exist", place=place)
        return self._client.error(answer)

    def _denied(self, answer: Answer, pull: PullRequest) -> DeniedError:
        """A protection stopped a merge: what the host says, and what can be counted from outside."""
        missing = missing_for_merge(self.protection(pull.base), pull)
        said = answer.message.rstrip(".") or "the host does not allow the merge"
        cause = f"{pull.base} is protected: {said}"
        if missing:
            cause += f" ({'; '.join(missing)})"
        return DeniedError(cause, place=pull.url, fix="Get what is missing, then merge again")

    def _conflict(self, pull: PullRequest) -> ConflictError:
        cause = f"{pull.head} and {pull.base} changed the same lines"
        if pull.conflicts:
            cause += f" in {', '.join(pull.conflicts[:10])}"
        return ConflictError(cause, place=pull.url, fix=f"Make the change again on the newest {pull.base}")


def state_of(data: dict[str, Any]) -> PullState:
    """The state from "state", "merged" (Gitea; GitHub's single answers) and "merged_at" (both, listings too)."""
    if shapes.flag(data, "merged") or shapes.text(data, "merged_at"):
        return PullState.MERGED
    return PullState.OPEN if shapes.text(data, "state") == "open" else PullState.CLOSED


def common_fields(data: dict[str, Any], *, mergeable: Mergeable, head: str) -> PullRequest:
    """A pull request from the fields that both hosts name alike."""
    return PullRequest(
        number=shapes.number(data, "number"),
        url=shapes.text(data, "html_url"),
        state=state_of(data),
        title=shapes.text(data, "title"),
        body=shapes.text(data, "body"),
        author=shapes.text(data, "user", "login"),
        head=head,
        head_repository=shapes.text(data, "head", "repo", "full_name"),
        head_commit=shapes.text(data, "head", "sha"),
        base=shapes.text(data, "base", "ref"),
        mergeable=mergeable,
        draft=bool(shapes.flag(data, "draft")),
        merge_commit=shapes.text(data, "merge_commit_sha") if state_of(data) is PullState.MERGED else "",
        labels=tuple(shapes.text(label, "name") for label in shapes.sequence(data, "labels")),
    )
