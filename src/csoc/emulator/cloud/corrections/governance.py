"""GuardDuty, AWS Config and Budgets: what moto lacks or drops.

Source: API References of the services.
"""

from __future__ import annotations

import hashlib
from typing import Any

from moto.budgets.models import budgets_backends
from moto.guardduty.models import guardduty_backends

from csoc.emulator.cloud.calls import Answer, AwsError, Call
from csoc.emulator.cloud.corrections.correction import Correction, Echo, Memory, echoing

_RECORDERS = Echo(
    "config",
    "recorder",
    "name",
    "name",
    {"recordingMode": "recordingMode"},
    ("PutConfigurationRecorder",),
    (),
    {"DescribeConfigurationRecorders": "ConfigurationRecorders"},
    within="ConfigurationRecorder",
)
_RULES = Echo(
    "config",
    "rule",
    "ConfigRuleName",
    "ConfigRuleName",
    {"EvaluationModes": "EvaluationModes"},
    ("PutConfigRule",),
    (),
    {"DescribeConfigRules": "ConfigRules"},
    within="ConfigRule",
)


# GuardDuty


def guardduty() -> Correction:
    """What is put right in GuardDuty."""
    return Correction(
        "guardduty",
        {
            "CreateDetector": _one_detector,
            "TagResource": _tag,
            "UntagResource": _untag,
            "ListTagsForResource": _list_tags,
        },
    )


def _one_detector(call: Call) -> Answer | None:
    if guardduty_backends[call.owner or call.account][call.region].detectors:
        message = "The request is rejected because a detector already exists for the current account."
        raise AwsError("BadRequestException", message, 400)
    return None


def _detector(call: Call) -> Any:
    name = str(call.parameters["ResourceArn"]).rpartition("detector/")[2]
    found = guardduty_backends[call.owner or call.account][call.region].detectors.get(name)
    if found is None:
        raise AwsError("BadRequestException", "The request is rejected because the ARN names no detector.", 400)
    return found


def _tag(call: Call) -> Answer:
    found = _detector(call)
    found.tags = {**found.tags, **call.parameters["Tags"]}
    return {}


def _untag(call: Call) -> Answer:
    found = _detector(call)
    found.tags = {key: value for key, value in found.tags.items() if key not in call.parameters["TagKeys"]}
    return {}


def _list_tags(call: Call) -> Answer:
    return {"Tags": _detector(call).tags}


# AWS Config


def config(memory: Memory) -> tuple[Correction, ...]:
    """What is put right in AWS Config."""

    def forget_recorder(call: Call, answer: dict[str, Any]) -> Answer:
        memory.forget(call, "recorder", str(call.parameters["ConfigurationRecorderName"]))
        return answer

    def forget_rule(call: Call, answer: dict[str, Any]) -> Answer:
        memory.forget(call, "rule", str(call.parameters["ConfigRuleName"]))
        return answer

    gone = Correction(
        "config",
        after={
            "DescribeConfigurationRecorders": _with_arns,
            "DeleteConfigurationRecorder": forget_recorder,
            "DeleteConfigRule": forget_rule,
        },
    )
    return (echoing(memory, _RECORDERS), echoing(memory, _RULES), gone)


def _with_arns(call: Call, answer: dict[str, Any]) -> Answer:
    for recorder in answer.get("ConfigurationRecorders", ()):
        place = f"arn:aws:config:{call.region}:{call.owner or call.account}:configuration-recorder/{recorder['name']}"
        recorder["arn"] = f"{place}/{hashlib.sha256(place.encode()).hexdigest()[:16]}"
    return answer


# Budgets


def budgets(memory: Memory) -> Correction:
    """What is put right in Budgets."""

    def made(call: Call, answer: dict[str, Any]) -> Answer:
        tags = {tag["Key"]: tag for tag in call.parameters.get("ResourceTags", ())}
        memory.keep(call, "tags", str(call.parameters["Budget"]["BudgetName"]), tags)
        return answer

    def gone(call: Call, answer: dict[str, Any]) -> Answer:
        memory.forget(call, "tags", str(call.parameters["BudgetName"]))
        return answer

    def tag(call: Call) -> Answer:
        memory.keep(
            call, "tags", _budget_name(call), {entry["Key"]: entry for entry in call.parameters["ResourceTags"]}
        )
        return {}

    def untag(call: Call) -> Answer:
        name = _budget_name(call)
        kept = memory.kept(call, "tags", name) or {}
        memory.forget(call, "tags", name)
        left = {key: entry for key, entry in kept.items() if key not in call.parameters["ResourceTagKeys"]}
        memory.keep(call, "tags", name, left)
        return {}

    def tags(call: Call) -> Answer:
        return {"ResourceTags": list((memory.kept(call, "tags", _budget_name(call)) or {}).values())}

    before = {
        "UpdateBudget": _update_budget,
        "DescribeSubscribersForNotification": _subscribers,
        "TagResource": tag,
        "UntagResource": untag,
        "ListTagsForResource": tags,
    }
    return Correction("budgets", before, {"CreateBudget": made, "DeleteBudget": gone})


def _budget_name(call: Call) -> str:
    return str(call.parameters["ResourceARN"]).rpartition("budget/")[2]


def _budget(call: Call, name: str) -> Any:
    account = str(call.parameters["AccountId"])
    found = budgets_backends[call.owner or call.account]["aws"].budgets[account].get(name)
    if found is None:
        message = f"Unable to get budget: {name} - the budget doesn't exist."
        raise AwsError("NotFoundException", message, 400)
    return found


def _update_budget(call: Call) -> Answer:
    new = dict(call.parameters["NewBudget"])
    found = _budget(call, str(new["BudgetName"]))
    found.budget = {**{name: found.budget[name] for name in ("TimePeriod", "LastUpdatedTime")}, **new}
    return {}


def _subscribers(call: Call) -> Answer:
    found = _budget(call, str(call.parameters["BudgetName"]))
    wanted = call.parameters["Notification"]
    for entry in found.notifications:
        if all(entry.details.get(name) == value for name, value in wanted.items()):
            return {"Subscribers": entry.subscribers}
    raise AwsError("NotFoundException", "The notification doesn't exist.", 400)
