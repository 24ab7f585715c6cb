"""moto's services as csoc sees them: each call passes the corrections of its service, and so does moto's answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from botocore.parsers import create_parser
from moto.core.model import OperationModel
from moto.core.request import Request, determine_request_protocol
from moto.core.serialize import SerializationContext, get_serializer_class
from moto.core.utils import get_service_model

from csoc.emulator.cloud.calls import Answer, AwsError, Call, Reply
from csoc.emulator.cloud.corrections.correction import After, Before, Correction
from csoc.emulator.cloud.moto_services import MotoServices


class CorrectedServices(MotoServices):
    """Corrections of the same operation act in the order in which they are given."""

    def __init__(self, corrections: Iterable[Correction]) -> None:
        super().__init__()
        self._before: dict[tuple[str, str], list[Before]] = defaultdict(list)
        self._after: dict[tuple[str, str], list[After]] = defaultdict(list)
        for correction in corrections:
            for operation, before in correction.before.items():
                self._before[correction.service, operation].append(before)
            for operation, after in correction.after.items():
                self._after[correction.service, operation].append(after)

    def answer(self, request: Request, call: Call) -> Reply:
        """moto's answer, corrected. Raises AwsError as MotoServices and the corrections do."""
        key = (call.service, call.operation)
        answer: Answer | None = None
        for look in self._before.get(key, ()):
            answer = look(call)
            if answer is not None:
                break
        corrections = self._after.get(key, ())
        if answer is None:
            reply = super().answer(request, call)
            if reply.status == 404 and reply.body.lstrip()[:15].lower() == b"<!doctype html>":
                # moto has no such path at all, and would say so as a web server does.
                raise AwsError("InvalidAction", f"The emulator does not offer {call.service}:{call.operation}", 400)
            if not corrections or reply.status >= 300:
                return reply
            answer = _read(request, call, reply)
        for correct in corrections:
            answer = correct(call, dict(answer))
        return _written(request, call, answer)


def _operation(service: str, operation: str) -> OperationModel:
    # moto's own copy of the model, which is kept once: a service's takes ten megabytes and more.
    model: OperationModel = get_service_model(service).operation_model(operation)
    return model


@lru_cache(maxsize=16)
def _parser(protocol: str) -> Any:
    return create_parser(protocol)


def _read(request: Request, call: Call, reply: Reply) -> dict[str, Any]:
    model = _operation(call.service, call.operation)
    protocol = determine_request_protocol(model.service_model, request.content_type)
    headers = {name.lower(): value for name, value in reply.headers.items()}
    raw = {"headers": headers, "body": reply.body, "status_code": reply.status}
    answer: dict[str, Any] = _parser(protocol).parse(raw, model.output_shape)
    answer.pop("ResponseMetadata", None)
    return answer


def _written(request: Request, call: Call, answer: Answer) -> Reply:
    model = _operation(call.service, call.operation)
    protocol = determine_request_protocol(model.service_model, request.content_type)
    serializer = get_serializer_class(call.service, protocol)(model, context=SerializationContext(call.request_id))
    written = serializer.serialize(dict(answer))
    body = written["body"]
    headers = {**written["headers"], "x-amzn-RequestId": call.request_id}
    return Reply(written["status_code"], headers, body.encode() if isinstance(body, str) else bytes(body))
