"""CloudWatch, CloudWatch Logs, EventBridge and Lambda: what moto lacks or drops.

Source: API References of the services.
"""

from __future__ import annotations

from typing import Any

from moto.cloudwatch.models import cloudwatch_backends
from moto.core.config import default_user_config
from moto.events.models import events_backends
from moto.logs.models import logs_backends

from csoc.emulator.cloud.calls import Answer, AwsError, Call
from csoc.emulator.cloud.corrections.correction import Correction, Echo, Memory, echoing

_GROUPS = Echo(
    "logs",
    "group",
    "logGroupName",
    "logGroupName",
    {"logGroupClass": "logGroupClass"},
    ("CreateLogGroup",),
    ("DeleteLogGroup",),
    {"DescribeLogGroups": "logGroups"},
)
_COMPOSITES = Echo(
    "cloudwatch",
    "composite",
    "AlarmName",
    "AlarmName",
    {
        "AlarmRule": "AlarmRule",
        "ActionsSuppressor": "ActionsSuppressor",
        "ActionsSuppressorWaitPeriod": "ActionsSuppressorWaitPeriod",
        "ActionsSuppressorExtensionPeriod": "ActionsSuppressorExtensionPeriod",
    },
    ("PutCompositeAlarm",),
    (),
    {"DescribeAlarms": "CompositeAlarms"},
)
_FUNCTIONS = Echo(
    "lambda",
    "function",
    "FunctionName",
    "FunctionName",
    {
        "DeadLetterConfig": "DeadLetterConfig",
        "FileSystemConfigs": "FileSystemConfigs",
        "LoggingConfig": "LoggingConfig",
        "TracingConfig": "TracingConfig",
        "EphemeralStorage": "EphemeralStorage",
        "KMSKeyArn": "KMSKeyArn",
    },
    ("CreateFunction", "UpdateFunctionConfiguration"),
    ("DeleteFunction",),
    {
        "CreateFunction": "",
        "UpdateFunctionConfiguration": "",
        "GetFunctionConfiguration": "",
        "GetFunction": "Configuration",
        "ListFunctions": "Functions",
    },
)


def functions(memory: Memory) -> tuple[Correction, ...]:
    """What is put right in Lambda. Functions are kept and not run, so moto must look for no Docker."""
    default_user_config["lambda"] = {"use_docker": False}
    return (echoing(memory, _FUNCTIONS), Correction("lambda", {"Invoke": _not_run, "InvokeAsync": _not_run}))


def _not_run(call: Call) -> Answer:
    raise AwsError(
        "InvalidAction",
        f"The emulator keeps functions and does not run them, so it offers no lambda:{call.operation}",
        400,
    )


def events() -> Correction:
    """What is put right in EventBridge."""
    return Correction("events", {"UpdateEventBus": _update_bus})


def _update_bus(call: Call) -> Answer:
    name = str(call.parameters["Name"])
    bus: Any = events_backends[call.owner or call.account][call.region].event_buses.get(name)
    if bus is None:
        raise AwsError("ResourceNotFoundException", f"Event bus {name} does not exist.", 400)
    kept = {
        "Description": "description",
        "KmsKeyIdentifier": "kms_key_identifier",
        "DeadLetterConfig": "dead_letter_config",
    }
    for parameter, attribute in kept.items():
        if parameter in call.parameters:
            setattr(bus, attribute, call.parameters[parameter] or None)
    return {"Arn": bus.arn, "Name": bus.name, "Description": bus.description}


def cloudwatch(memory: Memory) -> tuple[Correction, ...]:
    """What is put right in CloudWatch: composite alarms, which moto can keep and not make."""

    def gone(call: Call, answer: dict[str, Any]) -> Answer:
        for name in call.parameters.get("AlarmNames", ()):
            memory.forget(call, "composite", name)
        return answer

    made = Correction(
        "cloudwatch",
        {"PutCompositeAlarm": _put_composite},
        {"DeleteAlarms": gone, "DescribeAlarms": _of_types},
    )
    return (echoing(memory, _COMPOSITES), made)


def _put_composite(call: Call) -> Answer:
    given = call.parameters
    backend: Any = cloudwatch_backends[call.owner or call.account][call.region]
    backend.put_metric_alarm(
        name=given["AlarmName"],
        namespace="",
        metric_name="",
        comparison_operator="",
        evaluation_periods=0,
        period=0,
        threshold=0.0,
        statistic="",
        description=given.get("AlarmDescription", ""),
        dimensions=[],
        alarm_actions=given.get("AlarmActions", []),
        ok_actions=given.get("OKActions"),
        insufficient_data_actions=given.get("InsufficientDataActions"),
        actions_enabled=given.get("ActionsEnabled", True),
        rule=given["AlarmRule"],
        tags=list(given.get("Tags", ())),
    )
    return {}


def _of_types(call: Call, answer: dict[str, Any]) -> Answer:
    """Only metric alarms are told unless others are asked for."""
    types = call.parameters.get("AlarmTypes") or ["MetricAlarm"]
    for name, kind in (("MetricAlarms", "MetricAlarm"), ("CompositeAlarms", "CompositeAlarm")):
        if kind not in types:
            answer[name] = []
    return answer


def logs(memory: Memory) -> tuple[Correction, ...]:
    """What is put right in CloudWatch Logs."""

    def subscribed(call: Call, answer: dict[str, Any]) -> Answer:
        given = call.parameters
        name = f"{given['logGroupName']}/{given['filterName']}"
        memory.keep(call, "subscription", name, {"distribution": given.get("distribution", "ByLogStream")})
        return answer

    def told(call: Call, answer: dict[str, Any]) -> Answer:
        for entry in answer.get("subscriptionFilters", ()):
            kept = memory.kept(call, "subscription", f"{entry['logGroupName']}/{entry['filterName']}")
            entry.update(kept or {})
        return answer

    def unsubscribed(call: Call, answer: dict[str, Any]) -> Answer:
        given = call.parameters
        memory.forget(call, "subscription", f"{given['logGroupName']}/{given['filterName']}")
        return answer

    own = Correction(
        "logs",
        {
            "AssociateKmsKey": _associate_key,
            "DisassociateKmsKey": _associate_key,
            "PutMetricFilter": _one_filter,
        },
        {
            "PutSubscriptionFilter": subscribed,
            "DescribeSubscriptionFilters": told,
            "DeleteSubscriptionFilter": unsubscribed,
        },
    )
    return (echoing(memory, _GROUPS), own)


def _associate_key(call: Call) -> Answer:
    group = str(call.parameters.get("logGroupName") or str(call.parameters["resourceIdentifier"]).split(":")[6])
    found = logs_backends[call.owner or call.account][call.region].groups.get(group)
    if found is None:
        raise AwsError("ResourceNotFoundException", "The specified log group does not exist.", 400)
    found.kms_key_id = call.parameters.get("kmsKeyId")
    return {}


def _one_filter(call: Call) -> Answer | None:
    """moto would keep a filter that is put again beside the first."""
    filters = logs_backends[call.owner or call.account][call.region].filters
    key = (call.parameters["logGroupName"], call.parameters["filterName"])
    filters.metric_filters = [
        entry for entry in filters.metric_filters if (entry["logGroupName"], entry["filterName"]) != key
    ]
    return None
