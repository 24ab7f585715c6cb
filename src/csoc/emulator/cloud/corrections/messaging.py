"""SQS and SNS: attributes that moto takes and does not tell."""

from __future__ import annotations

from typing import Any

from csoc.emulator.cloud.calls import Answer, Call
from csoc.emulator.cloud.corrections.correction import Correction, Memory

_OF_QUEUES = frozenset({"RedriveAllowPolicy"})
_OF_TOPICS = frozenset({"FifoThroughputScope", "SignatureVersion", "TracingConfig"})


def sqs(memory: Memory) -> Correction:
    """What is put right in SQS."""

    def made(call: Call, answer: dict[str, Any]) -> Answer:
        memory.forget(call, "queue", str(call.parameters["QueueName"]))
        _keep(call, str(call.parameters["QueueName"]))
        return addressed(call, answer)

    def addressed(call: Call, answer: dict[str, Any]) -> Answer:
        """Queues have addresses of SQS, whatever way the call came."""
        if "QueueUrl" in answer:
            answer["QueueUrl"] = _address(call, answer["QueueUrl"])
        for name in ("QueueUrls", "queueUrls"):
            if name in answer:
                answer[name] = [_address(call, url) for url in answer[name]]
        return answer

    def changed(call: Call, answer: dict[str, Any]) -> Answer:
        _keep(call, _name(call))
        return answer

    def told(call: Call, answer: dict[str, Any]) -> Answer:
        kept = memory.kept(call, "queue", _name(call)) or {}
        wanted = call.parameters.get("AttributeNames", ())
        shown = {name: value for name, value in kept.items() if value and ("All" in wanted or name in wanted)}
        return {**answer, "Attributes": {**answer.get("Attributes", {}), **shown}} if shown else answer

    def gone(call: Call, answer: dict[str, Any]) -> Answer:
        memory.forget(call, "queue", _name(call))
        return answer

    def _keep(call: Call, name: str) -> None:
        given = call.parameters.get("Attributes", {})
        kept = {attribute: given[attribute] for attribute in _OF_QUEUES & given.keys()}
        if kept:
            memory.keep(call, "queue", name, kept)

    def _name(call: Call) -> str:
        return str(call.parameters["QueueUrl"]).rsplit("/", 1)[-1]

    after = {
        "CreateQueue": made,
        "SetQueueAttributes": changed,
        "GetQueueAttributes": told,
        "DeleteQueue": gone,
        "GetQueueUrl": addressed,
        "ListQueues": addressed,
        "ListDeadLetterSourceQueues": addressed,
    }
    return Correction("sqs", after=after)


def _address(call: Call, url: str) -> str:
    account, name = url.rsplit("/", 2)[-2:]
    return f"https://sqs.{call.region}.amazonaws.com/{account}/{name}"


def sns(memory: Memory) -> Correction:
    """What is put right in SNS."""

    def made(call: Call, answer: dict[str, Any]) -> Answer:
        given = call.parameters.get("Attributes", {})
        kept = {attribute: given[attribute] for attribute in _OF_TOPICS & given.keys()}
        if kept:
            memory.keep(call, "topic", answer["TopicArn"], kept)
        return answer

    def changed(call: Call, answer: dict[str, Any]) -> Answer:
        name = call.parameters["AttributeName"]
        if name in _OF_TOPICS:
            memory.keep(call, "topic", call.parameters["TopicArn"], {name: call.parameters.get("AttributeValue", "")})
        return answer

    def told(call: Call, answer: dict[str, Any]) -> Answer:
        kept = memory.kept(call, "topic", call.parameters["TopicArn"]) or {}
        return {**answer, "Attributes": {**answer.get("Attributes", {}), **kept}}

    def gone(call: Call, answer: dict[str, Any]) -> Answer:
        memory.forget(call, "topic", call.parameters["TopicArn"])
        return answer

    after = {"CreateTopic": made, "SetTopicAttributes": changed, "GetTopicAttributes": told, "DeleteTopic": gone}
    return Correction("sns", after=after)
