"""A host of repositories in memory, for tests of everything that opens pull requests.

It passes the contract suite of the real ones. It differs in one thing, on the careful side: a file that changed on both
sides is a conflict even where Git would join the lines. Tokens are the names of the users.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from csoc.errors import ConflictError, DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet.codeowners import Dialect
from csoc.fleet.githost import (
    BranchProtection,
    Check,
    CheckState,
    HostedRepository,
    Mergeable,
    MergeMethod,
    MergeOutcome,
    PullRequest,
    PullState,
    Review,
    Verdict,
    hosted_repository,
    missing_for_merge,
)
from csoc.fleet.repositories import Entry, EntryKind
from csoc.testing.repositories import Content, Link, MemoryRepository, Submodule

_COMMON_REASON = "protected branch"


@dataclass
class MemoryHost:
    """One repository with its pull requests, people and rules, seen by nobody in particular: see `as_user`.

    url: the address that the repository is known by. writers may do everything; readers may open pull requests,
    comment and review. down: every question ends in UnavailableError.
    """

    url: str
    git: MemoryRepository
    writers: set[str] = field(default_factory=set)
    readers: set[str] = field(default_factory=set)
    codeowners: Dialect = Dialect.GITEA
    down: bool = False
    exists: bool = True
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    comments: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    checks: dict[str, dict[str, Check]] = field(default_factory=dict)
    rules: dict[str, BranchProtection] = field(default_factory=dict)
    webhooks: dict[str, str] = field(default_factory=dict)

    def as_user(self, name: str) -> MemoryGitHost:
        """The port, for one person."""
        return MemoryGitHost(self, name)

    def protect(self, branch: str, *, approvals: int = 0, checks: Sequence[str] = ()) -> None:
        """Nobody pushes to the branch any more, and merges need approvals and passed checks."""
        self.git.protected[branch] = _COMMON_REASON
        self.rules[branch] = BranchProtection(
            branch, True, required_approvals=approvals, required_checks=tuple(checks), may_push=False, pushers=()
        )

    def report_check(self, commit: str, name: str, state: CheckState) -> None:
        """What a CI system would say about a commit."""
        self.checks.setdefault(commit, {})[name] = Check(name, state)


class MemoryGitHost:
    """The port on a `MemoryHost`, as one person."""

    def __init__(self, host: MemoryHost, user: str) -> None:
        self._host = host
        self._user = user
        self._repository = hosted_repository(host.url)

    @property
    def repository(self) -> HostedRepository:
        """The repository that every method acts on."""
        return self._repository

    @property
    def codeowners(self) -> Dialect:
        """Whose rules a CODEOWNERS file follows."""
        return self._host.codeowners

    def default_branch(self) -> str:
        """Name of the default branch."""
        return self._look().default_branch

    def protection(self, branch: str) -> BranchProtection:
        """What protects the branch."""
        self._branch(branch)
        may_push = self._user in self._host.writers
        free = BranchProtection(branch, False, required_approvals=0, required_checks=(), may_push=may_push)
        return self._host.rules.get(branch, free)

    def open_pull_request(
        self, *, head: str, base: str, title: str, body: str, labels: Sequence[str] = ()
    ) -> PullRequest:
        """Opens a pull request, or updates the open one."""
        git = self._look()
        found = self._open(head, base)
        if found is None:
            head_commit, base_commit = self._branch(head), self._branch(base)
            if head_commit in git.ancestors(base_commit):
                raise ConflictError(f"{head} has nothing that {base} lacks", place=self._host.url)
            number = len(self._host.pulls) + 1
            found = PullRequest(
                number=number,
                url=f"{self._host.url}/pulls/{number}",
                state=PullState.OPEN,
                title=title,
                body=body,
                author=self._user,
                head=head,
                head_repository=f"{self._repository.owner}/{self._repository.name}",
                head_commit=head_commit,
                base=base,
                mergeable=Mergeable.UNKNOWN,
                reviews=(),
                review_requests=(),
            )
        names = (*found.labels, *(label for label in labels if label not in found.labels))
        self._host.pulls[found.number] = replace(found, title=title, body=body, labels=names)
        return self.get(found.number)

    def find_pull_request(self, head: str, base: str | None = None) -> PullRequest | None:
        """The newest open pull request of a branch."""
        self._look()
        found = self._open(head, base)
        return self.get(found.number) if found else None

    def last_pull_request(self, head: str, base: str) -> PullRequest | None:
        """The newest pull request of a branch, whatever became of it."""
        self._look()
        found = [pull.number for pull in self._host.pulls.values() if (pull.head, pull.base) == (head, base)]
        return self.get(max(found)) if found else None

    def get(self, number: int) -> PullRequest:
        """One pull request, as it is now."""
        git = self._look()
        pull = self._stored(number)
        if pull.state is PullState.OPEN:
            head_commit = git.branches.get(pull.head, pull.head_commit)
            conflicts = self._merged_files(replace(pull, head_commit=head_commit))[1]
            mergeable = Mergeable.NO if conflicts else Mergeable.YES
            pull = replace(pull, head_commit=head_commit, mergeable=mergeable, conflicts=conflicts)
        reviews = tuple(replace(review, stale=review.commit != pull.head_commit) for review in pull.reviews or ())
        checks = tuple(self._host.checks.get(pull.head_commit, {}).values())
        return replace(pull, reviews=reviews, checks=checks)

    def list_open(self, *, head_prefix: str = "", label: str = "") -> tuple[PullRequest, ...]:
        """Open pull requests, newest first, without details."""
        self._look()
        return tuple(
            replace(self.get(pull.number), reviews=None, checks=None, review_requests=None)
            for pull in reversed(self._host.pulls.values())
            if pull.state is PullState.OPEN
            and pull.head.startswith(head_prefix)
            and (not label or label in pull.labels)
        )

    def comment(self, number: int, text: str) -> None:
        """Adds a comment."""
        self._look()
        self._stored(number)
        self._host.comments.setdefault(number, []).append((self._user, text))

    def request_review(self, number: int, reviewers: Sequence[str]) -> None:
        """Asks for reviews."""
        self._look()
        pull = self._stored(number)
        names = {name.removeprefix("@") for name in reviewers} - {pull.author}
        teams = {name for name in names if "/" in name}
        strange = sorted(team for team in teams if team.partition("/")[0].lower() != self._repository.owner.lower())
        if strange:
            raise RejectedError(f"the team {strange[0]} is of another organisation, so the host cannot ask it")
        unknown = sorted(names - teams - self._host.writers - self._host.readers)
        if unknown:
            raise NotFoundError(f"there is no user {unknown[0]}", place=self._host.url)
        self._host.pulls[number] = replace(pull, review_requests=tuple(sorted({*(pull.review_requests or ()), *names})))

    def review(self, number: int, verdict: Verdict, body: str, *, commit: str) -> Review:
        """Reviews as the person."""
        if verdict is Verdict.DISMISSED:
            raise RejectedError(f"a review cannot be submitted as {verdict.value}")
        pull = self.get(number)
        _same_head(pull, commit)
        if verdict is not Verdict.COMMENTED and pull.author == self._user:
            raise DeniedError("nobody can review their own pull request", place=pull.url, fix="Ask another person")
        review = Review(self._user, verdict, commit, stale=False, body=body)
        asked = tuple(name for name in pull.review_requests or () if name != self._user)
        stored = self._stored(number)
        self._host.pulls[number] = replace(stored, reviews=(*(stored.reviews or ()), review), review_requests=asked)
        return review

    def merge(self, number: int, method: MergeMethod, *, expected_head: str, message: str = "") -> MergeOutcome:
        """Merges exactly expected_head."""
        git = self._look()
        pull = self.get(number)
        _same_head(pull, expected_head)
        if pull.state is PullState.MERGED:
            return MergeOutcome(number, pull.merge_commit, already_merged=True)
        if pull.state is PullState.CLOSED:
            raise ConflictError("the pull request is closed", place=pull.url, fix="Open a new one")
        self._write_access()
        if pull.conflicts:
            cause = f"{pull.head} and {pull.base} changed the same lines in {', '.join(pull.conflicts)}"
            raise ConflictError(cause, place=pull.url, fix=f"Make the change again on the newest {pull.base}")
        rule = self._host.rules.get(pull.base)
        missing = missing_for_merge(rule, pull) if rule else ()
        if missing:
            raise DeniedError(f"{pull.base} is protected: {'; '.join(missing)}", place=pull.url)
        base_commit = git.branches[pull.base]
        parents = [base_commit, pull.head_commit] if method is MergeMethod.MERGE else [base_commit]
        text = message or f"Merge pull request '{pull.title}' (#{number})"
        newest = max(git.commits[commit].info.at for commit in (base_commit, pull.head_commit))
        files = self._merged_files(pull)[0]
        commit = git.write(pull.base, files, text, author=f"{self._user} <>", at=newest, parents=parents)
        self._host.pulls[number] = replace(
            self._stored(number), state=PullState.MERGED, head_commit=pull.head_commit, merge_commit=commit
        )
        return MergeOutcome(number, commit)

    def close(self, number: int) -> PullRequest:
        """Closes without merging."""
        pull = self.get(number)
        if pull.state is PullState.MERGED:
            raise ConflictError("the pull request is merged already", place=pull.url)
        self._host.pulls[number] = replace(
            self._stored(number), state=PullState.CLOSED, head_commit=pull.head_commit, mergeable=Mergeable.UNKNOWN
        )
        return self.get(number)

    def delete_branch(self, branch: str) -> None:
        """Deletes a branch."""
        git = self._look()
        self._write_access()
        if branch == git.default_branch or branch in git.protected:
            raise DeniedError(f"the host keeps {branch}", place=self._host.url)
        for pull in list(self._host.pulls.values()):
            if pull.head == branch and pull.state is PullState.OPEN:
                self._host.pulls[pull.number] = replace(pull, head_commit=git.branches.get(branch, pull.head_commit))
        git.branches.pop(branch, None)

    def register_webhook(self, url: str, secret: str) -> int:
        """Keeps the address and the secret."""
        self._look()
        self._write_access()
        self._host.webhooks[url] = secret
        return list(self._host.webhooks).index(url) + 1

    def _look(self) -> MemoryRepository:
        """The repository, if the host is up, knows the person and has it."""
        if self._host.down:
            raise UnavailableError("the host cannot be reached", place=self._repository.base)
        if self._user not in self._host.writers | self._host.readers:
            raise DeniedError("the host refuses the credential", place=self._repository.base)
        if not self._host.exists:
            raise NotFoundError("the host finds nothing there", place=self._repository.base)
        return self._host.git

    def _write_access(self) -> None:
        if self._user not in self._host.writers:
            raise DeniedError("the host refuses this", place=self._repository.base)

    def _branch(self, name: str) -> str:
        commit = self._look().branches.get(name)
        if commit is None:
            raise NotFoundError(f"there is no branch {name}", place=self._host.url)
        return commit

    def _stored(self, number: int) -> PullRequest:
        pull = self._host.pulls.get(number)
        if pull is None:
            raise NotFoundError(f"there is no pull request {number}", place=self._host.url)
        return pull

    def _open(self, head: str, base: str | None) -> PullRequest | None:
        for pull in reversed(self._host.pulls.values()):
            if pull.state is PullState.OPEN and pull.head == head and base in {None, pull.base}:
                return pull
        return None

    def _merged_files(self, pull: PullRequest) -> tuple[dict[str, Content], tuple[str, ...]]:
        """What the head changed since the common ancestor, to write on the base; and the files both changed."""
        git = self._host.git
        base_commit = git.branches[pull.base]
        before = set(git.ancestors(base_commit))
        ancestor = next((commit for commit in git.ancestors(pull.head_commit) if commit in before), None)
        old = git.commits[ancestor].entries if ancestor else {}
        ours, theirs = git.commits[pull.head_commit].entries, git.commits[base_commit].entries
        changed = {path for path in {*old, *ours} if _differs(path, old, ours)}
        both = {path for path in changed if _differs(path, old, theirs) and _differs(path, ours, theirs)}
        return {path: self._content(ours.get(path)) for path in sorted(changed)}, tuple(sorted(both))

    def _content(self, entry: Entry | None) -> Content:
        if entry is None:
            return None
        read: Mapping[EntryKind, Callable[[], Content]] = {
            EntryKind.FILE: lambda: self._host.git.blobs[entry.blob],
            EntryKind.LINK: lambda: Link(self._host.git.blobs[entry.blob].decode()),
            EntryKind.SUBMODULE: lambda: Submodule(entry.blob),
        }
        return read[entry.kind]()


def _differs(path: str, one: Mapping[str, Entry], other: Mapping[str, Entry]) -> bool:
    return one.get(path) != other.get(path)


def _same_head(pull: PullRequest, expected: str) -> None:
    if pull.head_commit != expected:
        cause = f"the head is {pull.head_commit[:12]} by now, not {expected[:12]}"
        raise ConflictError(cause, place=pull.url, fix="Look at what was added, then try again")
