"""Buckets of an environment: closed, encrypted, versioned, kept, with a log of who asked for what. A part of the layer
resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

from csoc_infra import checks
from csoc_infra.context import Given, policy
from csoc_infra.parts.logical_ids import logical_id
from csoc_infra.parts.shared import retained
from csoc_infra.settings import setting

LOGS = "access-logs"
"""Purpose of the bucket with the logs of the others."""
_UNFINISHED_DAYS = 7
_CORS_SECONDS = 3_000


def _purpose(value: str) -> None:
    checks.matches(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?", "lower-case letters, digits and hyphens, at most 30")(value)
    if value == LOGS:
        raise ValueError(f"{LOGS} is the bucket with the logs of the others, which is made anyway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """browser: whether browsers send to it from the portal. old_version_days: how long versions are kept after they
    were overwritten or deleted."""

    purpose: str = setting(check=_purpose)
    browser: bool = setting(default=False)
    old_version_days: int = setting(default=90, check=checks.between(1, 3_650))


def arn(given: Given, purpose: str) -> str:
    """A bucket's ARN, which its name gives before it is there."""
    return given.arn("s3", given.bucket(purpose), region="", account="")


def build(
    stack: cdk.Stack,
    wanted: Sequence[Bucket],
    given: Given,
    key_arn: str,
    hostname: str,
    log_days: int,
    told: Mapping[str, str],
) -> Mapping[str, s3.CfnBucket]:
    """The buckets by purpose. told: ARNs of the topics that new objects are told to, by the bucket's purpose."""
    if not wanted:
        return {}
    logs, writes = _logs(stack, wanted, given, log_days)
    made = {}
    for one in wanted:
        bucket = _bucket(stack, one.purpose, given.bucket(one.purpose), _encryption("aws:kms", key_arn))
        bucket.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=logs.ref, log_file_prefix=f"{one.purpose}/"
        )
        bucket.lifecycle_configuration = _lifecycle(old_version_days=one.old_version_days)
        bucket.cors_configuration = _cors(hostname) if one.browser else None
        bucket.notification_configuration = _tells(told[one.purpose]) if one.purpose in told else None
        # S3 looks at once whether it may write there.
        bucket.add_resource_dependency(writes)
        _policy(stack, one.purpose, bucket)
        made[one.purpose] = bucket
    return made


def _logs(
    stack: cdk.Stack, wanted: Sequence[Bucket], given: Given, days: int
) -> tuple[s3.CfnBucket, s3.CfnBucketPolicy]:
    """The bucket with the logs of the others, and its policy. S3 writes logs to no bucket whose key is a customer's.

    CloudFormation makes up its name. Logs come as soon as another bucket is there, so a creation that fails later
    cannot take this one back, and under a name of its own it is in no next attempt's way. It ends its logs itself.
    """
    bucket = _bucket(stack, LOGS, None, _encryption("AES256"))
    bucket.lifecycle_configuration = _lifecycle(old_version_days=1, days=days)
    writes = {
        "Sid": "AccessLogs",
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"{bucket.attr_arn}/*",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": given.account},
            "ArnEquals": {"aws:SourceArn": [arn(given, one.purpose) for one in wanted]},
        },
    }
    return bucket, _policy(stack, LOGS, bucket, writes)


def _policy(
    stack: cdk.Stack, purpose: str, bucket: s3.CfnBucket, *statements: Mapping[str, object]
) -> s3.CfnBucketPolicy:
    """Nothing passes without TLS 1.2. The policy stays with its bucket: without it a kept bucket would be open to
    less."""
    both = [bucket.attr_arn, f"{bucket.attr_arn}/*"]
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": both}
    made = s3.CfnBucketPolicy(
        stack,
        logical_id("BucketPolicy", purpose),
        bucket=bucket.ref,
        policy_document=policy(
            {"Sid": "OnlyTls", **deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Sid": "NoOldTls", **deny, "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}},
            *statements,
        ),
    )
    retained(made)
    return made


def _bucket(
    stack: cdk.Stack, purpose: str, name: str | None, encryption: s3.CfnBucket.BucketEncryptionProperty
) -> s3.CfnBucket:
    """What all buckets have in common. name: None for one that CloudFormation makes up."""
    bucket = s3.CfnBucket(
        stack,
        logical_id("Bucket", purpose),
        bucket_name=name,
        bucket_encryption=encryption,
        versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
        public_access_block_configuration=s3.CfnBucket.PublicAccessBlockConfigurationProperty(
            block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True
        ),
        ownership_controls=s3.CfnBucket.OwnershipControlsProperty(
            rules=[s3.CfnBucket.OwnershipControlsRuleProperty(object_ownership="BucketOwnerEnforced")]
        ),
    )
    retained(bucket)
    return bucket


def _encryption(algorithm: str, key_arn: str | None = None) -> s3.CfnBucket.BucketEncryptionProperty:
    return s3.CfnBucket.BucketEncryptionProperty(
        server_side_encryption_configuration=[
            s3.CfnBucket.ServerSideEncryptionRuleProperty(
                server_side_encryption_by_default=s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
                    sse_algorithm=algorithm, kms_master_key_id=key_arn
                ),
                bucket_key_enabled=True if key_arn else None,
            )
        ]
    )


def _lifecycle(old_version_days: int, days: int | None = None) -> s3.CfnBucket.LifecycleConfigurationProperty:
    """Without a prefix, so that it is for all objects. days: when current objects end; None for never."""
    return s3.CfnBucket.LifecycleConfigurationProperty(
        rules=[
            s3.CfnBucket.RuleProperty(
                id="old",
                status="Enabled",
                abort_incomplete_multipart_upload=s3.CfnBucket.AbortIncompleteMultipartUploadProperty(
                    days_after_initiation=_UNFINISHED_DAYS
                ),
                noncurrent_version_expiration=s3.CfnBucket.NoncurrentVersionExpirationProperty(
                    noncurrent_days=old_version_days
                ),
                expiration_in_days=days,
                # Either a day or the end of markers that hide nothing can be said.
                expired_object_delete_marker=None if days else True,
            )
        ]
    )


def _cors(hostname: str) -> s3.CfnBucket.CorsConfigurationProperty:
    return s3.CfnBucket.CorsConfigurationProperty(
        cors_rules=[
            s3.CfnBucket.CorsRuleProperty(
                id="portal",
                allowed_origins=[f"https://{hostname}"],
                allowed_methods=["GET", "HEAD", "POST", "PUT"],
                # Which headers are sent depends on how the address was signed; the signature decides, not this.
                allowed_headers=["*"],
                exposed_headers=["ETag"],
                max_age=_CORS_SECONDS,
            )
        ]
    )


def _tells(topic: str) -> s3.CfnBucket.NotificationConfigurationProperty:
    return s3.CfnBucket.NotificationConfigurationProperty(
        topic_configurations=[s3.CfnBucket.TopicConfigurationProperty(event="s3:ObjectCreated:*", topic=topic)]
    )
