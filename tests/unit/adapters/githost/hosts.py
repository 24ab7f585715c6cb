"""Hosts that are functions, for what no real host can be brought to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx

from csoc.adapters.githost.client import HostClient, Limits

TOKEN = "tok-0123456789abcdef-secret"
NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)

Handler = Callable[[httpx.Request], httpx.Response]


class Host:
    """A client whose host is a function, and what the client did: requests, waits."""

    def __init__(self, handler: Handler, *, limits: Limits | None = None, elapsed: Callable[[], float] = lambda: 0.0):
        self.requests: list[httpx.Request] = []
        self.waits: list[float] = []

        def handle(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return handler(request)

        self.client = HostClient(
            "https://git.example.org/api/v1",
            lambda: TOKEN,
            clock=lambda: NOW,
            wait=self.waits.append,
            elapsed=elapsed,
            limits=limits or Limits(),
            transport=httpx.MockTransport(handle),
        )


def answers(*responses: httpx.Response) -> Handler:
    """Gives one response after another, the last one for ever."""
    left = list(responses)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def said(message: str, status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"message": message}, headers=headers)
