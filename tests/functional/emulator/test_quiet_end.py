"""An emulator that ends while requests run logs nothing of them, whatever becomes of them."""

from __future__ import annotations

import http.client
import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from csoc.emulator.cloud.front import Front
from csoc.emulator.running import running


@pytest.fixture
def said() -> Iterator[list[logging.LogRecord]]:
    found: list[logging.LogRecord] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record)

    handler = Kept(logging.WARNING)
    logging.getLogger().addHandler(handler)
    level = logging.getLogger("uvicorn.error").level
    yield found
    logging.getLogger("uvicorn.error").setLevel(level)
    logging.getLogger().removeHandler(handler)


def test_a_request_that_fails_because_the_emulator_ends_is_not_logged(
    said: list[logging.LogRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended = threading.Event(), threading.Event()

    def handle(*_: object) -> None:
        begun.set()
        ended.wait(30)
        raise RuntimeError("what it needs is closed already")

    def ask(endpoint: str) -> None:
        where = urlsplit(endpoint)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
        with suppress(OSError, http.client.HTTPException):
            connection.request("POST", "/")
            connection.getresponse()

    monkeypatch.setattr(Front, "handle", handle)
    with running() as emulator:
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        asking = threading.Thread(target=ask, args=(emulator.endpoint,))
        asking.start()
        assert begun.wait(30)
        # The endpoint gives requests a second at its end; this one comes to its own while that second runs.
        threading.Timer(0.3, ended.set).start()
    asking.join(30)
    assert [record.getMessage() for record in said] == []


def test_a_request_that_fails_while_it_runs_is_logged(
    said: list[logging.LogRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    def handle(*_: object) -> None:
        raise RuntimeError("a mistake of the emulator")

    monkeypatch.setattr(Front, "handle", handle)
    with running() as emulator:
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        where = urlsplit(emulator.endpoint)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
        connection.request("POST", "/")
        assert connection.getresponse().status == 500
        connection.close()
    assert any("Exception in ASGI application" in record.getMessage() for record in said)
