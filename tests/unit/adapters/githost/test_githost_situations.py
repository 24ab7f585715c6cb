"""Situations of the adapters that a host can hardly be brought into."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from csoc.adapters.githost.gitea import GiteaHost
from csoc.adapters.githost.github import GitHubHost
from csoc.errors import ConflictError, CsocError, DeniedError, RejectedError, UnavailableError
from csoc.fleet.githost import HostedRepository, Mergeable, MergeMethod
from tests.unit.adapters.githost.hosts import Handler, Host, said


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


def test_gitea_that_looks_at_the_branches_again_after_another_merge_is_asked_until_it_has() -> None:
    adapter, host = gitea(
        {
            "GET /pulls/1": [
                *[ok(pull(mergeable=True))] * 4,
                ok(pull(state="closed", merged=True, merge_commit_sha="b" * 40)),
            ],
            "POST /pulls/1/merge": [*[said("Please try again later", 405)] * 3, httpx.Response(200)],
            **STATUS,
        }
    )
    assert adapter.merge(1, MergeMethod.MERGE, expected_head="a" * 40).commit == "b" * 40
    assert host.waits == [0.1, 0.2]


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
