"""Deliveries: nothing unsigned passes, and nothing misshapen becomes an event."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.adapters.githost.webhook import MAX_BODY_BYTES, parse_event, receive, verify_signature
from csoc.errors import DeniedError, RejectedError
from csoc.fleet.githost import EventKind

SECRET = "It's a Secret to Everybody"
OLD, NEW = "a" * 40, "b" * 40


def push(**changes: Any) -> dict[str, Any]:
    repository = {"html_url": "https://github.com/acme/fleet", "full_name": "acme/fleet"}
    return {
        "ref": "refs/heads/csoc/change",
        "before": OLD,
        "after": NEW,
        "repository": repository,
        "sender": {"login": "ada"},
        **changes,
    }


def pull_request(**changes: Any) -> dict[str, Any]:
    pull = {
        "number": 7,
        "merged": True,
        "head": {"ref": "csoc/change", "sha": NEW},
        "base": {"ref": "main", "sha": OLD},
        **changes,
    }
    return {"action": "closed", "number": 7, "pull_request": pull, **{k: push()[k] for k in ("repository", "sender")}}


def signed(data: Any, event: str, secret: str = SECRET) -> tuple[bytes, dict[str, str]]:
    body = json.dumps(data).encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return body, {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Event": event, "X-GitHub-Delivery": "d-1"}


def test_githubs_own_example_of_a_signature_is_accepted() -> None:
    # From GitHub's documentation, "Validating webhook deliveries".
    digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    verify_signature(SECRET, b"Hello, World!", {"x-hub-signature-256": f"sha256={digest}"})
    verify_signature(SECRET, b"Hello, World!", {"X-Gitea-Signature": digest})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature-256": "sha256="},
        {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Gitea-Signature": "é" * 64},
        {"X-Hub-Signature": "sha1=" + hmac.new(SECRET.encode(), b"{}", hashlib.sha1).hexdigest()},
    ],
)
def test_a_delivery_without_the_right_signature_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(DeniedError, match="not signed"):
        verify_signature(SECRET, b"{}", headers)


def test_one_changed_byte_or_another_secret_breaks_the_signature() -> None:
    body, headers = signed(push(), "push")
    assert receive(SECRET, body, headers) is not None
    for secret, content in ((SECRET, body + b" "), (SECRET + "x", body)):
        with pytest.raises(DeniedError, match="not signed"):
            receive(secret, content, headers)


def test_an_empty_secret_protects_nothing_and_is_refused() -> None:
    body, headers = signed(push(), "push", secret="")
    with pytest.raises(DeniedError, match="no secret"):
        receive("", body, headers)


def test_a_delivery_that_is_too_large_is_not_even_hashed() -> None:
    with pytest.raises(DeniedError, match="larger"):
        verify_signature(SECRET, b" " * (MAX_BODY_BYTES + 1), {})
    with pytest.raises(RejectedError, match="larger"):
        parse_event(b" " * (MAX_BODY_BYTES + 1), {"X-GitHub-Event": "push"})


def test_a_push_becomes_an_event() -> None:
    event = receive(SECRET, *signed(push(), "push"))
    assert event is not None
    assert (event.kind, event.repository, event.sender) == (EventKind.PUSH, "github.com/acme/fleet", "ada")
    assert (event.branch, event.before, event.after, event.deleted) == ("csoc/change", OLD, NEW, False)
    assert event.delivery == "d-1"


def test_a_new_branch_a_deleted_one_and_a_tag_are_told_apart() -> None:
    new = receive(SECRET, *signed(push(before="0" * 40), "push"))
    gone = receive(SECRET, *signed(push(after="0" * 40), "push"))
    tag = receive(SECRET, *signed(push(ref="refs/tags/main"), "push"))
    assert new is not None
    assert gone is not None
    assert tag is not None
    assert (new.before, new.deleted) == ("", False)
    assert (gone.after, gone.deleted) == ("", True)
    assert tag.branch == ""


def test_a_pull_request_becomes_an_event() -> None:
    event = receive(SECRET, *signed(pull_request(), "pull_request"))
    assert event is not None
    assert (event.kind, event.number, event.action, event.merged) == (EventKind.PULL_REQUEST, 7, "closed", True)
    assert (event.branch, event.base, event.after) == ("csoc/change", "main", NEW)


def test_other_events_are_no_business_of_csoc() -> None:
    assert receive(SECRET, *signed({"zen": "Keep it simple"}, "ping")) is None
    assert receive(SECRET, *signed(push(), "")) is None


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("push", []),
        ("push", None),
        ("push", push(ref=None)),
        ("push", push(ref=7)),
        ("push", push(ref="refs/heads/" + "x" * 1000)),
        ("push", push(ref="refs/heads/a\nb")),
        ("push", push(after="--upload-pack=evil")),
        ("push", push(after="b" * 39)),
        ("push", push(after="B" * 40)),
        ("push", push(repository={"html_url": "file:///etc/passwd"})),
        ("push", push(repository={"html_url": "/etc/passwd"})),
        ("push", push(repository={"html_url": "https://user:password@github.com/acme/fleet"})),
        ("push", push(repository="acme/fleet")),
        ("push", push(sender=None)),
        ("pull_request", {**pull_request(), "pull_request": None}),
        ("pull_request", pull_request(number=True)),
        ("pull_request", pull_request(number=0)),
        ("pull_request", pull_request(number=10**30)),
        ("pull_request", pull_request(number="7")),
        ("pull_request", pull_request(merged="false")),
        ("pull_request", pull_request(head=[])),
        ("pull_request", {**pull_request(), "action": {"x": 1}}),
    ],
)
def test_a_signed_delivery_of_another_shape_is_refused(event: str, data: Any) -> None:
    with pytest.raises(RejectedError) as raised:
        receive(SECRET, *signed(data, event))
    assert "password" not in str(raised.value)


@pytest.mark.parametrize("body", [b"", b"payload=%7B%7D", b"\xff\xfe", b"[" * 200_000])
def test_a_body_that_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(RejectedError, match="JSON"):
        parse_event(body, {"X-GitHub-Event": "push"})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(NEW) | st.just("https://github.com/a/b"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(push())), inner, max_size=4),
    max_leaves=10,
)


@given(
    key=st.sampled_from(["ref", "after", "repository", "sender", "pull_request", "action"]),
    value=_JSON,
    event=st.sampled_from(["push", "pull_request"]),
)
def test_whatever_a_field_holds_the_result_is_an_event_or_a_refusal(key: str, value: Any, event: str) -> None:
    data = {**pull_request(), **push(), key: value}
    refused = False
    try:
        found = parse_event(json.dumps(data).encode(), {"X-GitHub-Event": event})
    except RejectedError:
        refused = True
    assert refused or found is not None
