"""CloudFormation stacks of one account and region, through boto3.

Everything can be asked again: change sets by their names, executions and deletions by their tokens. What CloudFormation
says is paged to its end, compared by its own time, and taken for hostile: names and reasons come from templates that
others may have written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from csoc.adapters.aws.failures import code_of, translated
from csoc.errors import ConflictError, NotFoundError, RejectedError, UnavailableError
from csoc.provisioning import names
from csoc.provisioning.stacks import (
    Action,
    ChangeSet,
    Drifted,
    PropertyChange,
    ResourceChange,
    StackEvent,
    StackRequest,
    StackState,
)

# What CloudFormation takes in a request; larger templates go through the link's bucket.
_BODY_BYTES = 51_200
_CAPABILITIES = ["CAPABILITY_NAMED_IAM"]
_GONE = ("DELETE_COMPLETE",)
# CloudFormation gives a page of 100 events; an operation of hundreds of resources has thousands.
_MOST_EVENTS = 20_000
_ANSWER_SECONDS = 600.0
_FIRST_LOOK_SECONDS = 0.25
_REPLACES = {"Always": "always", "Conditionally": "maybe", "Never": "never"}
_NO_CHANGE = ("didn't contain changes", "No updates are to be performed")

Pause = Callable[[float], None]
"""Lets so many seconds of the cloud's time pass."""


