"""What is shown to whom, GitHub App tokens included, and host keys that nobody has accepted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import jwt
import pygit2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.types import Options
from pygit2.enums import CredentialType

from csoc.adapters.git.credentials import Credentials
from csoc.adapters.git.github_app import AppTokens, api_of
from csoc.adapters.git.transfers import Callbacks, clean, translate
from csoc.adapters.githost.factory import githost_for
from csoc.config import Credential, GitHostSettings, Limits, Settings
from csoc.errors import CsocError, DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet.addresses import parse

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BASIC = CredentialType.USERPASS_PLAINTEXT


class Api:
    """GitHub's API for App tokens, as far as it is used here."""

    def __init__(self) -> None:
        self.status = 201
        self.answer: bytes | None = None
        self.lifetime = timedelta(hours=1)
        self.now = NOW
        self.asked: list[tuple[str, str]] = []
        self.port = 0

    def content(self) -> bytes:
        if self.answer is not None:
            return self.answer
        expires = (self.now + self.lifetime).isoformat().replace("+00:00", "Z")
        return json.dumps({"token": f"ghs_{len(self.asked)}", "expires_at": expires}).encode()


@pytest.fixture
def api() -> Iterator[Api]:
    state = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.asked.append((self.path, self.headers["Authorization"]))
            content = state.content()
            self.send_response(state.status)
            self.send_header("Location", f"http://localhost:{state.port}/elsewhere")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def app(api: Api, key: rsa.RSAPrivateKey, tmp_path: Path) -> Credential:
    file = tmp_path / "key.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    return Credential(
        url_prefix="https://github.com/acme",
        kind="github-app",
        app_id="12",
        installation_id="34",
        private_key_file=file,
        api_url=f"http://127.0.0.1:{api.port}/api/v3/",
    )


def tokens(api: Api) -> AppTokens:
    return AppTokens(seconds=10, clock=lambda: api.now)


def book(*credentials: Credential, **environ: str) -> Credentials:
    return Credentials(Settings(credentials=credentials), AppTokens(seconds=1), environ)


def token(prefix: str, name: str) -> Credential:
    return Credential(url_prefix=prefix, kind="token", username=name, token_env="TOKEN")


def test_an_app_proves_itself_with_a_short_token_signed_by_its_key(
    api: Api, app: Credential, key: rsa.RSAPrivateKey
) -> None:
    assert tokens(api).token(app) == "ghs_1"
    path, authorization = api.asked[0]
    assert path == "/api/v3/app/installations/34/access_tokens"
    options: Options = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(authorization.removeprefix("Bearer "), key.public_key(), algorithms=["RS256"], options=options)
    assert claims["iss"] == "12"
    assert claims["iat"] < NOW.timestamp() < claims["exp"] <= claims["iat"] + 600


def test_an_app_of_an_enterprise_host_serves_its_pull_requests_too(api: Api, app: Credential) -> None:
    here = f"http://127.0.0.1:{api.port}"
    settings = Settings(
        git_hosts=(GitHostSettings(url=here, kind="github"),),
        credentials=(app.model_copy(update={"url_prefix": here, "api_url": ""}),),
    )
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"default_branch": "main"})

    host = githost_for(
        f"{here}/acme/fleet", settings, app_token=tokens(api).token, transport=httpx.MockTransport(handler)
    )
    assert host.default_branch() == "main"
    assert api.asked[0][0] == "/api/v3/app/installations/34/access_tokens"
    assert str(seen[0].url) == f"{here}/api/v3/repos/acme/fleet"
    assert seen[0].headers["authorization"] == "Bearer ghs_1"


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("https://github.com/acme", "https://api.github.com"),
        ("https://acme.ghe.com/acme", "https://api.acme.ghe.com"),
        ("https://code.example.org:8443/acme", "https://code.example.org:8443/api/v3"),
        ("https://github.com.example.org", "https://github.com.example.org/api/v3"),
    ],
)
def test_an_app_asks_the_api_of_its_own_host(app: Credential, prefix: str, expected: str) -> None:
    assert api_of(app.model_copy(update={"url_prefix": prefix, "api_url": ""})) == expected


