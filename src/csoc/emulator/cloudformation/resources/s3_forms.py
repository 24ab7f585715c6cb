"""Settings of buckets between templates and the API of S3, which spell most of them differently."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.handler import ResourceError

Form = dict[str, Any]


def renamed(value: Mapping[str, Any], names: Mapping[str, str]) -> Form:
    """A mapping with some of its keys under other names."""
    return {names.get(key, key): inner for key, inner in value.items()}


def back(names: Mapping[str, str]) -> dict[str, str]:
    """The other way round."""
    return {theirs: ours for ours, theirs in names.items()}


_CORS = {"ExposedHeaders": "ExposeHeaders", "Id": "ID", "MaxAge": "MaxAgeSeconds"}


def cors_to_api(value: Mapping[str, Any]) -> Form:
    return {"CORSConfiguration": {"CORSRules": [renamed(rule, _CORS) for rule in value["CorsRules"]]}}


def cors_to_template(answer: Mapping[str, Any]) -> Form:
    return {"CorsRules": [renamed(rule, back(_CORS)) for rule in answer["CORSRules"]]}


_ENCRYPTION = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}


def encryption_to_api(value: Mapping[str, Any]) -> Form:
    rules = [renamed(rule, _ENCRYPTION) for rule in value["ServerSideEncryptionConfiguration"]]
    return {"ServerSideEncryptionConfiguration": {"Rules": rules}}


def encryption_to_template(answer: Mapping[str, Any]) -> Form:
    rules = answer["ServerSideEncryptionConfiguration"]["Rules"]
    return {"ServerSideEncryptionConfiguration": [renamed(rule, back(_ENCRYPTION)) for rule in rules]}


_LOGGING = {"DestinationBucketName": "TargetBucket", "LogFilePrefix": "TargetPrefix"}


def logging_to_api(value: Mapping[str, Any], bucket: str) -> Form:
    if "TargetObjectKeyFormat" in value:
        raise ResourceError("The emulator keeps no TargetObjectKeyFormat of a bucket's logging", "InvalidRequest")
    enabled = {"TargetBucket": bucket, "TargetPrefix": "", **renamed(value, _LOGGING)}
    return {"BucketLoggingStatus": {"LoggingEnabled": enabled}}


def logging_to_template(answer: Mapping[str, Any]) -> Form | None:
    enabled = answer.get("LoggingEnabled")
    if not enabled:
        return None
    return {ours: enabled[theirs] for ours, theirs in _LOGGING.items() if enabled.get(theirs)}


_TRANSITION = {"TransitionInDays": "Days", "TransitionDate": "Date"}
_OLD_TRANSITION = {"TransitionInDays": "NoncurrentDays"}


def lifecycle_to_api(value: Mapping[str, Any]) -> Form:
    if set(value) - {"Rules"}:
        raise ResourceError(
            f"The emulator keeps no {', '.join(sorted(set(value) - {'Rules'}))} of a bucket's LifecycleConfiguration",
            "InvalidRequest",
        )
    return {"LifecycleConfiguration": {"Rules": [_lifecycle_rule(rule) for rule in value["Rules"]]}}


def _lifecycle_rule(rule: Mapping[str, Any]) -> Form:
    known = {"Id", "Status", "Prefix", "TagFilters", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "ExpirationDate"}
    known |= {"ExpirationInDays", "ExpiredObjectDeleteMarker", "AbortIncompleteMultipartUpload", "Transition"}
    known |= {"Transitions", "NoncurrentVersionExpiration", "NoncurrentVersionExpirationInDays"}
    known |= {"NoncurrentVersionTransition", "NoncurrentVersionTransitions"}
    if set(rule) - known:
        raise ResourceError(f"A lifecycle rule has no {', '.join(sorted(set(rule) - known))}", "InvalidRequest")
    made: Form = {"Status": rule["Status"], "Filter": _lifecycle_filter(rule)}
    if "Id" in rule:
        made["ID"] = rule["Id"]
    names = {"ExpirationDate": "Date", "ExpirationInDays": "Days"}
    names["ExpiredObjectDeleteMarker"] = "ExpiredObjectDeleteMarker"
    expiration = {theirs: rule[ours] for ours, theirs in names.items() if ours in rule}
    if expiration:
        made["Expiration"] = expiration
    transitions = [*rule.get("Transitions", ()), *([rule["Transition"]] if "Transition" in rule else ())]
    if transitions:
        made["Transitions"] = [renamed(each, _TRANSITION) for each in transitions]
    old = [*rule.get("NoncurrentVersionTransitions", ())]
    old += [rule["NoncurrentVersionTransition"]] if "NoncurrentVersionTransition" in rule else []
    if old:
        made["NoncurrentVersionTransitions"] = [renamed(each, _OLD_TRANSITION) for each in old]
    if "NoncurrentVersionExpiration" in rule:
        made["NoncurrentVersionExpiration"] = rule["NoncurrentVersionExpiration"]
    elif "NoncurrentVersionExpirationInDays" in rule:
        made["NoncurrentVersionExpiration"] = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    if "AbortIncompleteMultipartUpload" in rule:
        made["AbortIncompleteMultipartUpload"] = rule["AbortIncompleteMultipartUpload"]
    return made


def _lifecycle_filter(rule: Mapping[str, Any]) -> Form:
    parts: Form = {
        name: rule[name] for name in ("Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan") if name in rule
    }
    tags = list(rule.get("TagFilters", ()))
    if not parts and not tags:
        return {"Prefix": ""}
    if len(parts) + len(tags) == 1:
        return parts or {"Tag": tags[0]}
    return {"And": parts | ({"Tags": tags} if tags else {})}


def lifecycle_to_template(answer: Mapping[str, Any]) -> Form:
    return {"Rules": [_template_rule(rule) for rule in answer["Rules"]]}


def _template_rule(rule: Mapping[str, Any]) -> Form:
    told: Form = {"Status": rule["Status"]} | ({"Id": rule["ID"]} if "ID" in rule else {})
    where = rule.get("Filter", {})
    inner = where.get("And", where)
    told |= {name: inner[name] for name in ("Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan") if inner.get(name)}
    tags = inner.get("Tags") or ([inner["Tag"]] if inner.get("Tag") else [])
    if tags:
        told["TagFilters"] = tags
    expiration = rule.get("Expiration", {})
    names = {"Date": "ExpirationDate", "Days": "ExpirationInDays"}
    names["ExpiredObjectDeleteMarker"] = "ExpiredObjectDeleteMarker"
    told |= {ours: expiration[theirs] for theirs, ours in names.items() if expiration.get(theirs)}
    if rule.get("Transitions"):
        told["Transitions"] = [renamed(each, back(_TRANSITION)) for each in rule["Transitions"]]
    if rule.get("NoncurrentVersionTransitions"):
        told["NoncurrentVersionTransitions"] = [
            renamed(each, back(_OLD_TRANSITION)) for each in rule["NoncurrentVersionTransitions"]
        ]
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if rule.get(name):
            told[name] = rule[name]
    return told


_TARGETS = {
    "QueueConfigurations": ("QueueConfigurations", "Queue", "QueueArn"),
    "TopicConfigurations": ("TopicConfigurations", "Topic", "TopicArn"),
    "LambdaConfigurations": ("LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
}


def notification_to_api(value: Mapping[str, Any]) -> Form:
    made: Form = {}
    for ours, (theirs, target, arn) in _TARGETS.items():
        entries = [_entry_to_api(entry, target, arn) for entry in value.get(ours, ())]
        if entries:
            made[theirs] = entries
    bridge = value.get("EventBridgeConfiguration")
    if bridge is not None and str(bridge.get("EventBridgeEnabled", True)).lower() == "true":
        made["EventBridgeConfiguration"] = {}
    return {"NotificationConfiguration": made}


def _entry_to_api(entry: Mapping[str, Any], target: str, arn: str) -> Form:
    made: Form = {arn: entry[target], "Events": [entry["Event"]]}
    if "Filter" in entry:
        made["Filter"] = {"Key": {"FilterRules": entry["Filter"]["S3Key"]["Rules"]}}
    return made


def notification_to_template(answer: Mapping[str, Any]) -> Form | None:
    told: Form = {}
    for ours, (theirs, target, arn) in _TARGETS.items():
        entries = [
            {"Event": event, target: entry[arn], **_template_filter(entry)}
            for entry in answer.get(theirs, ())
            for event in entry["Events"]
        ]
        if entries:
            told[ours] = entries
    if "EventBridgeConfiguration" in answer:
        told["EventBridgeConfiguration"] = {"EventBridgeEnabled": True}
    return told or None


def _template_filter(entry: Mapping[str, Any]) -> Form:
    rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules")
    return {"Filter": {"S3Key": {"Rules": rules}}} if rules else {}


def lock_to_api(value: Mapping[str, Any]) -> Form:
    return {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", **value}}


def website_to_api(value: Mapping[str, Any]) -> Form:
    if "RoutingRules" in value:
        raise ResourceError("The emulator keeps no RoutingRules of a bucket's WebsiteConfiguration", "InvalidRequest")
    made: Form = {}
    if "IndexDocument" in value:
        made["IndexDocument"] = {"Suffix": value["IndexDocument"]}
    if "ErrorDocument" in value:
        made["ErrorDocument"] = {"Key": value["ErrorDocument"]}
    if "RedirectAllRequestsTo" in value:
        made["RedirectAllRequestsTo"] = value["RedirectAllRequestsTo"]
    return {"WebsiteConfiguration": made}


def website_to_template(answer: Mapping[str, Any]) -> Form:
    told: Form = {}
    if answer.get("IndexDocument"):
        told["IndexDocument"] = answer["IndexDocument"]["Suffix"]
    if answer.get("ErrorDocument"):
        told["ErrorDocument"] = answer["ErrorDocument"]["Key"]
    if answer.get("RedirectAllRequestsTo"):
        told["RedirectAllRequestsTo"] = answer["RedirectAllRequestsTo"]
    return told
