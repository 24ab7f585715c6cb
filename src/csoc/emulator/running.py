"""Puts the emulator together and runs it: one process, a port for the cloud, one for the clusters."""

from __future__ import annotations

import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from csoc.emulator.cloud.accounts import Accounts
from csoc.emulator.cloud.authorisation import Authorisation, membership_of
from csoc.emulator.cloud.authorising.special import StackArn
from csoc.emulator.cloud.calls import Service
from csoc.emulator.cloud.corrections.corrected import CorrectedServices
from csoc.emulator.cloud.corrections.table import corrections
from csoc.emulator.cloud.counts import Counts
from csoc.emulator.cloud.credentials import Credentials
from csoc.emulator.cloud.faults import Faults
from csoc.emulator.cloud.front import Front
from csoc.emulator.cloud.gate import Gate
from csoc.emulator.cloud.http import CloudEndpoint, Connections
from csoc.emulator.cloud.inside import InsideClients
from csoc.emulator.cloud.sts import Sts
from csoc.emulator.cloudformation.resources.handler import ResourceError
from csoc.emulator.cloudformation.service import cloudformation
from csoc.emulator.cloudformation.stacks import Stack, Stacks
from csoc.emulator.control import Control
from csoc.emulator.timeline import RunningTimeline, Timeline


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator. endpoint: of the cloud, for AWS_ENDPOINT_URL. token: for what is asked below /_csoc/."""

    endpoint: str
    accounts: Accounts
    inside: InsideClients
    timeline: Timeline
    counts: Counts
    faults: Faults
    token: str


def _new_id() -> str:
    return str(uuid.uuid4())


@contextmanager
def running(port: int = 0, timeline: Timeline | None = None) -> Iterator[Emulator]:
    """Runs an emulator on 127.0.0.1 until the block ends. port: 0 for any that is free. timeline: by default one that
    runs as fast as real time. Raises OSError if the port is taken."""
    own = RunningTimeline()
    time = timeline or own
    inside, credentials, accounts = InsideClients(), Credentials(), Accounts()
    counts, faults, gate = Counts(), Faults(), Gate()
    stacks = cloudformation(time, inside, _new_id, _resource_faults(faults))
    services: list[Service] = [Sts(credentials, membership_of), stacks]
    front = Front(
        credentials,
        services,
        CorrectedServices(corrections(time)),
        now=time.now,
        request_id=_new_id,
        guards=(counts.note,),
        authorise=Authorisation(membership_of, _stack_arns(stacks.stacks)),
        disturb=faults.disturb,
        gate=gate.passing,
    )
    inside.serve(front)
    control = Control(accounts, counts, faults, time)
    connections = Connections()
    endpoint = CloudEndpoint(front, connections, control)
    try:
        listening = listen(port)
        with _served(endpoint, connections, listening):
            address = f"http://127.0.0.1:{listening.getsockname()[1]}"
            yield Emulator(address, accounts, inside, time, counts, faults, control.token)
    finally:
        endpoint.close()
        own.stop()


def listen(port: int) -> socket.socket:
    """A listening socket on the loopback. Raises OSError if the port is taken."""
    # The protocol is named, since asyncio sets TCP_NODELAY only then; without it each answer waits 40 ms for an
    # acknowledgement that the client delays.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening


@contextmanager
def _served(endpoint: CloudEndpoint, connections: Connections, listening: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(
        uvicorn.Config(
            endpoint,
            log_level="warning",
            lifespan="off",
            access_log=False,
            http=connections.protocol(),
            timeout_graceful_shutdown=1,  # clients of planned silence would never leave
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="endpoint", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listening.close()


def _stack_arns(stacks: Callable[[str, str], Stacks]) -> StackArn:
    def find(account: str, region: str, name: str) -> str:
        kept = stacks(account, region)
        with kept.lock:
            found = kept.find(name)
        return found.id if found is not None else ""

    return find


def _resource_faults(faults: Faults) -> Callable[[Stack, str, str], ResourceError | None]:
    def fault(stack: Stack, logical_id: str, action: str) -> ResourceError | None:
        reason = faults.resource_failure(stack.account, stack.region, stack.name, logical_id, action)
        return ResourceError(reason) if reason else None

    return fault
