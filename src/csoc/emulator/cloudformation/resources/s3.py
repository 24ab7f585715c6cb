"""Buckets of S3 with their settings, and bucket policies."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from csoc.emulator.cloudformation.resources import s3_forms as forms
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.service_type import ServiceType
from csoc.emulator.cloudformation.resources.translation import as_list, call, is_gone, is_true, text, unless_gone

Value = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Setting:
    """A property of a bucket with calls of its own. put, form: the call that sets it and its parameters from property
    and bucket; get, told: the call that tells it and the property from its answer, None for none. remove: the call that
    takes it away, or nothing: with these parameters it is put instead (`without`)."""

    property: str
    put: str
    form: Callable[[Value, str], Mapping[str, Any]]
    get: str
    told: Callable[[Value], Any]
    remove: str = ""
    without: Mapping[str, Any] | None = None


_SETTINGS = (
    _Setting(
        "OwnershipControls",
        "put_bucket_ownership_controls",
        lambda value, _: {"OwnershipControls": value},
        "get_bucket_ownership_controls",
        lambda answer: answer["OwnershipControls"],
        "delete_bucket_ownership_controls",
    ),
    _Setting(
        "PublicAccessBlockConfiguration",
        "put_public_access_block",
        lambda value, _: {"PublicAccessBlockConfiguration": value},
        "get_public_access_block",
        lambda answer: answer["PublicAccessBlockConfiguration"],
        "delete_public_access_block",
    ),
    _Setting(
        "BucketEncryption",
        "put_bucket_encryption",
        lambda value, _: forms.encryption_to_api(value),
        "get_bucket_encryption",
        forms.encryption_to_template,
        "delete_bucket_encryption",
    ),
    _Setting(
        "VersioningConfiguration",
        "put_bucket_versioning",
        lambda value, _: {"VersioningConfiguration": value},
        "get_bucket_versioning",
        lambda answer: {"Status": answer["Status"]} if answer.get("Status") else None,
        without={"VersioningConfiguration": {"Status": "Suspended"}},
    ),
    _Setting(
        "ObjectLockConfiguration",
        "put_object_lock_configuration",
        lambda value, _: forms.lock_to_api(value),
        "get_object_lock_configuration",
        lambda answer: answer["ObjectLockConfiguration"],
        without={"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}},
    ),
    _Setting(
        "LifecycleConfiguration",
        "put_bucket_lifecycle_configuration",
        lambda value, _: forms.lifecycle_to_api(value),
        "get_bucket_lifecycle_configuration",
        forms.lifecycle_to_template,
        "delete_bucket_lifecycle",
    ),
    _Setting(
        "CorsConfiguration",
        "put_bucket_cors",
        lambda value, _: forms.cors_to_api(value),
        "get_bucket_cors",
        forms.cors_to_template,
        "delete_bucket_cors",
    ),
    _Setting(
        "LoggingConfiguration",
        "put_bucket_logging",
        forms.logging_to_api,
        "get_bucket_logging",
        forms.logging_to_template,
        without={"BucketLoggingStatus": {}},
    ),
    _Setting(
        "NotificationConfiguration",
        "put_bucket_notification_configuration",
        lambda value, _: forms.notification_to_api(value),
        "get_bucket_notification_configuration",
        forms.notification_to_template,
        without={"NotificationConfiguration": {}},
    ),
    _Setting(
        "WebsiteConfiguration",
        "put_bucket_website",
        lambda value, _: forms.website_to_api(value),
        "get_bucket_website",
        forms.website_to_template,
        "delete_bucket_website",
    ),
    _Setting(
        "AccelerateConfiguration",
        "put_bucket_accelerate_configuration",
        lambda value, _: {"AccelerateConfiguration": {"Status": value["AccelerationStatus"]}},
        "get_bucket_accelerate_configuration",
        lambda answer: {"AccelerationStatus": answer["Status"]} if answer.get("Status") else None,
        without={"AccelerateConfiguration": {"Status": "Suspended"}},
    ),
)
_BY_PROPERTY = {setting.property: setting for setting in _SETTINGS}
_TIERING = "IntelligentTieringConfigurations"


class Bucket(ServiceType):
    """AWS::S3::Bucket. A bucket that holds objects is not deleted."""

    type_name, service = "AWS::S3::Bucket", "s3"
    name, longest, small, creation_tags = "BucketName", 63, True, ""
    also = (*_BY_PROPERTY, _TIERING, "AccessControl", "ObjectLockEnabled")
    unread = ("AccessControl",)
    attributes = {
        "Arn": "Arn",
        "DomainName": "DomainName",
        "DualStackDomainName": "DualStackDomainName",
        "RegionalDomainName": "RegionalDomainName",
        "WebsiteURL": "WebsiteURL",
    }

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        name = self.name_of(context, properties)
        # In us-east-1 S3 answers 200 to who makes their own bucket again, and CloudFormation would take it over.
        if "BucketName" in properties and self.describe(client, name) is not None:
            raise ResourceError(f"{name} already exists", "AlreadyExists")
        asked: dict[str, Any] = {"Bucket": name}
        if context.region != "us-east-1":
            asked["CreateBucketConfiguration"] = {"LocationConstraint": context.region}
        if is_true(properties.get("ObjectLockEnabled", False)):
            asked["ObjectLockEnabledForBucket"] = True
        ownership = properties.get("OwnershipControls", {}).get("Rules", ())
        if ownership:
            asked["ObjectOwnership"] = ownership[0]["ObjectOwnership"]
        if "AccessControl" in properties:
            asked["ACL"] = _canned(properties["AccessControl"])
        client.create_bucket(**asked)
        return name

    def finish(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        super().finish(context, client, physical_id, properties)
        for setting in _SETTINGS:
            if setting.property in properties:
                self._put(client, physical_id, setting, properties[setting.property])
        self._tier(client, physical_id, {}, properties)

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        for setting in _SETTINGS:
            if setting.property not in left:
                continue
            if setting.property in after:
                self._put(client, physical_id, setting, after[setting.property])
            elif setting.remove:
                getattr(client, setting.remove)(Bucket=physical_id)
            else:
                getattr(client, setting.put)(Bucket=physical_id, **(setting.without or {}))
        if _TIERING in left:
            self._tier(client, physical_id, before, after)
        if "AccessControl" in left:
            client.put_bucket_acl(Bucket=physical_id, ACL=_canned(after.get("AccessControl", "Private")))
        if "ObjectLockEnabled" in left and not is_true(after.get("ObjectLockEnabled", False)):
            raise ResourceError("Object Lock cannot be turned off for a bucket that has it", "InvalidRequest")
        if "ObjectLockEnabled" in left and "ObjectLockConfiguration" not in left:
            lock = {"ObjectLockEnabled": "Enabled"}
            client.put_object_lock_configuration(Bucket=physical_id, ObjectLockConfiguration=lock)
        return {*_BY_PROPERTY, _TIERING, "AccessControl", "ObjectLockEnabled"}

    def retag(self, client: Any, physical_id: str, gone: list[str], wanted: Mapping[str, str]) -> None:
        if wanted:
            client.put_bucket_tagging(Bucket=physical_id, Tagging={"TagSet": as_list(wanted)})
        else:
            client.delete_bucket_tagging(Bucket=physical_id)

    def live_tags(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> dict[str, str]:
        answer = unless_gone(lambda: client.get_bucket_tagging(Bucket=physical_id))
        return {tag["Key"]: tag["Value"] for tag in (answer or {}).get("TagSet", ())}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        try:
            client.head_bucket(Bucket=physical_id)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise
        region = client.meta.region_name
        return {
            "BucketName": physical_id,
            "Arn": f"arn:aws:s3:::{physical_id}",
            "DomainName": f"{physical_id}.s3.amazonaws.com",
            "DualStackDomainName": f"{physical_id}.s3.dualstack.{region}.amazonaws.com",
            "RegionalDomainName": f"{physical_id}.s3.{region}.amazonaws.com",
            "WebsiteURL": _website(physical_id, region),
        }

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        told: dict[str, Any] = {}
        for setting in _SETTINGS:
            value = _told(client, physical_id, setting)
            if value:
                told[setting.property] = value
        lock = told.get("ObjectLockConfiguration")
        if lock:
            told["ObjectLockEnabled"] = True
        if lock == {"ObjectLockEnabled": "Enabled"}:
            del told["ObjectLockConfiguration"]
        tiers = client.list_bucket_intelligent_tiering_configurations(Bucket=physical_id)
        found_tiers = [_tier_of_template(entry) for entry in tiers.get("IntelligentTieringConfigurationList", ())]
        if found_tiers:
            told[_TIERING] = found_tiers
        return told

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: client.delete_bucket(Bucket=physical_id))

    @staticmethod
    def _put(client: Any, bucket: str, setting: _Setting, value: Value) -> None:
        call(client, setting.put, {"Bucket": bucket, **setting.form(value, bucket)})

    @staticmethod
    def _tier(client: Any, bucket: str, before: Properties, after: Properties) -> None:
        was = {entry["Id"]: entry for entry in before.get(_TIERING, ())}
        wanted = {entry["Id"]: entry for entry in after.get(_TIERING, ())}
        for name, entry in wanted.items():
            if was.get(name) != entry:
                given = {"Bucket": bucket, "Id": name, "IntelligentTieringConfiguration": _tier_of_api(entry)}
                call(client, "put_bucket_intelligent_tiering_configuration", given)
        for name in was.keys() - wanted.keys():
            client.delete_bucket_intelligent_tiering_configuration(Bucket=bucket, Id=name)


def _told(client: Any, bucket: str, setting: _Setting) -> Any:
    try:
        return setting.told(getattr(client, setting.get)(Bucket=bucket))
    except ClientError as error:
        # A bucket without the setting answers 404, each with a code of its own.
        if is_gone(error) or error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return None
        raise


def _canned(name: Any) -> str:
    """A canned list of rights as the API spells it: "LogDeliveryWrite" is "log-delivery-write"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", str(name)).lower()


