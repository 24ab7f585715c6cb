"""Stacks, resources, events and change sets as the API tells of them; values of NoEcho parameters are not told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.stack_records import ChangeSet, Event, Stack, StackResource
from csoc.emulator.cloudformation.template.functions import HIDDEN
from csoc.emulator.cloudformation.template.model import Template

_MOST_LAST_OPERATIONS = 4


def filled(members: Mapping[str, Any]) -> dict[str, Any]:
    """Members without those that have no value."""
    return {name: value for name, value in members.items() if value is not None and value != ""}


def parameters(
    template: Template | None, given: Mapping[str, str], resolved: Mapping[str, str]
) -> list[dict[str, str]]:
    found = []
    for parameter in template.parameters.values() if template else ():
        value = given.get(parameter.name, parameter.default or "")
        shown = {"ParameterKey": parameter.name, "ParameterValue": HIDDEN if parameter.no_echo else value}
        if parameter.name in resolved:
            shown["ResolvedValue"] = HIDDEN if parameter.no_echo else resolved[parameter.name]
        found.append(shown)
    return found


def tags(found: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in found.items()]


def stack(found: Stack) -> dict[str, Any]:
    members = filled(
        {
            "StackId": found.id,
            "StackName": found.name,
            "ChangeSetId": found.change_set_id,
            "Description": found.description,
            "Parameters": parameters(found.template, found.given, found.resolved_from),
            "CreationTime": found.created_at,
            "DeletionTime": found.deleted_at,
            "LastUpdatedTime": found.updated_at,
            "StackStatus": found.status,
            "StackStatusReason": found.reason,
            "DisableRollback": found.disable_rollback,
            "NotificationARNs": list(found.notifications),
            "TimeoutInMinutes": found.timeout_minutes,
            "Capabilities": list(found.capabilities),
            "Outputs": found.outputs,
            "RoleARN": found.role_arn,
            "Tags": tags(found.tags),
            "EnableTerminationProtection": found.termination_protection,
            "ParentId": found.parent_id,
            "RootId": found.root_id,
            "DriftInformation": filled(
                {"StackDriftStatus": found.drift_status, "LastCheckTimestamp": found.drift_checked_at}
            ),
            "DeletionMode": found.deletion_mode,
            "LastOperations": last_operations(found),
        }
    )
    return members | {"RollbackConfiguration": {}}


def last_operations(found: Stack) -> list[dict[str, str]]:
    return [
        {"OperationType": operation.type, "OperationId": operation.id}
        for operation in found.operations[:_MOST_LAST_OPERATIONS]
    ]


def summary(found: Stack) -> dict[str, Any]:
    described = stack(found)
    kept = (
        "StackId", "StackName", "CreationTime", "LastUpdatedTime", "DeletionTime", "StackStatus", "StackStatusReason",
        "ParentId", "RootId", "DriftInformation", "LastOperations",
    )  # fmt: skip
    members = {name: described[name] for name in kept if name in described}
    return members | filled({"TemplateDescription": found.description})


def event(found: Event, of: Stack) -> dict[str, Any]:
    return filled(
        {
            "StackId": of.id,
            "EventId": found.id,
            "StackName": of.name,
            "OperationId": found.operation_id,
            "LogicalResourceId": found.logical_id,
            "PhysicalResourceId": found.physical_id,
            "ResourceType": found.type,
            "Timestamp": found.at,
            "ResourceStatus": found.status,
            "ResourceStatusReason": found.reason,
            "ResourceProperties": found.properties,
            "ClientRequestToken": found.token,
        }
    ) | {"PhysicalResourceId": found.physical_id}


def _resource(found: StackResource) -> dict[str, Any]:
    return filled(
        {
            "LogicalResourceId": found.logical_id,
            "PhysicalResourceId": found.physical_id,
            "ResourceType": found.type,
            "ResourceStatus": found.status,
            "ResourceStatusReason": found.reason,
            "DriftInformation": filled(
                {"StackResourceDriftStatus": found.drift_status, "LastCheckTimestamp": found.drift_checked_at}
            ),
        }
    )


def resource_summary(found: StackResource) -> dict[str, Any]:
    return _resource(found) | {"LastUpdatedTimestamp": found.updated_at}


def resource(found: StackResource, of: Stack) -> dict[str, Any]:
    return {"StackName": of.name, "StackId": of.id, **_resource(found), "Timestamp": found.updated_at}


def resource_detail(found: StackResource, of: Stack) -> dict[str, Any]:
    members = {"StackName": of.name, "StackId": of.id, **resource_summary(found)}
    return members | {"Metadata": json.dumps(found.metadata)}


def change_set_summary(found: ChangeSet, of: Stack) -> dict[str, Any]:
    members = filled(
        {
            "ChangeSetId": found.id,
            "ChangeSetName": found.name,
            "StackId": found.stack_id,
            "StackName": of.name,
            "CreationTime": found.created_at,
            "Status": found.status,
            "StatusReason": found.reason,
            "ExecutionStatus": found.execution_status,
            "Description": found.description,
        }
    )
    return members | {"IncludeNestedStacks": False, "ImportExistingResources": False}


def change_set(found: ChangeSet, of: Stack) -> dict[str, Any]:
    members = change_set_summary(found, of) | {
        "Parameters": parameters(found.template, found.given, found.resolved_from),
        "NotificationARNs": list(found.notifications),
        "RollbackConfiguration": {},
        "Capabilities": list(found.capabilities),
        "Tags": tags(found.tags),
    }
    return members | filled({"OnStackFailure": found.on_failure})
