"""90-outputs.yaml: what the layers made, as values. A run writes it; a person reads it and leaves it alone.

Outputs come from stacks, from parameters that anybody in the account may have written, and from layers that exist
already. So each is checked for its shape before it becomes a value, and nothing secret is among them: a secret's name
is, its value never.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from csoc.errors import RejectedError
from csoc.gen3.launch import roles, valuefiles
from csoc.gen3.launch.bundles import Selection
from csoc.gen3.launch.values import put

_ACCOUNT = r"[0-9]{12}"
_PART = r"aws(?:-cn|-us-gov)?"
_REGION = r"[a-z]{2}(?:-[a-z]+)+-[0-9]"
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
_OBJECT_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_LONGEST_SHOWN = 80
_LARGEST_JSON = 100_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where the outputs come from, known from documents and the link and not from outputs."""

    account_id: str
    region: str


def outputs_file(outputs: Mapping[str, str], place: Place, selection: Selection) -> bytes:
    """90-outputs.yaml. outputs: by name, as the layers' contract has them. Raises RejectedError as `values`."""
    return valuefiles.render(values(outputs, place, selection), header=_HEADER)


def values(outputs: Mapping[str, str], place: Place, selection: Selection) -> dict[str, Any]:
    """The values. Raises RejectedError for an output that is missing or of another shape; it names the output."""
    reading = _Reading(outputs, place)
    data: dict[str, Any] = {}
    put(data, "global.aws.region", reading.region)
    put(data, "global.aws.account", reading.account)
    put(data, "global.revproxyArn", reading.arn("CertificateArn", "acm", r"certificate/[0-9a-f-]{36}"))
    acl = reading.optional_arn("WebAclArn", "wafv2", r"regional/webacl/[A-Za-z0-9_-]{1,128}/[0-9a-f-]{36}")
    put(data, "global.aws.wafv2.enabled", bool(acl))
    if acl:
        put(data, "global.aws.wafv2.wafAclArn", acl)
    put(data, "global.postgres.externalSecret", reading.master_secret())
    put(data, "global.postgres.master.host", reading.host("DatabaseEndpoint"))
    put(data, "global.postgres.master.port", reading.port())
    if "aws-es-proxy" in selection:
        put(data, "aws-es-proxy.esEndpoint", reading.host("SearchEndpoint"))
    _put_roles(data, reading, selection)
    _put_storage(data, reading, selection)
    return data


def _put_roles(data: dict[str, Any], reading: _Reading, selection: Selection) -> None:
    known = reading.mapping("RoleArns")
    for account in roles.accounts(selection.on):
        arn = known.get(account.service_account)
        if arn is None:
            raise _wrong("RoleArns", f"a role for the service account {account.service_account}", "none")
        name = reading.role_name(arn, account.service_account)
        if not account.by_name:
            put(data, account.role, arn)
            continue
        if not arn.startswith("arn:aws:"):
            raise _wrong(
                "RoleArns",
                f"a role of the partition aws for {account.service_account}, since the chart writes arn:aws itself",
                arn,
            )
        put(data, account.role, name)


def _put_storage(data: dict[str, Any], reading: _Reading, selection: Selection) -> None:
    on = selection.on
    if "manifestservice" in on:
        put(data, "manifestservice.manifestserviceG3auto.bucketName", reading.bucket("manifests"))
    if "audit" in on:
        url = reading.queue_url("audit")
        put(data, "audit.server.pull_from_queue", True)
        put(data, "audit.server.type", "aws_sqs")
        put(data, "audit.server.sqs.region", reading.region)
        put(data, "audit.server.sqs.url", url)
        settings = {"type": "aws_sqs", "aws_sqs_config": {"sqs_url": url, "region": reading.region}}
        put(data, "fence.FENCE_CONFIG_PUBLIC.PUSH_AUDIT_LOGS_CONFIG", settings)
    if "ssjdispatcher" in on:
        uploads = reading.bucket("uploads")
        put(data, "ssjdispatcher.awsRegion", reading.region)
        put(data, "global.dataUploadBucket", uploads)
        role = reading.mapping("RoleArns")["fence-sa"]
        # Fence signs with the keys of a role that it assumes, and never with those of its pod.
        put(data, "fence.FENCE_CONFIG_PUBLIC.AWS_CREDENTIALS", {"pod": {}})
        bucket = {"cred": "pod", "region": reading.region, "role-arn": role}
        put(data, "fence.FENCE_CONFIG_PUBLIC.S3_BUCKETS", {uploads: bucket})
        put(data, "fence.FENCE_CONFIG_PUBLIC.DATA_UPLOAD_BUCKET", uploads)


