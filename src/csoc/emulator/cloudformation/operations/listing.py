"""Operations that tell of stacks, their resources, events and exports.

Source: CloudFormation API reference of each operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from csoc.emulator.cloud.calls import Answer, AwsError, Call, Operation
from csoc.emulator.cloudformation.operations import answers
from csoc.emulator.cloudformation.operations.change_sets import change_set_named
from csoc.emulator.cloudformation.operations.paging import page
from csoc.emulator.cloudformation.stack_records import Event, Stack, StackOperation, StackResource, Stacks

_MOST_RESOURCES = 100
_LIMITS = {"StackLimit": 2000, "StackOutputsLimit": 200, "ConcurrentResourcesLimit": 2500}


class ListingOperations:
    """DescribeStacks to ListImports. stacks_of: the stacks of a call's account and region."""

    def __init__(self, stacks_of: Callable[[Call], Stacks]) -> None:
        self._stacks_of = stacks_of

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "DescribeAccountLimits": self._describe_account_limits,
            "DescribeEvents": self._describe_events,
            "DescribeStackEvents": self._describe_stack_events,
            "DescribeStackResource": self._describe_stack_resource,
            "DescribeStackResources": self._describe_stack_resources,
            "DescribeStacks": self._describe_stacks,
            "ListExports": self._list_exports,
            "ListImports": self._list_imports,
            "ListStackResources": self._list_stack_resources,
            "ListStacks": self._list_stacks,
        }

    def _describe_stacks(self, call: Call) -> Answer:
        stacks = self._stacks_of(call)
        with stacks.lock:
            name = call.parameters.get("StackName")
            found = [stacks.named(name)] if name else list(stacks.living())
            told, token = page(found, call.parameters.get("NextToken"), lambda stack: str(stack.id), answers.stack)
            return {"Stacks": told, **token}

    def _list_stacks(self, call: Call) -> Answer:
        stacks = self._stacks_of(call)
        with stacks.lock:
            wanted = set(call.parameters.get("StackStatusFilter", ()))
            found = [stack for stack in reversed(stacks.all.values()) if not wanted or stack.status in wanted]
            told, token = page(found, call.parameters.get("NextToken"), lambda stack: str(stack.id), answers.summary)
            return {"StackSummaries": told, **token}

    def _describe_stack_events(self, call: Call) -> Answer:
        stacks = self._stacks_of(call)
        with stacks.lock:
            name = call.parameters.get("StackName", "")
            stack = stacks.find(name)
            if stack is None:
                raise AwsError("ValidationError", f"Stack [{name}] does not exist", 400)
            told, token = page(
                list(reversed(stack.events)),
                call.parameters.get("NextToken"),
                lambda event: str(event.id),
                lambda event: answers.event(event, stack),
            )
            return {"StackEvents": told, **token}

    def _describe_events(self, call: Call) -> Answer:
        stacks, asked = self._stacks_of(call), call.parameters
        with stacks.lock:
            found = _operation_events(stacks, asked)
            if (asked.get("Filters") or {}).get("FailedEvents"):
                found = [event for event in found if event["EventType"].endswith("_ERROR")]
            told, token = page(
                found, asked.get("NextToken"), lambda event: str(event["EventId"]), lambda event: dict(event)
            )
            return {"OperationEvents": told, **token}

    def _list_stack_resources(self, call: Call) -> Answer:
        stacks = self._stacks_of(call)
        with stacks.lock:
            stack = stacks.named(call.parameters["StackName"])
            told, token = page(
                list(stack.resources.values()),
                call.parameters.get("NextToken"),
                lambda record: str(record.logical_id),
                answers.resource_summary,
            )
            return {"StackResourceSummaries": told, **token}

    def _describe_stack_resource(self, call: Call) -> Answer:
        stacks = self._stacks_of(call)
        with stacks.lock:
            stack = stacks.named(call.parameters["StackName"])
            record = resource_named(stack, call.parameters["LogicalResourceId"])
            return {"StackResourceDetail": answers.resource_detail(record, stack)}

    def _describe_stack_resources(self, call: Call) -> Answer:
        stacks, asked = self._stacks_of(call), call.parameters
        with stacks.lock:
            physical, name = asked.get("PhysicalResourceId"), asked.get("StackName")
            if bool(physical) == bool(name):
                raise AwsError("ValidationError", "Specify either StackName or PhysicalResourceId, but not both.", 400)
            stack = stacks.named(name) if name else _owner(stacks, str(physical))
            wanted = asked.get("LogicalResourceId")
            found = [record for key, record in stack.resources.items() if wanted in (None, key)]
            return {"StackResources": [answers.resource(record, stack) for record in found[:_MOST_RESOURCES]]}

    def _list_exports(self, call: Call) -> Answer:
        stacks = self._stacks_of(call)
        with stacks.lock:
            found = sorted(stacks.exports().items())
            told, token = page(
                found,
                call.parameters.get("NextToken"),
                lambda item: str(item[0]),
                lambda item: {"ExportingStackId": item[1][1].id, "Name": item[0], "Value": item[1][0]},
            )
            return {"Exports": told, **token}

    def _list_imports(self, call: Call) -> Answer:
        stacks = self._stacks_of(call)
        with stacks.lock:
            name = call.parameters["ExportName"]
            if name not in stacks.exports():
                raise AwsError("ValidationError", f"Export '{name}' does not exist.", 400)
            found = sorted(stack.name for stack in stacks.importers(name))
            if not found:
                raise AwsError("ValidationError", f"Export '{name}' is not imported by any stack.", 400)
            told, token = page(found, call.parameters.get("NextToken"), str, lambda item: {"Name": item})
            return {"Imports": [item["Name"] for item in told], **token}

    def _describe_account_limits(self, _: Call) -> Answer:
        return {"AccountLimits": [{"Name": name, "Value": value} for name, value in _LIMITS.items()]}


