"""Rules and buses of EventBridge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Change, Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls
from csoc.emulator.cloudformation.resources.translation import call, unless_gone

_TAGS = TagCalls("tag_resource", "untag_resource", "ResourceARN", resource="Arn", listing="list_tags_for_resource")
_PER_CALL = 5
"""Targets that the emulated PutTargets takes without complaint; EventBridge has five a rule by default."""


class Rule(ServiceType):
    """AWS::Events::Rule. One that is not on the default bus is known by both names."""

    type_name, service, name = "AWS::Events::Rule", "events", "Name"
    create_call = "put_rule"
    takes = ("Description", "EventBusName", "EventPattern", "RoleArn", "ScheduleExpression", "State")
    afterwards = ("Targets",)
    attributes = {"Arn": "Arn", "RuleName": "Name"}
    tag_calls = _TAGS

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        given = {**self.parameters(context, properties), **self.tag_parameters(context, properties)}
        call(client, "put_rule", given)
        bus = _bus_name(given.get("EventBusName"))
        return f"{bus}|{given['Name']}" if bus != "default" else str(given["Name"])

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        bus, name = _parts(physical_id)
        if left & set(self.takes):
            given = {**self.parameters(context, after), "Name": name, "EventBusName": bus}
            call(client, "put_rule", given)
        return set(self.takes) - {"EventBusName"}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        bus, name = _parts(physical_id)
        found: Mapping[str, Any] | None = unless_gone(lambda: client.describe_rule(Name=name, EventBusName=bus))
        return found

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        bus, name = _parts(physical_id)
        targets = client.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]
        return {"Targets": targets} if targets else {}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        bus, name = _parts(physical_id)
        targets = unless_gone(lambda: client.list_targets_by_rule(Rule=name, EventBusName=bus))
        ids = [target["Id"] for target in (targets or {}).get("Targets", ())]
        if ids:
            client.remove_targets(Rule=name, EventBusName=bus, Ids=ids)
        unless_gone(lambda: client.delete_rule(Name=name, EventBusName=bus))

    def ref(self, physical_id: str, found: Mapping[str, Any]) -> str | None:
        return str(found["Name"])

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        bus, name = _parts(physical_id)
        wanted = list(after.get("Targets") or ())
        for start in range(0, len(wanted), _PER_CALL):
            given = {"Rule": name, "EventBusName": bus, "Targets": wanted[start : start + _PER_CALL]}
            call(client, "put_targets", given)
        kept = {target["Id"] for target in wanted}
        gone = [target["Id"] for target in before.get("Targets") or () if target["Id"] not in kept]
        if gone:
            client.remove_targets(Rule=name, EventBusName=bus, Ids=gone)


def _bus_name(given: Any) -> str:
    """The name of a bus that a template gives by name or ARN."""
    return str(given or "default").rsplit("/", 1)[-1]


def _parts(physical_id: str) -> tuple[str, str]:
    bus, _, name = physical_id.rpartition("|")
    return bus or "default", name


class EventBus(ServiceType):
    """AWS::Events::EventBus."""

    type_name, service = "AWS::Events::EventBus", "events"
    create_call, delete_call, delete_member = "create_event_bus", "delete_event_bus", "Name"
    name = "Name"
    takes, afterwards = ("DeadLetterConfig", "Description", "KmsKeyIdentifier"), ("Policy",)
    changes = (
        Change(
            ("DeadLetterConfig", "Description", "KmsKeyIdentifier"),
            "update_event_bus",
            lambda name, wanted: {
                "Name": name,
                "Description": wanted["Description"],
                "KmsKeyIdentifier": wanted["KmsKeyIdentifier"],
                "DeadLetterConfig": wanted["DeadLetterConfig"],
            },
        ),
    )
    defaults = {"Description": "", "KmsKeyIdentifier": "", "DeadLetterConfig": {}}
    described = Describe("describe_event_bus", "Name", "", many=False)
    attributes = {"Arn": "Arn", "Name": "Name"}
    tag_calls = _TAGS

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        if after.get("Policy"):
            call(client, "put_permission", {"EventBusName": physical_id, "Policy": after["Policy"]})
        elif before.get("Policy"):
            client.remove_permission(EventBusName=physical_id, RemoveAllPermissions=True)


class EventBusPolicy(ServiceType):
    """AWS::Events::EventBusPolicy: one statement of a bus's policy, so that other accounts may send to it."""

    type_name, service, tags = "AWS::Events::EventBusPolicy", "events", ""
    also = ("EventBusName", "Statement", "StatementId")

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        bus, name = _bus_name(properties.get("EventBusName")), str(properties["StatementId"])
        self._put(client, bus, name, properties)
        return f"{bus}|{name}"

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        bus, name = _parts(physical_id)
        self._put(client, bus, name, after)
        return {"Statement"}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        bus, name = _parts(physical_id)
        for found in _statements(client, bus):
            if found.get("Sid") == name:
                statement = {key: value for key, value in found.items() if key != "Sid"}
                return {"EventBusName": bus, "Statement": statement, "StatementId": name}
        return None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        bus, name = _parts(physical_id)
        unless_gone(lambda: client.remove_permission(EventBusName=bus, StatementId=name))

    @staticmethod
    def _put(client: Any, bus: str, name: str, properties: Properties) -> None:
        """A permission is put as the whole policy, since single ones know no conditions on what is sent."""
        others = [found for found in _statements(client, bus) if found.get("Sid") != name]
        document = {"Version": "2012-10-17", "Statement": [*others, {**properties["Statement"], "Sid": name}]}
        call(client, "put_permission", {"EventBusName": bus, "Policy": document})


def _statements(client: Any, bus: str) -> list[dict[str, Any]]:
    told = unless_gone(lambda: client.describe_event_bus(Name=bus)) or {}
    return list(json.loads(told["Policy"])["Statement"]) if told.get("Policy") else []


class Archive(ServiceType):
    """AWS::Events::Archive."""

    type_name, service, tags = "AWS::Events::Archive", "events", ""
    create_call, delete_call, delete_member = "create_archive", "delete_archive", "ArchiveName"
    name, longest = "ArchiveName", 48
    takes, renamed = ("Description", "EventPattern", "RetentionDays"), {"SourceArn": "EventSourceArn"}
    read_as = {"SourceArn": "EventSourceArn"}
    attributes = {"Arn": "ArchiveArn"}
    described = Describe("describe_archive", "ArchiveName", "", many=False)
    changes = (
        Change(
            ("Description", "EventPattern", "RetentionDays"),
            "update_archive",
            lambda name, wanted: {
                "ArchiveName": name,
                **{key: wanted[key] for key in ("Description", "EventPattern", "RetentionDays") if key in wanted},
            },
        ),
    )
    defaults = {"Description": "", "RetentionDays": 0}


HANDLERS = (Rule(), EventBus(), EventBusPolicy(), Archive())