class _Reading:
    """Outputs, each in its shape."""

    def __init__(self, outputs: Mapping[str, str], place: Place) -> None:
        self._outputs = outputs
        self.account = _matching(re.compile(_ACCOUNT), place.account_id, "the account", "12 digits")
        self.region = _matching(re.compile(_REGION), place.region, "the region", "a region such as us-east-1")

    def _text(self, name: str) -> str:
        value = self._outputs.get(name)
        if value is None:
            raise _wrong(name, "a value", "nothing")
        return value

    def host(self, name: str) -> str:
        """A host name alone: no scheme, no port, no path."""
        return _matching(_HOST, self._text(name), name, "a host name without https:// and without a port")

    def port(self) -> str:
        """Several services have 5432 in their code."""
        value = self._outputs.get("DatabasePort", "5432")
        if value != "5432":
            raise _wrong("DatabasePort", "5432, which fence, wts and requestor have in their code", value)
        return value

    def master_secret(self) -> str:
        """The chart gives the Kubernetes Secret and the secret in Secrets Manager one and the same name."""
        expected = (
            "a name that a Kubernetes Secret may have too (lower-case letters, digits, hyphens and dots), since the "
            "chart uses one name for both"
        )
        return _matching(_OBJECT_NAME, self._text("DatabaseSecretName"), "DatabaseSecretName", expected)

    def arn(self, name: str, service: str, resource: str) -> str:
        """An ARN of this account and region."""
        pattern = re.compile(rf"arn:{_PART}:{service}:{self.region}:{self.account}:{resource}")
        return _matching(pattern, self._text(name), name, f"an ARN of {service} in {self.account}, {self.region}")

    def optional_arn(self, name: str, service: str, resource: str) -> str:
        """The same; "" where the layer made none."""
        return self.arn(name, service, resource) if self._outputs.get(name) else ""

    def mapping(self, name: str) -> dict[str, str]:
        """A JSON object of texts."""
        text = self._text(name)
        if len(text) > _LARGEST_JSON:
            raise _wrong(name, f"at most {_LARGEST_JSON:,} characters", f"{len(text):,}")
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            raise _wrong(name, "a JSON object", text) from None
        if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
            raise _wrong(name, "a JSON object whose values are texts", text)
        return data

    def role_name(self, arn: str, account: str) -> str:
        """Path and name of a role of this account."""
        pattern = re.compile(
            rf"arn:{_PART}:iam::{self.account}:role/((?:[A-Za-z0-9+=,.@_-]+/){{0,8}}[A-Za-z0-9+=,.@_-]{{1,64}})"
        )
        found = pattern.fullmatch(arn)
        if found is None:
            raise _wrong("RoleArns", f"the ARN of a role in {self.account} for {account}", arn)
        return found[1]

    def bucket(self, purpose: str) -> str:
        """A bucket's name."""
        name = self.mapping("BucketNames").get(purpose)
        if name is None:
            raise _wrong("BucketNames", f"a bucket for {purpose}", "none")
        return _matching(_BUCKET, name, "BucketNames", f"the name of a bucket for {purpose}")

    def queue_url(self, purpose: str) -> str:
        """A queue's address, of this account and region."""
        url = self.mapping("QueueUrls").get(purpose)
        if url is None:
            raise _wrong("QueueUrls", f"a queue for {purpose}", "none")
        pattern = re.compile(
            rf"https://sqs\.{self.region}\.amazonaws\.com(?:\.cn)?/{self.account}/[A-Za-z0-9_-]{{1,80}}"
        )
        return _matching(pattern, url, "QueueUrls", f"the address of a queue in {self.account}, {self.region}")


def _matching(pattern: re.Pattern[str], value: str, name: str, expected: str) -> str:
    if not pattern.fullmatch(value):
        raise _wrong(name, expected, value)
    return value


def _wrong(name: str, expected: str, found: str) -> RejectedError:
    shown = found if found.isprintable() and len(found) <= _LONGEST_SHOWN else f"{len(found)} characters"
    return RejectedError(
        f"Expected {expected}, found {shown}" if shown else f"Expected {expected}, found nothing",
        place=f"output {name}",
        fix="See what the layer made (csoc status), or for a layer that exists, what its document says in from",
    )


_HEADER = "Written by csoc from what the layers made. Changes by hand are overwritten by the next run."