def resource_named(stack: Stack, name: str) -> StackResource:
    """A resource of a stack. Raises AwsError if it has none such."""
    record = stack.resources.get(name)
    if record is None:
        raise AwsError("ValidationError", f"Resource {name} does not exist for stack {stack.name}", 400)
    return record


def _owner(stacks: Stacks, physical_id: str) -> Stack:
    for stack in stacks.living():
        if any(record.physical_id == physical_id and record.exists for record in stack.resources.values()):
            return stack
    raise AwsError("ValidationError", f"Stack for {physical_id} does not exist", 400)


def _operation_events(stacks: Stacks, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Events of a stack, one operation or a change set, newest first. Raises AwsError if none of them is named."""
    name, change_set, number = asked.get("StackName"), asked.get("ChangeSetName"), asked.get("OperationId")
    if not name and not change_set and not number:
        raise AwsError("ValidationError", "One of ChangeSetName, OperationId or StackName must be specified", 400)
    if change_set:
        found = change_set_named(stacks, change_set, name or "")
        events = _edges(found.operation, stacks.all[found.stack_id], found.reason) if found.operation else []
        return [event for event in events if number in (None, event["OperationId"])]
    if name:
        chosen = [stacks.named(name)]
    else:
        chosen = [s for s in stacks.all.values() if any(operation.id == number for operation in s.operations)]
        planned = [one for one in stacks.change_sets.values() if one.operation and one.operation.id == number]
        if not chosen and planned and planned[0].operation:
            return _edges(planned[0].operation, stacks.all[planned[0].stack_id], planned[0].reason)
        if not chosen:
            raise AwsError("ValidationError", f"Operation {number} does not exist", 400)
    events = []
    for stack in chosen:
        kinds = {operation.id: operation for operation in stack.operations}
        for event in reversed(stack.events):
            operation = kinds.get(event.operation_id)
            if operation is not None and number in (None, operation.id):
                events.append(_operation_event(event, stack, operation))
    return events


def _operation_event(event: Event, stack: Stack, operation: StackOperation) -> dict[str, Any]:
    members = answers.event(event, stack)
    members.pop("StackName")
    if event.status.endswith("FAILED"):
        kind = "PROVISIONING_ERROR"
    else:
        kind = "STACK_EVENT" if event.physical_id == stack.id else "PROGRESS_EVENT"
    more = {"OperationType": operation.type, "OperationStatus": operation.status, "EventType": kind}
    return {**members, **more}


def _edges(operation: StackOperation, stack: Stack, reason: str) -> list[dict[str, Any]]:
    """An operation without events of its own: that it began, and how it ended."""
    common = {"StackId": stack.id, "OperationId": operation.id, "OperationType": operation.type}
    begun = {
        **common,
        "EventId": f"{operation.id}-begun",
        "EventType": "STACK_EVENT",
        "OperationStatus": "IN_PROGRESS",
        "Timestamp": operation.started_at,
        "StartTime": operation.started_at,
    }
    if operation.ended_at is None:
        return [begun]
    ended = {
        **common,
        "EventId": f"{operation.id}-ended",
        "EventType": "VALIDATION_ERROR" if operation.status == "FAILED" else "STACK_EVENT",
        "OperationStatus": operation.status,
        "Timestamp": operation.ended_at,
        "EndTime": operation.ended_at,
        **({"ValidationStatusReason": reason} if reason else {}),
    }
    return [ended, begun]
