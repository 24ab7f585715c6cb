"""Runs the endpoint of all clusters: a port of 127.0.0.1 with TLS."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from csoc.emulator.kubernetes.api.certificates import Authority, new_authority, server_context
from csoc.emulator.kubernetes.api.http import ClustersEndpoint
from csoc.emulator.kubernetes.api.streams import TUNNEL, TUNNEL_AS_TOKEN
from csoc.emulator.kubernetes.clusters import SimulatedClusters

_START_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Served:
    """address: https://127.0.0.1:PORT. certificate: what clients trust, as PEM."""

    address: str
    certificate: str


_PROTOCOLS = "Sec-WebSocket-Protocol"


class _WebSockets(WebSocketsSansIOProtocol):
    """kubectl names a protocol with a slash in it, which is no token and would be refused: it is renamed on its way."""

    def handle_connect(self, event: Request) -> None:
        named = event.headers.get_all(_PROTOCOLS)
        if any(TUNNEL in text for text in named):
            del event.headers[_PROTOCOLS]
            for text in named:
                event.headers[_PROTOCOLS] = text.replace(TUNNEL, TUNNEL_AS_TOKEN)
        super().handle_connect(event)


class _Connections:
    """Open connections by the client's address, so that one can be closed without an answer."""

    def __init__(self) -> None:
        self.open: dict[tuple[str, int], asyncio.BaseTransport] = {}

    def hang_up(self, client: tuple[str, int]) -> None:
        transport = self.open.get(client)
        if isinstance(transport, asyncio.Transport):
            transport.abort()

    def protocol(self) -> type[H11Protocol]:
        """uvicorn's protocol, which also says who is connected."""
        opened = self.open

        class Protocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                # asyncio leaves this to whoever made the socket; without it every answer waits 40 ms for the client.
                transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self.client is not None:
                    opened[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                if self.client is not None:
                    opened.pop(self.client, None)
                super().connection_lost(exc)

        return Protocol


@contextmanager
def serving(clusters: SimulatedClusters, port: int = 0, authority: Authority | None = None) -> Iterator[Served]:
    """Serves the clusters on 127.0.0.1 until the block ends. port: 0 for any that is free.

    Clusters that are made afterwards know their endpoint.
    """
    found = authority or new_authority()
    connections = _Connections()
    endpoint = ClustersEndpoint(clusters, connections.hang_up)
    listening = socket.create_server(("127.0.0.1", port), backlog=1024)
    config = uvicorn.Config(
        endpoint,
        log_config=None,  # uvicorn's own would set loggers of the process anew, while another server starts
        log_level="critical",
        lifespan="off",
        access_log=False,
        http=connections.protocol(),
        ws=_WebSockets,
        ws_max_size=4 * 1024 * 1024,
        timeout_graceful_shutdown=2,
        server_header=False,
    )
    config.load()
    config.ssl = server_context(found)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="clusters", daemon=True)
    clusters.address = f"https://127.0.0.1:{listening.getsockname()[1]}"
    thread.start()
    try:
        yield Served(clusters.address, found.certificate)
    finally:
        server.should_exit = True
        thread.join(timeout=_START_SECONDS)
        listening.close()
        endpoint.close()
