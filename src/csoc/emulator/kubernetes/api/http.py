"""The Kubernetes API of all clusters, below one port: https://127.0.0.1:PORT/clusters/<id>.

Requests are answered on threads; watches and streams live on the event loop, so that thousands of them cost no thread.
Whatever goes wrong in one request is answered there and touches no other cluster.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.access.requests import Query, asked
from csoc.emulator.kubernetes.api import answers, bodies, routes
from csoc.emulator.kubernetes.api.answers import Answer
from csoc.emulator.kubernetes.api.handlers import Request
from csoc.emulator.kubernetes.api.streams import serve_stream
from csoc.emulator.kubernetes.clusters import SimulatedCluster, SimulatedClusters

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_LOG = logging.getLogger(__name__)
_PREFIX = "/clusters/"
_THREADS = 8
_MOST_AT_ONCE = 400
"""Requests of one cluster, watches apart; as the real server's --max-requests-inflight."""
_COMPACT_SECONDS = 60.0


class ClustersEndpoint:
    """ASGI application. hang_up: closes the connection of a client (host, port) without an answer, for clusters that do
    not run; without it they answer 503."""

    def __init__(
        self,
        clusters: SimulatedClusters,
        hang_up: Callable[[tuple[str, int]], None] | None = None,
        threads: int = _THREADS,
    ) -> None:
        self._clusters = clusters
        self._hang_up = hang_up
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="clusters")
        self._running: dict[str, int] = {}
        self._compacted = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return
        path = scope.get("raw_path") or scope["path"].encode()
        text = path.decode("latin-1")
        cluster, rest = self._cluster(text)
        if cluster is None or not cluster.running:
            await self._gone(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await serve_stream(cluster, rest, scope, receive, send, self._threads)
            return
        await self._http(cluster, rest, scope, receive, send)

    def close(self) -> None:
        """Ends the threads after the requests that run."""
        self._threads.shutdown()

    def _cluster(self, path: str) -> tuple[SimulatedCluster | None, str]:
        if not path.startswith(_PREFIX):
            return None, ""
        name, slash, rest = path.removeprefix(_PREFIX).partition("/")
        return self._clusters.get(unquote(name)), slash + rest or "/"

    async def _gone(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if self._hang_up is not None and client:
            self._hang_up((client[0], client[1]))
            if scope["type"] == "http":
                # The server calls it a fault to end without an answer, unless it has seen that the client is gone.
                await _until_gone(receive)
                return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1001})
            return
        await _send(send, answers.of_text("there is no such cluster\n", 503))

    async def _http(self, cluster: SimulatedCluster, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        headers, groups = _headers(scope)
        try:
            body = await _body(receive)
            if body is None:
                return
            answer = await self._answered(cluster, path, scope, headers, groups, body)
        except errors.ApiError as error:
            answer = answers.of_error(error)
        except Exception as error:  # noqa: BLE001 - one failing request must not end the others'
            _LOG.exception("a request to the cluster %s failed", cluster.id)
            why = f"Internal error occurred: {type(error).__name__}"
            answer = answers.of_error(errors.ApiError(500, "InternalError", why))
        if isinstance(answer.body, bytes):
            await _send(send, answers.compressed(answer, headers.get("accept-encoding", "")))
        else:
            await _stream(answer, receive, send, lambda: cluster.running)

    async def _answered(
        self,
        cluster: SimulatedCluster,
        path: str,
        scope: Scope,
        headers: dict[str, str],
        groups: list[str],
        body: bytes,
    ) -> Answer:
        if self._running.get(cluster.id, 0) >= _MOST_AT_ONCE:
            error = errors.ApiError(
                429, "TooManyRequests", "Too many requests, please try again later.", {"retryAfterSeconds": 1}
            )
            error.headers["Retry-After"] = "1"
            raise error
        self._running[cluster.id] = self._running.get(cluster.id, 0) + 1
        try:
            query = Query.of(scope.get("query_string", b"").decode("latin-1"))
            request = Request(scope["method"], asked(scope["method"], path, query), query, headers, body)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, routes.answer, cluster, request, groups)
        finally:
            left = self._running[cluster.id] - 1
            if left:
                self._running[cluster.id] = left
            else:
                del self._running[cluster.id]
            self._compact_now_and_then()

    def _compact_now_and_then(self) -> None:
        now = time.monotonic()
        if now - self._compacted > _COMPACT_SECONDS:
            self._compacted = now
            self._threads.submit(self._clusters.compact, now)


def _headers(scope: Scope) -> tuple[dict[str, str], list[str]]:
    """Headers by lower-case name, and all groups that are impersonated, since that header may be there many times."""
    found: dict[str, str] = {}
    groups = []
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name == "impersonate-group":
            groups.append(value)
        found[name] = f"{found[name]},{value}" if name == "accept" and name in found else value
    return found, groups


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None if the client went away. Raises ApiError RequestEntityTooLarge."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > bodies.LARGEST_BYTES:
            why = f"Request entity too large: limit is {bodies.LARGEST_BYTES}"
            raise errors.ApiError(413, "RequestEntityTooLarge", why)
        if not message.get("more_body"):
            return bytes(body)


def _head(answer: Answer) -> list[tuple[bytes, bytes]]:
    headers = {"Content-Type": answer.content_type, "Cache-Control": "no-cache, private", **answer.headers}
    return [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]


async def _send(send: Send, answer: Answer) -> None:
    body = answer.body
    assert isinstance(body, bytes)  # noqa: S101 - tells the type checker
    headers = [*_head(answer), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _stream(answer: Answer, receive: Receive, send: Send, runs: Callable[[], bool]) -> None:
    """Sends what comes until it ends, the client goes away, or the cluster stops."""
    pieces = answer.body
    assert not isinstance(pieces, bytes)  # noqa: S101 - tells the type checker
    await send({"type": "http.response.start", "status": answer.status, "headers": _head(answer)})
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    sending = asyncio.ensure_future(_send_all(pieces, send))
    leaving = asyncio.ensure_future(_until_gone(receive))
    stopping = asyncio.ensure_future(_until_stopped(runs))
    tasks = (sending, leaving, stopping)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await task
        closing = getattr(pieces, "aclose", None)
        if closing is not None:
            await closing()
    if not leaving.cancelled() and leaving.done() and leaving.exception() is None:
        return
    with contextlib.suppress(ConnectionError):
        await send({"type": "http.response.body", "body": b""})


async def _send_all(pieces: AsyncIterator[bytes], send: Send) -> None:
    async for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _until_stopped(runs: Callable[[], bool]) -> None:
    while runs():
        await asyncio.sleep(0.5)
