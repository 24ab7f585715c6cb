"""Queues of SQS and what may send to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from csoc.emulator.cloudformation.resources.durations import Lasting
from csoc.emulator.cloudformation.resources.handler import Context, Made, Properties, ResourceError
from csoc.emulator.cloudformation.resources.placed import Placed
from csoc.emulator.cloudformation.resources.service_type import (
    ServiceType,
    TagCalls,
    gone_and_new,
    made_up_name,
)
from csoc.emulator.cloudformation.resources.translation import is_true, text, unless_gone

# Properties that are attributes of the same name, with what a queue has without them. Source: SQS API Reference,
# SetQueueAttributes.
_ATTRIBUTES: Mapping[str, str] = {
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "DelaySeconds": "0",
    "FifoThroughputLimit": "perQueue",
    "KmsDataKeyReusePeriodSeconds": "300",
    "KmsMasterKeyId": "",
    "MaximumMessageSize": "262144",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "RedriveAllowPolicy": "",
    "RedrivePolicy": "",
    "SqsManagedSseEnabled": "true",
    "VisibilityTimeout": "30",
}
_BOOLEANS = frozenset({"ContentBasedDeduplication", "SqsManagedSseEnabled", "FifoQueue"})
_PLACED = Placed()


class Queue(ServiceType):
    """AWS::SQS::Queue."""

    type_name, service = "AWS::SQS::Queue", "sqs"
    create_call, id_path, delete_call, delete_member = "create_queue", "QueueUrl", "delete_queue", "QueueUrl"
    name, longest, creation_tags = "QueueName", 80, "tags"
    also = (*_ATTRIBUTES, "FifoQueue")
    attributes = {"Arn": "QueueArn", "QueueUrl": "QueueUrl", "QueueName": "QueueName"}
    tag_calls = TagCalls("tag_queue", "untag_queue", "QueueUrl", listing="list_queue_tags", pairs=False)

    def name_of(self, context: Context, properties: Properties) -> str:
        fifo = is_true(properties.get("FifoQueue", False))
        given = properties.get("QueueName")
        return str(given) if given else made_up_name(context, 75) + (".fifo" if fifo else "")

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        given = {name: text(properties[name]) for name in self.also if name in properties}
        if given.get("FifoQueue") == "false":
            del given["FifoQueue"]
        asked = super().parameters(context, properties)
        return asked | ({"Attributes": given} if given else {})

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        wanted = {name: text(after.get(name, _ATTRIBUTES[name])) for name in left & _ATTRIBUTES.keys()}
        if wanted:
            client.set_queue_attributes(QueueUrl=physical_id, Attributes=wanted)
        return set(_ATTRIBUTES)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        asked = {"QueueUrl": physical_id, "AttributeNames": ["All"]}
        found = unless_gone(lambda: client.get_queue_attributes(**asked))
        if found is None:
            return None
        told = dict(found["Attributes"])
        for name in _BOOLEANS & told.keys():
            told[name] = is_true(told[name])
        numbers = {name: int(value) for name, value in told.items() if isinstance(value, str) and value.isdigit()}
        return {**told, **numbers, "QueueUrl": physical_id, "QueueName": told["QueueArn"].rsplit(":", 1)[-1]}


class OnMany(Lasting):
    """A policy that is written to several queues or topics."""

    targets: ClassVar[str]

    @property
    def supported(self) -> frozenset[str]:
        return frozenset({"PolicyDocument", self.targets})

    def write(self, context: Context, target: str, document: Any) -> None:
        """Puts the policy on a target; None takes it away."""
        raise NotImplementedError

    def written(self, context: Context, target: str) -> Any:
        """The policy of a target, None without."""
        raise NotImplementedError

    def create(self, context: Context, properties: Properties) -> Made:
        return self.update(context, made_up_name(context), {}, properties)

    def update(self, context: Context, physical_id: str, before: Properties, after: Properties) -> Made:
        old, _ = gone_and_new(before.get(self.targets, ()), after[self.targets])
        for target in after[self.targets]:
            self.write(context, target, after["PolicyDocument"])
        for target in old:
            unless_gone(partial(self.write, context, target, None))
        _PLACED.keep(context, physical_id, after)
        return Made(physical_id, {"Id": physical_id})

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        for target in properties[self.targets]:
            unless_gone(partial(self.write, context, target, None))
        _PLACED.forget(context, physical_id)

    def read(self, context: Context, physical_id: str) -> Properties | None:
        """Raises ResourceError after a restart, since the identifier does not name the targets."""
        placed = _PLACED.kept(context, physical_id)
        if placed is None:
            raise ResourceError(f"Where {physical_id} was put is not known after a restart of the emulator", "NotFound")
        if not placed:
            return None
        found = [(target, self.written(context, target)) for target in placed[self.targets]]
        there = [(target, document) for target, document in found if document]
        if not there:
            return None
        return {self.targets: [target for target, _ in there], "PolicyDocument": there[0][1]}


class QueuePolicy(OnMany):
    """AWS::SQS::QueuePolicy."""

    type_name, targets = "AWS::SQS::QueuePolicy", "Queues"

    def write(self, context: Context, target: str, document: Any) -> None:
        policy = "" if document is None else text(document)
        context.clients("sqs").set_queue_attributes(QueueUrl=target, Attributes={"Policy": policy})

    def written(self, context: Context, target: str) -> Any:
        sqs = context.clients("sqs")
        found = unless_gone(lambda: sqs.get_queue_attributes(QueueUrl=target, AttributeNames=["Policy"]))
        policy = (found or {}).get("Attributes", {}).get("Policy")
        return json.loads(policy) if policy else None


HANDLERS = (Queue(), QueuePolicy())
