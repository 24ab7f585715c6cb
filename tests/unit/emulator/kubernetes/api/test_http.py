"""What the endpoint of all clusters does with requests for none of them."""

from __future__ import annotations

import asyncio
from typing import Any

from csoc.emulator.kubernetes.api.http import ClustersEndpoint
from csoc.emulator.kubernetes.clusters import SimulatedClusters

CLIENT = ("127.0.0.1", 40000)


def test_a_request_for_a_cluster_that_is_not_there_ends_with_the_connection_and_is_no_fault_of_the_server() -> None:
    hung_up: list[tuple[str, int]] = []
    sent: list[Any] = []
    coming: list[Any] = [{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}]

    async def receive() -> Any:
        return coming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    endpoint = ClustersEndpoint(SimulatedClusters(), hung_up.append)
    scope = {"type": "http", "raw_path": b"/clusters/gone/api", "path": "/clusters/gone/api", "client": CLIENT}
    asyncio.run(endpoint(scope, receive, send))
    endpoint.close()
    assert (hung_up, sent, coming) == ([CLIENT], [], [])
