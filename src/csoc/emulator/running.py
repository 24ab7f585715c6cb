"""Puts the emulator together and runs it: one process, a port for the cloud, one for the clusters."""

from __future__ import annotations

import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from csoc.emulator.cloud.accounts import Accounts
from csoc.emulator.cloud.calls import Service
from csoc.emulator.cloud.credentials import Credentials
from csoc.emulator.cloud.front import Front
from csoc.emulator.cloud.http import CloudEndpoint
from csoc.emulator.cloud.inside import InsideClients
from csoc.emulator.cloud.moto_services import MotoServices
from csoc.emulator.cloud.sts import Sts
from csoc.emulator.cloudformation.service import cloudformation
from csoc.emulator.timeline import RunningTimeline, Timeline


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator. endpoint: of the cloud, for AWS_ENDPOINT_URL."""

    endpoint: str
    accounts: Accounts
    inside: InsideClients
    timeline: Timeline


def _new_id() -> str:
    return str(uuid.uuid4())


@contextmanager
def running(port: int = 0, timeline: Timeline | None = None) -> Iterator[Emulator]:
    """Runs an emulator on 127.0.0.1 until the block ends. port: 0 for any that is free. timeline: by default one that
    runs as fast as real time."""
    own = RunningTimeline()
    time = timeline or own
    inside = InsideClients()
    credentials = Credentials()
    services: list[Service] = [Sts(credentials, lambda _: None), cloudformation(time, inside, _new_id)]
    front = Front(credentials, services, MotoServices(), now=time.now, request_id=_new_id)
    inside.serve(front)
    endpoint = CloudEndpoint(front)
    listening = socket.create_server(("127.0.0.1", port))
    server = uvicorn.Server(uvicorn.Config(endpoint, log_level="warning", lifespan="off", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="endpoint", daemon=True)
    thread.start()
    try:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        yield Emulator(address, Accounts(), inside, time)
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listening.close()
        endpoint.close()
        own.stop()
