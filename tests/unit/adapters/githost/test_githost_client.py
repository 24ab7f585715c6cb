"""What a struggling, hostile or limited host does to csoc's requests: an error that says so, in bounded time."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from csoc.adapters.githost.client import Limits
from csoc.adapters.githost.gitea import GiteaHost
from csoc.errors import ConflictError, CsocError, DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet.githost import HostedRepository
from tests.unit.adapters.githost.hosts import TOKEN, Handler, Host, answers, said


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
