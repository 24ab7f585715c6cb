"""What is asked of the emulator itself, without a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from moto.iam.models import iam_backends

from csoc.emulator.cloud.accounts import Accounts
from csoc.emulator.cloud.counts import Counts
from csoc.emulator.cloud.faults import Faults
from csoc.emulator.control import Control
from csoc.emulator.edge.answers import Edge
from csoc.emulator.remote import TOKEN_HEADER
from csoc.emulator.timeline import SteppedTimeline

ACCOUNT = "700000000017"


@pytest.fixture
def accounts() -> Iterator[Accounts]:
    yield Accounts()
    iam_backends.pop(ACCOUNT, None)


@pytest.fixture
def control(accounts: Accounts) -> Control:
    timeline = SteppedTimeline(datetime(2026, 1, 1, tzinfo=UTC))
    edge = Edge(lambda: (), lambda _: (), lambda _: None, lambda _: None)
    return Control(accounts, Counts(), Faults(), timeline, edge)


@pytest.mark.parametrize(("method", "place"), [("POST", "faults"), ("POST", "organisation"), ("PUT", "speed")])
@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"[" * 100_000, "the request is JSON that is nested too deeply"),
        (b'{"a":' * 100_000, "the request is JSON that is nested too deeply"),
        (b'{"speed": ' + b"9" * 5_000 + b"}", "the request is not JSON"),
        (b"\xff\xfe", "the request is not JSON"),
        (b"[]", "the request is no JSON object"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_in_words(
    control: Control, method: str, place: str, body: bytes, why: str
) -> None:
    headers = {"host": "127.0.0.1:4566", TOKEN_HEADER: control.token}
    reply = control(method, f"/_csoc/{place}", headers, body)
    assert (reply.status, json.loads(reply.body)) == (400, {"error": why})


def test_a_rule_for_whom_there_is_nobody_is_set_and_said_to_hit_nothing(control: Control, accounts: Accounts) -> None:
    accounts.owner(ACCOUNT)
    headers = {"host": "127.0.0.1:4566", TOKEN_HEADER: control.token}
    told = []
    for role in ("owner", "deployer"):
        body = json.dumps({"effect": "deny", "account": ACCOUNT, "role": role}).encode()
        reply = control("POST", "/_csoc/faults", headers, body)
        told.append((reply.status, json.loads(reply.body)))
    missing = f"there is no user or role deployer yet in account {ACCOUNT}"
    assert told == [
        (200, {"id": "fault-1", "warnings": []}),
        (200, {"id": "fault-2", "warnings": [missing]}),
    ]
