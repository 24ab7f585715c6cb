"""A cluster that answers what a test wrote down, over a real connection, for what no real one does on demand."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration

from csoc.adapters.kube.client import KubeClient

Object = dict[str, Any]
TOKEN = "token-0123456789abcdef-of-mine"
CORE = {
    "kind": "APIResourceList",
    "resources": [
        {"name": "configmaps", "kind": "ConfigMap", "namespaced": True, "verbs": ["get"]},
        {"name": "namespaces", "kind": "Namespace", "namespaced": False, "verbs": ["get"]},
        {"name": "pods", "kind": "Pod", "namespaced": True, "verbs": ["get"]},
        {"name": "pods/log", "kind": "Pod", "namespaced": True, "verbs": ["get"]},
    ],
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent. cut: the connection ends before all that was promised. chunked: each line by itself, as a
    watch is sent."""

    body: bytes = b"{}"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    chunked: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What came. path: as it stood on the wire."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class ScriptedCluster:
    """Gives one answer after another, the last one for ever, and keeps what it was asked. Of the core's resources it
    tells by itself."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[Answer] = [Answer()]
        self.asked: list[Asked] = []
        self.client = self.connected(lambda: TOKEN)

    def connected(self, token: Callable[[], str]) -> KubeClient:
        configuration = Configuration()
        configuration.host = self.url
        configuration.api_key_prefix["authorization"] = "Bearer"
        configuration.api_key["authorization"] = ""

        def renew(current: Configuration) -> None:
            current.api_key["authorization"] = token()

        configuration.refresh_api_key_hook = renew
        return KubeClient(ApiClient(configuration), "scripted")

    def next(self, asked: Asked) -> Answer:
        if asked.path == "/api/v1":
            return said(CORE)
        self.asked.append(asked)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def will(self, *answers: Answer) -> KubeClient:
        """The client of a cluster that answers so."""
        self.answers = list(answers)
        return self.client


def said(body: object, status: int = 200, **headers: str) -> Answer:
    return Answer(json.dumps(body).encode(), status, headers)


def status(code: int, message: str, **more: Any) -> Answer:
    """An answer as the API server words a failure."""
    return said({"kind": "Status", "apiVersion": "v1", "code": code, "message": message, **more}, code)


def _in_chunks(answer: Answer) -> bytes:
    lines = answer.body.splitlines(keepends=True)
    return b"".join(b"%x\r\n%s\r\n" % (len(line), line) for line in lines) + (b"" if answer.cut else b"0\r\n\r\n")


@contextmanager
def scripted_cluster() -> Iterator[ScriptedCluster]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            sent = self.rfile.read(length)
            parts = urlsplit(self.path)
            headers = {name.lower(): text for name, text in self.headers.items()}
            told = cluster.next(
                Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, json.loads(sent or b"null"))
            )
            self.send_response(told.status)
            if told.chunked:
                self.send_header("Transfer-Encoding", "chunked")
            else:
                self.send_header("Content-Length", str(len(told.body) * (2 if told.cut else 1)))
            for name, text in told.headers.items():
                self.send_header(name.replace("_", "-"), text)
            self.end_headers()
            # A client that refuses an answer hangs up before its end.
            with contextlib.suppress(ConnectionError):
                self.wfile.write(_in_chunks(told) if told.chunked else told.body)
            self.close_connection = told.cut

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Says nothing of clients that hang up between two requests; what a test misses, it sees itself."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    cluster = ScriptedCluster(f"http://127.0.0.1:{server.server_port}")
    running = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    running.start()
    try:
        yield cluster
    finally:
        cluster.client.close()
        server.shutdown()
        server.server_close()
        running.join()
