"""The endpoint over HTTP: a small ASGI application around the front, since the clusters are served the same way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from moto.core.request import Request

from csoc.emulator.cloud.calls import Reply
from csoc.emulator.cloud.front import Front

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_LARGEST_BODY_BYTES = 64 * 1024 * 1024


class CloudEndpoint:
    """ASGI application. Calls are answered on threads, since moto's services are synchronous."""

    def __init__(self, front: Front, threads: int = 8) -> None:
        self._front = front
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
        request = _request(scope, bytes(body))
        loop = asyncio.get_running_loop()
        await _send(send, await loop.run_in_executor(self._threads, self._front.handle, request))

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
