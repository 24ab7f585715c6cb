"""Does a hostname answer over https? Asked of small servers on the loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from csoc.adapters.https import Found, HttpsHostnames, Way, system_resolver
from csoc.clusters.hostnames import Answered
from csoc.emulator.kubernetes.api.certificates import new_authority, server_context
from csoc.errors import RejectedError

HOST = "data.example.org"
AUTHORITY = new_authority((HOST,))


@contextmanager
def answering(status: int, server: str, body: bytes = b"x") -> Iterator[int]:
    """A server under a certificate for HOST; gives its port."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def version_string(self) -> str:
            return server

        def do_GET(self) -> None:
            seen.append(self.headers["Host"])
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    made = HTTPServer(("127.0.0.1", 0), Handler)
    made.socket = server_context(AUTHORITY).wrap_socket(made.socket, server_side=True)
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield made.server_address[1]
        assert seen in ([HOST], []), "the name is told as the world tells it"
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


def at(*ports: int) -> Callable[[str], Found]:
    return lambda _: Found([Way("127.0.0.1", port) for port in ports], "", AUTHORITY.certificate)


def closed_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.parametrize(
    ("status", "server", "answered"),
    [
        (200, "nginx", Answered.YES),
        (302, "nginx", Answered.YES),
        (403, "nginx", Answered.YES),
        (404, "nginx", Answered.YES),
        (502, "nginx", Answered.FAILING),
        (404, "awselb/2.0", Answered.BALANCER_ONLY),
        (503, "awselb/2.0", Answered.BALANCER_ONLY),
        (502, "awselb/2.0", Answered.FAILING),
        (403, "awselb/2.0", Answered.SHUT_OUT),
    ],
)
def test_who_answers_and_with_what_decides(status: int, server: str, answered: Answered) -> None:
    with answering(status, server) as port:
        found = HttpsHostnames(at(port)).ask(HOST)
    assert (found.answered, found.status) == (answered, status)
    assert found.is_up == (answered in (Answered.YES, Answered.SHUT_OUT))


def test_of_several_addresses_one_that_answers_is_enough() -> None:
    with answering(200, "nginx") as port:
        assert HttpsHostnames(at(closed_port(), port)).ask(HOST).is_up


def test_nobody_there_is_unreachable() -> None:
    assert HttpsHostnames(at(closed_port())).ask(HOST).answered is Answered.UNREACHABLE


def test_a_certificate_for_another_name_or_of_an_unknown_authority_is_wrong() -> None:
    with answering(200, "nginx") as port:
        assert HttpsHostnames(at(port)).ask("other.example.org").answered is Answered.WRONG_CERTIFICATE
        strange = new_authority((HOST,)).certificate
        resolver: Callable[[str], Found] = lambda _: Found([Way("127.0.0.1", port)], "", strange)  # noqa: E731
        assert HttpsHostnames(resolver).ask(HOST).answered is Answered.WRONG_CERTIFICATE


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = HttpsHostnames(at(silent.getsockname()[1]), seconds=0.2).ask(HOST)
    assert (found.answered, found.why) == (Answered.UNREACHABLE, "127.0.0.1 does not answer within 0.2 s")


@pytest.mark.parametrize(
    "name", ["", "localhost", "a b.org", "https://a.org", "a.org/x", "10.0.0.12", "A.org", "a..org"]
)
def test_what_is_no_hostname_is_refused(name: str) -> None:
    with pytest.raises(RejectedError, match="is no hostname"):
        HttpsHostnames(at(1)).ask(name)


def test_a_name_that_does_not_resolve_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    found = HttpsHostnames(system_resolver).ask(HOST)
    assert (found.answered, found.why) == (
        Answered.NO_ADDRESS,
        "its name does not resolve: Name or service not known",
    )
