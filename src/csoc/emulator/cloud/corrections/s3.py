"""S3: new buckets are closed, and bucket policies are looked at before they are kept.

Sources: S3 User Guide, "Setting default server-side encryption behavior", "Blocking public access to your Amazon S3
storage" and "Controlling ownership of objects": what every new bucket has since 2023; the errors of PutBucketPolicy are
those of "Error responses" and of the User Guide's "Bucket policies".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket, PublicAccessBlock, s3_backends

from csoc.emulator.cloud.calls import Answer, AwsError, Call
from csoc.emulator.cloud.corrections.correction import After, Before, Correction, Memory
from csoc.emulator.cloud.corrections.principals import missing_principal
from csoc.emulator.iam.documents import Policy, PolicyError, Statement, parse_policy

_AES = {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}}
_NARROWING = frozenset(
    {
        "aws:sourcearn", "aws:sourceaccount", "aws:sourcevpc", "aws:sourcevpce", "aws:principalorgid",
        "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn", "aws:userid", "aws:sourceip",
        "s3:dataaccesspointarn", "s3:dataaccesspointaccount", "aws:sourceorgid", "aws:sourceorgpaths",
        "aws:vpcsourceip",
    }
)  # fmt: skip
"""Conditions that make a policy for everybody not public, if their values are fixed ones. Source: "The meaning of
public" in the S3 User Guide."""


_TIERING = "tiering"


def _lets_logs_in(target_bucket: Any, target_prefix: str | None) -> bool:
    """Whether a bucket's policy lets logs in. moto fails on statements for everybody, as those are that ask for TLS."""
    document = json.loads(target_bucket.policy.decode()) if target_bucket.policy else {}
    statements = document.get("Statement", [])
    named = [
        one
        for one in (statements if isinstance(statements, list) else [statements])
        if isinstance(one.get("Principal"), Mapping)
    ]
    policy = json.dumps({"Statement": named}).encode()
    narrowed = SimpleNamespace(policy=policy, partition=target_bucket.partition, name=target_bucket.name)
    return bool(_moto_lets_logs_in(narrowed, target_prefix))


_moto_lets_logs_in: Any = FakeBucket._log_permissions_enabled_policy
FakeBucket._log_permissions_enabled_policy = staticmethod(_lets_logs_in)  # type: ignore[method-assign]
# Policies were judged before the call came here. moto would do it again and without their conditions, so that a policy
# that denies what comes without TLS would deny everything.
FakeBucket.get_permission = lambda *_: PermissionResult.NEUTRAL  # type: ignore[method-assign]


def s3(memory: Memory) -> Correction:
    """What is put right in S3. moto has no intelligent tiering, so its configurations are kept here."""

    def named(call: Call) -> str:
        return f"{call.parameters['Bucket']}/{call.parameters['Id']}"

    def put_tiering(call: Call) -> Answer:
        _there(call)
        memory.keep(call, _TIERING, named(call), {"it": call.parameters["IntelligentTieringConfiguration"]})
        return {}

    def get_tiering(call: Call) -> Answer:
        kept = memory.kept(call, _TIERING, named(call))
        if kept is None:
            raise AwsError("NoSuchConfiguration", "The specified configuration does not exist.", 404)
        return {"IntelligentTieringConfiguration": kept["it"]}

    def list_tiering(call: Call) -> Answer:
        _there(call)
        names = memory.names(call, _TIERING)
        mine = [name for name in names if name.startswith(f"{call.parameters['Bucket']}/")]
        kept = [memory.kept(call, _TIERING, name) or {} for name in mine]
        return {"IsTruncated": False, "IntelligentTieringConfigurationList": [entry["it"] for entry in kept]}

    def delete_tiering(call: Call) -> Answer:
        if not memory.forget(call, _TIERING, named(call)):
            raise AwsError("NoSuchConfiguration", "The specified configuration does not exist.", 404)
        return {}

    def deleted(call: Call, answer: dict[str, Any]) -> Answer:
        for name in memory.names(call, _TIERING):
            if name.startswith(f"{call.parameters['Bucket']}/"):
                memory.forget(call, _TIERING, name)
        return answer

    before: dict[str, Before] = {
        "PutBucketPolicy": _check_policy,
        "PutBucketIntelligentTieringConfiguration": put_tiering,
        "GetBucketIntelligentTieringConfiguration": get_tiering,
        "ListBucketIntelligentTieringConfigurations": list_tiering,
        "DeleteBucketIntelligentTieringConfiguration": delete_tiering,
    }
    after: dict[str, After] = {
        "CreateBucket": _close,
        "DeleteBucketEncryption": _encrypt,
        "DeleteBucket": deleted,
        "GetBucketNotificationConfiguration": _bridged,
    }
    return Correction("s3", before, after)


