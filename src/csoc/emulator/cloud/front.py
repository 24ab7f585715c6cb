"""The way of a request: parse, authenticate, judge, answer.

Our own services and moto's stand behind the same steps, so that a signature, a missing permission or a planned fault
acts the same on every call. Parsing and writing follow botocore's models, through moto's parsers and serializers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import ParseError

from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import ResponseSerializer, SerializationContext, get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import HTTPException, NotFound

from csoc.emulator.cloud.calls import (
    ANONYMOUS,
    UNDISTURBED,
    AwsError,
    Call,
    Disturbance,
    Guard,
    Identity,
    Reply,
    Service,
)
from csoc.emulator.cloud.credentials import Credentials
from csoc.emulator.cloud.moto_services import MotoServices
from csoc.emulator.cloud.services import BY_NAME, Offered, named
from csoc.emulator.cloud.signatures import Signature, signature_of, verify

# What nobody signs: the web identity and SAML forms of AssumeRole carry their own proof.
_UNSIGNED = frozenset({("sts", "AssumeRoleWithWebIdentity"), ("sts", "AssumeRoleWithSAML")})


class Front:
    """The endpoint, without the HTTP server. guards: asked in order before a call is answered. authorise: refuses a
    call, or names the account whose resources it is about. disturb: planned faults,
    asked once who calls is known. gate: entered while a call is answered, so that state can be kept between calls."""

    def __init__(
        self,
        credentials: Credentials,
        services: Sequence[Service],
        moto: MotoServices,
        *,
        now: Callable[[], datetime],
        request_id: Callable[[], str],
        guards: Sequence[Guard] = (),
        authorise: Callable[[Call], str] = lambda call: call.account,
        disturb: Callable[[Call], Disturbance] = lambda _: UNDISTURBED,
        gate: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._credentials = credentials
        self._services = {service.name: service for service in services}
        self._moto = moto
        self._now = now
        self._request_id = request_id
        self._guards = tuple(guards)
        self._authorise = authorise
        self._disturb = disturb
        self._gate = gate

    def handle(self, request: Request) -> Reply:
        """Answers a request that came over the network: who calls is in its signature."""
        request_id = self._request_id()
        request.get_data()  # before forms are parsed, which would leave no bytes to check the signature of
        try:
            claim = signature_of(request)
        except AwsError as error:
            return _plain(error, request_id, request, BY_NAME["sts"])
        offered = _meant(request, claim)
        region = claim.region if claim else "us-east-1"

        def who(operation: OperationModel) -> Identity:
            return self._authenticated(request, claim, operation)

        return self._answer(request, offered, region, request_id, who)

    def handle_inside(self, request: Request, identity: Identity, service: str, region: str) -> Reply:
        """Answers a request that an AWS service makes in somebody's name; no signature is there to check."""
        request.get_data()
        return self._answer(request, BY_NAME.get(service), region, self._request_id(), lambda _: identity)

    def _answer(
        self,
        request: Request,
        offered: Offered | None,
        region: str,
        request_id: str,
        who: Callable[[OperationModel], Identity],
    ) -> Reply:
        operation, arguments = _operation(request, offered)
        if operation is None:
            unknown = AwsError("UnknownOperationException", _unknown(request, offered), 400)
            return _plain(unknown, request_id, request, offered)
        protocol = _protocol(operation.service_model, request)
        serializer = get_serializer_class(operation.service_model.service_name, protocol)(
            operation, context=SerializationContext(request_id)
        )
        try:
            call = self._call(request, region, operation, arguments, who(operation), request_id)
            fault = self._disturb(call)
            if fault.error is not None:
                return replace(_refusal(fault.error, serializer, request_id), delay_seconds=fault.delay_seconds)
            if fault.fate != "sent" and not fault.done:
                return Reply(0, {}, b"", fate=fault.fate)
            with self._gate():
                reply = self._judged(request, call, serializer)
            if fault is UNDISTURBED:
                return reply
            return replace(reply, delay_seconds=fault.delay_seconds, fate=fault.fate)
        except AwsError as error:
            return _refusal(error, serializer, request_id)

    def _judged(self, request: Request, call: Call, serializer: ResponseSerializer) -> Reply:
        for guard in self._guards:
            guard(call)
        call = replace(call, owner=self._authorise(call))
        service = self._services.get(call.service)
        if service is None:
            return self._moto.answer(request, call)
        answer = service.operations.get(call.operation)
        if answer is None:
            raise AwsError("InvalidAction", f"The emulator does not offer {call.service}:{call.operation}", 400)
        written = serializer.serialize(dict(answer(call)))
        headers = {**written["headers"], "x-amzn-RequestId": call.request_id}
        return Reply(written["status_code"], headers, _bytes(written["body"]))

    def _authenticated(self, request: Request, claim: Signature | None, operation: OperationModel) -> Identity:
        if claim is None:
            if (operation.service_model.service_name, operation.name) in _UNSIGNED:
                return ANONYMOUS
            if operation.service_model.service_name == "s3":
                raise AwsError("AccessDenied", "Access Denied: the emulator serves nobody without a signature", 403)
            raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
        identity, secret = self._credentials.look_up(claim, self._now())
        verify(request, claim, secret, self._now())
        return identity

    def _call(
        self,
        request: Request,
        region: str,
        operation: OperationModel,
        arguments: Mapping[str, Any],
        identity: Identity,
        request_id: str,
    ) -> Call:
        return Call(
            identity,
            operation.service_model.service_name,
            operation.name,
            region,
            _parameters(request, operation, arguments),
            self._now(),
            request_id,
            request.remote_addr or "127.0.0.1",
            request.headers.get("User-Agent", ""),
            {name.lower(): value for name, value in request.headers.items()},
        )


