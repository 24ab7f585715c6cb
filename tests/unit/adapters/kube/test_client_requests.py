"""What KubeClient puts on the wire: paths that stay where they belong, and each wish in its place."""

from __future__ import annotations

from typing import Any

import pytest

from csoc.clusters.client import Applying, Deletion, LogQuery
from csoc.errors import CsocError, RejectedError
from tests.unit.adapters.kube.scripted import TOKEN, Answer, ScriptedCluster, said

Object = dict[str, Any]
ESCAPING = [
    ("../../../secrets/x", "..%2F..%2F..%2Fsecrets%2Fx"),
    ("%2e%2e%2fx", "%252e%252e%252fx"),
    ("a%2fb", "a%252fb"),
    ("a/b", "a%2Fb"),
    ("a?dryRun=All", "a%3FdryRun%3DAll"),
    ("a#b", "a%23b"),
    ("a;b c\n", "a%3Bb%20c%0A"),
    ("é", "%C3%A9"),
]


@pytest.mark.parametrize(("name", "sent"), ESCAPING)
def test_a_name_stays_one_part_of_the_path_whatever_it_holds(scripted: ScriptedCluster, name: str, sent: str) -> None:
    client = scripted.will(Answer())
    client.get("v1", "ConfigMap", name, "n")
    client.get("v1", "ConfigMap", "x", name)
    client.delete("v1", "ConfigMap", name, "n")
    client.merge("v1", "ConfigMap", name, {}, "n", part=name)
    client.logs(name, name)
    client.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": name}})
    assert [one.path for one in scripted.asked] == [
        f"/api/v1/namespaces/n/configmaps/{sent}",
        f"/api/v1/namespaces/{sent}/configmaps/x",
        f"/api/v1/namespaces/n/configmaps/{sent}",
        f"/api/v1/namespaces/n/configmaps/{sent}/{sent}",
        f"/api/v1/namespaces/{sent}/pods/{sent}/log",
        f"/api/v1/namespaces/{sent}/configmaps/{sent}",
    ]
    assert {key for one in scripted.asked for key in one.query} <= {"fieldManager", "fieldValidation", *LOG_KEYS}


LOG_KEYS = {"tailLines", "timestamps", "limitBytes"}


@pytest.mark.parametrize("name", [".", ".."])
def test_a_name_that_leads_elsewhere_is_rejected_and_nothing_is_sent(scripted: ScriptedCluster, name: str) -> None:
    client = scripted.will(Answer())
    for call in (
        lambda: client.get("v1", "ConfigMap", name, "n"),
        lambda: client.get("v1", "ConfigMap", "x", name),
        lambda: client.delete("v1", "Namespace", name),
        lambda: client.logs(name, "n"),
        lambda: client.logs("x", name),
        lambda: client.resource(f"{name}/v1", "Kind"),
    ):
        with pytest.raises(RejectedError, match="is no name"):
            call()
    assert scripted.asked == []


