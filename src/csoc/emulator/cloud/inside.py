"""Clients for AWS services that call other services, without a network between them.

CloudFormation makes resources by calling the services that own them, in the name of the caller or of a service role.
These calls go through the same front as everybody's, so a permission that is missing fails here as well.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from moto.core.request import Request

from csoc.emulator.cloud.calls import Identity
from csoc.emulator.cloud.front import Front

_CONFIG = Config(
    signature_version=UNSIGNED,
    retries={"max_attempts": 0},
    parameter_validation=True,
    s3={"addressing_style": "path"},  # moto takes the first part of any other host for a bucket
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
_ADDRESS = "http://localhost"


class InsideClients:
    """boto3 clients that act as somebody. Making one costs tens of milliseconds, so they are kept. Threads may share
    it."""

    def __init__(self) -> None:
        self._front: Front | None = None
        self._session = boto3.Session()
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._acting = threading.local()

    def serve(self, front: Front) -> None:
        """Says who answers. Services need clients before the front is there, since the front needs the services."""
        self._front = front

    def client(self, service: str, region: str) -> Any:
        """A client of a service in a region. It acts as whom `acting` of this thread names."""
        with self._lock:
            if (service, region) not in self._clients:
                client = self._session.client(service, region_name=region, endpoint_url=_ADDRESS, config=_CONFIG)
                client.meta.events.register("before-send.*", lambda request, **_: self._send(request, service, region))
                self._clients[service, region] = client
            return self._clients[service, region]

    def act_as(self, identity: Identity, service: str) -> None:
        """From here on this thread calls in the name of identity, on behalf of an AWS service
        ("cloudformation.amazonaws.com")."""
        self._acting.identity = replace(identity, service=service)

    def _send(self, request: AWSPreparedRequest, service: str, region: str) -> AWSResponse:
        body = request.body if request.body is not None else b""
        if hasattr(body, "read"):
            body = body.read()
        arrived = Request.from_primitives(request.method, request.url, request.headers, body)
        arrived.environ["RAW_URI"] = request.url.removeprefix(_ADDRESS).partition("?")[0] or "/"
        if self._front is None:
            raise RuntimeError("clients were used before the endpoint was put together")
        reply = self._front.handle_inside(arrived, self._acting.identity, service, region)
        # Nobody waits here for a planned delay: it is for clients of the endpoint, and stacks have times of their own.
        if reply.fate == "silent":
            raise ReadTimeoutError(endpoint_url=request.url)
        if reply.fate == "reset":
            raise ConnectionClosedError(endpoint_url=request.url)
        return AWSResponse(request.url, reply.status, dict(reply.headers), _Raw(reply.body))


class _Raw:
    """The body as botocore reads it from urllib3."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self._body

    def read(self, amount: int | None = None, **_: Any) -> bytes:
        taken, self._body = (self._body, b"") if amount is None else (self._body[:amount], self._body[amount:])
        return taken