def _meant(request: Request, claim: Signature | None) -> Offered | None:
    """The service that a request means; unsigned ones are for STS or S3. None if the emulator does not offer it."""
    if claim is None:
        return BY_NAME["sts" if "Action" in request.values else "s3"]
    return named(claim.service, request.values.get("Version", ""))


def _operation(request: Request, offered: Offered | None) -> tuple[OperationModel | None, dict[str, Any]]:
    """The operation that a request means, with what its path says; None if there is none."""
    if offered is None:
        return None, {}
    try:
        return get_service_router(offered.name).match(request)
    except (NotFound, NotImplementedError):
        return None, {}


def _parameters(request: Request, operation: OperationModel, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Raises AwsError SerializationException if the request is not in the form of its protocol."""
    protocol = _protocol(operation.service_model, request)
    parser = PROTOCOL_PARSERS[protocol](operation, map_type=dict)
    try:
        parsed: dict[str, Any] = parser.parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.get_data(),
                "url_path": request.path,
                "url_params": dict(arguments),
            }
        )
    except (RequestParserError, ParseError, ValueError, TypeError, AttributeError, LookupError, HTTPException):
        # moto's parsers take the shape for granted, so a body of another shape ends them anywhere.
        raise AwsError("SerializationException", "The request cannot be read as its protocol asks for", 400) from None
    return parsed


def _unknown(request: Request, offered: Offered | None) -> str:
    what = request.values.get("Action") or request.headers.get("X-Amz-Target") or f"{request.method} {request.path}"
    service = f"{offered.name} " if offered else ""
    return f"The emulator does not offer {service}{what}; docs/emulator.md lists what it offers"


def _refusal(error: AwsError, serializer: ResponseSerializer, request_id: str) -> Reply:
    """An error in the form of the service's protocol."""
    written = serializer.serialize(error)
    headers = {**written["headers"], "x-amzn-RequestId": request_id}
    return Reply(error.status or written["status_code"], headers, _bytes(written["body"]))


def _plain(error: AwsError, request_id: str, request: Request, offered: Offered | None) -> Reply:
    """An error before the operation is known, in the form that its service's clients read; where the service is not
    known either, in the form that the request looks like."""
    name = offered.name if offered is not None else _like(request)
    model = get_service_model(name)
    written = get_serializer_class(name, _protocol(model, request))(
        OperationModel({}, model), context=SerializationContext(request_id)
    ).serialize(error)
    headers = {**written["headers"], "x-amzn-RequestId": request_id}
    return Reply(error.status or 400, headers, _bytes(written["body"]))


def _like(request: Request) -> str:
    """A service whose protocol is that of a request, to write an error with."""
    if "Action" in request.values:
        return "sts"
    if "X-Amz-Target" in request.headers:
        return "kms"
    # Of services whose operations are paths, few speak XML; their paths begin with a date.
    return "route53" if re.match(r"/\d{4}-\d\d-\d\d/", request.path) else "lambda"


def _protocol(model: ServiceModel, request: Request) -> str:
    """By the content's type where it is one that the service speaks, else the service's own."""
    try:
        return str(determine_request_protocol(model, request.content_type))
    except NotImplementedError:
        return str(model.protocol)


def _bytes(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body)
