"""Buckets, queues, topics, and one role for each service account that needs something of AWS.

What a service may do is granted by name and no further. New objects in a bucket are told to a topic, and from there to
queues, so that more than one service can follow them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from csoc_infra import checks, names
from csoc_infra.context import Given, policy
from csoc_infra.mistakes import MistakeError, shown
from csoc_infra.parts import buckets, grants
from csoc_infra.parts.keys import key, service_uses
from csoc_infra.parts.logical_ids import logical_id
from csoc_infra.settings import setting

NAME = "resources"
INPUTS = (
    "ClusterOidcProviderArn",
    "ClusterOidcIssuer",
    "DatabaseDatabaseSecretArn",
    "CredentialsSecretsKeyArn",
)
OPTIONAL_INPUTS = ("DatabaseDatabaseKeyArn", "DatabaseSearchDomainArn")
OUTPUTS = ("BucketNames", "QueueUrls", "RoleArns")

_LONGEST_OUTPUT = 4_096
"""Characters that an SSM parameter holds."""
_LONGEST_ROLE = 64
_LONGEST_POLICY = 10_000
"""Of the 10,240 characters that the inline policies of a role have, some less, since ARNs are not known yet."""
_MOST_MESSAGE_DAYS = 14
_DAY = 86_400

_purpose = checks.matches(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?", "lower-case letters, digits and hyphens, at most 30")


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue, and one for what was received max_receives times and never deleted."""

    purpose: str = setting(check=_purpose)
    visibility_seconds: int = setting(default=300, check=checks.between(0, 43_200))
    message_days: int = setting(default=14, check=checks.between(1, _MOST_MESSAGE_DAYS))
    max_receives: int = setting(default=5, check=checks.between(1, 1_000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic that new objects of a bucket are told to, and the queues that it hands them to."""

    purpose: str = setting(check=_purpose)
    bucket: str = setting(default="")
    queues: tuple[str, ...] = setting(default=(), check=checks.each(_purpose))


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What a service account of the cluster may do in AWS. assumes_itself: it may take its own role once more, for
    services that sign with the keys of a role that they assume (fence)."""

    service_account: str = setting(check=checks.label)
    namespace: str = setting(check=checks.label)
    assumes_itself: bool = setting(default=False)
    grants: tuple[grants.Grant, ...] = setting(check=checks.at_most(50))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """hostname: of the portal, from which browsers send to buckets. access_log_days: how long it is kept who asked for
    which object."""

    hostname: str = setting(check=checks.hostname)
    buckets: tuple[buckets.Bucket, ...]
    queues: tuple[Queue, ...]
    topics: tuple[Topic, ...]
    roles: tuple[Role, ...]
    access_log_days: int = setting(check=checks.between(30, 3_653))

    def __post_init__(self) -> None:
        for what in ("buckets", "queues", "topics"):
            _distinct(what, [one.purpose for one in getattr(self, what)], "purpose")
        _distinct("roles", [one.service_account for one in self.roles], "service_account")
        _there(
            "topics", "bucket", [(one.bucket,) if one.bucket else () for one in self.topics],
            {one.purpose for one in self.buckets},
        )  # fmt: skip
        _there("topics", "queues", [one.queues for one in self.topics], {one.purpose for one in self.queues})
        told = [one.bucket for one in self.topics if one.bucket]
        _distinct("topics", told, "bucket")


def _distinct(what: str, values: Sequence[str], field: str) -> None:
    for number, value in enumerate(values):
        if value in values[:number]:
            raise MistakeError(f"{what}[{number}].{field}", f"{shown(value)} is there already", "Name each once")


def _there(what: str, field: str, named: Sequence[Sequence[str]], known: set[str]) -> None:
    for number, values in enumerate(named):
        for value in values:
            if value not in known:
                options = ", ".join(sorted(known)) or "none"
                raise MistakeError(f"{what}[{number}].{field}", f"there is no {shown(value)}", f"There are {options}")


def build(stack: cdk.Stack, settings: Settings, given: Given) -> Mapping[str, str]:
    """Puts the layer's resources into its stack."""
    told = {one.bucket: given.arn("sns", given.name(one.purpose)) for one in settings.topics if one.bucket}
    encryption = _key(stack, settings, given)
    queues = {one.purpose: _queue(stack, one, settings, given, encryption.attr_arn) for one in settings.queues}
    topics = {one.purpose: _topic(stack, one, given, encryption.attr_arn, queues) for one in settings.topics}
    made = buckets.build(
        stack, settings.buckets, given, encryption.attr_arn, settings.hostname, settings.access_log_days, told
    )
    for one in settings.topics:
        if one.bucket:
            # S3 asks the topic at once whether it may tell it something.
            made[one.bucket].add_resource_dependency(topics[one.purpose])
    things = grants.Things(
        region=given.region,
        buckets={one.purpose: buckets.arn(given, one.purpose) for one in settings.buckets},
        queues={one.purpose: queues[one.purpose].attr_arn for one in settings.queues},
        topics={one.purpose: given.arn("sns", given.name(one.purpose)) for one in settings.topics},
        key=encryption.attr_arn,
        secret_prefix=given.arn("secretsmanager", f"secret:{given.secret('')}"),
        secrets_key=lambda: given["CredentialsSecretsKeyArn"],
        database_secret=lambda: given["DatabaseDatabaseSecretArn"],
        # A database that is not csoc's may be encrypted with AWS's own key, which asks for no grant.
        database_key=lambda: _optional(given, "DatabaseDatabaseKeyArn"),
        search=lambda: _optional(given, "DatabaseSearchDomainArn"),
    )
    roles = {one.service_account: _role(one, number, given, things) for number, one in enumerate(settings.roles)}
    _fits_output(settings, given)
    return {
        "BucketNames": stack.to_json_string({purpose: bucket.ref for purpose, bucket in made.items()}),
        "QueueUrls": stack.to_json_string({purpose: queue.ref for purpose, queue in queues.items()}),
        "RoleArns": stack.to_json_string({account: role.attr_arn for account, role in roles.items()}),
    }


def _optional(given: Given, name: str) -> str:
    if name not in given:
        return ""
    return given[name]


def _key(stack: cdk.Stack, settings: Settings, given: Given) -> kms.CfnKey:
    told = [buckets.arn(given, one.bucket) for one in settings.topics if one.bucket]
    handed = [given.arn("sns", given.name(one.purpose)) for one in settings.topics if one.queues]
    statements = [service_uses(given, "EventsOfBuckets", "s3", told)] if told else []
    statements += [service_uses(given, "MessagesOfTopics", "sns", handed)] if handed else []
    return key(stack, given, "resources", f"Buckets, queues and topics of the environment {given.owner}", statements)


def _only_tls(action: str, arn: str) -> dict[str, object]:
    return {
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _queue(stack: cdk.Stack, wanted: Queue, settings: Settings, given: Given, key_arn: str) -> sqs.CfnQueue:
    dead = _one_queue(stack, f"{wanted.purpose}-dead", given, key_arn, _MOST_MESSAGE_DAYS, 30)
    queue = _one_queue(stack, wanted.purpose, given, key_arn, wanted.message_days, wanted.visibility_seconds)
    queue.redrive_policy = {"deadLetterTargetArn": dead.attr_arn, "maxReceiveCount": wanted.max_receives}
    dead.redrive_allow_policy = {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [given.arn("sqs", given.name(wanted.purpose))],
    }
    senders = [given.arn("sns", given.name(one.purpose)) for one in settings.topics if wanted.purpose in one.queues]
    _queue_policy(stack, f"{wanted.purpose}-dead", dead, ())
    _queue_policy(stack, wanted.purpose, queue, senders)
    return queue


def _one_queue(
    stack: cdk.Stack, purpose: str, given: Given, key_arn: str, days: int, visibility_seconds: int
) -> sqs.CfnQueue:
    return sqs.CfnQueue(
        stack,
        logical_id("Queue", purpose),
        queue_name=given.name(purpose),
        kms_master_key_id=key_arn,
        message_retention_period=days * _DAY,
        visibility_timeout=visibility_seconds,
        receive_message_wait_time_seconds=20,
    )


def _queue_policy(stack: cdk.Stack, purpose: str, queue: sqs.CfnQueue, senders: Sequence[str]) -> None:
    statements: list[Mapping[str, object]] = [_only_tls("sqs:*", queue.attr_arn)]
    if senders:
        statements.append(
            {
                "Sid": "Topics",
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue.attr_arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": list(senders)}},
            }
        )
    sqs.CfnQueuePolicy(
        stack, logical_id("QueuePolicy", purpose), queues=[queue.ref], policy_document=policy(*statements)
    )


def _topic(
    stack: cdk.Stack, wanted: Topic, given: Given, key_arn: str, queues: Mapping[str, sqs.CfnQueue]
) -> sns.CfnTopicPolicy:
    """The policy of the topic, which is what others have to wait for."""
    topic = sns.CfnTopic(
        stack, logical_id("Topic", wanted.purpose), topic_name=given.name(wanted.purpose), kms_master_key_id=key_arn
    )
    statements = [_only_tls("sns:Publish", topic.ref)]
    if wanted.bucket:
        statements.append(
            {
                "Sid": "EventsOfTheBucket",
                "Effect": "Allow",
                "Principal": {"Service": "s3.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": topic.ref,
                "Condition": {
                    "ArnEquals": {"aws:SourceArn": buckets.arn(given, wanted.bucket)},
                    "StringEquals": {"aws:SourceAccount": given.account},
                },
            }
        )
    allowed = sns.CfnTopicPolicy(
        stack, logical_id("TopicPolicy", wanted.purpose), topics=[topic.ref], policy_document=policy(*statements)
    )
    for name in wanted.queues:
        sns.CfnSubscription(
            stack,
            logical_id("Subscription", f"{wanted.purpose}/{name}"),
            topic_arn=topic.ref,
            protocol="sqs",
            endpoint=queues[name].attr_arn,
        )
    return allowed


def _role(wanted: Role, number: int, given: Given, things: grants.Things) -> iam.CfnRole:
    path = f"settings.roles[{number}]"
    name = given.name(wanted.service_account)
    if len(name) > _LONGEST_ROLE:
        raise MistakeError(
            f"{path}.service_account",
            f"the role's name {shown(name, 100)} is longer than {_LONGEST_ROLE} characters",
            f"At most {_LONGEST_ROLE - len(given.name(''))} characters are possible",
        )
    try:
        statements = grants.statements(wanted.grants, things)
    except MistakeError as mistake:
        raise mistake.below(path) from None
    own = given.arn("iam", f"role{names.role_path(given.uid)}{name}", region="") if wanted.assumes_itself else ""
    if own:
        statements = [*statements, {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": own}]
    if len(json.dumps(statements)) > _LONGEST_POLICY:
        raise MistakeError(
            f"{path}.grants",
            f"{len(wanted.grants)} grants do not fit into a role's {_LONGEST_POLICY:,} characters",
            "Split the service's work among service accounts",
        )
    return given.role(
        logical_id("Role", wanted.service_account),
        wanted.service_account,
        trust=given.pod_trust(f"{wanted.namespace}:{wanted.service_account}", itself=own),
        statements=statements,
        description=f"{wanted.service_account} in {wanted.namespace}, of {given.owner}",
    )


def _fits_output(settings: Settings, given: Given) -> None:
    """An output is a parameter of SSM, and that has an end."""
    arns = {
        one.service_account: given.arn(
            "iam", f"role{names.role_path(given.uid)}{given.name(one.service_account)}", region=""
        )
        for one in settings.roles
    }
    urls = {
        one.purpose: f"https://sqs.{given.region}.amazonaws.com/{given.account}/{given.name(one.purpose)}"
        for one in settings.queues
    }
    held = {"buckets": {one.purpose: given.bucket(one.purpose) for one in settings.buckets}, "queues": urls}
    for what, values in {**held, "roles": arns}.items():
        length = len(json.dumps(values, separators=(",", ":")))
        if length > _LONGEST_OUTPUT:
            raise MistakeError(
                f"settings.{what}",
                f"what the output says of {len(values)} of them has {length:,} characters, and an SSM parameter holds "
                f"{_LONGEST_OUTPUT:,}",
                f"About {_LONGEST_OUTPUT * len(values) // length} are possible",
            )
