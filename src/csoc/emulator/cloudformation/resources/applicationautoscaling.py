"""Targets that Application Auto Scaling scales, such as the readers of an Aurora cluster, and how.

Source: CloudFormation Template Reference, AWS::ApplicationAutoScaling: Ref gives resource, dimension and namespace
joined by |, and the ARN of a policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls, pieces
from csoc.emulator.cloudformation.resources.translation import call, unless_gone

_PLACE = ("ResourceId", "ScalableDimension", "ServiceNamespace")


def _place(physical_id: str) -> dict[str, str]:
    return dict(zip(_PLACE, pieces(physical_id, len(_PLACE)), strict=True))


class ScalableTarget(ServiceType):
    """AWS::ApplicationAutoScaling::ScalableTarget."""

    type_name, service = "AWS::ApplicationAutoScaling::ScalableTarget", "application-autoscaling"
    create_call, creation_tags = "register_scalable_target", "Tags"
    takes = (*_PLACE, "MaxCapacity", "MinCapacity", "RoleARN", "SuspendedState")
    unread = ("RoleARN",)
    attributes = {"Id": ""}
    tag_calls = TagCalls(
        "tag_resource",
        "untag_resource",
        "ResourceARN",
        resource="ScalableTargetARN",
        listing="list_tags_for_resource",
        pairs=False,
    )

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        place = {name: str(properties[name]) for name in _PLACE}
        if _target(client, place) is not None:
            raise ResourceError(f"{'|'.join(place.values())} already exists", "AlreadyExists")
        call(client, self.create_call, self.parameters(context, properties) | self.tag_parameters(context, properties))
        return "|".join(place.values())

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        if left & set(self.takes):
            nothing = {"SuspendedState": dict.fromkeys(_SUSPENSIONS, False)} if "SuspendedState" in left else {}
            call(client, self.create_call, {**nothing, **self.parameters(context, after)})
        return set(self.takes)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        return _target(client, _place(physical_id))

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: client.deregister_scalable_target(**_place(physical_id)))


_SUSPENSIONS = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")


def _target(client: Any, place: Mapping[str, str]) -> Mapping[str, Any] | None:
    found = client.describe_scalable_targets(
        ServiceNamespace=place["ServiceNamespace"],
        ResourceIds=[place["ResourceId"]],
        ScalableDimension=place["ScalableDimension"],
    )["ScalableTargets"]
    return dict(found[0]) if found else None


class ScalingPolicy(ServiceType):
    """AWS::ApplicationAutoScaling::ScalingPolicy of a target that is given by its id or by its parts."""

    type_name, service, tags = "AWS::ApplicationAutoScaling::ScalingPolicy", "application-autoscaling", ""
    create_call, id_path = "put_scaling_policy", "PolicyARN"
    takes = (
        *_PLACE,
        "PolicyName",
        "PolicyType",
        "StepScalingPolicyConfiguration",
        "TargetTrackingScalingPolicyConfiguration",
    )
    also, unread = ("ScalingTargetId",), ("ScalingTargetId",)
    attributes = {"Arn": ""}

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        given = super().parameters(context, properties)
        return given | (_place(str(properties["ScalingTargetId"])) if "ScalingTargetId" in properties else {})

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        call(client, self.create_call, self.parameters(context, after))
        return set(left)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        # The ARN of a policy: ...:scalingPolicy:<id>:resource/<namespace>/<resource>:policyName/<name>
        namespace = physical_id.partition(":resource/")[2].partition("/")[0]
        for page in client.get_paginator("describe_scaling_policies").paginate(ServiceNamespace=namespace):
            for found in page["ScalingPolicies"]:
                if found["PolicyARN"] == physical_id:
                    return dict(found)
        return None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        found = self.describe(client, physical_id)
        if found is not None:
            client.delete_scaling_policy(**{name: found[name] for name in (*_PLACE, "PolicyName")})


HANDLERS = (ScalableTarget(), ScalingPolicy())
