"""What KubeClient makes of answers that a real cluster does not give on demand. "Could not look" never becomes "is not
there"."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
from dataclasses import replace
from typing import Any

import pytest

from csoc.adapters.kube import client as kube_client
from csoc.clusters.client import Access, ExpiredError
from csoc.errors import ConflictError, DeniedError, Kind, NotFoundError, RejectedError, UnavailableError
from tests.unit.adapters.kube.scripted import TOKEN, Answer, ScriptedCluster, said, status

Object = dict[str, Any]
PAGES = "<html><h1>Not here</h1></html>"
SECRET = "AKIAIOSFODNN7EXAMPLE"


def page(*names: str, rest: str = "", version: str = "7") -> Answer:
    items = [{"metadata": {"name": name}} for name in names]
    return said({"metadata": {"resourceVersion": version, "continue": rest}, "items": items})


EXPIRED = status(410, "The provided continue parameter is too old", reason="Expired")


def names(found: list[Object]) -> list[str]:
    return [item["metadata"]["name"] for item in found]


# Lists


def test_a_list_that_expires_on_the_way_is_begun_again_and_nothing_stands_in_it_twice(
    scripted: ScriptedCluster,
) -> None:
    client = scripted.will(page("a", rest="r1"), EXPIRED, page("a", "b", rest="r2"), page("c", version="9"))
    found, version = client.list_all("v1", "ConfigMap")
    assert (names(found), version) == (["a", "b", "c"], "9")
    assert [one.query.get("continue", "") for one in scripted.asked] == ["", "r1", "", "r2"]


def test_a_list_that_always_expires_is_given_up_and_is_not_told_as_empty(scripted: ScriptedCluster) -> None:
    with pytest.raises(UnavailableError, match="changes faster than it can be read"):
        scripted.will(EXPIRED).list_all("v1", "ConfigMap")
    assert len(scripted.asked) == 3


@pytest.mark.parametrize("tokens", [["r1"], ["r1", "r2"], ["r1", "r2", "r3"]], ids=["the same", "in turn", "in a ring"])
def test_a_list_whose_pages_lead_back_to_one_that_was_read_is_refused(
    scripted: ScriptedCluster, tokens: list[str]
) -> None:
    client = scripted.will(*(page("a", rest=token) for token in [*tokens, *tokens]))
    with pytest.raises(UnavailableError, match="does not end"):
        client.list_all("v1", "ConfigMap")
    assert len(scripted.asked) == len(tokens) + 1


def test_a_list_of_as_many_pages_as_the_limit_is_whole_and_one_with_ever_more_is_refused(
    scripted: ScriptedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kube_client, "_MOST_PAGES", 4)
    found, _ = scripted.will(*(page("a", rest=f"r{n}") for n in range(3)), page("b")).list_all("v1", "ConfigMap")
    assert names(found) == ["a", "a", "a", "b"]
    scripted.asked.clear()
    with pytest.raises(UnavailableError, match="larger than 4 pages") as caught:
        scripted.will(*(page("a", rest=f"r{n}") for n in range(9))).list_all("v1", "ConfigMap")
    assert "Ask for less" in caught.value.fix
    assert len(scripted.asked) == 4


def test_the_pages_of_a_list_together_are_no_larger_than_one_answer_may_be(
    scripted: ScriptedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [page(letter * 5_000, rest=f"r{letter}") for letter in "abc"] + [page("d")]
    monkeypatch.setattr(kube_client, "_LARGEST_ANSWER_BYTES", len(pages[0].body) * 2)
    with pytest.raises(UnavailableError, match=r"larger than \d+ pages or 10\d+ bytes"):
        scripted.will(*pages).list_all("v1", "ConfigMap")
    assert len(scripted.asked) == 3
    assert len(scripted.will(*pages[2:]).list_all("v1", "ConfigMap")[0]) == 2


def test_a_page_that_expired_is_told_to_whoever_asked_for_it(scripted: ScriptedCluster) -> None:
    with pytest.raises(ExpiredError, match="too old"):
        scripted.will(EXPIRED).page("v1", "ConfigMap", rest="r")


def test_what_is_gone_but_no_list_is_an_error_of_csocs_own(scripted: ScriptedCluster) -> None:
    client = scripted.will(EXPIRED)
    for call in (
        lambda: client.get("v1", "ConfigMap", "x", "n"),
        lambda: client.delete("v1", "ConfigMap", "x", "n"),
        lambda: client.logs("x", "n"),
        client.version,
    ):
        with pytest.raises(UnavailableError, match="gone"):
            call()


# Statuses


@pytest.mark.parametrize("code", [408, 429, 500, 501, 502, 503, 504, 507, 599])
@pytest.mark.parametrize("body", [b"", b"{", PAGES.encode(), b"[" * 200_000, b"\xff\xfe", b"null", b"[1]"])
def test_a_cluster_that_cannot_answer_is_unavailable_and_asked_once(
    scripted: ScriptedCluster, code: int, body: bytes
) -> None:
    client = scripted.will(Answer(body, code))
    with pytest.raises(UnavailableError) as told:
        client.get("v1", "ConfigMap", "x", "n")
    assert told.value.kind is Kind.UNAVAILABLE
    assert told.value.place == "scripted /api/v1/namespaces/n/configmaps/x"
    assert len(scripted.asked) == 1


@pytest.mark.parametrize("code", [408, 429, 500, 503])
def test_a_deletion_that_is_not_answered_is_not_told_as_one_of_nothing(scripted: ScriptedCluster, code: int) -> None:
    with pytest.raises(UnavailableError, match="the reason"):
        scripted.will(status(code, "the reason")).delete("v1", "ConfigMap", "x", "n")


@pytest.mark.parametrize(("header", "fix"), [("7", "in 7 s"), ("soon", "in a moment"), ("9" * 5000, "in a moment")])
def test_how_long_to_wait_is_told_where_the_cluster_says_it(scripted: ScriptedCluster, header: str, fix: str) -> None:
    answer = said({"kind": "Status", "message": "too many requests"}, 429, Retry_After=header)
    with pytest.raises(UnavailableError, match="too many requests") as told:
        scripted.will(answer).version()
    assert told.value.fix == f"Try again {fix}"
    assert len(scripted.asked) == 1


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308, 300, 304])
def test_an_address_that_sends_elsewhere_is_not_followed(scripted: ScriptedCluster, code: int) -> None:
    answer = Answer(b"" if code == 304 else b"{}", code, {"Location": f"{scripted.url}/elsewhere"})
    with pytest.raises(UnavailableError, match="takes its credential nowhere else"):
        scripted.will(answer).version()
    assert [one.path for one in scripted.asked] == ["/version"]


@pytest.mark.parametrize("body", [b"", b"{}", PAGES.encode(), b'{"message": "no route"}'])
def test_what_a_gateway_does_not_find_says_nothing_about_the_cluster(scripted: ScriptedCluster, body: bytes) -> None:
    client = scripted.will(Answer(body, 404))
    for call in (
        lambda: client.get("v1", "ConfigMap", "x", "n"),
        lambda: client.delete("v1", "ConfigMap", "x", "n"),
        lambda: client.resource("apps/v1", "Deployment"),
    ):
        with pytest.raises(UnavailableError, match="Something before the cluster answered"):
            call()


def test_what_the_cluster_itself_does_not_find_is_not_there(scripted: ScriptedCluster) -> None:
    client = scripted.will(status(404, 'configmaps "x" not found', reason="NotFound"))
    with pytest.raises(NotFoundError, match='configmaps "x" not found'):
        client.get("v1", "ConfigMap", "x", "n")
    assert not client.delete("v1", "ConfigMap", "x", "n")
    with pytest.raises(NotFoundError, match="does not know Deployment of apps/v1"):
        scripted.will(Answer(b"404 page not found\n", 404)).resource("apps/v1", "Deployment")


@pytest.mark.parametrize(
    ("code", "error"), [(401, DeniedError), (403, DeniedError), (409, ConflictError), (400, RejectedError)]
)
def test_each_refusal_is_one_of_csocs_errors_with_the_clusters_words(
    scripted: ScriptedCluster, code: int, error: type[Exception]
) -> None:
    for answer in (status(code, "the reason"), Answer(b"the reason", code)):
        with pytest.raises(error, match="the reason"):
            scripted.will(answer).version()


def test_an_object_that_does_not_fit_the_schema_is_rejected_though_the_cluster_calls_it_its_own_fault(
    scripted: ScriptedCluster,
) -> None:
    message = "failed to create typed patch object (n/x; /v1, Kind=ConfigMap): .a: field not declared in schema"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}
    with pytest.raises(RejectedError, match="field not declared"):
        scripted.will(status(500, message)).apply(body)
    with pytest.raises(UnavailableError):
        scripted.will(status(503, message)).apply(body)


def test_a_conflict_of_odd_shape_is_a_conflict_all_the_same(scripted: ScriptedCluster) -> None:
    odd: list[Any] = [None, 5, "x", {"causes": None}, {"causes": 5}, {"causes": [None, {"reason": []}]}]
    for details in odd:
        with pytest.raises(ConflictError, match="the reason"):
            scripted.will(status(409, "the reason", details=details)).version()


# Bodies


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', PAGES.encode(), b"[" * 200_000, b"\xff"])
def test_an_answer_that_is_no_object_is_unavailable(scripted: ScriptedCluster, body: bytes) -> None:
    client = scripted.will(Answer(body))
    for call in (
        lambda: client.get("v1", "ConfigMap", "x", "n"),
        lambda: client.delete("v1", "ConfigMap", "x", "n"),
        lambda: client.list_all("v1", "ConfigMap"),
        lambda: client.resource("apps/v1", "Deployment"),
        client.discover,
    ):
        with pytest.raises(UnavailableError, match="not what a cluster says"):
            call()


def test_an_answer_may_be_as_large_as_the_limit_and_no_larger(
    scripted: ScriptedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = json.dumps({"gitVersion": "v" * 1000}).encode()
    monkeypatch.setattr(kube_client, "_LARGEST_ANSWER_BYTES", len(body))
    assert scripted.will(Answer(body)).version() == "v" * 1000
    monkeypatch.setattr(kube_client, "_LARGEST_ANSWER_BYTES", len(body) - 1)
    with pytest.raises(UnavailableError, match=f"larger than {len(body) - 1} bytes"):
        scripted.will(Answer(body)).version()


def test_a_small_answer_that_unpacks_to_a_large_one_is_refused(
    scripted: ScriptedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kube_client, "_LARGEST_ANSWER_BYTES", 10_000)
    packed = gzip.compress(json.dumps({"gitVersion": "v" * 1_000_000}).encode())
    assert len(packed) < 10_000
    with pytest.raises(UnavailableError, match="larger than 10000 bytes"):
        scripted.will(Answer(packed, headers={"Content-Encoding": "gzip"})).version()


def test_the_rest_of_a_large_answer_is_not_taken_for_the_next_one(
    scripted: ScriptedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kube_client, "_LARGEST_ANSWER_BYTES", 100)
    with pytest.raises(UnavailableError):
        scripted.will(Answer(b" " * 3_000_000)).version()
    assert scripted.will(said({"gitVersion": "v1"})).version() == "v1"


def test_no_log_at_all_is_not_started_and_an_empty_one_is_empty(scripted: ScriptedCluster) -> None:
    with pytest.raises(RejectedError, match="not started yet"):
        scripted.will(Answer(b"", 204)).logs("p", "n")
    assert scripted.will(Answer(b"")).logs("p", "n") == []


@pytest.mark.parametrize("told", ["ContainerCreating", "trying and failing to pull image"])
def test_a_container_that_waits_is_not_started_and_says_why(scripted: ScriptedCluster, told: str) -> None:
    message = f'container "main" in pod "p" is waiting to start: {told}'
    with pytest.raises(RejectedError, match=told):
        scripted.will(status(400, message, reason="BadRequest")).logs("p", "n")


def test_a_log_larger_than_was_asked_for_is_refused(scripted: ScriptedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube_client, "_LARGEST_LOG_BYTES", 10)
    assert scripted.will(Answer(b"123456789\n")).logs("p", "n") == ["123456789"]
    with pytest.raises(UnavailableError, match="larger than"):
        scripted.will(Answer(b"123456789\n12")).logs("p", "n")


def test_an_error_page_without_end_is_not_read_to_it(scripted: ScriptedCluster) -> None:
    with pytest.raises(UnavailableError, match="larger than 1000000 bytes"):
        scripted.will(Answer(b"x" * 1_500_000, 404)).get("v1", "ConfigMap", "x", "n")


# The connection


def test_an_answer_that_breaks_off_is_unavailable_and_not_half_taken(scripted: ScriptedCluster) -> None:
    client = scripted.will(Answer(b'{"gitVersion": "v1"}', cut=True))
    with pytest.raises(UnavailableError, match="cannot be reached"):
        client.version()
    with pytest.raises(UnavailableError, match="cannot be reached"):
        client.delete("v1", "ConfigMap", "x", "n")


def test_a_log_that_breaks_off_is_not_told_as_whole(scripted: ScriptedCluster) -> None:
    with pytest.raises(UnavailableError):
        scripted.will(Answer(b"one\ntwo\n", cut=True)).logs("p", "n")


def test_an_answer_that_does_not_unpack_is_unavailable(scripted: ScriptedCluster) -> None:
    with pytest.raises(UnavailableError, match="cannot be reached"):
        scripted.will(Answer(b"no gzip", headers={"Content-Encoding": "gzip"})).version()


def test_a_port_that_nobody_listens_on_is_unavailable_and_named(scripted: ScriptedCluster) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        scripted.url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        client = scripted.connected(lambda: TOKEN)
        with pytest.raises(UnavailableError, match="cannot be reached") as told:
            client.version()
    assert told.value.place == "scripted /version"
    assert TOKEN not in str(told.value)
    assert told.value.__cause__ is None
    client.close()


def test_a_secret_in_what_the_transport_says_is_masked(
    scripted: ScriptedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(f"proxy http://user:hunter2hunter2@proxy.example.org refused {SECRET}\n\x1b")

    monkeypatch.setattr(scripted.client._api.rest_client.pool_manager, "request", fail)
    with pytest.raises(UnavailableError, match="cannot be reached: proxy") as told:
        scripted.client.version()
    assert "hunter2" not in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 410, 422, 429, 500, 503])
def test_a_secret_in_what_the_cluster_says_is_masked_and_the_rest_cut(scripted: ScriptedCluster, code: int) -> None:
    message = "refused https://user:hunter2hunter2@example.org\n" + "x" * 9_000
    causes = [
        {"reason": "FieldManagerConflict", "field": f".f{n}", "message": "by http://user:hunter2hunter2@a.org"}
        for n in range(3)
    ]
    for answer in (
        status(code, message, details={"causes": causes}),
        Answer(message.encode(), code),
    ):
        with pytest.raises(Exception) as told:
            scripted.will(answer).version()
        assert "hunter2" not in str(told.value)
        assert "\n" not in str(told.value)
        assert len(str(told.value)) < 3_000


# Discovery


def groups(kind: str = "APIGroupDiscoveryList", *items: Object) -> Answer:
    return said({"kind": kind, "items": list(items)})


def group(name: str, freshness: str = "Current", *kinds: str) -> Object:
    resources = [
        {"resource": f"{kind.lower()}s", "responseKind": {"kind": kind}, "scope": "Namespaced", "verbs": ["get"]}
        for kind in kinds
    ]
    return {
        "metadata": {"name": name},
        "versions": [{"version": "v1", "freshness": freshness, "resources": resources}],
    }


def test_a_group_whose_server_does_not_answer_is_missing_and_the_others_are_there(scripted: ScriptedCluster) -> None:
    core = groups("APIGroupDiscoveryList", group("", "Current", "Pod"))
    others = groups(
        "APIGroupDiscoveryList",
        group("apps", "Current", "Deployment"),
        group("metrics.k8s.io", "Stale"),
        group("custom.metrics.k8s.io", "Stale", "Old"),
    )
    found = scripted.will(core, others).discover()
    assert found.missing == ("metrics.k8s.io/v1", "custom.metrics.k8s.io/v1")
    assert [(one.group, one.kind) for one in found.resources] == [
        ("", "Pod"),
        ("apps", "Deployment"),
        ("custom.metrics.k8s.io", "Old"),
    ]


def test_a_cluster_whose_groups_do_not_answer_at_all_is_unavailable_and_not_taken_for_small(
    scripted: ScriptedCluster,
) -> None:
    core = groups("APIGroupDiscoveryList", group("", "Current", "Pod"))
    with pytest.raises(UnavailableError, match="the reason"):
        scripted.will(core, status(503, "the reason")).discover()
    with pytest.raises(UnavailableError, match="tells no resources"):
        scripted.will(groups()).discover()
    with pytest.raises(UnavailableError, match="one answer"):
        scripted.will(core, said({"kind": "APIGroupList", "groups": []})).discover()


def test_a_kind_of_a_group_that_does_not_answer_is_not_told_as_unknown(scripted: ScriptedCluster) -> None:
    with pytest.raises(UnavailableError):
        scripted.will(status(503, "the server is currently unable to handle the request")).resource(
            "metrics.k8s.io/v1beta1", "PodMetrics"
        )


ODD: list[Any] = [None, 5, "x", [], [None], [5], {}, {"x": 1}, True]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_answers_of_odd_shape_raise_nothing_but_csocs_errors(scripted: ScriptedCluster, odd: Any) -> None:
    client = scripted.client
    bodies = [
        {"kind": "APIGroupDiscoveryList", "items": odd},
        {"kind": "APIGroupDiscoveryList", "items": [{"metadata": odd, "versions": odd}]},
        {
            "kind": "APIGroupDiscoveryList",
            "items": [{"versions": [{"version": odd, "resources": [{"responseKind": odd, "verbs": odd}]}]}],
        },
        {"resources": odd},
        {"resources": [{"kind": "Deployment", "name": odd, "verbs": odd}]},
        {"metadata": odd, "items": odd},
        {"status": odd},
    ]
    for body in bodies:
        scripted.answers = [said(body)]
        for call in (
            client.discover,
            lambda: client.resource("apps/v1", "Deployment"),
            lambda: client.page("v1", "ConfigMap"),
            lambda: client.may(Access("get", "pods")),
            client.version,
        ):
            with contextlib.suppress(UnavailableError, NotFoundError):
                call()
    assert not scripted.will(said({"status": odd})).may(Access("get", "pods")).allowed


# Watching


def lines(*events: object) -> Answer:
    return Answer(b"".join(json.dumps(one).encode() + b"\n" for one in events), chunked=True)


def test_a_watch_that_is_too_old_says_so_whether_at_once_or_on_the_way(scripted: ScriptedCluster) -> None:
    event = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}
    for answer in (status(410, "too old", reason="Expired"), lines(event)):
        with pytest.raises(ExpiredError, match="too old"):
            list(scripted.will(answer).watch("v1", "ConfigMap", "1"))


@pytest.mark.parametrize("code", [None, "abc", 5.5, {}, [], 500, 503, 429])
def test_an_error_on_the_way_of_a_watch_is_one_of_csocs(scripted: ScriptedCluster, code: object) -> None:
    event = {"type": "ERROR", "object": {"kind": "Status", "code": code, "message": "the reason"}}
    with pytest.raises(UnavailableError, match="the reason"):
        list(scripted.will(lines(event)).watch("v1", "ConfigMap", "1"))


def test_a_watch_tells_what_came_before_it_broke_off(scripted: ScriptedCluster) -> None:
    whole = lines({"type": "ADDED", "object": {"metadata": {"resourceVersion": "5"}}})
    changes = scripted.will(replace(whole, cut=True)).watch("v1", "ConfigMap", "1")
    assert next(changes).version == "5"
    with pytest.raises(UnavailableError, match="cannot be reached"):
        next(changes)


def test_an_event_without_end_is_not_kept(scripted: ScriptedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube_client, "_LARGEST_EVENT_BYTES", 100_000)
    with pytest.raises(UnavailableError, match="event is larger than 100000 bytes"):
        list(scripted.will(Answer(b"x" * 1_000_000)).watch("v1", "ConfigMap", "1"))