def _there(call: Call) -> None:
    if _bucket(call, str(call.parameters["Bucket"])) is None:
        raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)


def _encrypt(call: Call, answer: dict[str, Any]) -> Answer:
    """A bucket is never without encryption: taking a configuration away leaves that of S3."""
    bucket = _bucket(call, call.parameters["Bucket"])
    if bucket is not None and bucket.encryption is None:
        bucket.encryption = json.loads(json.dumps(_AES))
    return answer


def _bucket(call: Call, name: str) -> Any:
    return s3_backends[call.owner or call.account]["aws"].buckets.get(name)


def _close(call: Call, answer: dict[str, Any]) -> Answer:
    bucket = _bucket(call, call.parameters["Bucket"])
    if bucket is None:
        return answer
    if bucket.public_access_block is None:
        bucket.public_access_block = PublicAccessBlock(True, True, True, True)
    if not bucket.ownership_rule:
        bucket.ownership_rule = call.parameters.get("ObjectOwnership", "BucketOwnerEnforced")
    if bucket.encryption is None:
        bucket.encryption = json.loads(json.dumps(_AES))
    return answer


def _bridged(call: Call, answer: dict[str, Any]) -> Answer:
    """moto keeps that events go to EventBridge, and does not tell it."""
    notifications = getattr(_bucket(call, call.parameters["Bucket"]), "notification_configuration", None)
    if getattr(notifications, "event_bridge", None) is not None:
        answer["EventBridgeConfiguration"] = {}
    return answer


def _check_policy(call: Call) -> Answer | None:
    name, document = str(call.parameters["Bucket"]), call.parameters["Policy"]
    text = document.decode() if isinstance(document, bytes) else str(document)
    policy = _parsed(text)
    for statement in policy.statements:
        if statement.principals is None and statement.not_principals is None:
            raise AwsError("MalformedPolicy", "Missing required field Principal", 400)
        for resource in (*statement.resources, *statement.not_resources):
            if not _of_bucket(resource, name):
                raise AwsError("MalformedPolicy", "Policy has invalid resource", 400)
        if not statement.resources and not statement.not_resources:
            raise AwsError("MalformedPolicy", "Missing required field Resource", 400)
        actions = (*statement.actions, *statement.not_actions)
        if any(not action.lower().startswith("s3:") and action != "*" for action in actions):
            raise AwsError("MalformedPolicy", "Policy has invalid action", 400)
    if missing_principal(text):
        raise AwsError("MalformedPolicy", "Invalid principal in policy", 400)
    block = getattr(_bucket(call, name), "public_access_block", None)
    if block is not None and block.block_public_policy and _is_public(policy):
        message = (
            f"User: {call.identity.arn} is not authorized to perform: s3:PutBucketPolicy on resource: "
            f'"arn:aws:s3:::{name}" because public policies are prevented by the BlockPublicPolicy setting in S3 Block '
            "Public Access."
        )
        raise AwsError("AccessDenied", message, 403)
    return None


def _parsed(text: str) -> Policy:
    try:
        document = json.loads(text)
    except ValueError:
        raise AwsError("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'", 400) from None
    if not isinstance(document, Mapping):
        raise AwsError("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'", 400)
    try:
        return parse_policy(document)
    except PolicyError as error:
        raise AwsError("MalformedPolicy", str(error), 400) from None


def _of_bucket(resource: str, bucket: str) -> bool:
    """True if a resource of a policy is the bucket, something in it, or a pattern that may be it."""
    if resource == "*":
        return True
    name = resource.removeprefix("arn:aws:s3:::")
    return name != resource and (name.split("/", 1)[0] == bucket or "*" in name.split("/", 1)[0])


def _is_public(policy: Policy) -> bool:
    return any(statement.allow and _for_everybody(statement) for statement in policy.statements)


def _for_everybody(statement: Statement) -> bool:
    named = statement.principals or {}
    everybody = "*" in (*named.get("AWS", ()), *named.get("*", ())) or statement.not_principals is not None
    narrowed = any(
        key.lower() in _NARROWING and not any("*" in value or "${" in value for value in values)
        for _, key, values in statement.conditions
    )
    return everybody and not narrowed