def test_a_token_is_used_until_shortly_before_it_expires(api: Api, app: Credential) -> None:
    made = tokens(api)
    assert [made.token(app), made.token(app)] == ["ghs_1", "ghs_1"]
    api.now += timedelta(minutes=54)
    assert made.token(app) == "ghs_1"
    api.now += timedelta(minutes=2)
    assert made.token(app) == "ghs_2"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, DeniedError), (403, DeniedError), (404, NotFoundError), (500, UnavailableError), (302, UnavailableError)],
)
def test_a_refusal_says_what_to_check_and_is_not_followed(
    api: Api, app: Credential, status: int, kind: type[CsocError]
) -> None:
    api.status = status
    with pytest.raises(kind) as caught:
        tokens(api).token(app)
    assert len(api.asked) == 1
    assert api.asked[0][1].removeprefix("Bearer ") not in str(caught.value)


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"{}", b"<html>", b'{"token": 1, "expires_at": "x"}', b'{"token":"a"}', b"x" * 2_000_000]
)
def test_an_answer_without_a_token_is_no_token(api: Api, app: Credential, answer: bytes) -> None:
    api.answer = answer
    with pytest.raises(UnavailableError, match="no token"):
        tokens(api).token(app)


def test_a_key_file_that_is_no_key_or_not_there_is_named_and_not_shown(api: Api, app: Credential) -> None:
    assert app.private_key_file is not None
    app.private_key_file.write_text("hunter2")
    with pytest.raises(RejectedError) as caught:
        tokens(api).token(app)
    assert "hunter2" not in str(caught.value)
    assert str(app.private_key_file) in str(caught.value)
    app.private_key_file.unlink()
    with pytest.raises(NotFoundError):
        tokens(api).token(app)
    assert api.asked == []


def test_an_api_that_is_not_there_is_unavailable(app: Credential) -> None:
    gone = app.model_copy(update={"api_url": "http://127.0.0.1:1"})
    with pytest.raises(UnavailableError):
        AppTokens(seconds=5).token(gone)


def test_the_token_of_an_app_is_what_git_is_shown(api: Api, app: Credential) -> None:
    credentials = Credentials(Settings(credentials=(app,)), tokens(api), {})
    assert credentials.basic(parse("https://github.com/acme/fleet")) == ("x-access-token", "ghs_1")
    assert credentials.basic(parse("https://github.com/other/fleet")) is None


def test_the_longest_prefix_wins_whatever_the_order() -> None:
    wide, narrow, exact = (
        token("https://github.com", "wide"),
        token("https://github.com/acme/", "narrow"),
        token("https://github.com/acme/fleet.git", "exact"),
    )
    for order in ((wide, narrow, exact), (exact, narrow, wide)):
        found = book(*order, TOKEN="t")
        assert found.basic(parse("https://github.com/acme/fleet")) == ("exact", "t")
        assert found.basic(parse("https://github.com/acme/other.git")) == ("narrow", "t")
        assert found.basic(parse("https://github.com/x/y")) == ("wide", "t")


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com.evil.org/acme/fleet",
        "https://github.com:8443/acme/fleet",
        "http://github.com/acme/fleet",
        "https://github.com/acme-evil/fleet",
        "https://evil.org/github.com/acme",
        "ssh://git@github.com/acme/fleet",
    ],
)
def test_a_credential_is_for_its_scheme_host_port_and_whole_path_only(url: str) -> None:
    assert book(token("https://github.com/acme", "bot"), TOKEN="t").find(parse(url)) is None


