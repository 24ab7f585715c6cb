"""exec, attach and port-forward over WebSockets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from csoc.emulator.kubernetes.fleet import SimulatedCluster

Message = MutableMapping[str, Any]


async def serve_stream(
    cluster: SimulatedCluster,
    path: str,
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
    threads: ThreadPoolExecutor,
) -> None:
    del cluster, path, scope, threads
    await receive()
    await send({"type": "websocket.close", "code": 1011})