class CloudFormationStacks:
    """See csoc.provisioning.stacks.Stacks.

    client: gives a boto3 client by service name, of one session and region. upload: puts a template that is too large
    for a request somewhere that CloudFormation can read and gives its URL. pause: between two looks, shortly at first
    and at most look_seconds.
    """

    def __init__(
        self,
        client: Callable[[str], Any],
        installation: str,
        *,
        pause: Pause,
        upload: Callable[[str], str] | None = None,
        look_seconds: float = 5.0,
    ) -> None:
        self._client = client
        self._installation = installation
        self._pause = pause
        self._upload = upload
        self._look_seconds = look_seconds

    def find(self, name: str) -> StackState | None:
        found = self._described(name)
        if found is None or found["StackStatus"] in _GONE:
            return None
        return StackState(
            id=found["StackId"],
            name=found["StackName"],
            status=found["StackStatus"],
            reason=found.get("StackStatusReason", ""),
            outputs={one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])},
            parameters={
                one["ParameterKey"]: one.get("ResolvedValue", one.get("ParameterValue", ""))
                for one in found.get("Parameters", [])
            },
            tags={one["Key"]: one["Value"] for one in found.get("Tags", [])},
            changed_at=found.get("LastUpdatedTime") or found.get("CreationTime"),
            template_digest=self._digest(found),
            is_protected=found.get("EnableTerminationProtection") is True,
        )

    def template(self, name: str) -> str:
        with translated(name):
            answer = self._cloudformation.get_template(StackName=name, TemplateStage="Original")
        return _as_text(answer["TemplateBody"])

    def resources(self, name: str) -> Mapping[str, str]:
        found: dict[str, str] = {}
        with translated(name):
            for page in self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=name):
                for one in page["StackResourceSummaries"]:
                    if one.get("PhysicalResourceId") and one["ResourceStatus"] != "DELETE_COMPLETE":
                        found[one["LogicalResourceId"]] = one["PhysicalResourceId"]
        return found

    def make_change_set(self, request: StackRequest, name: str) -> ChangeSet:
        there = self.find(request.stack)
        if there is not None and there.status != "REVIEW_IN_PROGRESS":
            self._check_ours(there)
        found = self.find_change_set(request.stack, name) if there is not None else None
        if found is None:
            kind = "CREATE" if there is None or there.status == "REVIEW_IN_PROGRESS" else "UPDATE"
            asked: dict[str, Any] = {
                "StackName": request.stack,
                "ChangeSetName": name,
                "ChangeSetType": kind,
                "Capabilities": _CAPABILITIES,
                "Parameters": [
                    {"ParameterKey": key, "ParameterValue": value} for key, value in sorted(request.parameters.items())
                ],
                "Tags": [{"Key": key, "Value": value} for key, value in sorted(request.tags.items())],
                "RoleARN": request.role,
                "Description": request.description[:1024],
                "ClientToken": name,
                **self._body(request),
            }
            with translated(request.stack):
                self._cloudformation.create_change_set(**asked)
        for _ in self._looks(_ANSWER_SECONDS):
            found = self.find_change_set(request.stack, name)
            if found is not None and found.status not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                return found
        raise UnavailableError(
            f"CloudFormation did not make the change set {name} in {_ANSWER_SECONDS:g} s",
            place=request.stack,
            fix="Try again",
        )

    def find_change_set(self, stack: str, name: str) -> ChangeSet | None:
        asked = {"StackName": stack, "ChangeSetName": name, "IncludePropertyValues": True}
        changes: list[ResourceChange] = []
        before: dict[str, Mapping[str, Any]] | None = None
        try:
            with translated(stack):
                answer = self._cloudformation.describe_change_set(**asked)
                first = answer
                while True:
                    for one in answer.get("Changes", []):
                        if one.get("Type") != "Resource":
                            continue
                        if before is None:
                            before = self._resources_before(stack)
                        changes.append(_change(one["ResourceChange"], before))
                    if not answer.get("NextToken"):
                        break
                    answer = self._cloudformation.describe_change_set(**asked, NextToken=answer["NextToken"])
        except NotFoundError:
            return None
        reason = first.get("StatusReason", "")
        return ChangeSet(
            arn=first["ChangeSetId"],
            name=first["ChangeSetName"],
            status=first["Status"],
            reason=reason,
            is_empty=first["Status"] == "FAILED" and any(text in reason for text in _NO_CHANGE),
            changes=tuple(changes),
            parameters={
                one["ParameterKey"]: one.get("ResolvedValue", one.get("ParameterValue", ""))
                for one in first.get("Parameters", [])
            },
            execution_status=first.get("ExecutionStatus", ""),
        )

    def drop_change_set(self, stack: str, name: str) -> None:
        found = self.find(stack)
        if found is None:
            return
        if found.status != "REVIEW_IN_PROGRESS":
            self._check_ours(found)
        try:
            with translated(stack):
                self._cloudformation.delete_change_set(StackName=stack, ChangeSetName=name)
        except NotFoundError:
            pass
        if found.status == "REVIEW_IN_PROGRESS" and not self._change_sets(stack):
            with translated(stack):
                self._cloudformation.delete_stack(StackName=stack)

    def execute(self, stack: str, change_set: str, token: str) -> None:
        state = self.find(stack)
        if state is None:
            raise NotFoundError(f"There is no stack {stack}", place=stack, fix="Plan again")
        if state.status == "REVIEW_IN_PROGRESS":
            state = replace(state, tags=self._tags_of(stack, change_set))
        self._check_ours(state)
        if any(event.token == token for event in self.events(stack)):
            return
        with translated(stack):
            self._cloudformation.execute_change_set(
                StackName=stack, ChangeSetName=change_set, ClientRequestToken=token, DisableRollback=False
            )

    def protect(self, stack: str, policy: str) -> None:
        self._check_ours(self._require(stack))
        with translated(stack):
            self._cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=True)
            self._cloudformation.set_stack_policy(StackName=stack, StackPolicyBody=policy)

    def unprotect(self, stack: str) -> None:
        self._check_ours(self._require(stack))
        with translated(stack):
            self._cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=False)

    def delete(self, stack: str, token: str, role: str, retain: Sequence[str] = ()) -> None:
        state = self.find(stack)
        if state is None:
            return
        self._check_ours(state)
        with translated(stack):
            more = {"RetainResources": sorted(retain)} if retain else {}
            self._cloudformation.delete_stack(StackName=state.id, ClientRequestToken=token, RoleARN=role, **more)

    def put_back(self, stack: str, token: str, role: str, skip: Sequence[str] = ()) -> None:
        self._check_ours(self._require(stack))
        more = {"ResourcesToSkip": sorted(skip)} if skip else {}
        with translated(stack):
            self._cloudformation.continue_update_rollback(
                StackName=stack, ClientRequestToken=token, RoleARN=role, **more
            )

    def events(self, stack: str, since: str = "") -> Sequence[StackEvent]:
        """Of the stack of that name that there is, or was last: a deleted one is found by its id only, which its own
        events hold."""
        found: list[StackEvent] = []
        try:
            with translated(stack):
                for page in self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
                    for one in page["StackEvents"]:
                        if one["EventId"] == since:
                            return found[::-1]
                        found.append(_event(one))
                    if len(found) >= _MOST_EVENTS:
                        break
        except NotFoundError:
            return []
        return found[::-1]

    def follow(self, stack: str, token: str, seconds: float) -> Iterator[StackEvent]:
        state = self.find(stack)
        if state is None:
            return
        # By its id: a stack that is deleted loses its name.
        last = ""
        for _ in self._looks(seconds):
            ended = False
            for event in self.events(state.id, last):
                last = event.id
                if event.token != token:
                    continue
                yield event
                is_stack = event.physical_id == state.id
                ended = ended or (is_stack and not event.status.endswith("_IN_PROGRESS"))
            if ended:
                return

    def drift(self, stack: str) -> Sequence[Drifted]:
        with translated(stack):
            asked = self._cloudformation.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]
        reason = "no answer in time"
        for _ in self._looks(_ANSWER_SECONDS):
            with translated(stack):
                answer = self._cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=asked)
            if answer["DetectionStatus"] == "DETECTION_COMPLETE":
                return self._drifted(stack)
            if answer["DetectionStatus"] == "DETECTION_FAILED":
                reason = answer.get("DetectionStatusReason", reason)
                break
        raise UnavailableError(f"Drift could not be looked for: {reason}", place=stack, fix="Try again")

    def service_role(self, service: str) -> bool:
        with translated(f"service-linked role of {service}"):
            try:
                self._client("iam").create_service_linked_role(AWSServiceName=service)
            except ClientError as error:
                # Source: CreateServiceLinkedRole, IAM API reference, "Service role name ... has been taken".
                if code_of(error) != "InvalidInput" or "has been taken" not in str(error):
                    raise
                return False
        return True

    def parameter(self, path: str) -> str:
        with translated(path):
            return str(self._client("ssm").get_parameter(Name=path)["Parameter"]["Value"])

    def _looks(self, seconds: float) -> Iterator[None]:
        """One look after another until the time is up, the first at once and the last at its end."""
        waited, wait = 0.0, min(_FIRST_LOOK_SECONDS, self._look_seconds)
        while True:
            yield
            if waited >= seconds:
                return
            self._pause(wait)
            waited += wait
            wait = min(wait * 1.6, self._look_seconds)

    @property
    def _cloudformation(self) -> Any:
        return self._client("cloudformation")

    def _described(self, name: str) -> dict[str, Any] | None:
        try:
            with translated(name):
                found: list[dict[str, Any]] = self._cloudformation.describe_stacks(StackName=name)["Stacks"]
        except NotFoundError:
            return None
        return found[0] if found else None

    def _require(self, name: str) -> StackState:
        state = self.find(name)
        if state is None:
            raise NotFoundError(f"There is no stack {name}", place=name, fix="Plan again")
        return state

    def _check_ours(self, state: StackState) -> None:
        owner = state.tags.get(names.INSTALLATION_TAG)
        if owner != self._installation:
            raise ConflictError(
                f"The stack {state.name} is not of this csoc: its tag {names.INSTALLATION_TAG} is {owner or 'missing'}",
                place=state.id,
                fix="Change it with the csoc that made it",
            )

    def _tags_of(self, stack: str, change_set: str) -> Mapping[str, str]:
        """Of a change set: a stack that was never executed has none of its own."""
        with translated(stack):
            answer = self._cloudformation.describe_change_set(StackName=stack, ChangeSetName=change_set)
        return {one["Key"]: one["Value"] for one in answer.get("Tags", [])}

    def _digest(self, found: Mapping[str, Any]) -> str:
        """Of the template that the stack runs with; "" where it has none yet."""
        if found["StackStatus"] == "REVIEW_IN_PROGRESS":
            return ""
        return hashlib.sha256(self.template(found["StackId"]).encode()).hexdigest()

    def _body(self, request: StackRequest) -> dict[str, str]:
        if len(request.template.encode()) <= _BODY_BYTES:
            return {"TemplateBody": request.template}
        if self._upload is None:
            raise RejectedError(
                f"The template is larger than {_BODY_BYTES:,} bytes, and the link has no bucket for it",
                place=request.stack,
                fix="Update the link's stack: csoc account link prints its template",
            )
        return {"TemplateURL": self._upload(request.template)}

    def _change_sets(self, stack: str) -> list[str]:
        with translated(stack):
            pages = self._cloudformation.get_paginator("list_change_sets").paginate(StackName=stack)
            return [one["ChangeSetName"] for page in pages for one in page["Summaries"]]

    def _resources_before(self, stack: str) -> dict[str, Mapping[str, Any]]:
        """Resources of the template that the stack runs with, for what a removal would keep."""
        state = self.find(stack)
        if state is None or state.status == "REVIEW_IN_PROGRESS":
            return {}
        try:
            found = json.loads(self.template(stack)).get("Resources", {})
        except (ValueError, AttributeError):
            return {}
        return {key: one for key, one in found.items() if isinstance(one, dict)} if isinstance(found, dict) else {}

    def _drifted(self, stack: str) -> list[Drifted]:
        found: list[Drifted] = []
        asked: dict[str, Any] = {
            "StackName": stack,
            "StackResourceDriftStatusFilters": ["MODIFIED", "DELETED"],
        }
        with translated(stack):
            while True:
                answer = self._cloudformation.describe_stack_resource_drifts(**asked)
                found += [
                    Drifted(
                        one["LogicalResourceId"],
                        one["ResourceType"],
                        one.get("PhysicalResourceId", ""),
                        one["StackResourceDriftStatus"],
                        tuple(
                            PropertyChange(item["PropertyPath"], item.get("ExpectedValue"), item.get("ActualValue"))
                            for item in one.get("PropertyDifferences", [])
                        ),
                    )
                    for one in answer["StackResourceDrifts"]
                ]
                if not answer.get("NextToken"):
                    return found
                asked["NextToken"] = answer["NextToken"]