def test_an_agent_is_for_what_a_person_typed_unless_the_settings_say_more() -> None:
    address = parse("git@github.com:acme/fleet.git")
    found = book(SSH_AUTH_SOCK="/agent")
    assert isinstance(found.answer(address, CredentialType.SSH_KEY, trusted=True), pygit2.KeypairFromAgent)
    with pytest.raises(DeniedError, match="ssh-agent"):
        found.answer(address, CredentialType.SSH_KEY, trusted=False)
    allowed = book(Credential(url_prefix="ssh://git@github.com/acme", kind="ssh-agent"), SSH_AUTH_SOCK="/agent")
    assert isinstance(allowed.answer(address, CredentialType.SSH_KEY, trusted=False), pygit2.KeypairFromAgent)


def test_an_ssh_key_is_read_from_its_file_with_its_passphrase(tmp_path: Path) -> None:
    file = tmp_path / "id"
    credential = Credential(
        url_prefix="ssh://git@github.com", kind="ssh-key", private_key_file=file, passphrase_env="PASS"
    )
    found = book(credential, PASS="open sesame")
    address = parse("git@github.com:acme/fleet.git")
    with pytest.raises(NotFoundError) as caught:
        found.answer(address, CredentialType.SSH_KEY, trusted=True)
    assert "open sesame" not in str(caught.value)
    file.write_text("key")
    answer = found.answer(address, CredentialType.SSH_KEY, trusted=True)
    assert isinstance(answer, pygit2.Keypair)
    assert answer.credential_tuple == ("git", None, str(file), "open sesame")


def test_a_password_is_never_shown_to_an_ssh_server() -> None:
    found = book(token("https://github.com", "bot"), TOKEN="t")
    with pytest.raises(DeniedError):
        found.answer(parse("git@github.com:acme/fleet"), BASIC, trusted=True)


def callbacks(url: str, credentials: Credentials) -> Callbacks:
    return Callbacks(parse(url), credentials, Limits(), trusted=True)


def test_an_ssh_host_that_nobody_has_accepted_is_denied() -> None:
    with pytest.raises(DeniedError, match="known hosts"):
        callbacks("git@github.com:a/b", book()).certificate_check(None, valid=False, host=b"github.com")
    assert callbacks("git@github.com:a/b", book()).certificate_check(None, valid=True, host=b"github.com")
    assert not callbacks("https://github.com/a/b", book()).certificate_check(None, valid=False, host=b"github.com")


def test_a_credential_is_shown_once_and_only_to_the_host_that_was_asked() -> None:
    asked = callbacks("https://github.com/acme/fleet", book(token("https://github.com", "bot"), TOKEN="t"))
    with pytest.raises(DeniedError, match="Another host"):
        asked.credentials("https://evil.org/acme/fleet", None, BASIC)
    assert isinstance(asked.credentials("https://github.com/acme/fleet", None, BASIC), pygit2.UserPass)
    with pytest.raises(DeniedError, match="refuses the credential"):
        asked.credentials("https://github.com/acme/fleet", None, BASIC)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("unexpected http status code: 404", NotFoundError),
        ("ERROR: Repository not found.", NotFoundError),
        ("request failed with status code: 403", DeniedError),
        ("remote authentication required but no callback set", DeniedError),
        ("invalid or unknown remote ssh hostkey", DeniedError),
        ("the SSL certificate is invalid", DeniedError),
        ("failed to resolve address for x: Name or service not known", UnavailableError),
        ("failed to connect to 127.0.0.1:40404: timed out", UnavailableError),
        ("failed to connect to 127.0.0.1:40403: Connection refused", UnavailableError),
        ("something new", UnavailableError),
    ],
)
def test_what_libgit2_says_becomes_the_kind_that_it_means(text: str, kind: type[CsocError]) -> None:
    assert type(translate(pygit2.GitError(text), parse("https://github.com/a/b"))) is kind


def test_what_a_server_says_is_one_short_line() -> None:
    assert clean("a\x1b[31m\r\nb\x00") == "a [31m b"
    assert len(clean("x" * 10_000)) < 400
