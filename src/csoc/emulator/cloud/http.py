"""The endpoint over HTTP: a small ASGI application around the front, since the clusters are served the same way."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from moto.core.request import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from csoc.emulator.cloud.calls import Reply
from csoc.emulator.cloud.front import Front

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Control = Callable[[str, str, Mapping[str, str], bytes], Reply]
"""Answers what is asked of the emulator itself: method, path, headers (lower case), body."""

CONTROL_PATH = "/_csoc/"
_LARGEST_BODY_BYTES = 64 * 1024 * 1024


class Connections:
    """Open connections by the client's address, so that one can be torn down: ASGI has no word for that."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[H11Protocol]:
        """What uvicorn speaks HTTP with, and tells of connections here."""
        known = self._open

        class Protocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                if self.client is not None:
                    known[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                if self.client is not None:
                    known.pop(self.client, None)
                super().connection_lost(exc)

        return Protocol

    def reset(self, client: tuple[str, int]) -> None:
        """Ends a connection as a broken network does: the client gets no end of file but a reset."""
        transport = self._open.get(client)
        if transport is None:
            return
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


class CloudEndpoint:
    """ASGI application. Calls are answered on threads, since moto's services are synchronous; planned delays and
    silence hold none. control: answers below /_csoc/."""

    def __init__(
        self, front: Front, connections: Connections | None = None, control: Control | None = None, threads: int = 8
    ) -> None:
        self._front = front
        self._connections = connections or Connections()
        self._control = control
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="cloud")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if len(body) > _LARGEST_BODY_BYTES:
                await _send(send, Reply(413, {}, b"The emulator takes bodies of 64 MB at most"))
                return
            if not message.get("more_body"):
                break
        loop = asyncio.get_running_loop()
        if self._control is not None and scope["path"].startswith(CONTROL_PATH):
            headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
            asked = (scope["method"], scope["path"], headers, bytes(body))
            await _send(send, await loop.run_in_executor(self._threads, self._control, *asked))
            return
        reply = await loop.run_in_executor(self._threads, self._front.handle, _request(scope, bytes(body)))
        if reply.delay_seconds:
            await asyncio.sleep(reply.delay_seconds)
        if reply.fate == "sent":
            await _send(send, reply)
        elif reply.fate == "reset":
            self._connections.reset(scope["client"])
        else:
            while (await receive())["type"] != "http.disconnect":
                pass

    def close(self) -> None:
        """Ends the threads after the calls that run."""
        self._threads.shutdown()


def _request(scope: Scope, body: bytes) -> Request:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host = next((value for name, value in headers.items() if name.lower() == "host"), "127.0.0.1")
    path = scope.get("raw_path", b"/").decode("latin-1")
    query = scope.get("query_string", b"").decode("latin-1")
    request = Request.from_primitives(
        scope["method"], f"http://{host}{path}" + (f"?{query}" if query else ""), headers, body
    )
    request.environ["RAW_URI"] = path
    request.environ["REMOTE_ADDR"] = (scope.get("client") or ("127.0.0.1", 0))[0]
    return request


async def _send(send: Send, reply: Reply) -> None:
    kept = {
        name: value for name, value in reply.headers.items() if name.lower() not in ("content-length", "connection")
    }
    headers = [(name.lower().encode("latin-1"), str(value).encode("latin-1")) for name, value in kept.items()]
    headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
