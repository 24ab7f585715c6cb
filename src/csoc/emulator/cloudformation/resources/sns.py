"""Topics of SNS, who may publish to them, and who is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.handler import Context, Properties
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls, gone_and_new, made_up_name
from csoc.emulator.cloudformation.resources.sqs import OnMany
from csoc.emulator.cloudformation.resources.translation import call, is_true, text, unless_gone

# Properties with the attribute that keeps each and what a topic has without it. Source: SNS API Reference,
# SetTopicAttributes.
_ATTRIBUTES: Mapping[str, tuple[str, str]] = {
    "ContentBasedDeduplication": ("ContentBasedDeduplication", "false"),
    "DisplayName": ("DisplayName", ""),
    "FifoThroughputScope": ("FifoThroughputScope", "Topic"),
    "KmsMasterKeyId": ("KmsMasterKeyId", ""),
    "SignatureVersion": ("SignatureVersion", "1"),
    "TracingConfig": ("TracingConfig", "PassThrough"),
}
_BOOLEANS = frozenset({"ContentBasedDeduplication", "FifoTopic"})


class Topic(ServiceType):
    """AWS::SNS::Topic."""

    type_name, service = "AWS::SNS::Topic", "sns"
    create_call, id_path, delete_call, delete_member = "create_topic", "TopicArn", "delete_topic", "TopicArn"
    name, name_member, longest = "TopicName", "Name", 256
    also, afterwards = (*_ATTRIBUTES, "FifoTopic"), ("Subscription",)
    attributes = {"TopicArn": "TopicArn", "TopicName": "TopicName"}
    tag_calls = TagCalls("tag_resource", "untag_resource", "ResourceArn", listing="list_tags_for_resource")

    def name_of(self, context: Context, properties: Properties) -> str:
        fifo = is_true(properties.get("FifoTopic", False))
        given = properties.get("TopicName")
        return str(given) if given else made_up_name(context, 250) + (".fifo" if fifo else "")

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        given = {
            attribute: text(properties[name]) for name, (attribute, _) in _ATTRIBUTES.items() if name in properties
        }
        if is_true(properties.get("FifoTopic", False)):
            given["FifoTopic"] = "true"
        return super().parameters(context, properties) | ({"Attributes": given} if given else {})

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        for name in sorted(left & _ATTRIBUTES.keys()):
            attribute, default = _ATTRIBUTES[name]
            value = text(after.get(name, default))
            client.set_topic_attributes(TopicArn=physical_id, AttributeName=attribute, AttributeValue=value)
        return set(_ATTRIBUTES)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = unless_gone(lambda: client.get_topic_attributes(TopicArn=physical_id))
        if found is None:
            return None
        told = {name: value for name, value in found["Attributes"].items() if value != ""}
        told |= {name: is_true(told[name]) for name in _BOOLEANS & told.keys()}
        return {**told, "TopicArn": physical_id, "TopicName": physical_id.rsplit(":", 1)[-1]}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        entries = client.list_subscriptions_by_topic(TopicArn=physical_id)["Subscriptions"]
        made = [{"Endpoint": entry["Endpoint"], "Protocol": entry["Protocol"]} for entry in entries]
        return {"Subscription": made} if made else {}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        self.set_afterwards(client, physical_id, properties, {})
        super().remove(context, client, physical_id, properties)

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        was: list[Properties] = before.get("Subscription") or []
        old, new = gone_and_new(was, after.get("Subscription") or [])
        for wanted in new:
            client.subscribe(TopicArn=physical_id, Protocol=wanted["Protocol"], Endpoint=wanted["Endpoint"])
        if old:
            for entry in client.list_subscriptions_by_topic(TopicArn=physical_id)["Subscriptions"]:
                if {"Endpoint": entry["Endpoint"], "Protocol": entry["Protocol"]} in old:
                    client.unsubscribe(SubscriptionArn=entry["SubscriptionArn"])


class TopicPolicy(OnMany):
    """AWS::SNS::TopicPolicy. Without one, a topic has the policy that SNS gives it, so taking it away leaves that."""

    type_name, targets = "AWS::SNS::TopicPolicy", "Topics"

    def write(self, context: Context, target: str, document: Any) -> None:
        policy = text(_default_policy(context.account, target) if document is None else document)
        client = context.clients("sns")
        client.set_topic_attributes(TopicArn=target, AttributeName="Policy", AttributeValue=policy)

    def written(self, context: Context, target: str) -> Any:
        found = unless_gone(lambda: context.clients("sns").get_topic_attributes(TopicArn=target))
        policy = (found or {}).get("Attributes", {}).get("Policy")
        document = json.loads(policy) if policy else None
        return None if document is None or document.get("Id") == "__default_policy_ID" else document


def _default_policy(account: str, topic: str) -> dict[str, Any]:
    """What SNS gives a topic of its own: its account may do everything with it."""
    actions: tuple[str, ...] = (
        "AddPermission",
        "DeleteTopic",
        "GetTopicAttributes",
        "ListSubscriptionsByTopic",
        "Publish",
    )
    actions += ("RemovePermission", "SetTopicAttributes", "Subscribe")
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{name}" for name in actions],
        "Resource": topic,
        "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
    }
    return {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}


_ON_SUBSCRIPTION = ("DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")


class Subscription(ServiceType):
    """AWS::SNS::Subscription, to a topic of the same region."""

    type_name, service, tags = "AWS::SNS::Subscription", "sns", ""
    create_call, id_path, delete_call, delete_member = "subscribe", "SubscriptionArn", "unsubscribe", "SubscriptionArn"
    takes = ("TopicArn", "Protocol", "Endpoint")
    also = (*_ON_SUBSCRIPTION, "SubscriptionRoleArn")
    attributes = {"Arn": "SubscriptionArn"}

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        given = {name: text(properties[name]) for name in self.also if name in properties}
        asked = {**super().parameters(context, properties), "ReturnSubscriptionArn": True}
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
        without = {"FilterPolicyScope": "MessageAttributes", "RawMessageDelivery": "false", "FilterPolicy": "{}"}
        for name in sorted(left & set(self.also)):
            value = text(after.get(name, without.get(name, "")))
            given = {"SubscriptionArn": physical_id, "AttributeName": name, "AttributeValue": value}
            call(client, "set_subscription_attributes", given)
        return set(self.also)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = unless_gone(lambda: client.get_subscription_attributes(SubscriptionArn=physical_id))
        if found is None:
            return None
        told = {name: value for name, value in found["Attributes"].items() if value not in ("", "{}")}
        if "RawMessageDelivery" in told:
            told["RawMessageDelivery"] = is_true(told["RawMessageDelivery"])
        return told


HANDLERS = (Topic(), TopicPolicy(), Subscription())
