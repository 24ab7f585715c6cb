"""Stacks, wait conditions and what says of a template who made it, as resources of stacks.

A nested stack is a stack like any other, made, changed and deleted through the API in the name of whoever runs its
parent. Source: Template Reference, AWS::CloudFormation::Stack, AWS::CloudFormation::WaitCondition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from csoc.emulator.cloudformation.resources.handler import Context, Made, Properties, ResourceError

_NO_UPDATES = "No updates are to be performed"
_MOST_NAME = 120
_WELL = ("CREATE_COMPLETE", "UPDATE_COMPLETE")

Adopt = Callable[[str, str], None]
"""Says of a stack (id) whose child it is (id of the parent)."""


CapabilitiesOf = Callable[[str], list[str]]
"""What was acknowledged for a stack (id): its nested stacks may make no more than that."""


class NestedStack:
    """AWS::CloudFormation::Stack. adopt: tells a new stack its parent, which no request can."""

    type_name = "AWS::CloudFormation::Stack"
    seconds = 2.0

    def __init__(self, adopt: Adopt, capabilities_of: CapabilitiesOf) -> None:
        self._adopt = adopt
        self._capabilities_of = capabilities_of

    def create(self, context: Context, properties: Properties) -> Made:
        stacks = context.clients("cloudformation")
        name = context.name[:_MOST_NAME].rstrip("-")
        made = stacks.create_stack(
            StackName=name,
            OnFailure="DO_NOTHING",
            Capabilities=self._capabilities_of(context.stack_id),
            ClientRequestToken=context.token,
            **_asked(context, properties),
            **({"TimeoutInMinutes": int(properties["TimeoutInMinutes"])} if "TimeoutInMinutes" in properties else {}),
        )
        self._adopt(made["StackId"], context.stack_id)
        return Made(made["StackId"], _outputs(stacks, made["StackId"]))

    def update(self, context: Context, physical_id: str, before: Properties, after: Properties) -> Made:  # noqa: ARG002
        stacks = context.clients("cloudformation")
        asked = {"Tags": [], **_asked(context, after)}
        try:
            given = self._capabilities_of(context.stack_id)
            stacks.update_stack(StackName=physical_id, Capabilities=given, **asked)
        except ClientError as error:
            if _NO_UPDATES not in error.response["Error"].get("Message", ""):
                raise
        return Made(physical_id, _outputs(stacks, physical_id))

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:  # noqa: ARG002
        context.clients("cloudformation").delete_stack(StackName=physical_id)

    def read(self, context: Context, physical_id: str) -> Properties | None:
        """Drift of nested stacks is detected on themselves; here only whether they are there."""
        found = _described(context.clients("cloudformation"), physical_id)
        return None if found is None else {}

    def settled(self, context: Context, physical_id: str) -> bool:
        found = _described(context.clients("cloudformation"), physical_id)
        if found is None:
            raise ResourceError(f"Embedded stack {physical_id} does not exist any more", "NotFound")
        status = found["StackStatus"]
        if status.endswith("_IN_PROGRESS"):
            return False
        if status not in _WELL:
            verb = "created" if status.startswith(("CREATE", "ROLLBACK")) else "updated"
            raise ResourceError(
                f"Embedded stack {physical_id} was not successfully {verb}: {found.get('StackStatusReason', status)}",
                "NotStabilized",
            )
        return True

    def deleted(self, context: Context, physical_id: str) -> bool:
        found = _described(context.clients("cloudformation"), physical_id)
        if found is not None and found["StackStatus"] == "DELETE_FAILED":
            reason = found.get("StackStatusReason", "")
            raise ResourceError(f"Embedded stack {physical_id} was not successfully deleted: {reason}", "NotStabilized")
        return found is None or found["StackStatus"] == "DELETE_COMPLETE"

    def late_attributes(self, context: Context, physical_id: str) -> Mapping[str, Any]:
        """Outputs are there once the stack has settled."""
        return _outputs(context.clients("cloudformation"), physical_id)


def _asked(context: Context, properties: Properties) -> dict[str, Any]:
    given = properties.get("Parameters", {})
    tags = {key: value for key, value in context.tags.items() if not key.startswith("aws:")}
    tags |= {tag["Key"]: tag["Value"] for tag in properties.get("Tags", ())}
    asked: dict[str, Any] = {
        "Parameters": [
            {
                "ParameterKey": key,
                "ParameterValue": ",".join(map(str, value)) if isinstance(value, list) else str(value),
            }
            for key, value in given.items()
        ],
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    if "NotificationARNs" in properties:
        asked["NotificationARNs"] = list(properties["NotificationARNs"])
    if "TemplateURL" not in properties:
        raise ResourceError("TemplateURL is missing: a nested stack's template is read from S3", "InvalidRequest")
    return {**asked, "TemplateURL": properties["TemplateURL"]}


def _described(stacks: Any, physical_id: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = stacks.describe_stacks(StackName=physical_id)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"].get("Message", ""):
            return None
        raise
    return found


def _outputs(stacks: Any, physical_id: str) -> dict[str, Any]:
    found = _described(stacks, physical_id) or {}
    return {f"Outputs.{output['OutputKey']}": output["OutputValue"] for output in found.get("Outputs", ())}


class Metadata:
    """AWS::CDK::Metadata, which `cdk synth` adds to templates and which makes nothing. Source: CDK Developer Guide,
    "Configure AWS CDK usage data reporting"."""

    type_name = "AWS::CDK::Metadata"
    seconds = 0.5

    def create(self, context: Context, properties: Properties) -> Made:  # noqa: ARG002
        return Made(context.token)

    def update(self, context: Context, physical_id: str, before: Properties, after: Properties) -> Made:  # noqa: ARG002
        return Made(physical_id)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """There is nothing outside of the stack."""

    def read(self, context: Context, physical_id: str) -> Properties | None:  # noqa: ARG002
        return {}


class WaitCondition:
    """AWS::CloudFormation::WaitCondition with a CreationPolicy, which the engine waits for; without one it would need a
    handle, whose presigned address the emulator does not serve."""

    type_name = "AWS::CloudFormation::WaitCondition"
    seconds = 0.5

    def create(self, context: Context, properties: Properties) -> Made:
        if properties:
            raise ResourceError(
                "The emulator offers AWS::CloudFormation::WaitCondition with a CreationPolicy only: leave its "
                f"properties ({', '.join(sorted(properties))}) out",
                "InvalidRequest",
            )
        return Made(f"{context.stack_name}-{context.logical_id}-{context.token}", {"Data": "{}"})

    def update(self, context: Context, physical_id: str, before: Properties, after: Properties) -> Made:  # noqa: ARG002
        return Made(physical_id, {"Data": "{}"})

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """There is nothing outside of the stack."""

    def read(self, context: Context, physical_id: str) -> Properties | None:  # noqa: ARG002
        return {}