def _as_text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body, sort_keys=True)


def _event(one: Mapping[str, Any]) -> StackEvent:
    return StackEvent(
        id=one["EventId"],
        at=one["Timestamp"],
        logical_id=one.get("LogicalResourceId", ""),
        type=one.get("ResourceType", ""),
        status=one.get("ResourceStatus", ""),
        physical_id=one.get("PhysicalResourceId", ""),
        reason=one.get("ResourceStatusReason", ""),
        token=one.get("ClientRequestToken", ""),
    )


def _change(one: Mapping[str, Any], before: Mapping[str, Mapping[str, Any]]) -> ResourceChange:
    logical_id = one["LogicalResourceId"]
    details = [detail["Target"] for detail in one.get("Details", []) if "Target" in detail]
    properties = {
        (target.get("Path") or target.get("Name") or target.get("Attribute", "")): PropertyChange(
            (target.get("Path") or "").removeprefix("/").replace("/", ".")
            or target.get("Name")
            or target.get("Attribute", ""),
            target.get("BeforeValue"),
            target.get("AfterValue"),
            _REPLACES.get(target.get("RequiresRecreation", ""), "never"),
        )
        for target in details
    }
    policy = one.get("PolicyAction", "")
    kept = policy in ("Retain", "Snapshot", "ReplaceAndRetain", "ReplaceAndSnapshot")
    if not policy and one["Action"] == "Remove":
        kept = before.get(logical_id, {}).get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate", "Snapshot")
    return ResourceChange(
        action=_action(one),
        logical_id=logical_id,
        type=one["ResourceType"],
        physical_id=one.get("PhysicalResourceId", ""),
        properties=tuple(properties[key] for key in sorted(properties)),
        kept=kept,
    )


def _action(one: Mapping[str, Any]) -> Action:
    if one["Action"] == "Modify":
        return {"True": Action.REPLACE, "Conditional": Action.MAYBE_REPLACE}.get(
            one.get("Replacement", ""), Action.MODIFY
        )
    known = {"Add": Action.ADD, "Remove": Action.REMOVE, "Import": Action.IMPORT}
    # "Dynamic": CloudFormation cannot tell before it does it.
    return known.get(one["Action"], Action.MAYBE_REPLACE)
