"""A stand-in for GitHub's REST interface, version 2022-11-28, for the one host that cannot be run here.

Addresses, fields, statuses and messages are those of GitHub's documentation of pull requests, reviews, branches, rules,
statuses, checks, labels, references and webhooks; what happens behind them is `csoc.testing.githost`. Where it
differs from GitHub:

- Answers hold the fields that the adapter reads, with the documented types, and not the hundreds of others.
- `mergeable` is null in the first answer after either branch moved, as on GitHub, but only once and not for a time.
- Whole files conflict, not lines. A token is the name of its user, and there are no scopes.
- Branch protection is readable for `admins` only, as on GitHub; rulesets are given by `rules`, as they are.
- The words of a refused merge are those seen from GitHub for missing reviews and checks; others exist.
- Pages hold at most two elements, so that following pages is always tested; rate limits are not played.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from csoc.errors import ConflictError, CsocError, DeniedError, NotFoundError
from csoc.fleet.githost import CheckState, Mergeable, MergeMethod, PullRequest, PullState, Review, Verdict
from csoc.testing.githost import MemoryGitHost, MemoryHost

PAGE = 2
_EVENTS = {"APPROVE": Verdict.APPROVED, "REQUEST_CHANGES": Verdict.CHANGES_REQUESTED, "COMMENT": Verdict.COMMENTED}
_STATES = {
    Verdict.APPROVED: "APPROVED",
    Verdict.CHANGES_REQUESTED: "CHANGES_REQUESTED",
    Verdict.COMMENTED: "COMMENTED",
    Verdict.DISMISSED: "DISMISSED",
}


class Refused(Exception):
    """An answer other than 2xx: status, message, and what GitHub puts into "errors"."""

    def __init__(self, status: int, message: str, errors: list[Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
        if errors is not None:
            self.body["errors"] = errors  # type: ignore[assignment]


@dataclass
class GitHubServer:
    """One repository, served. admins may read branch protection; rules are answered for /rules/branches as they are."""

    world: MemoryHost
    owner: str
    name: str
    admins: set[str] = field(default_factory=set)
    rules: list[dict[str, Any]] = field(default_factory=list)
    settled: set[tuple[str, str]] = field(default_factory=set)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)
    url: str = ""

    def answer(self, method: str, target: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        """Status and JSON of one request."""
        self.requests.append((method, target, headers))
        scheme, _, user = headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or user not in self.world.writers | self.world.readers:
            raise Refused(401, "Bad credentials")
        if headers.get("X-GitHub-Api-Version") != "2022-11-28":
            raise Refused(400, "The API version is not supported")
        parts = urlsplit(target)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        host = self.world.as_user(user)
        root = f"/repos/{self.owner}/{self.name}"
        if parts.path != root and not parts.path.startswith(root + "/"):
            raise Refused(404, "Not Found")
        below = parts.path[len(root) :]
        for verb, pattern, handler in _ROUTES:
            match = re.fullmatch(pattern, below)
            if verb == method and match:
                return handler(_Call(self, host, user, query, body), *map(unquote, match.groups()))
        raise Refused(404, "Not Found")


@dataclass
class _Call:
    server: GitHubServer
    host: MemoryGitHost
    user: str
    query: dict[str, str]
    body: Any

    @property
    def world(self) -> MemoryHost:
        return self.server.world

    def number(self, text: str) -> int:
        if int(text) not in self.world.pulls:
            raise Refused(404, "Not Found")
        return int(text)

    def writer(self) -> None:
        if self.user not in self.world.writers:
            raise Refused(403, "Must have admin rights to Repository.")

    def branch(self, name: str) -> str:
        if name not in self.world.git.branches:
            raise Refused(404, "Branch not found")
        return self.world.git.branches[name]

    def repository(self) -> dict[str, Any]:
        return {"full_name": f"{self.server.owner}/{self.server.name}", "name": self.server.name}

    def pull(self, pull: PullRequest, *, single: bool) -> dict[str, Any]:
        data: dict[str, Any] = {
            "number": pull.number,
            "html_url": f"https://github.com/{self.server.owner}/{self.server.name}/pull/{pull.number}",
            "state": "open" if pull.state is PullState.OPEN else "closed",
            "title": pull.title,
            "body": pull.body or None,
            "user": {"login": pull.author},
            "draft": False,
            "labels": [{"id": 1, "name": name} for name in pull.labels],
            "head": {"ref": pull.head, "sha": pull.head_commit, "repo": self.repository()},
            "base": {"ref": pull.base, "sha": self.world.git.branches[pull.base], "repo": self.repository()},
            "merged_at": "2026-01-01T00:00:00Z" if pull.state is PullState.MERGED else None,
            # GitHub names a test merge here while the pull request is open.
            "merge_commit_sha": pull.merge_commit or "0" * 39 + "1",
            "requested_reviewers": [{"login": name} for name in pull.review_requests or () if "/" not in name],
            "requested_teams": [
                {"slug": name.partition("/")[2], "name": "A Team"} for name in pull.review_requests or () if "/" in name
            ],
        }
        if single:
            heads = (pull.head_commit, self.world.git.branches[pull.base])
            known = heads in self.server.settled
            self.server.settled.add(heads)
            data["merged"] = pull.state is PullState.MERGED
            data["mergeable"] = pull.mergeable is Mergeable.YES if known and pull.state is PullState.OPEN else None
        return data


def _repository(call: _Call) -> tuple[int, Any]:
    permissions = {"admin": call.user in call.server.admins, "push": call.user in call.world.writers, "pull": True}
    return 200, {**call.repository(), "default_branch": call.world.git.default_branch, "permissions": permissions}


def _branch(call: _Call, name: str) -> tuple[int, Any]:
    commit = call.branch(name)
    rule = call.world.rules.get(name)
    contexts = list(rule.required_checks or ()) if rule else []
    protection = {"enabled": rule is not None, "required_status_checks": {"contexts": contexts, "checks": []}}
    return 200, {"name": name, "commit": {"sha": commit}, "protected": rule is not None, "protection": protection}


def _protection(call: _Call, name: str) -> tuple[int, Any]:
    if call.user not in call.server.admins:
        raise Refused(403, "Resource not accessible by personal access token")
    rule = call.world.rules.get(name)
    if rule is None:
        raise Refused(404, "Branch not protected")
    return 200, {
        "required_status_checks": {"strict": False, "contexts": list(rule.required_checks or ()), "checks": []},
        "required_pull_request_reviews": {"required_approving_review_count": rule.required_approvals},
        "restrictions": {"users": [{"login": "release-bot"}], "teams": [{"slug": "ops"}], "apps": []},
        "enforce_admins": {"enabled": True},
    }


def _open(call: _Call) -> tuple[int, Any]:
    head, base = call.body["head"], call.body["base"]
    for name, value in (("head", head), ("base", base)):
        if value not in call.world.git.branches:
            raise Refused(422, "Validation Failed", [{"resource": "PullRequest", "field": name, "code": "invalid"}])
    if call.host.find_pull_request(head, base):
        said = f"A pull request already exists for {call.server.owner}:{head}."
        raise Refused(422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": said}])
    try:
        pull = call.host.open_pull_request(head=head, base=base, title=call.body["title"], body=call.body["body"])
    except ConflictError:
        said = f"No commits between {base} and {head}"
        raise Refused(422, "Validation Failed", [{"code": "custom", "message": said}]) from None
    return 201, call.pull(pull, single=True)


def _list(call: _Call) -> tuple[int, Any]:
    if call.query["state"] not in ("open", "all"):
        raise Refused(422, "Validation Failed")
    numbers = [pull.number for pull in call.host.list_open()]
    if call.query["state"] == "all":
        numbers = sorted(call.world.pulls, reverse=True)
    pulls = [call.host.get(number) for number in numbers]
    owner, _, head = call.query.get("head", "").partition(":")
    if owner:
        pulls = [pull for pull in pulls if (owner, head) == (call.server.owner, pull.head)]
    if "base" in call.query:
        pulls = [pull for pull in pulls if pull.base == call.query["base"]]
    return 200, [call.pull(pull, single=False) for pull in pulls]


def _get(call: _Call, number: str) -> tuple[int, Any]:
    return 200, call.pull(call.host.get(call.number(number)), single=True)


def _edit(call: _Call, number: str) -> tuple[int, Any]:
    pull = call.host.get(call.number(number))
    if call.body.get("state") == "closed":
        pull = call.host.close(pull.number)
    else:
        pull = call.host.open_pull_request(
            head=pull.head, base=pull.base, title=call.body["title"], body=call.body["body"]
        )
    return 200, call.pull(pull, single=True)


def _review(review: Review) -> dict[str, Any]:
    return {
        "id": 1,
        "user": {"login": review.author},
        "state": _STATES[review.verdict],
        "commit_id": review.commit,
        "body": review.body,
        "submitted_at": "2026-01-01T00:00:00Z",
    }


def _reviews(call: _Call, number: str) -> tuple[int, Any]:
    pending = {"id": 2, "user": {"login": call.user}, "state": "PENDING", "body": "a draft", "commit_id": "0" * 40}
    return 200, [*(_review(review) for review in call.host.get(call.number(number)).reviews or ()), pending]


def _submit(call: _Call, number: str) -> tuple[int, Any]:
    verdict = _EVENTS[call.body["event"]]
    if verdict is not Verdict.APPROVED and not call.body["body"]:
        raise Refused(422, "Unprocessable Entity", ["Body can't be blank"])
    try:
        review = call.host.review(call.number(number), verdict, call.body["body"], commit=call.body["commit_id"])
    except DeniedError:
        what = "approve" if verdict is Verdict.APPROVED else "request changes on"
        raise Refused(422, "Unprocessable Entity", [f"Can not {what} your own pull request"]) from None
    return 200, _review(review)


def _ask(call: _Call, number: str) -> tuple[int, Any]:
    pull = call.host.get(call.number(number))
    if pull.author in call.body["reviewers"]:
        raise Refused(422, "Review cannot be requested from pull request author.")
    teams = [f"{call.server.owner}/{slug}" for slug in call.body["team_reviewers"]]
    try:
        call.host.request_review(pull.number, [*call.body["reviewers"], *teams])
    except NotFoundError:
        said = "Reviews may only be requested from collaborators."
        raise Refused(422, said) from None
    return 201, call.pull(call.host.get(pull.number), single=True)


def _merge(call: _Call, number: str) -> tuple[int, Any]:
    pull = call.host.get(call.number(number))
    if call.user not in call.world.writers:
        raise Refused(403, "Resource not accessible by personal access token")
    if pull.head_commit != call.body["sha"]:
        raise Refused(409, "Head branch was modified. Review and try the merge again.")
    try:
        outcome = call.host.merge(
            pull.number,
            MergeMethod(call.body["merge_method"]),
            expected_head=call.body["sha"],
            message=call.body.get("commit_title", ""),
        )
    except ConflictError:
        raise Refused(405, "Pull Request is not mergeable") from None
    except DeniedError as error:
        named = re.search(r"check (\S+)", error.cause)
        review = "At least 1 approving review is required by reviewers with write access."
        raise Refused(405, f'Required status check "{named[1]}" is expected.' if named else review) from None
    return 200, {"sha": outcome.commit, "merged": True, "message": "Pull Request successfully merged"}


def _comment(call: _Call, number: str) -> tuple[int, Any]:
    call.host.comment(call.number(number), call.body["body"])
    return 201, {"id": 1, "body": call.body["body"]}


def _label(call: _Call, number: str) -> tuple[int, Any]:
    pull = call.host.get(call.number(number))
    call.host.open_pull_request(
        head=pull.head, base=pull.base, title=pull.title, body=pull.body, labels=call.body["labels"]
    )
    return 200, [{"name": name} for name in call.body["labels"]]


def _status(call: _Call, commit: str) -> tuple[int, Any]:
    words = {CheckState.PASSED: "success", CheckState.FAILED: "failure", CheckState.PENDING: "pending"}
    found = [check for check in call.world.checks.get(commit, {}).values() if not check.name.startswith("run/")]
    listed = [
        {"context": check.name, "state": words[check.state], "description": None, "target_url": None} for check in found
    ]
    return 200, {"state": "pending", "sha": commit, "total_count": len(listed), "statuses": listed}


def _runs(call: _Call, commit: str) -> tuple[int, Any]:
    shown: dict[CheckState, tuple[str, str | None]] = {
        CheckState.PASSED: ("completed", "success"),
        CheckState.FAILED: ("completed", "timed_out"),
        CheckState.PENDING: ("in_progress", None),
    }
    found = [check for check in call.world.checks.get(commit, {}).values() if check.name.startswith("run/")]
    listed = [
        {
            "name": check.name,
            "status": shown[check.state][0],
            "conclusion": shown[check.state][1],
            "html_url": "https://github.com/runs/1",
            "output": {"title": "Tests", "summary": None},
        }
        for check in found
    ]
    return 200, {"total_count": len(listed), "check_runs": listed}


def _compare(call: _Call, base: str, head: str) -> tuple[int, Any]:
    git = call.world.git
    one, other = git.resolve(base), git.resolve(head)
    before = set(git.ancestors(one))
    ancestor = next(commit for commit in git.ancestors(other) if commit in before)
    old, new = git.commits[ancestor].entries, git.commits[other].entries
    changed = sorted(path for path in {*old, *new} if old.get(path) != new.get(path))
    files = [{"filename": path, "status": "modified"} for path in changed]
    return 200, {"merge_base_commit": {"sha": ancestor}, "files": files, "commits": []}


def _content(call: _Call, path: str) -> tuple[int, Any]:
    git = call.world.git
    entry = git.commits[git.resolve(call.query["ref"])].entries.get(path)
    if entry is None:
        raise Refused(404, "Not Found")
    content = base64.encodebytes(git.blobs[entry.blob]).decode()
    return 200, {"type": "file", "path": path, "encoding": "base64", "content": content}


def _delete_branch(call: _Call, name: str) -> tuple[int, Any]:
    call.writer()
    if name not in call.world.git.branches:
        raise Refused(422, "Reference does not exist")
    try:
        call.host.delete_branch(name)
    except DeniedError:
        raise Refused(422, "Cannot delete a protected branch") from None
    return 204, None


def _hooks(call: _Call) -> tuple[int, Any]:
    call.writer()
    return 200, [
        {"id": number, "name": "web", "config": {"url": url, "content_type": "json", "secret": "********"}}
        for number, url in enumerate(call.world.webhooks, start=1)
    ]


def _hook(call: _Call, *numbers: str) -> tuple[int, Any]:
    call.writer()
    if not numbers and call.body["config"]["url"] in call.world.webhooks:
        errors = [{"resource": "Hook", "code": "custom", "message": "Hook already exists on this repository"}]
        raise Refused(422, "Validation Failed", errors)
    if call.body["events"] != ["push", "pull_request"] or call.body["config"]["content_type"] != "json":
        raise Refused(422, "Validation Failed")
    return 201, {"id": call.host.register_webhook(call.body["config"]["url"], call.body["config"]["secret"])}


Handler = Callable[..., tuple[int, Any]]

_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "", _repository),
    ("GET", "/branches/([^/]+)", _branch),
    ("GET", "/branches/([^/]+)/protection", _protection),
    ("GET", "/rules/branches/([^/]+)", lambda call, name: (200, call.server.rules)),
    ("POST", "/pulls", _open),
    ("GET", "/pulls", _list),
    ("GET", "/pulls/([0-9]+)", _get),
    ("PATCH", "/pulls/([0-9]+)", _edit),
    ("GET", "/pulls/([0-9]+)/reviews", _reviews),
    ("POST", "/pulls/([0-9]+)/reviews", _submit),
    ("POST", "/pulls/([0-9]+)/requested_reviewers", _ask),
    ("PUT", "/pulls/([0-9]+)/merge", _merge),
    ("POST", "/issues/([0-9]+)/comments", _comment),
    ("POST", "/issues/([0-9]+)/labels", _label),
    ("GET", "/commits/([0-9a-f]{40})/status", _status),
    ("GET", "/commits/([0-9a-f]{40})/check-runs", _runs),
    ("GET", r"/compare/([^/]+)\.\.\.([^/]+)", _compare),
    ("GET", "/contents/(.+)", _content),
    ("DELETE", "/git/refs/heads/(.+)", _delete_branch),
    ("GET", "/hooks", _hooks),
    ("POST", "/hooks", _hook),
    ("PATCH", "/hooks/([0-9]+)", _hook),
)


@contextmanager
def serving(server: GitHubServer) -> Iterator[GitHubServer]:
    """Serves on a picked port of 127.0.0.1; `server.url` says where."""

    class Server(BaseHTTPRequestHandler):
        def respond(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            try:
                with server.lock:
                    status, data = server.answer(self.command, self.path, dict(self.headers), body)
            except Refused as refused:
                status, data = refused.status, refused.body
            except CsocError as error:
                status, data = 404 if isinstance(error, NotFoundError) else 422, {"message": error.cause}
            link, data = _page(server.url + self.path, data)
            content = b"" if data is None else json.dumps(data).encode()
            self.send_response(status)
            if link:
                self.send_header("Link", link)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = respond

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as listener:
        server.url = f"http://127.0.0.1:{listener.server_port}"
        thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


def _page(url: str, data: Any) -> tuple[str, Any]:
    """The asked page of a list, and the Link header that names the next one."""
    query = parse_qs(urlsplit(url).query)
    if not isinstance(data, list) or "page" not in query:
        return "", data
    page = int(query["page"][0])
    shown = data[(page - 1) * PAGE : page * PAGE]
    more = len(data) > page * PAGE
    following = re.sub(r"([?&]page=)\d+", rf"\g<1>{page + 1}", url)
    return f'<{following}>; rel="next"' if more else "", shown
