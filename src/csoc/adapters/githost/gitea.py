"""Gitea's interface (written against 1.25) as a `GitHost`.

Three things a caller of Gitea has to know. `mergeable: true` may be from before the base moved, since that is noticed
in the background. `mergeable: false` stands for a conflict, for a check that has not run yet and for a failed check
alike. So csoc merges the files that both sides changed itself (see `linemerge`), and asks again for a while if they do
not conflict. And a merge that cannot happen answers "Please try again later", whatever the reason, so the reason is
found the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

from csoc.adapters.githost import shapes
from csoc.adapters.githost.client import Answer
from csoc.adapters.githost.rest import RestGitHost, common_fields
from csoc.errors import ConflictError, CsocError, DeniedError, NotFoundError, UnavailableError
from csoc.fleet.codeowners import Dialect
from csoc.fleet.githost import (
    BranchProtection,
    Check,
    CheckState,
    Mergeable,
    MergeMethod,
    PullRequest,
    PullState,
    Review,
    Verdict,
)

_LABEL_COLOUR = "#1d76db"
_CONFLICT_MARK = "Merge conflict in "

_VERDICTS = {
    "APPROVED": Verdict.APPROVED,
    "REQUEST_CHANGES": Verdict.CHANGES_REQUESTED,
    "COMMENT": Verdict.COMMENTED,
}
_CHECKS = {
    "success": CheckState.PASSED,
    "warning": CheckState.PASSED,
    "skipped": CheckState.PASSED,
    "failure": CheckState.FAILED,
    "error": CheckState.FAILED,
    "pending": CheckState.PENDING,
}


class GiteaHost(RestGitHost):
    """One repository on a Gitea."""

    codeowners: ClassVar[Dialect] = Dialect.GITEA
    page_size_parameter: ClassVar[str] = "limit"
    settle_seconds: ClassVar[tuple[float, ...]] = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
    answers_may_be_old: ClassVar[bool] = True
    review_events: ClassVar[dict[Verdict, str]] = {verdict: word for word, verdict in _VERDICTS.items()}
    webhook_type: ClassVar[dict[str, str]] = {"type": "gitea"}

    def protection(self, branch: str) -> BranchProtection:
        data = self._client.get(f"{self._root}/branches/{quote(branch, safe='')}")
        if not shapes.flag(data, "protected"):
            return BranchProtection(
                branch,
                protected=False,
                required_approvals=0,
                required_checks=(),
                may_push=shapes.flag(data, "user_can_push"),
            )
        checks = shapes.sequence(data, "status_check_contexts") if shapes.flag(data, "enable_status_check") else []
        pushers, unknown = self._pushers(shapes.text(data, "effective_branch_protection_name"))
        return BranchProtection(
            branch,
            protected=True,
            required_approvals=shapes.number(data, "required_approvals"),
            required_checks=tuple(str(name) for name in checks),
            may_push=shapes.flag(data, "user_can_push"),
            pushers=pushers,
            unknown=unknown,
        )

    def _pushers(self, rule: str) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
        """Who may push to branches of a rule. Gitea tells administrators of the repository only."""
        told_to_few = ("who may push is told only to administrators of the repository",)
        if not rule:
            return None, told_to_few
        path = f"{self._root}/branch_protections/{quote(rule, safe='')}"
        answer = self._client.request("GET", path, accept={403, 404})
        if answer.status >= 300:
            return None, told_to_few
        if not shapes.flag(answer.data, "enable_push"):
            return (), ()
        if not shapes.flag(answer.data, "enable_push_whitelist"):
            return None, ("everyone with write access may push",)
        users = [str(name) for name in shapes.sequence(answer.data, "push_whitelist_usernames")]
        teams = [f"@{name}" for name in shapes.sequence(answer.data, "push_whitelist_teams")]
        return tuple(users + teams), ()

    def delete_branch(self, branch: str) -> None:
        path = f"{self._root}/branches/{quote(branch, safe='')}"
        answer = self._client.request("DELETE", path, accept={404})
        if answer.status == 404:
            self.default_branch()  # NotFoundError if it is the repository that is gone

    def _open_for_head(self, head: str, base: str | None) -> list[dict[str, Any]]:
        # Gitea can look up one by base and head, but answers with any of them, closed ones included.
        listed = self._client.get_all(f"{self._root}/pulls", state="open", **({"base_branch": base} if base else {}))
        return self._of_head(listed, head, base)

    def _last_for_head(self, head: str, base: str) -> dict[str, Any] | None:
        path = f"{self._root}/pulls/{quote(base, safe='')}/{quote(head)}"
        answer = self._client.request("GET", path, accept={404})
        if answer.status == 404:
            self.default_branch()  # NotFoundError if it is the repository that is gone
            return None
        query: dict[str, str | int] = {"state": "all", "base_branch": base, "limit": self._client.limits.page_size}
        for page in range(1, self._client.limits.pages + 1):
            listed = self._client.get(f"{self._root}/pulls", **query, page=page)
            found = self._of_head(listed if isinstance(listed, list) else [], head, base)
            if found:  # the newest come first
                return max(found, key=lambda data: shapes.number(data, "number"))
            if not listed:
                break
        return shapes.mapping(answer.data)

    def _of_head(self, listed: Sequence[Any], head: str, base: str | None) -> list[dict[str, Any]]:
        here = str(self._repository).removeprefix(f"{self._repository.base}/").lower()
        return [
            data
            for data in map(shapes.mapping, listed)
            if shapes.text(data, "head", "label") == head
            and shapes.text(data, "head", "repo", "full_name").lower() == here
            and (base is None or shapes.text(data, "base", "ref") == base)
        ]

    def _pull(self, data: dict[str, Any]) -> PullRequest:
        # "ref" becomes refs/pull/N/head once the branch is deleted; "label" keeps the branch's name.
        mergeable = Mergeable.YES if shapes.flag(data, "mergeable") else Mergeable.UNKNOWN
        return common_fields(data, mergeable=mergeable, head=shapes.text(data, "head", "label"))

    def _review(self, data: dict[str, Any], head: str) -> Review | None:
        verdict = _VERDICTS.get(shapes.text(data, "state"))
        if verdict is None:
            return None
        commit = shapes.text(data, "commit_id")
        return Review(
            author=shapes.text(data, "user", "login"),
            verdict=Verdict.DISMISSED if shapes.flag(data, "dismissed") else verdict,
            commit=commit,
            stale=bool(shapes.flag(data, "stale")) or commit not in {"", head},
            body=shapes.text(data, "body"),
        )

    def _checks(self, commit: str) -> tuple[Check, ...] | None:
        """The newest status of each name on a commit; None if the host has not kept the commit."""
        path = f"{self._root}/commits/{commit}/status"
        try:
            listed = self._client.get_all(path, key="statuses")
        except NotFoundError:
            return None
        return tuple(
            Check(
                name=shapes.text(data, "context"),
                state=_CHECKS.get(shapes.text(data, "status"), CheckState.PENDING),
                description=shapes.text(data, "description"),
                url=shapes.text(data, "target_url"),
            )
            for data in listed
        )

    def _changed_on_both_sides(self, pull: PullRequest, ancestor: str) -> tuple[str, list[str]]:
        if not ancestor:
            return "", []  # Gitea names it once it has looked at the branches
        head = self._client.get_all(f"{self._root}/pulls/{pull.number}/files")
        ours = {shapes.text(file, key) for file in head for key in ("filename", "previous_filename")}
        base = self._client.get(f"{self._root}/compare/{ancestor}...{quote(pull.base, safe='')}")
        theirs = {
            shapes.text(file, "filename")
            for commit in shapes.sequence(base, "commits")
            for file in shapes.sequence(commit, "files")
        }
        return ancestor, sorted((ours & theirs) - {""})

    def _add_labels(self, number: int, labels: Sequence[str]) -> None:
        # Gitea leaves out names that it does not know, without a word.
        known = {shapes.text(label, "name") for label in self._client.get_all(f"{self._root}/labels")}
        for name in labels:
            if name not in known:
                self._client.request("POST", f"{self._root}/labels", body={"name": name, "color": _LABEL_COLOUR})
        self._client.request("POST", f"{self._root}/issues/{number}/labels", body={"labels": list(labels)})

    def _ask_to_merge(self, number: int, method: MergeMethod, expected_head: str, message: str) -> Answer:
        title, _, text = message.partition("\n")
        body = {
            "Do": method.value,
            "head_commit_id": expected_head,
            "MergeTitleField": title,
            "MergeMessageField": text.strip(),
        }
        path = f"{self._root}/pulls/{number}/merge"
        return self._client.request("POST", path, body=body, accept={404, 405, 409, 422})

    def _asked_too_early(self, answer: Answer) -> bool:
        return answer.status == 405 and "try again later" in answer.message.lower()

    def _refusal(self, answer: Answer, pull: PullRequest, method: MergeMethod) -> CsocError:
        words = answer.message.lower()
        if answer.status == 409:
            named = _conflicting_files(answer)
            if named or pull.mergeable is Mergeable.NO:
                return self._conflict(replace(pull, conflicts=named or pull.conflicts))
            if "pushrejected" in words:
                return self._denied(answer, pull)
            return ConflictError(f"{pull.base} or {pull.head} moved meanwhile: {answer.message}", place=pull.url)
        if pull.state is PullState.CLOSED:
            return ConflictError("the pull request is closed", place=pull.url, fix="Open a new one")
        if answer.status == 405 and "merge style" in words:
            fix = "Choose another method"
            return DeniedError(f"the repository does not allow to {method.value}", place=pull.url, fix=fix)
        if self._asked_too_early(answer):
            if pull.mergeable is Mergeable.NO:
                return self._conflict(pull)
            return UnavailableError(
                "the host has not worked out yet whether this can be merged", place=pull.url, fix="Try again later"
            )
        if answer.status == 405:
            return self._denied(answer, pull)
        return self._client.error(answer)


def _conflicting_files(answer: Answer) -> tuple[str, ...]:
    """The files that git named when it could not merge; Gitea hands its output on."""
    if not isinstance(answer.data, dict):
        return ()
    output = answer.data.get("StdOut")
    lines = output[:100_000].splitlines() if isinstance(output, str) else []
    return tuple(sorted({line.partition(_CONFLICT_MARK)[2].strip() for line in lines if _CONFLICT_MARK in line}))