def test_an_object_without_the_namespace_or_name_that_it_needs_is_rejected_and_nothing_is_sent(
    scripted: ScriptedCluster,
) -> None:
    client = scripted.will(Answer())
    with pytest.raises(RejectedError, match="needs a namespace"):
        client.delete("v1", "ConfigMap", "x")
    with pytest.raises(RejectedError, match="is no name"):
        client.logs("", "n")
    for metadata in ({}, None, {"name": ""}, {"name": 5}, {"name": ["x"]}, "x"):
        with pytest.raises(RejectedError, match="has no name"):
            client.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    with pytest.raises(RejectedError, match="names no apiVersion and kind"):
        client.create({"metadata": {"name": "x"}})
    assert scripted.asked == []


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        (Deletion(), {"propagationPolicy": "Background"}),
        (Deletion(orphan=True), {"propagationPolicy": "Orphan"}),
        (Deletion(foreground=True), {"propagationPolicy": "Foreground"}),
        (Deletion(grace_seconds=0), {"propagationPolicy": "Background", "gracePeriodSeconds": 0}),
        (Deletion(grace_seconds=30), {"propagationPolicy": "Background", "gracePeriodSeconds": 30}),
        (Deletion(dry_run=True), {"propagationPolicy": "Background", "dryRun": ["All"]}),
        (Deletion(uid="u"), {"propagationPolicy": "Background", "preconditions": {"uid": "u"}}),
    ],
)
def test_how_something_is_deleted_stands_in_the_request(
    scripted: ScriptedCluster, how: Deletion, wanted: Object
) -> None:
    assert scripted.will(Answer()).delete("v1", "ConfigMap", "x", "n", how)
    (asked,) = scripted.asked
    assert (asked.method, asked.query) == ("DELETE", {})
    assert asked.body == {"apiVersion": "v1", "kind": "DeleteOptions", **wanted}


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (LogQuery(), {"tailLines": "500", "timestamps": "true"}),
        (LogQuery(tail=None, timestamps=False), {}),
        (LogQuery(tail=0, timestamps=False), {"tailLines": "0"}),
        (LogQuery(tail=None, timestamps=False, since_seconds=60), {"sinceSeconds": "60"}),
        (LogQuery(tail=None, timestamps=False, previous=True), {"previous": "true"}),
        (LogQuery(tail=None, timestamps=False, container="a&b=c"), {"container": "a&b=c"}),
    ],
)
def test_which_lines_of_a_log_are_wanted_stands_in_the_request(
    scripted: ScriptedCluster, query: LogQuery, wanted: Object
) -> None:
    scripted.will(Answer(b"one\n")).logs("p", "n", query)
    (asked,) = scripted.asked
    assert asked.query == {"limitBytes": str(8 * 1024 * 1024), **wanted}
    assert asked.headers["accept"] == "*/*"


def test_a_line_of_a_log_ends_where_the_container_ended_it(scripted: ScriptedCluster) -> None:
    text = "a form\x0cfeed\nseparated\u2028\x85here\r\n\nno end"
    assert scripted.will(Answer(text.encode() + b"\xff")).logs("p", "n") == [
        "a form\x0cfeed",
        "separated\u2028\x85here",
        "",
        "no end\ufffd",
    ]
    assert scripted.will(Answer(b"")).logs("p", "n") == []
    assert scripted.will(Answer(b"\n")).logs("p", "n") == [""]


def test_what_is_applied_names_its_manager_and_is_checked_strictly(scripted: ScriptedCluster) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}
    client = scripted.will(Answer())
    client.apply(body)
    client.apply(body, Applying("me", force=True, dry_run=True))
    plain = {"fieldManager": "csoc", "fieldValidation": "Strict"}
    assert [one.query for one in scripted.asked] == [
        plain,
        plain | {"fieldManager": "me", "force": "true", "dryRun": "All"},
    ]
    assert {one.headers["content-type"] for one in scripted.asked} == {"application/apply-patch+yaml"}
    assert scripted.asked[0].body == body


def test_the_token_is_asked_for_at_each_call(scripted: ScriptedCluster) -> None:
    scripted.will(said({"gitVersion": "v1"}))
    tokens = iter(["first", "second"])
    client = scripted.connected(lambda: next(tokens))
    client.version()
    client.version()
    assert [one.headers["authorization"] for one in scripted.asked] == ["Bearer first", "Bearer second"]
    client.close()


@pytest.mark.parametrize("token", [f"{TOKEN}\n", f"{TOKEN}\r\nX-Other: 1", f"{TOKEN}\u2028"])
def test_a_token_that_cannot_be_sent_is_told_without_it(scripted: ScriptedCluster, token: str) -> None:
    client = scripted.connected(lambda: token)
    with pytest.raises(CsocError, match="credential holds characters") as refused:
        client.version()
    assert TOKEN not in str(refused.value)
    assert scripted.asked == []
    client.close()
