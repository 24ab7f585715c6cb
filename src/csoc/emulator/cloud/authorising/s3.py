"""Actions of S3, which have other names than its operations.

Source: "Required permissions for Amazon S3 API operations", Amazon S3 User Guide, and the Service Authorization
Reference.
"""

from __future__ import annotations

from urllib.parse import unquote

from csoc.emulator.cloud.authorising.asking import Ask, Values
from csoc.emulator.cloud.authorising.reference import facts
from csoc.emulator.cloud.calls import Call

_ACTIONS = {
    "AbortMultipartUpload": "AbortMultipartUpload",
    "CompleteMultipartUpload": "PutObject",
    "CreateBucket": "CreateBucket",
    "CreateMultipartUpload": "PutObject",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketIntelligentTieringConfiguration": "PutIntelligentTieringConfiguration",
    "DeleteBucketInventoryConfiguration": "PutInventoryConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketIntelligentTieringConfiguration": "GetIntelligentTieringConfiguration",
    "GetBucketInventoryConfiguration": "GetInventoryConfiguration",
    "GetBucketLifecycle": "GetLifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListBucketInventoryConfigurations": "GetInventoryConfiguration",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketIntelligentTieringConfiguration": "PutIntelligentTieringConfiguration",
    "PutBucketInventoryConfiguration": "PutInventoryConfiguration",
    "PutBucketLifecycle": "PutLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutBucketReplication": "PutReplicationConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "UploadPart": "PutObject",
}
_VERSIONED = {"GetObject": "GetObjectVersion", "DeleteObject": "DeleteObjectVersion", "HeadObject": "GetObjectVersion"}
_HEADERS = {
    "ACL": "s3:x-amz-acl",
    "ServerSideEncryption": "s3:x-amz-server-side-encryption",
    "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "StorageClass": "s3:x-amz-storage-class",
    "Prefix": "s3:prefix",
    "Delimiter": "s3:delimiter",
    "MaxKeys": "s3:max-keys",
    "VersionId": "s3:versionid",
}


def s3(call: Call) -> list[Ask]:
    """Actions on buckets and objects; several for a copy and for deleting many."""
    asked = call.parameters
    bucket, name = str(asked.get("Bucket", "")), str(asked.get("Key", ""))
    context: dict[str, Values] = {
        key: str(asked[parameter]) for parameter, key in _HEADERS.items() if asked.get(parameter) is not None
    }
    presigned = "authorization" not in call.headers and not call.identity.service
    context["s3:signatureversion"] = "AWS4-HMAC-SHA256"
    context["s3:authtype"] = "REST-QUERY-STRING" if presigned else "REST-HEADER"
    context["s3:tlsversion"] = "1.3"
    if call.operation == "CreateBucket":
        where = (asked.get("CreateBucketConfiguration") or {}).get("LocationConstraint")
        if where:
            context["s3:locationconstraint"] = str(where)
    action = _ACTIONS.get(call.operation, call.operation)
    if asked.get("VersionId") and call.operation in _VERSIONED:
        action = _VERSIONED[call.operation]
    if call.operation == "DeleteObjects":
        listed = (asked.get("Delete") or {}).get("Objects", ())
        return [
            _ask(
                "DeleteObjectVersion" if one.get("VersionId") else "DeleteObject",
                bucket,
                str(one.get("Key", "")),
                context,
            )
            for one in listed
        ]
    if call.operation in ("CopyObject", "UploadPartCopy"):
        source, _, path = unquote(str(asked.get("CopySource", "")).partition("?")[0]).lstrip("/").partition("/")
        return [_ask("GetObject", source, path, context), _ask("PutObject", bucket, name, context)]
    asks = [_ask(action, bucket, name, context)]
    if asked.get("Tagging") and call.operation in ("PutObject", "CreateMultipartUpload"):
        asks.append(_ask("PutObjectTagging", bucket, name, context))
    return asks


def _ask(action: str, bucket: str, name: str, context: dict[str, Values]) -> Ask:
    known = facts("s3", action)
    arn = f"arn:aws:s3:::{bucket}" if bucket else "*"
    arn = f"{arn}/{name}" if name else arn
    return Ask(f"s3:{action}", (arn,), context, vague=known is None, keys=known.keys if known else frozenset())
