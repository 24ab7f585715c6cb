"""Groups of instances that scale, with what hangs on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Change, Declared, Describe
from csoc.emulator.cloudformation.resources.handler import Context, Handler, Properties
from csoc.emulator.cloudformation.resources.translation import all_tags, at_path, call, is_true, unless_gone

_UPDATED = (
    "AvailabilityZones", "CapacityRebalance", "DefaultInstanceWarmup", "DesiredCapacity", "HealthCheckGracePeriod",
    "HealthCheckType", "InstanceMaintenancePolicy", "LaunchTemplate", "MaxInstanceLifetime", "MaxSize", "MinSize",
    "MixedInstancesPolicy", "NewInstancesProtectedFromScaleIn", "TerminationPolicies",
)  # fmt: skip


def _wanted(name: str, properties: Properties) -> dict[str, Any]:
    """Parameters of the create and the update call."""
    found: dict[str, Any] = {"AutoScalingGroupName": name}
    found |= {one: properties[one] for one in _UPDATED if one in properties}
    if "Cooldown" in properties:
        found["DefaultCooldown"] = properties["Cooldown"]
    if "VPCZoneIdentifier" in properties:
        found["VPCZoneIdentifier"] = ",".join(properties["VPCZoneIdentifier"])
    return found


class AutoScalingGroup(Declared):
    """AWS::AutoScaling::AutoScalingGroup."""

    type_name = "AWS::AutoScaling::AutoScalingGroup"
    service = "autoscaling"
    create_call = "create_auto_scaling_group"
    takes = ("LifecycleHookSpecificationList", "ServiceLinkedRoleARN", "TargetGroupARNs")
    also = ("AutoScalingGroupName", "MetricsCollection")
    changes = (Change((*_UPDATED, "Cooldown", "VPCZoneIdentifier"), "update_auto_scaling_group", _wanted),)
    defaults = {
        "CapacityRebalance": False,
        "Cooldown": 300,
        "HealthCheckGracePeriod": 0,
        "HealthCheckType": "EC2",
        "NewInstancesProtectedFromScaleIn": False,
        "TerminationPolicies": ["Default"],
    }
    attributes = {"AutoScalingGroupARN": "AutoScalingGroupARN"}
    described = Describe("describe_auto_scaling_groups", "AutoScalingGroupNames", "AutoScalingGroups.0")
    read_as = {"Cooldown": "DefaultCooldown"}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        name = str(properties.get("AutoScalingGroupName", context.name))
        given = {**_wanted(name, properties), **super().parameters(context, properties)}
        if tags := self._tags(name, context, properties):
            given["Tags"] = tags
        call(client, self.create_call, given)
        return name

    def _tags(self, name: str, context: Context, properties: Properties) -> list[dict[str, Any]]:
        own = {tag["Key"]: is_true(tag.get("PropagateAtLaunch", False)) for tag in properties.get("Tags") or ()}
        return [
            {
                "ResourceId": name,
                "ResourceType": "auto-scaling-group",
                "Key": key,
                "Value": value,
                "PropagateAtLaunch": own.get(key, True),
            }
            for key, value in all_tags(context, properties).items()
        ]

    def finish(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        for collected in properties.get("MetricsCollection") or ():
            call(client, "enable_metrics_collection", {"AutoScalingGroupName": physical_id, **collected})

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        done = set()
        if "Tags" in left:
            kept = all_tags(context, after)
            gone = [tag["Key"] for tag in before.get("Tags") or () if tag["Key"] not in kept]
            if gone:
                client.delete_tags(Tags=[self._named(physical_id, key) for key in gone])
            client.create_or_update_tags(Tags=self._tags(physical_id, context, after))
            done.add("Tags")
        if "TargetGroupARNs" in left:
            old, new = set(before.get("TargetGroupARNs") or ()), set(after.get("TargetGroupARNs") or ())
            for method, arns in (
                ("detach_load_balancer_target_groups", old - new),
                ("attach_load_balancer_target_groups", new - old),
            ):
                if arns:
                    getattr(client, method)(AutoScalingGroupName=physical_id, TargetGroupARNs=sorted(arns))
            done.add("TargetGroupARNs")
        if "MetricsCollection" in left and after.get("MetricsCollection"):
            self.finish(context, client, physical_id, after)
            done.add("MetricsCollection")
        return done

    @staticmethod
    def _named(name: str, key: str) -> dict[str, str]:
        return {"ResourceId": name, "ResourceType": "auto-scaling-group", "Key": key}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = super().describe(client, physical_id)
        return found if found is not None and "delete" not in found.get("Status", "").lower() else None

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        zones = found.get("VPCZoneIdentifier")
        hooks = client.describe_lifecycle_hooks(AutoScalingGroupName=physical_id)["LifecycleHooks"]
        metrics = [one["Metric"] for one in found.get("EnabledMetrics", ())]
        return {
            "VPCZoneIdentifier": zones.split(",") if zones else None,
            "LifecycleHookSpecificationList": hooks or None,
            "MetricsCollection": [{"Granularity": "1Minute", "Metrics": metrics}] if metrics else None,
        }

    def read(self, context: Context, physical_id: str) -> Properties | None:
        live = super().read(context, physical_id)
        if live is None:
            return None
        found = self.describe(context.clients(self.service), physical_id) or {}
        spread = {tag["Key"]: tag["PropagateAtLaunch"] for tag in found.get("Tags", ())}
        tags = [{**tag, "PropagateAtLaunch": spread[tag["Key"]]} for tag in live.get("Tags", ())]
        return {**live, "Tags": tags}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        # CloudFormation scales a group down to nothing before it deletes it.
        unless_gone(lambda: client.delete_auto_scaling_group(AutoScalingGroupName=physical_id, ForceDelete=True))


class _OfGroup(Declared):
    """Something of a group: put by name, which makes and changes it alike."""

    service = "autoscaling"
    tags = ""
    put_call: str
    name: str

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        return {name: properties[name] for name in self.takes if name in properties}

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        group, _, name = physical_id.partition("|")
        given = {**self.parameters(context, after), "AutoScalingGroupName": group}
        call(client, self.put_call, given | ({self.name: name} if self.name else {}))
        return set(left)

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        group = str(properties["AutoScalingGroupName"])
        name = str(properties.get(self.name, context.name)) if self.name else ""
        given = {**self.parameters(context, properties), **({self.name: name} if self.name else {})}
        call(client, self.put_call, given)
        return f"{group}|{name}" if self.name else group

    def ref(self, physical_id: str, found: Mapping[str, Any]) -> str | None:
        return physical_id.partition("|")[2] or None


class LifecycleHook(_OfGroup):
    """AWS::AutoScaling::LifecycleHook."""

    type_name = "AWS::AutoScaling::LifecycleHook"
    put_call, name = "put_lifecycle_hook", "LifecycleHookName"
    takes = (
        "AutoScalingGroupName", "DefaultResult", "HeartbeatTimeout", "LifecycleHookName", "LifecycleTransition",
        "NotificationMetadata", "NotificationTargetARN", "RoleARN",
    )  # fmt: skip

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        group, _, name = physical_id.partition("|")
        answer = unless_gone(
            lambda: client.describe_lifecycle_hooks(AutoScalingGroupName=group, LifecycleHookNames=[name])
        )
        found: Mapping[str, Any] | None = at_path(answer, "LifecycleHooks.0")
        return found

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        group, _, name = physical_id.partition("|")
        unless_gone(lambda: client.delete_lifecycle_hook(AutoScalingGroupName=group, LifecycleHookName=name))


class ScheduledAction(_OfGroup):
    """AWS::AutoScaling::ScheduledAction."""

    type_name = "AWS::AutoScaling::ScheduledAction"
    put_call, name = "put_scheduled_update_group_action", "ScheduledActionName"
    takes = (
        "AutoScalingGroupName", "DesiredCapacity", "EndTime", "MaxSize", "MinSize", "Recurrence", "StartTime",
        "TimeZone",
    )  # fmt: skip
    attributes = {"ScheduledActionName": "ScheduledActionName"}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        group, _, name = physical_id.partition("|")
        answer = client.describe_scheduled_actions(AutoScalingGroupName=group, ScheduledActionNames=[name])
        found = at_path(answer, "ScheduledUpdateGroupActions.0")
        if found is None:
            return None
        times = {key: f"{found[key]:%Y-%m-%dT%H:%M:%SZ}" for key in ("StartTime", "EndTime") if found.get(key)}
        return {**found, **times}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        group, _, name = physical_id.partition("|")
        unless_gone(lambda: client.delete_scheduled_action(AutoScalingGroupName=group, ScheduledActionName=name))


class ScalingPolicy(_OfGroup):
    """AWS::AutoScaling::ScalingPolicy. Ref gives its ARN."""

    type_name = "AWS::AutoScaling::ScalingPolicy"
    put_call, name = "put_scaling_policy", "PolicyName"
    takes = (
        "AdjustmentType", "AutoScalingGroupName", "Cooldown", "EstimatedInstanceWarmup", "MetricAggregationType",
        "PolicyType", "ScalingAdjustment", "StepAdjustments", "TargetTrackingConfiguration",
    )  # fmt: skip
    attributes = {"Arn": "PolicyARN", "PolicyName": "PolicyName"}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        group, _, name = physical_id.partition("|")
        answer = unless_gone(lambda: client.describe_policies(AutoScalingGroupName=group, PolicyNames=[name]))
        found: Mapping[str, Any] | None = at_path(answer, "ScalingPolicies.0")
        return found

    def ref(self, physical_id: str, found: Mapping[str, Any]) -> str | None:
        return str(found["PolicyARN"])

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        group, _, name = physical_id.partition("|")
        unless_gone(lambda: client.delete_policy(AutoScalingGroupName=group, PolicyName=name))


class WarmPool(_OfGroup):
    """AWS::AutoScaling::WarmPool: one a group."""

    type_name = "AWS::AutoScaling::WarmPool"
    put_call, name = "put_warm_pool", ""
    takes = ("AutoScalingGroupName", "InstanceReusePolicy", "MaxGroupPreparedCapacity", "MinSize", "PoolState")

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        answer = unless_gone(lambda: client.describe_warm_pool(AutoScalingGroupName=physical_id))
        found = at_path(answer, "WarmPoolConfiguration")
        return {**found, "AutoScalingGroupName": physical_id} if found else None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: client.delete_warm_pool(AutoScalingGroupName=physical_id, ForceDelete=True))


HANDLERS: tuple[Handler, ...] = (AutoScalingGroup(), LifecycleHook(), ScheduledAction(), ScalingPolicy(), WarmPool())
