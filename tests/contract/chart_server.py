"""A web server for charts on a picked port: a Helm repository, a registry, and the tricks of a hostile one."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import yaml

from csoc.fleet.charts import ChartArchive

CHART_TYPE = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server says to a path."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: int = 1  # how often the body is sent


@dataclass
class Site:
    """A running server. replies: by path (without query). seen: (path with query, Authorization or "") of each request.

    basic and token: what a path must be asked with ("user:password", a bearer token); others get 401.
    """

    url: str
    replies: dict[str, Reply] = field(default_factory=dict)
    seen: list[tuple[str, str]] = field(default_factory=list)
    basic: dict[str, str] = field(default_factory=dict)
    bearer: dict[str, str] = field(default_factory=dict)
    challenge: str = 'Basic realm="here"'

    @property
    def origin(self) -> str:
        return self.url.removeprefix("http://")

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.seen]

    def publish(self, *archives: ChartArchive, folder: str = "", digests: bool = True, urls: str = "") -> None:
        """Makes folder a Helm repository of these charts."""
        entries: dict[str, list[dict[str, Any]]] = {}
        for archive in archives:
            name = f"{archive.name}-{archive.version}.tgz"
            self.replies[f"{folder}/{name}"] = Reply(archive.content)
            entry: dict[str, Any] = {"name": archive.name, "version": archive.version, "urls": [f"{urls}{name}"]}
            if digests:
                entry["digest"] = hashlib.sha256(archive.content).hexdigest()
            entries.setdefault(archive.name, []).append(entry)
        index = yaml.safe_dump({"apiVersion": "v1", "entries": entries})
        self.replies[f"{folder}/index.yaml"] = Reply(index.encode())

    def push(self, name: str, *archives: ChartArchive) -> None:
        """Makes the server a registry that has these charts below a repository."""
        tags = []
        for archive in archives:
            repository = f"/v2/{name}/{archive.name}"
            digest = hashlib.sha256(archive.content).hexdigest()
            manifest = json.dumps(
                {"schemaVersion": 2, "layers": [{"mediaType": CHART_TYPE, "digest": f"sha256:{digest}"}]}
            ).encode()
            tag = archive.version.replace("+", "_")
            tags.append(tag)
            self.replies[f"{repository}/manifests/{tag}"] = Reply(manifest)
            self.replies[f"{repository}/manifests/sha256:{hashlib.sha256(manifest).hexdigest()}"] = Reply(manifest)
            self.replies[f"{repository}/blobs/sha256:{digest}"] = Reply(archive.content)
            self.replies[f"{repository}/tags/list"] = Reply(json.dumps({"name": name, "tags": tags}).encode())

    def answer(self, path: str, authorization: str) -> Reply:
        self.seen.append((path, authorization))
        plain = path.partition("?")[0]
        for prefix, pair in self.basic.items():
            if plain.startswith(prefix) and authorization != f"Basic {base64.b64encode(pair.encode()).decode()}":
                return Reply(status=401, headers={"WWW-Authenticate": self.challenge})
        for prefix, token in self.bearer.items():
            if plain.startswith(prefix) and authorization != f"Bearer {token}":
                return Reply(status=401, headers={"WWW-Authenticate": self.challenge})
        return self.replies.get(plain, Reply(status=404))


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        reply = self.server.site.answer(self.path, self.headers.get("Authorization", ""))
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.chunks == 1:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        try:
            for _ in range(reply.chunks):
                self.wfile.write(reply.body)
        except OSError:
            self.close_connection = True  # the client has seen enough

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Says nothing: tests look at `seen`."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    site: Site


@contextmanager
def serving() -> Iterator[Site]:
    """A server on 127.0.0.1 for as long as the context lasts."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.site = Site(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