def _website(bucket: str, region: str) -> str:
    old = {"us-east-1", "us-west-1", "us-west-2", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "eu-west-1"}
    return f"http://{bucket}.s3-website{'-' if region in old else '.'}{region}.amazonaws.com"


def _tier_of_api(entry: Value) -> dict[str, Any]:
    made = {name: entry[name] for name in ("Id", "Status", "Tierings")}
    tags = list(entry.get("TagFilters", ()))
    prefix = entry.get("Prefix")
    if (prefix and tags) or len(tags) > 1:
        made["Filter"] = {"And": ({"Prefix": prefix} if prefix else {}) | {"Tags": tags}}
    elif prefix or tags:
        made["Filter"] = {"Prefix": prefix} if prefix else {"Tag": tags[0]}
    return made


def _tier_of_template(entry: Value) -> dict[str, Any]:
    told = {name: entry[name] for name in ("Id", "Status", "Tierings")}
    where = entry.get("Filter", {})
    where = where.get("And", where)
    if where.get("Prefix"):
        told["Prefix"] = where["Prefix"]
    tags = where.get("Tags") or ([where["Tag"]] if where.get("Tag") else [])
    return told | ({"TagFilters": tags} if tags else {})


class BucketPolicy(ServiceType):
    """AWS::S3::BucketPolicy."""

    type_name, service, tags = "AWS::S3::BucketPolicy", "s3", ""
    also = ("Bucket", "PolicyDocument")

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        client.put_bucket_policy(Bucket=properties["Bucket"], Policy=text(properties["PolicyDocument"]))
        return str(properties["Bucket"])

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        client.put_bucket_policy(Bucket=physical_id, Policy=text(after["PolicyDocument"]))
        return {"PolicyDocument"}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = unless_gone(lambda: client.get_bucket_policy(Bucket=physical_id))
        return {"Bucket": physical_id, "PolicyDocument": json.loads(found["Policy"])} if found else None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: client.delete_bucket_policy(Bucket=physical_id))


HANDLERS = (Bucket(), BucketPolicy())
