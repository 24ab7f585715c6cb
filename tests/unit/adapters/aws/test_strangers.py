"""An endpoint that is not AWS: what it answers is no mistake of csoc, and who asks is told what to check."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from csoc.accounts.cloud import Probe, SessionRequest
from csoc.adapters.aws.accounts import AwsAccounts, AwsSession
from csoc.adapters.aws.failures import translated
from csoc.adapters.aws.sessions import own_session
from csoc.errors import CsocError, Kind, UnavailableError

_ROLE = "arn:aws:iam::111122223333:role/csoc"
_ACCOUNT = "111122223333"


def identity(arn: str, account: str = _ACCOUNT, user: str = "AIDAEXAMPLE") -> str:
    said = f"<Arn>{arn}</Arn><UserId>{user}</UserId><Account>{account}</Account>"
    return f"<R xmlns='https://sts.amazonaws.com/doc/2011-06-15/'><GetCallerIdentityResult>{said}</GetCallerIdentityResult></R>"


class Stranger:
    """A server on this machine. body, status, date: what it answers, whatever it is asked."""

    def __init__(self) -> None:
        self.body, self.status, self.date = "", 200, "Tue, 24 Nov 2026 12:00:00 GMT"
        stranger = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                content = stranger.body.encode()
                self.send_response(stranger.status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def date_time_string(self, timestamp: float | None = None) -> str:
                return stranger.date

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it has there
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stranger]:
    made = Stranger()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_IAM", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    given = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x", "AWS_CONFIG_FILE": "/dev/null"}
    for name, value in (given | {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": made.url}).items():
        monkeypatch.setenv(name, value)
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def check(error: CsocError, place: str) -> None:
    assert (error.kind, error.place) == (Kind.UNAVAILABLE, place)
    assert "What answered is not AWS" in error.cause
    assert "AWS_ENDPOINT_URL" in error.fix
    assert "proxy" in error.fix
    assert "canary" not in str(error)


_BODIES = {
    "a page": "<!doctype html><html><body>Sign in, canary<br></body></html>",
    "a page that is XML": "<html><body>canary</body></html>",
    "broken XML": "<GetCallerIdentityResponse><GetCallerIdentityResult>canary",
    "nothing": "",
    "JSON": '{"message": "canary"}',
    "broken JSON": '{"message": "canary',
}


@pytest.mark.parametrize("body", _BODIES.values(), ids=_BODIES)
def test_an_answer_that_is_not_aws_own_is_told_as_such(stranger: Stranger, body: str) -> None:
    stranger.body = body
    with pytest.raises(UnavailableError) as told:
        AwsAccounts().caller()
    check(told.value, "AWS sts")
    with pytest.raises(UnavailableError) as told:
        AwsAccounts().assume(SessionRequest(_ROLE, "csoc"), "us-east-1")
    check(told.value, _ROLE)


def test_a_page_of_a_proxy_that_refuses_is_no_answer_of_aws(stranger: Stranger) -> None:
    stranger.body, stranger.status = _BODIES["a page"], 403
    with pytest.raises(UnavailableError) as told:
        AwsAccounts().caller()
    check(told.value, "AWS sts")


@pytest.mark.parametrize(
    "body",
    [
        identity("canary"),
        identity("arn:aws:iam::111122223333"),
        identity("arn:aws:iam::111122223333:"),
        identity("arn:aws:sts::111122223333:assumed-role/"),
        identity("arn:aws:s3::111122223333:user/ada"),
        identity("arn:aws:iam::111122223333:user/ada", account="444455556666"),
        identity("arn:aws:iam::111122223333:user/ada", account=""),
        identity("arn:aws:iam::111122223333:user/ada", user=""),
        identity("arn:aws:iam::canary:user/ada", account="canary"),
    ],
)
def test_an_identity_that_aws_would_not_give_is_nobodys(stranger: Stranger, body: str) -> None:
    stranger.body = body
    with pytest.raises(UnavailableError) as told:
        AwsAccounts().caller()
    check(told.value, "AWS sts")


@pytest.mark.parametrize(
    ("arn", "kind"),
    [
        ("arn:aws:iam::111122223333:root", "root"),
        ("arn:aws:iam::111122223333:user/people/ada", "user"),
        ("arn:aws-cn:iam::111122223333:user/ada@example.org", "user"),
        ("arn:aws-us-gov:sts::111122223333:federated-user/ada", "federated"),
        ("arn:aws:sts::111122223333:assumed-role/csoc/session", "role"),
    ],
)
def test_every_kind_of_identity_of_aws_is_known(stranger: Stranger, arn: str, kind: str) -> None:
    stranger.body = identity(arn)
    found = AwsSession(own_session()).caller()
    assert (found.account_id, found.arn, found.kind, found.unique_id) == (_ACCOUNT, arn, kind, "AIDAEXAMPLE")


@pytest.mark.parametrize(
    ("asked", "answered", "skew"),
    [
        (0.0, 0.1, 0.0),
        (0.9, 7.5, 0.0),
        (-7.5, 0.0, 0.0),
        (-7.5, -0.5, -0.5),
        (1.0, 1.5, 0.0),
        (3.0, 3.5, 2.0),
        (-300.0, -299.0, -299.0),
    ],
)
def test_a_clock_is_wrong_by_what_the_answer_proves(
    stranger: Stranger, asked: float, answered: float, skew: float
) -> None:
    stranger.body = identity("arn:aws:iam::111122223333:user/ada")
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    times = iter([noon + timedelta(seconds=asked), noon + timedelta(seconds=answered)])
    assert AwsAccounts(clock=lambda: next(times)).skew_seconds() == skew


@pytest.mark.parametrize("date", ["canary", "Tue, 99 Nov 2026 12:00:00 GMT", "0"])
def test_a_time_that_is_none_is_not_aws_own(stranger: Stranger, date: str) -> None:
    stranger.body, stranger.date = identity("arn:aws:iam::111122223333:user/ada"), date
    with pytest.raises(UnavailableError) as told:
        AwsAccounts().skew_seconds()
    check(told.value, "AWS sts")


@pytest.mark.parametrize("name", ["a page", "a page that is XML"])
def test_a_right_that_a_stranger_was_asked_for_is_neither_there_nor_absent(stranger: Stranger, name: str) -> None:
    stranger.body = _BODIES[name]
    found = AwsSession(own_session()).probe(Probe("sts", "get_caller_identity"), "us-east-1")
    assert found.allowed is None
    assert "What answered is not AWS" in found.detail


def test_a_key_that_csoc_itself_misses_is_no_answer_of_a_stranger() -> None:
    with pytest.raises(KeyError), translated("x"):
        raise KeyError("Arn")
