"""What a struggling, hostile or limited host does to csoc's requests: an error that says so, in bounded time."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from csoc.adapters.githost.client import HostClient, Limits
from csoc.adapters.githost.gitea import GiteaHost
from csoc.adapters.githost.github import GitHubHost
from csoc.errors import ConflictError, CsocError, DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet.githost import HostedRepository, Mergeable, MergeMethod

TOKEN = "tok-0123456789abcdef-secret"
NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)

Handler = Callable[[httpx.Request], httpx.Response]


class Host:
    """A client whose host is a function, and what the client did: requests, waits."""

    def __init__(self, handler: Handler, *, limits: Limits | None = None, elapsed: Callable[[], float] = lambda: 0.0):
        self.requests: list[httpx.Request] = []
        self.waits: list[float] = []

        def handle(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return handler(request)

        self.client = HostClient(
            "https://git.example.org/api/v1",
            lambda: TOKEN,
            clock=lambda: NOW,
            wait=self.waits.append,
            elapsed=elapsed,
            limits=limits or Limits(),
            transport=httpx.MockTransport(handle),
        )


def answers(*responses: httpx.Response) -> Handler:
    """Gives one response after another, the last one for ever."""
    left = list(responses)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def said(message: str, status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"message": message}, headers=headers)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, RejectedError),
        (401, DeniedError),
        (403, DeniedError),
        (404, NotFoundError),
        (405, ConflictError),
        (409, ConflictError),
        (410, NotFoundError),
        (412, ConflictError),
        (422, RejectedError),
        (423, DeniedError),
        (429, UnavailableError),
        (500, UnavailableError),
        (599, UnavailableError),
    ],
)
def test_each_status_is_one_of_csocs_errors_with_the_hosts_words(status: int, error: type[CsocError]) -> None:
    host = Host(answers(said("the reason", status)))
    with pytest.raises(error, match="the reason") as raised:
        host.client.get("/x")
    assert raised.value.place == "git.example.org"


def test_the_hosts_details_of_a_refused_request_are_told() -> None:
    errors = [{"resource": "PullRequest", "field": "head", "code": "invalid"}, {"message": "No commits"}, "Body blank"]
    host = Host(answers(httpx.Response(422, json={"message": "Validation Failed", "errors": errors})))
    with pytest.raises(RejectedError, match="Validation Failed; head invalid; No commits; Body blank"):
        host.client.get("/x")


def test_no_error_and_no_repr_holds_a_token_even_if_the_host_repeats_it() -> None:
    echo = (
        f"bad token {TOKEN} at https://user:{TOKEN}@git.example.org/x, \x1b[31mhook secret s3cr3t-value " + "x" * 5000
    )
    host = Host(answers(said(echo, 422)))
    with pytest.raises(RejectedError) as raised:
        host.client.request("POST", "/hooks", body={"secret": "s3cr3t-value"}, secrets=["s3cr3t-value"])
    shown = str(raised.value)
    assert TOKEN not in shown
    assert "s3cr3t-value" not in shown
    assert "\x1b" not in shown
    assert len(shown) < 500
    repository = HostedRepository("https://git.example.org", "acme", "fleet")
    for thing in (host.client, GiteaHost(repository, host.client)):
        assert TOKEN not in repr(thing)


@pytest.mark.parametrize("token", ["with space", "with\nnewline", "ünï", "nul\0"])
def test_a_token_that_is_none_is_refused_before_it_is_sent_and_not_repeated(token: str) -> None:
    host = Host(answers(httpx.Response(200)))
    host.client.token = lambda: token
    with pytest.raises(DeniedError) as raised:
        host.client.get("/x")
    assert token not in str(raised.value)
    assert host.requests == []


def test_a_passing_fault_of_a_question_is_asked_again_after_a_pause() -> None:
    host = Host(answers(said("", 502), said("", 503, **{"Retry-After": "7"}), httpx.Response(200, json={"a": 1})))
    assert host.client.get("/x") == {"a": 1}
    assert host.waits == [1.0, 7.0]


def test_a_fault_that_stays_is_given_up() -> None:
    host = Host(answers(said("down", 503)))
    with pytest.raises(UnavailableError, match="503: down"):
        host.client.get("/x")
    assert len(host.requests) == 3


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_a_change_is_never_sent_twice(method: str) -> None:
    host = Host(answers(said("", 502)))
    with pytest.raises(UnavailableError):
        host.client.request(method, "/x", body={"a": 1})
    assert (len(host.requests), host.waits) == (1, [])


@pytest.mark.parametrize(
    ("response", "again_at"),
    [
        (said("slow down", 429, **{"Retry-After": "3600"}), "2026-11-23T13:00:00Z"),
        (said("slow down", 429, **{"Retry-After": "Mon, 23 Nov 2026 12:30:00 GMT"}), "2026-11-23T12:30:00Z"),
        (
            said("API rate limit exceeded", 403, **{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795437000"}),
            "2026-11-23T12:30:00Z",
        ),
        (said("You have exceeded a secondary rate limit", 403), "2026-11-23T12:01:00Z"),
    ],
)
def test_a_limit_on_requests_says_when_to_try_again_and_is_not_waited_out(
    response: httpx.Response, again_at: str
) -> None:
    host = Host(answers(response))
    with pytest.raises(UnavailableError, match=f"Try again after {again_at}"):
        host.client.get("/x")
    assert (len(host.requests), host.waits) == (1, [])


def test_a_redirect_to_another_host_is_not_followed() -> None:
    for target in ("https://evil.example.org/x", "http://git.example.org/x", "https://git.example.org:444/x", "//evil"):
        host = Host(answers(httpx.Response(302, headers={"location": target})))
        with pytest.raises(DeniedError, match="redirects to"):
            host.client.get("/x")
        assert len(host.requests) == 1


def test_a_renamed_repository_is_followed_on_the_same_host() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/v1/old":
            return httpx.Response(301, headers={"location": "/api/v1/new"})
        return httpx.Response(200, json={"path": request.url.path, "sent": request.headers["authorization"]})

    assert Host(handler).client.get("/old") == {"path": "/api/v1/new", "sent": f"token {TOKEN}"}


def test_a_change_is_not_redirected_into_a_question() -> None:
    host = Host(answers(httpx.Response(301, headers={"location": "/api/v1/new"})))
    with pytest.raises(UnavailableError, match="moved"):
        host.client.request("POST", "/old", body={})


def test_redirects_in_a_circle_end() -> None:
    host = Host(answers(httpx.Response(302, headers={"location": "/api/v1/x"})))
    with pytest.raises(UnavailableError, match="circle"):
        host.client.get("/x")


def test_an_endless_answer_is_cut_off() -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 1000

    host = Host(lambda _: httpx.Response(200, content=endless()), limits=Limits(answer_bytes=10_000))
    with pytest.raises(UnavailableError, match="larger than 10000 bytes"):
        host.client.get("/x")
    assert sent <= 12


def test_a_bomb_of_compressed_bytes_is_never_unpacked() -> None:
    bomb = gzip.compress(b"0" * 5_000_000)
    host = Host(lambda _: httpx.Response(200, content=iter([bomb]), headers={"content-encoding": "gzip"}))
    with pytest.raises(UnavailableError, match="compresses"):
        host.client.get("/x")
    assert host.requests[0].headers["accept-encoding"] == "identity"


def test_an_answer_that_drips_is_given_up_after_the_time_for_the_whole() -> None:
    times = iter(range(0, 1000, 10))
    host = Host(lambda _: httpx.Response(200, content=iter([b" "] * 1000)), elapsed=lambda: float(next(times)))
    with pytest.raises(UnavailableError, match="too slowly"):
        host.client.get("/x")


def test_a_time_limit_and_a_broken_connection_say_nothing_about_the_thing_itself() -> None:
    faults: list[Exception] = [httpx.ReadTimeout("slow"), httpx.ConnectError("refused"), httpx.ReadError("reset")]
    for fault in faults:

        def broken(_: httpx.Request, fault: Exception = fault) -> httpx.Response:
            raise fault

        with pytest.raises(UnavailableError):
            Host(broken).client.get("/x")


@pytest.mark.parametrize("content", [b"<html>Sign in</html>", b"[" * 100_000, b"\xff"])
def test_a_page_instead_of_json_is_not_an_answer(content: bytes) -> None:
    with pytest.raises(UnavailableError, match="not JSON"):
        Host(answers(httpx.Response(200, content=content))).client.get("/x")


@pytest.mark.parametrize("data", [[], {"number": "1"}, {"number": 1, "head": []}, {"number": 1, "mergeable": "yes"}])
def test_json_of_another_shape_is_not_an_answer_either(data: Any) -> None:
    host = Host(answers(httpx.Response(200, json=data)))
    with pytest.raises(UnavailableError, match="not as its interface promises"):
        GiteaHost(HostedRepository("https://git.example.org", "acme", "fleet"), host.client).close(1)


def pages(total: int, size: int, headers: Callable[[int], dict[str, str]]) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        return httpx.Response(200, json=list(range(total))[(page - 1) * size : page * size], headers=headers(page))

    return handler


def test_every_page_is_read_by_link_or_by_total() -> None:
    by_link = pages(
        5,
        2,
        lambda page: {"link": f'<https://x/?page={page + 1}>; rel="next"'} if page < 3 else {"link": "<x>; rel=prev"},
    )
    by_total = pages(5, 2, lambda _: {"x-total-count": "5"})
    for handler in (by_link, by_total):
        host = Host(handler)
        assert host.client.get_all("/x") == [0, 1, 2, 3, 4]
        assert len(host.requests) == 3


def test_the_next_page_is_the_one_that_the_host_names_on_the_path_that_was_asked() -> None:
    link = '<https://evil.example.org/repositories/1/pulls?after=abc&per_page=2>; rel="next", <x>; rel=first'
    host = Host(answers(httpx.Response(200, json=[1], headers={"link": link}), httpx.Response(200, json=[2])))
    assert host.client.get_all("/repos/acme/fleet/pulls", state="open") == [1, 2]
    first, second = host.requests
    assert dict(second.url.params) == {"after": "abc", "per_page": "2"}
    assert (second.url.host, second.url.path) == (first.url.host, first.url.path)


def test_a_refusal_names_the_rights_that_the_host_wants() -> None:
    host = Host(
        answers(
            said(
                "Resource not accessible by integration",
                403,
                **{"x-accepted-github-permissions": "pull_requests=write"},
            )
        )
    )
    with pytest.raises(DeniedError) as caught:
        host.client.get("/x")
    assert "pull_requests=write" in caught.value.fix


def test_an_older_servers_word_for_its_limit_is_understood() -> None:
    host = Host(answers(said("You have triggered an abuse detection mechanism", 403)))
    with pytest.raises(UnavailableError, match="limits the number of requests"):
        host.client.get("/x")


def test_pages_without_end_are_an_error_and_not_a_part_that_passes_for_the_whole() -> None:
    host = Host(answers(httpx.Response(200, json=[1], headers={"link": '<x>; rel="next"'})), limits=Limits(pages=4))
    with pytest.raises(UnavailableError, match="more than 4"):
        host.client.get_all("/x")
    assert len(host.requests) == 4


# Situations of the adapters that a host can hardly be brought into.


def pull(**changes: Any) -> dict[str, Any]:
    repository = {"full_name": "acme/fleet"}
    return {
        "number": 1,
        "html_url": "https://git.example.org/acme/fleet/pulls/1",
        "state": "open",
        "title": "T",
        "body": "",
        "user": {"login": "ada"},
        "mergeable": True,
        "head": {"ref": "topic", "label": "topic", "sha": "a" * 40, "repo": repository},
        "base": {"ref": "main", "repo": repository},
        **changes,
    }


def routed(routes: dict[str, list[httpx.Response]]) -> Handler:
    """Gives each "METHOD /path" its responses one after another; lists that are not named are empty."""

    def handler(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v1/repos/acme/fleet")
        left = routes.get(f"{request.method} {path}", [httpx.Response(200, json=[])])
        return left.pop(0) if len(left) > 1 else left[0]

    return handler


def gitea(routes: dict[str, list[httpx.Response]]) -> tuple[GiteaHost, Host]:
    host = Host(routed(routes))
    return GiteaHost(HostedRepository("https://git.example.org", "acme", "fleet"), host.client), host


def ok(data: Any) -> httpx.Response:
    return httpx.Response(200, json=data)


STATUS = {"GET /commits/" + "a" * 40 + "/status": [httpx.Response(200, json={"statuses": [], "total_count": 0})]}


def test_when_somebody_opens_the_same_pull_request_first_theirs_is_taken() -> None:
    adapter, host = gitea(
        {
            "GET /pulls": [ok([]), ok([pull(title="Theirs")])],
            "POST /pulls": [said("pull request already exists for these targets", 409)],
            "GET /pulls/1": [ok(pull(title="Mine"))],
            "PATCH /pulls/1": [httpx.Response(201, json=pull(title="Mine"))],
            **STATUS,
        }
    )
    assert adapter.open_pull_request(head="topic", base="main", title="Mine", body="").number == 1
    assert [request.method for request in host.requests].count("PATCH") == 1


def test_gitea_not_ready_yet_is_asked_to_merge_once_more_and_no_conflict_is_made_up() -> None:
    adapter, host = gitea(
        {
            "GET /pulls/1": [
                ok(pull(mergeable=False)),
                ok(pull(mergeable=False)),
                ok(pull(mergeable=True)),
                ok(pull(state="closed", merged=True, merge_commit_sha="b" * 40)),
            ],
            "POST /pulls/1/merge": [said("Please try again later", 405), httpx.Response(200)],
            **STATUS,
        }
    )
    outcome = adapter.merge(1, MergeMethod.MERGE, expected_head="a" * 40)
    assert (outcome.commit, outcome.already_merged) == ("b" * 40, False)
    assert host.waits == [0.1]


def test_gitea_that_never_gets_ready_without_a_common_file_is_unavailable_rather_than_in_conflict() -> None:
    adapter, host = gitea(
        {
            "GET /pulls/1": [ok(pull(mergeable=False, merge_base="c" * 40))],
            "GET /pulls/1/files": [ok([{"filename": "ours.yaml"}])],
            "GET /compare/" + "c" * 40 + "...main": [ok({"commits": [{"files": [{"filename": "theirs.yaml"}]}]})],
            "POST /pulls/1/merge": [said("Please try again later", 405)],
            **STATUS,
        }
    )
    assert adapter.get(1).mergeable is Mergeable.UNKNOWN
    with pytest.raises(UnavailableError, match="not worked out yet"):
        adapter.merge(1, MergeMethod.MERGE, expected_head="a" * 40)
    assert sum(host.waits) == pytest.approx(2 * 6.3)


def test_gitea_whose_yes_is_from_before_main_moved_is_not_believed() -> None:
    adapter, host = gitea_with_versions("1\n", "ours\n", "theirs\n", mergeable=True)
    found = adapter.get(1)
    assert (found.mergeable, found.conflicts, host.waits) == (Mergeable.NO, ("a.yaml",), [])


def gitea_with_versions(
    old: str | None, ours: str | None, theirs: str | None, *, mergeable: bool = False
) -> tuple[GiteaHost, Host]:
    """A Gitea that never changes its answer; a.yaml changed on both sides, from old to ours and theirs."""
    versions = {"c" * 40: old, "main": ours, "a" * 40: theirs}

    def content(request: httpx.Request) -> httpx.Response:
        text = versions[request.url.params["ref"]]
        if text is None:
            return said("not found", 404)
        return ok({"encoding": "base64", "content": base64.b64encode(text.encode()).decode()})

    rest = routed(
        {
            "GET /pulls/1": [ok(pull(mergeable=mergeable, merge_base="c" * 40))],
            "GET /pulls/1/files": [ok([{"filename": "a.yaml"}])],
            "GET /compare/" + "c" * 40 + "...main": [ok({"commits": [{"files": [{"filename": "a.yaml"}]}]})],
            **STATUS,
        }
    )
    host = Host(lambda request: content(request) if "/contents/" in request.url.path else rest(request))
    return GiteaHost(HostedRepository("https://git.example.org", "acme", "fleet"), host.client), host


@pytest.mark.parametrize(
    ("versions", "mergeable", "waited"),
    [
        (("1\n2\n3\n4\n5\n", "x\n2\n3\n4\n5\n", "y\n2\n3\n4\n5\n"), Mergeable.NO, False),
        ((None, "ours\n", "theirs\n"), Mergeable.NO, False),
        (("a\0", "b\0", "c\0"), Mergeable.NO, False),
        (("old\n", None, "theirs\n"), Mergeable.NO, True),
        (("1\n2\n3\n4\n5\n", "x\n2\n3\n4\n5\n", "1\n2\n3\n4\ny\n"), Mergeable.UNKNOWN, True),
        (("1\n", "ü\n", "ü\n"), Mergeable.UNKNOWN, True),
        (("1\n", None, None), Mergeable.UNKNOWN, True),
    ],
)
def test_what_gitea_does_not_say_about_a_conflict_is_found_by_merging_the_lines(
    versions: tuple[str | None, str | None, str | None], mergeable: Mergeable, waited: bool
) -> None:
    adapter, host = gitea_with_versions(*versions)
    found = adapter.get(1)
    assert found.mergeable is mergeable
    assert found.conflicts == (("a.yaml",) if mergeable is Mergeable.NO else ())
    assert bool(host.waits) == waited


def test_files_that_git_names_in_a_failed_merge_are_told() -> None:
    output = (
        "Auto-merging a.yaml\nCONFLICT (content): Merge conflict in a.yaml\nCONFLICT: Merge conflict in b/c d.yaml\n"
    )
    adapter, _ = gitea(
        {
            "GET /pulls/1": [ok(pull())],
            "POST /pulls/1/merge": [httpx.Response(409, json={"Style": "merge", "StdOut": output, "StdErr": ""})],
            **STATUS,
        }
    )
    with pytest.raises(ConflictError, match=r"in a\.yaml, b/c d"):
        adapter.merge(1, MergeMethod.MERGE, expected_head="a" * 40)


def github(routes: dict[str, list[httpx.Response]]) -> GitHubHost:
    empty = {"statuses": [], "check_runs": [], "total_count": 0}
    commit = "GET /commits/" + "a" * 40
    host = Host(routed({f"{commit}/status": [ok(empty)], f"{commit}/check-runs": [ok(empty)], **routes}))
    return GitHubHost(HostedRepository("https://github.com", "acme", "fleet"), host.client)


@pytest.mark.parametrize(
    ("status", "message", "error", "words"),
    [
        (405, "Merge commits are not allowed on this repository.", DeniedError, "does not allow to merge"),
        (405, "Merge already in progress", UnavailableError, "not worked out"),
        (409, "Head branch was modified. Review and try the merge again.", ConflictError, "moved meanwhile"),
        (403, "Resource not accessible by integration", DeniedError, "refuses this"),
        (405, 'Required status check "ci" is expected.', DeniedError, 'main is protected: Required status check "ci"'),
        (422, "Validation Failed", RejectedError, "Validation Failed"),
    ],
)
def test_what_github_says_to_a_merge_becomes_the_right_error(
    status: int, message: str, error: type[CsocError], words: str
) -> None:
    adapter = github(
        {
            "GET ": [ok({"default_branch": "main", "permissions": {"push": True}})],
            "GET /pulls/1": [ok(pull())],
            "GET /branches/main": [ok({"protected": False})],
            "PUT /pulls/1/merge": [said(message, status)],
        }
    )
    with pytest.raises(error, match=words):
        adapter.merge(1, MergeMethod.MERGE, expected_head="a" * 40)


def test_on_github_a_base_that_moved_a_moment_ago_is_tried_once_more() -> None:
    merged = pull(merged=True, state="closed", merge_commit_sha="b" * 40)
    adapter = github(
        {
            "GET /pulls/1": [ok(pull()), ok(pull()), ok(merged)],
            "PUT /pulls/1/merge": [said("Base branch was modified. Review and try the merge again.", 405), ok({})],
        }
    )
    assert adapter.merge(1, MergeMethod.SQUASH, expected_head="a" * 40).commit == "b" * 40


def test_checks_that_an_app_may_not_read_are_unknown_and_not_absent() -> None:
    refused = [said("Resource not accessible by integration", 403)]
    adapter = github({"GET /pulls/1": [ok(pull())], "GET /commits/" + "a" * 40 + "/check-runs": refused})
    assert adapter.get(1).checks is None


def test_a_pull_request_from_a_fork_that_is_gone_or_of_the_same_branch_name_is_not_ours() -> None:
    fork = pull(head={"ref": "topic", "label": "topic", "sha": "a" * 40, "repo": {"full_name": "eve/fleet"}})
    gone = pull(head={"ref": "topic", "label": "topic", "sha": "a" * 40, "repo": None})
    assert github({"GET /pulls": [ok([fork, gone])]}).find_pull_request("topic") is None
    assert gitea({"GET /pulls": [ok([fork, gone])]})[0].find_pull_request("topic") is None


def test_on_github_deleting_the_default_branch_is_not_even_asked_for() -> None:
    host = Host(
        routed({"GET ": [ok({"default_branch": "main"})], "DELETE /git/refs/heads/main": [httpx.Response(204)]})
    )
    adapter = GitHubHost(HostedRepository("https://github.com", "acme", "fleet"), host.client)
    with pytest.raises(DeniedError, match="default branch"):
        adapter.delete_branch("main")
    assert [request.method for request in host.requests] == ["GET"]


def test_an_apps_credential_has_no_account() -> None:
    host = Host(answers(said("Resource not accessible by integration", 403)))
    with pytest.raises(DeniedError, match="app's"):
        GitHubHost(HostedRepository("https://github.com", "acme", "fleet"), host.client).current_user()
