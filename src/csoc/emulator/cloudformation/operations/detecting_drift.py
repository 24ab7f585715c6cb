"""Drift detection: asked, done after a while, told.

Source: CloudFormation API reference, DetectStackDrift, DetectStackResourceDrift, DescribeStackDriftDetectionStatus,
DescribeStackResourceDrifts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from csoc.emulator.cloud.calls import Answer, AwsError, Call, Operation
from csoc.emulator.cloudformation import drift
from csoc.emulator.cloudformation.engine import Engine
from csoc.emulator.cloudformation.operations.answers import filled
from csoc.emulator.cloudformation.operations.listing import resource_named
from csoc.emulator.cloudformation.operations.paging import page
from csoc.emulator.cloudformation.operations.requests import Requests
from csoc.emulator.cloudformation.resources.handler import ResourceError
from csoc.emulator.cloudformation.schemas import Schemas
from csoc.emulator.cloudformation.stack_records import Stack, StackResource, Stacks
from csoc.emulator.cloudformation.template.functions import HIDDEN

# Source: DetectStackDrift, "Stacks that can be checked".
_CHECKABLE = frozenset(
    {
        "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED",
    }
)  # fmt: skip
_SECONDS_A_RESOURCE = 1.0
_MOST_DRIFTS = 100


class DriftOperations:
    """DetectStackDrift to DescribeStackResourceDrifts. stacks_of: the stacks of a call's account and region."""

    def __init__(
        self, engine: Engine, requests: Requests, schemas: Schemas, stacks_of: Callable[[Call], Stacks]
    ) -> None:
        self._work = engine.work
        self._requests = requests
        self._schemas = schemas
        self._stacks_of = stacks_of

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "DescribeStackDriftDetectionStatus": self._describe_stack_drift_detection_status,
            "DescribeStackResourceDrifts": self._describe_stack_resource_drifts,
            "DetectStackDrift": self._detect_stack_drift,
            "DetectStackResourceDrift": self._detect_stack_resource_drift,
        }

    def _detect_stack_drift(self, call: Call) -> Answer:
        stacks = self._stacks_of(call)
        with stacks.lock:
            stack = self._checkable(stacks, call)
            wanted = call.parameters.get("LogicalResourceIds")
            records = [resource_named(stack, name) for name in wanted] if wanted else list(stack.resources.values())
            running = [found for found in stacks.drift_detections.values() if found["StackId"] == stack.id]
            if any(found["DetectionStatus"] == "DETECTION_IN_PROGRESS" for found in running):
                raise AwsError("ValidationError", f"Drift detection is already in progress for stack {stack.id}", 400)
            number = self._requests.ids()
            detection = {
                "StackId": stack.id,
                "StackDriftDetectionId": number,
                "DetectionStatus": "DETECTION_IN_PROGRESS",
                "Timestamp": self._requests.timeline.now(),
            }
            stacks.drift_detections[number] = detection
            names = [record.logical_id for record in records if record.exists]
            self._requests.timeline.later(
                _SECONDS_A_RESOURCE * (1 + len(names)), lambda: self._detect(stacks, stack, names, detection)
            )
            return {"StackDriftDetectionId": number}

    def _detect(self, stacks: Stacks, stack: Stack, names: Sequence[str], detection: dict[str, Any]) -> None:
        with stacks.lock:
            failed = [
                name for name in names if name in stack.resources and not self._look(stack, stack.resources[name])
            ]
            drifted = [record for record in stack.resources.values() if record.drift_status in ("MODIFIED", "DELETED")]
            checked = [record for record in stack.resources.values() if record.drift_status == "IN_SYNC"]
            status = "DRIFTED" if drifted else "IN_SYNC" if checked else "NOT_CHECKED"
            stack.drift_status, stack.drift_checked_at = status, self._requests.timeline.now()
            detection["DetectionStatus"] = "DETECTION_FAILED" if failed else "DETECTION_COMPLETE"
            detection["StackDriftStatus"] = status
            detection["DriftedStackResourceCount"] = len(drifted)
            if failed:
                detection["DetectionStatusReason"] = f"Failed to detect drift on resources [{', '.join(failed)}]"

    def _look(self, stack: Stack, record: StackResource) -> bool:
        """Compares one resource with what is there; False if it could not be read."""
        record.drift_checked_at = self._requests.timeline.now()
        try:
            handler, context = self._work.handler(record.type), self._work.context(stack, record)
            live = self._work.call(stack, lambda: handler.read(context, record.physical_id))
        except ResourceError:
            record.drift_status, record.differences, record.live = "UNKNOWN", (), {}
            return False
        if live is None:
            record.drift_status, record.differences, record.live = "DELETED", (), {}
            return True
        compared = drift.drifted(self._schemas, record.type, record.properties, live, stack.tags)
        if compared is None:
            record.drift_status, record.differences, record.live = "NOT_CHECKED", (), {}
            return True
        found, actual = compared
        record.differences = tuple(_hidden(record, found))
        record.live = actual
        record.drift_status = "MODIFIED" if found else "IN_SYNC"
        return True

    def _describe_stack_drift_detection_status(self, call: Call) -> Answer:
        stacks = self._stacks_of(call)
        with stacks.lock:
            number = call.parameters["StackDriftDetectionId"]
            found = stacks.drift_detections.get(number)
            if found is None:
                raise AwsError("ValidationError", f"Drift detection {number} does not exist", 400)
            return dict(found)

    def _describe_stack_resource_drifts(self, call: Call) -> Answer:
        stacks, asked = self._stacks_of(call), call.parameters
        with stacks.lock:
            stack = stacks.named(asked["StackName"])
            wanted = set(asked.get("StackResourceDriftStatusFilters", ()))
            found = [
                record
                for record in stack.resources.values()
                if record.drift_checked_at is not None and (not wanted or record.drift_status in wanted)
            ]
            told, token = page(
                found,
                asked.get("NextToken"),
                lambda record: str(record.logical_id),
                lambda record: self._told(stack, record),
                asked.get("MaxResults") or _MOST_DRIFTS,
            )
            return {"StackResourceDrifts": told, **token}

    def _detect_stack_resource_drift(self, call: Call) -> Answer:
        stacks = self._stacks_of(call)
        with stacks.lock:
            stack = self._checkable(stacks, call)
            record = resource_named(stack, call.parameters["LogicalResourceId"])
            if not self._look(stack, record):
                raise AwsError(
                    "ValidationError", f"Resource {record.logical_id} of type {record.type} could not be read", 400
                )
            return {"StackResourceDrift": self._told(stack, record)}

    @staticmethod
    def _checkable(stacks: Stacks, call: Call) -> Stack:
        stack = stacks.alive(call.parameters["StackName"])
        if stack.status not in _CHECKABLE:
            raise AwsError(
                "ValidationError",
                f"Drift detection cannot be performed on stack {stack.id} because it is in {stack.status}",
                400,
            )
        return stack

    def _told(self, stack: Stack, record: StackResource) -> dict[str, Any]:
        members = filled(
            {
                "StackId": stack.id,
                "LogicalResourceId": record.logical_id,
                "PhysicalResourceId": record.physical_id,
                "ResourceType": record.type,
                "StackResourceDriftStatus": record.drift_status,
                "Timestamp": record.drift_checked_at,
            }
        )
        if record.drift_status in ("IN_SYNC", "MODIFIED", "DELETED"):
            expected = drift.compared(self._schemas, record.type, record.shown)
            members["ExpectedProperties"] = json.dumps(expected, sort_keys=True, default=str)
        if record.drift_status in ("IN_SYNC", "MODIFIED"):
            actual = {
                name: HIDDEN if record.shown.get(name) != record.properties.get(name) else value
                for name, value in record.live.items()
            }
            members["ActualProperties"] = json.dumps(actual, sort_keys=True, default=str)
            members["PropertyDifferences"] = list(record.differences)
        return members


def _hidden(record: StackResource, found: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Differences without the values of properties that hold a NoEcho parameter."""
    told = []
    for difference in found:
        name = difference["PropertyPath"].split("/")[1]
        secret = record.shown.get(name) != record.properties.get(name)
        told.append({**difference, **({"ExpectedValue": HIDDEN, "ActualValue": HIDDEN} if secret else {})})
    return told
