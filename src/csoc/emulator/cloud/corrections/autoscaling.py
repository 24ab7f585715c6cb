"""Auto Scaling: what moto drops of groups and hooks is kept, and no ARNs of strangers are told.

Source: Amazon EC2 Auto Scaling API Reference (CreateAutoScalingGroup, PutLifecycleHook).
"""

from __future__ import annotations

from typing import Any

from moto.autoscaling.models import autoscaling_backends

from csoc.emulator.cloud.calls import Answer, Call
from csoc.emulator.cloud.corrections.correction import Correction, Memory

_GROUP = (
    "CapacityRebalance", "CapacityReservationSpecification", "DefaultCooldown", "DefaultInstanceWarmup",
    "InstanceMaintenancePolicy", "MaxInstanceLifetime", "ServiceLinkedRoleARN", "TerminationPolicies",
)  # fmt: skip
"""Some of these moto takes of a new group and drops of a changed one."""
_HOOK = ("NotificationMetadata", "NotificationTargetARN", "RoleARN")


def autoscaling(memory: Memory) -> Correction:
    """What is put right in Auto Scaling."""

    def keep_group(call: Call, answer: dict[str, Any]) -> Answer:
        name = call.parameters["AutoScalingGroupName"]
        memory.keep(call, "group", name, {key: call.parameters[key] for key in _GROUP if key in call.parameters})
        known = autoscaling_backends[call.account][call.region]
        for hook in call.parameters.get("LifecycleHookSpecificationList") or ():
            known.create_lifecycle_hook(
                hook["LifecycleHookName"],
                name,
                hook["LifecycleTransition"],
                hook.get("HeartbeatTimeout"),
                hook.get("DefaultResult", "ABANDON"),
            )
            _keep_hook(call, {**hook, "AutoScalingGroupName": name})
        return answer

    def _keep_hook(call: Call, hook: Any) -> None:
        named = f"{hook['AutoScalingGroupName']}/{hook['LifecycleHookName']}"
        memory.keep(call, "hook", named, {key: hook[key] for key in _HOOK if key in hook})

    def keep_hook(call: Call, answer: dict[str, Any]) -> Answer:
        _keep_hook(call, call.parameters)
        return answer

    def groups(call: Call, answer: dict[str, Any]) -> Answer:
        for group in answer.get("AutoScalingGroups") or ():
            group.update(memory.kept(call, "group", group["AutoScalingGroupName"]) or {})
        return answer

    def hooks(call: Call, answer: dict[str, Any]) -> Answer:
        for hook in answer.get("LifecycleHooks") or ():
            for name in _HOOK:
                hook.pop(name, None)
            hook.update(memory.kept(call, "hook", f"{hook['AutoScalingGroupName']}/{hook['LifecycleHookName']}") or {})
        return answer

    def forget_group(call: Call, answer: dict[str, Any]) -> Answer:
        """What hangs on a group goes with it."""
        name = call.parameters["AutoScalingGroupName"]
        memory.forget(call, "group", name)
        known = autoscaling_backends[call.account][call.region]
        for key in [key for key, hook in known.lifecycle_hooks.items() if hook.auto_scaling_group_name == name]:
            memory.forget(call, "hook", f"{name}/{known.lifecycle_hooks[key].name}")
            del known.lifecycle_hooks[key]
        return answer

    return Correction(
        "autoscaling",
        after={
            "CreateAutoScalingGroup": keep_group,
            "DeleteAutoScalingGroup": forget_group,
            "DescribeAutoScalingGroups": groups,
            "DescribeLifecycleHooks": hooks,
            "PutLifecycleHook": keep_hook,
            "UpdateAutoScalingGroup": keep_group,
        },
    )
