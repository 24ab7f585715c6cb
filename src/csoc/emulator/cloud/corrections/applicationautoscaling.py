"""Application Auto Scaling: tags of targets, which moto has no place for, and policies that stay the same when changed.

Source: Application Auto Scaling API Reference (PutScalingPolicy updates a policy of the same name;
RegisterScalableTarget, TagResource; DeregisterScalableTarget deletes the target's policies).
"""

from __future__ import annotations

from typing import Any

from moto.applicationautoscaling.models import applicationautoscaling_backends

from csoc.emulator.cloud.calls import Answer, AwsError, Call
from csoc.emulator.cloud.corrections.correction import Correction, Memory

_TAGS, _POLICY = "tags", "policy"


def applicationautoscaling(memory: Memory) -> tuple[Correction, ...]:
    """What is put right in Application Auto Scaling."""
    return _tagging(memory), _policies(memory)


def _tagging(memory: Memory) -> Correction:
    def register(call: Call, answer: dict[str, Any]) -> Answer:
        arn = str(answer["ScalableTargetARN"])
        before = (memory.kept(call, _TAGS, arn) or {}).get(_TAGS, {})
        memory.keep(call, _TAGS, arn, {_TAGS: {**before, **call.parameters.get("Tags", {})}})
        return answer

    def deregister(call: Call) -> None:
        asked = call.parameters
        for target in _known(call).describe_scalable_targets(
            asked["ServiceNamespace"], [asked["ResourceId"]], asked["ScalableDimension"]
        ):
            memory.forget(call, _TAGS, str(target.arn))

    def tags_of(call: Call) -> dict[str, str]:
        found = memory.kept(call, _TAGS, str(call.parameters["ResourceARN"]))
        if found is None:
            raise AwsError("ResourceNotFoundException", f"{call.parameters['ResourceARN']} does not exist", 400)
        return dict(found[_TAGS])

    def tag(call: Call) -> Answer:
        memory.keep(call, _TAGS, call.parameters["ResourceARN"], {_TAGS: {**tags_of(call), **call.parameters["Tags"]}})
        return {}

    def untag(call: Call) -> Answer:
        kept = {key: value for key, value in tags_of(call).items() if key not in call.parameters["TagKeys"]}
        memory.keep(call, _TAGS, call.parameters["ResourceARN"], {_TAGS: kept})
        return {}

    return Correction(
        "application-autoscaling",
        {
            "DeregisterScalableTarget": deregister,
            "ListTagsForResource": lambda call: {"Tags": tags_of(call)},
            "TagResource": tag,
            "UntagResource": untag,
        },
        {"RegisterScalableTarget": register},
    )


def _policies(memory: Memory) -> Correction:
    def put(call: Call, answer: dict[str, Any]) -> Answer:
        name = f"{_place(call)}|{call.parameters['PolicyName']}"
        arn = (memory.kept(call, _POLICY, name) or {}).get("arn")
        if arn is None:
            memory.keep(call, _POLICY, name, {"arn": answer["PolicyARN"]})
            return answer
        for policy in _known(call).policies.values():
            if policy.policy_arn == answer["PolicyARN"]:
                policy.policy_arn = arn
        return {**answer, "PolicyARN": arn}

    def delete(call: Call, answer: dict[str, Any]) -> Answer:
        memory.forget(call, _POLICY, f"{_place(call)}|{call.parameters['PolicyName']}")
        return answer

    def deregister(call: Call, answer: dict[str, Any]) -> Answer:
        for name in memory.names(call, _POLICY):
            if name.startswith(f"{_place(call)}|"):
                memory.forget(call, _POLICY, name)
        return answer

    after = {"PutScalingPolicy": put, "DeleteScalingPolicy": delete, "DeregisterScalableTarget": deregister}
    return Correction("application-autoscaling", after=after)


def _known(call: Call) -> Any:
    return applicationautoscaling_backends[call.owner or call.account][call.region]


def _place(call: Call) -> str:
    asked = call.parameters
    return f"{asked['ServiceNamespace']}|{asked['ResourceId']}|{asked['ScalableDimension']}"
