"""GitHub's REST interface (version 2022-11-28; github.com and Enterprise Server) as a `GitHost`.

What protects a branch comes from two places on GitHub: the older branch protection, which only administrators may
read in full, and rulesets, whose rules for a branch everyone with read access may see. Both are asked, and what
neither says stays unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from csoc.adapters.githost import shapes
from csoc.adapters.githost.client import Answer
from csoc.adapters.githost.rest import RestGitHost, common_fields
from csoc.errors import ConflictError, CsocError, DeniedError, UnavailableError
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

HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}

_VERDICTS = {
    "APPROVED": Verdict.APPROVED,
    "CHANGES_REQUESTED": Verdict.CHANGES_REQUESTED,
    "COMMENTED": Verdict.COMMENTED,
    "DISMISSED": Verdict.DISMISSED,
}
_STATUSES = {
    "success": CheckState.PASSED,
    "failure": CheckState.FAILED,
    "error": CheckState.FAILED,
    "pending": CheckState.PENDING,
}
# A required check run counts as passed with each of these.
_PASSED_CONCLUSIONS = {"success", "neutral", "skipped"}


class GitHubHost(RestGitHost):
    """One repository on GitHub."""

    codeowners: ClassVar[Dialect] = Dialect.GITHUB
    page_size_parameter: ClassVar[str] = "per_page"
    settle_seconds: ClassVar[tuple[float, ...]] = (0.5, 1.0, 2.0)
    answers_may_be_old: ClassVar[bool] = False
    review_events: ClassVar[dict[Verdict, str]] = {
        Verdict.APPROVED: "APPROVE",
        Verdict.CHANGES_REQUESTED: "REQUEST_CHANGES",
        Verdict.COMMENTED: "COMMENT",
    }
    webhook_type: ClassVar[dict[str, str]] = {"name": "web"}

    def protection(self, branch: str) -> BranchProtection:
        name = quote(branch, safe="")
        data = self._client.get(f"{self._root}/branches/{name}")
        rules = [
            shapes.mapping(rule)
            for rule in self._client.get_all(f"{self._root}/rules/branches/{name}", **self._paged())
        ]
        classic, unknown = self._classic_protection(name) if shapes.flag(data, "protected") else ({}, ())
        approvals = [
            shapes.number(rule, "parameters", "required_approving_review_count")
            for rule in rules
            if shapes.text(rule, "type") == "pull_request"
        ]
        reviews = shapes.mapping(classic, "required_pull_request_reviews") if classic else {}
        if "required_approving_review_count" in reviews:
            approvals.append(shapes.number(reviews, "required_approving_review_count"))
        protected = bool(shapes.flag(data, "protected")) or bool(rules)
        restrictions = shapes.mapping(classic, "restrictions") if classic else {}
        may_push, why = self._may_push(protected)
        return BranchProtection(
            branch,
            protected=protected,
            required_approvals=None if classic is None and not approvals else max(approvals, default=0),
            required_checks=tuple(sorted(_required_checks(data, rules, classic or {}))),
            may_push=may_push,
            pushers=_pushers(restrictions) if restrictions else None,
            unknown=(*unknown, *why),
        )

    def _classic_protection(self, name: str) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
        """The branch protection, or None with the reason if this credential may not read it."""
        answer = self._client.request("GET", f"{self._root}/branches/{name}/protection", accept={403, 404})
        if answer.status == 404 and "branch not protected" in answer.message.lower():
            return {}, ()
        if answer.status >= 300:
            if answer.status == 403 and isinstance(limit := self._client.error(answer), UnavailableError):
                raise limit
            return None, ("required reviews and who may push are told only to administrators of the repository",)
        return shapes.mapping(answer.data), ()

    def _may_push(self, protected: bool) -> tuple[bool | None, tuple[str, ...]]:
        allowed = shapes.flag(self._client.get(self._root), "permissions", "push")
        if protected and allowed:
            return None, ("the host does not say whether this credential may pass the protection",)
        return allowed, ()

    def delete_branch(self, branch: str) -> None:
        if branch == self.default_branch():
            raise DeniedError("the default branch cannot be deleted", place=str(self._repository))
        path = f"{self._root}/git/refs/heads/{quote(branch)}"
        answer = self._client.request("DELETE", path, accept={422})
        if answer.status == 422 and "does not exist" not in answer.message.lower():
            raise DeniedError(f"the host keeps {branch}: {answer.message}", place=str(self._repository))

    def _paged(self) -> dict[str, Any]:
        return {"size_parameter": self.page_size_parameter}

    def _open_for_head(self, head: str, base: str | None) -> list[dict[str, Any]]:
        return self._for_head(head, base, "open")

    def _last_for_head(self, head: str, base: str) -> dict[str, Any] | None:
        return next(iter(self._for_head(head, base, "all")), None)

    def _for_head(self, head: str, base: str | None, state: str) -> list[dict[str, Any]]:
        query = {"state": state, "head": f"{self._repository.owner}:{head}", **({"base": base} if base else {})}
        listed = self._client.get_all(f"{self._root}/pulls", **self._paged(), **query)
        # GitHub leaves out a filter that it does not understand, so the answer is filtered again.
        return [
            data
            for data in map(shapes.mapping, listed)
            if shapes.text(data, "head", "ref") == head
            and shapes.text(data, "head", "repo", "full_name") == shapes.text(data, "base", "repo", "full_name")
            and (base is None or shapes.text(data, "base", "ref") == base)
        ]

    def _pull(self, data: dict[str, Any]) -> PullRequest:
        known = {True: Mergeable.YES, False: Mergeable.NO}
        mergeable = shapes.flag(data, "mergeable")
        head = shapes.text(data, "head", "ref")
        return common_fields(data, mergeable=Mergeable.UNKNOWN if mergeable is None else known[mergeable], head=head)

    def _review(self, data: dict[str, Any], head: str) -> Review | None:
        verdict = _VERDICTS.get(shapes.text(data, "state"))
        if verdict is None:
            return None  # PENDING: a draft that only its author sees
        commit = shapes.text(data, "commit_id")
        author = shapes.text(data, "user", "login")
        return Review(author, verdict, commit, stale=commit not in {"", head}, body=shapes.text(data, "body"))

    def _checks(self, commit: str) -> tuple[Check, ...] | None:
        """Check runs and the older statuses together. An app may lack the right to read one of them: then None."""
        path = f"{self._root}/commits/{commit}"
        found: dict[str, Check] = {}
        try:
            for data in self._client.get_all(f"{path}/status", key="statuses", **self._paged()):
                name, state = shapes.text(data, "context"), shapes.text(data, "state")
                found[name] = Check(
                    name,
                    _STATUSES.get(state, CheckState.PENDING),
                    shapes.text(data, "description"),
                    shapes.text(data, "target_url"),
                )
            for data in self._client.get_all(f"{path}/check-runs", key="check_runs", **self._paged()):
                name = shapes.text(data, "name")
                found[name] = Check(
                    name,
                    _run_state(data),
                    shapes.text(data, "output", "title"),
                    shapes.text(data, "html_url"),
                )
        except DeniedError:
            return None
        return tuple(found.values())

    def _changed_on_both_sides(self, pull: PullRequest, ancestor: str) -> tuple[str, list[str]]:
        base = quote(pull.base, safe="")
        head = self._client.get(f"{self._root}/compare/{base}...{pull.head_commit}")
        ancestor = ancestor or shapes.text(head, "merge_base_commit", "sha")
        since = self._client.get(f"{self._root}/compare/{ancestor}...{base}") if ancestor else {}
        return ancestor, sorted((_files(head) & _files(since)) - {""})

    def _add_labels(self, number: int, labels: Sequence[str]) -> None:
        self._client.request("POST", f"{self._root}/issues/{number}/labels", body={"labels": list(labels)})

    def _ask_to_merge(self, number: int, method: MergeMethod, expected_head: str, message: str) -> Answer:
        body = {"sha": expected_head, "merge_method": method.value}
        if message:
            title, _, text = message.partition("\n")
            body |= {"commit_title": title, "commit_message": text.strip()}
        return self._client.request("PUT", f"{self._root}/pulls/{number}/merge", body=body, accept={405, 409, 422})

    def _asked_too_early(self, answer: Answer) -> bool:
        # Another merge into the same base a moment ago is enough for this.
        return answer.status in {405, 409} and "base branch was modified" in answer.message.lower()

    def _refusal(self, answer: Answer, pull: PullRequest, method: MergeMethod) -> CsocError:
        words = answer.message.lower()
        if pull.state is PullState.CLOSED:
            return ConflictError("the pull request is closed", place=pull.url, fix="Open a new one")
        if answer.status == 409 or "branch was modified" in words:
            return ConflictError(f"{pull.base} or {pull.head} moved meanwhile: {answer.message}", place=pull.url)
        if answer.status == 422:
            return self._client.error(answer)
        if "are not allowed on this repository" in words:
            fix = "Choose another method"
            return DeniedError(f"the repository does not allow to {method.value}", place=pull.url, fix=fix)
        if pull.mergeable is Mergeable.NO:
            return self._conflict(pull)
        if "in progress" in words or (pull.mergeable is Mergeable.UNKNOWN and "not mergeable" in words):
            return UnavailableError(
                "the host has not worked out yet whether this can be merged", place=pull.url, fix="Try again later"
            )
        return self._denied(answer, pull)


def _run_state(data: dict[str, Any]) -> CheckState:
    if shapes.text(data, "status") != "completed":
        return CheckState.PENDING
    return CheckState.PASSED if shapes.text(data, "conclusion") in _PASSED_CONCLUSIONS else CheckState.FAILED


def _required_checks(branch: Any, rules: Sequence[dict[str, Any]], classic: dict[str, Any]) -> set[str]:
    """Names of required checks, from the branch itself (everyone may read those), the rules and the protection."""
    names = {str(name) for name in shapes.sequence(branch, "protection", "required_status_checks", "contexts")}
    names |= {str(name) for name in shapes.sequence(classic, "required_status_checks", "contexts")}
    for rule in rules:
        if shapes.text(rule, "type") == "required_status_checks":
            listed = shapes.sequence(rule, "parameters", "required_status_checks")
            names |= {shapes.text(check, "context") for check in listed}
    return names


def _pushers(restrictions: dict[str, Any]) -> tuple[str, ...]:
    users = [shapes.text(user, "login") for user in shapes.sequence(restrictions, "users")]
    teams = [f"@{shapes.text(team, 'slug')}" for team in shapes.sequence(restrictions, "teams")]
    apps = [shapes.text(app, "slug") for app in shapes.sequence(restrictions, "apps")]
    return tuple(users + teams + apps)


def _files(comparison: Any) -> set[str]:
    listed = shapes.sequence(comparison, "files")
    return {shapes.text(file, key) for file in listed for key in ("filename", "previous_filename")}
