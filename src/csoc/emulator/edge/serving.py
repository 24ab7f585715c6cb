"""The port where all hostnames of the emulated internet answer, over TLS; the name that is asked for decides which
certificate is shown."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import uvicorn

from csoc.emulator.edge.answers import Edge

_END_SECONDS = 10
Message = MutableMapping[str, Any]


@contextmanager
def serving(edge: Edge, listening: Any) -> Iterator[None]:
    """Serves on a listening socket until the block ends."""
    endpoint = _Endpoint(edge)
    config = uvicorn.Config(
        endpoint, log_config=None, log_level="critical", lifespan="off", access_log=False, http="h11", ws="none",
        server_header=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    config.load()
    config.ssl = _context(edge)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="edge", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=_END_SECONDS)
        listening.close()
        endpoint.close()


def _context(edge: Edge) -> ssl.SSLContext:
    """Without a certificate of its own: who names no host, or one that leads nowhere, sees none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2

    def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> int | None:
        found = edge.certificate(name) if name else None
        if found is None:
            return int(ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)
        connection.context = _with(found.chain, found.key)
        return None

    context.sni_callback = choose
    return context


@lru_cache(maxsize=256)
def _with(chain: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with tempfile.TemporaryDirectory(prefix="csoc-") as folder:
        files = Path(folder) / "chain.pem", Path(folder) / "key.pem"
        files[1].touch(mode=0o600)
        for path, text in zip(files, (chain, key), strict=True):
            path.write_text(text, encoding="utf-8")
        context.load_cert_chain(*files)
    return context


class _Endpoint:
    """ASGI application."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="edge")

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            return
        while (await receive()).get("more_body"):
            pass
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1").partition(":")[0].lower()
        page = await asyncio.get_running_loop().run_in_executor(
            self._threads, self._edge.answer, host, str(scope["path"])
        )
        told = [
            (b"server", page.server.encode()),
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", str(len(page.body)).encode()),
        ]
        await send({"type": "http.response.start", "status": page.status, "headers": told})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else page.body})

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown()
