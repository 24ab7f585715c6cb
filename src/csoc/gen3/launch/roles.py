"""Which service accounts act in AWS, what each may do there, and what has to be there for it.

One account a service and one role an account, with nothing but what the service's code does. The names of service
accounts are written into the values too, so that what a role trusts and what a pod runs as cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

FENCE = "fence-sa"
SECRET_STORE = "secret-store-sa"  # noqa: S105 - the name of a service account


@dataclass(frozen=True, slots=True)
class Grant:
    """One thing that a role may do.

    kind: bucket, queue, topic, secret, environment-secrets (all of them, with the database's master login) or search.
    name: purpose of a bucket, queue or topic, or name of a secret; "" for the last two. access: read, write,
    read-write, send or receive.
    """

    kind: str
    name: str
    access: str


@dataclass(frozen=True, slots=True)
class AccountNeed:
    """A service account and what it may do. value: the values path of its name ("": the chart's name is fixed).
    role: where its role goes in the values. by_name: there as path and name, to which the chart adds "arn:aws:iam::
    <account>:role/", and not as an ARN (M5). assumes_itself: the service signs with the keys of a role that it assumes.
    """

    service_account: str
    grants: tuple[Grant, ...]
    role: str
    value: str = ""
    by_name: bool = False
    assumes_itself: bool = False


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket by purpose. notifies: purpose of the queue that is told of new objects, through a topic of the bucket's
    purpose. uploads: browsers put objects there from the commons' pages."""

    purpose: str
    what: str
    notifies: str = ""
    uploads: bool = False


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue by purpose."""

    purpose: str
    what: str


@dataclass(frozen=True, slots=True)
class ServiceNeed:
    """What one service needs in AWS."""

    accounts: tuple[AccountNeed, ...]
    buckets: tuple[Bucket, ...] = ()
    queues: tuple[Queue, ...] = ()


def _annotation(block: str) -> str:
    return f"{block}.annotations.eks\\.amazonaws\\.com/role-arn"


UPLOADS = Bucket("uploads", "what people upload", notifies="uploads", uploads=True)
MANIFESTS = Bucket("manifests", "lists of files for workspaces and downloads")
EXPORTS = Bucket("exports", "what sower exports")
UPLOAD_EVENTS = Queue("uploads", "which objects were uploaded")
AUDIT_LOGS = Queue("audit", "who signed in and who downloaded what, from fence to audit")

NEEDS: Mapping[str, ServiceNeed] = MappingProxyType(
    {
        "fence": ServiceNeed(
            (AccountNeed(FENCE, (), _annotation("fence.serviceAccount"), "fence.serviceAccount.name"),),
        ),
        "audit": ServiceNeed(
            (
                AccountNeed(
                    "audit-service-sa",
                    (Grant("queue", "audit", "receive"),),
                    _annotation("audit.serviceAccount"),
                    "audit.serviceAccount.name",
                ),
            ),
            queues=(AUDIT_LOGS,),
        ),
        "aws-es-proxy": ServiceNeed(
            (
                AccountNeed(
                    "aws-es-proxy-sa",
                    (Grant("search", "", "read-write"),),
                    "global.aws.awsEsProxyRoleArn",
                    "aws-es-proxy.serviceAccount.name",
                ),
            ),
        ),
        # Without workspaces that are paid for, hatchery asks nothing of AWS; the chart annotates its account anyway.
        "hatchery": ServiceNeed(
            (AccountNeed("hatchery-service-account", (), "global.aws.hatchery_role", by_name=True),)
        ),
        "manifestservice": ServiceNeed(
            (
                AccountNeed(
                    "manifestservice-sa",
                    (Grant("bucket", "manifests", "read-write"),),
                    _annotation("manifestservice.serviceAccount"),
                    "manifestservice.serviceAccount.name",
                ),
            ),
            buckets=(MANIFESTS,),
        ),
        "sower": ServiceNeed(
            (
                AccountNeed(
                    "sower-service-account",
                    (Grant("bucket", "exports", "read-write"),),
                    "global.aws.sower_role",
                    "sower.serviceAccount.name",
                    by_name=True,
                ),
            ),
            buckets=(EXPORTS,),
        ),
        "ssjdispatcher": ServiceNeed(
            (
                AccountNeed(
                    "ssjdispatcher-sa",
                    (Grant("queue", "uploads", "receive"),),
                    _annotation("ssjdispatcher.serviceAccount"),
                    "ssjdispatcher.serviceAccount.name",
                ),
                AccountNeed(
                    "ssjdispatcher-job-sa",
                    (Grant("bucket", "uploads", "read"),),
                    _annotation("ssjdispatcher.jobServiceAccount"),
                ),
            ),
            buckets=(UPLOADS,),
            queues=(UPLOAD_EVENTS,),
        ),
    }
)
"""By service; what is not here asks nothing of AWS."""

_FENCE_ADDS: Mapping[str, tuple[Grant, ...]] = MappingProxyType(
    {
        "audit": (Grant("queue", "audit", "send"),),
        "ssjdispatcher": (Grant("bucket", "uploads", "read-write"),),
    }
)
"""What fence may do besides, where the other service is on."""

STORE = AccountNeed(
    SECRET_STORE,
    (Grant("environment-secrets", "", "read"),),
    "global.aws.secretStoreServiceAccount.roleArn",
    "global.aws.secretStoreServiceAccount.name",
)
"""External Secrets reads this environment's secrets as this account, and no other environment's."""


def accounts(on: Iterable[str]) -> tuple[AccountNeed, ...]:
    """Every service account with a role, in order of services, the secret store's last."""
    running = list(on)
    found: list[AccountNeed] = []
    for name in running:
        for account in NEEDS[name].accounts if name in NEEDS else ():
            if account.service_account == FENCE:
                more = tuple(grant for other in running for grant in _FENCE_ADDS.get(other, ()))
                signs = any(grant.kind == "bucket" for grant in more)
                found.append(replace(account, grants=account.grants + more, assumes_itself=signs))
            else:
                found.append(account)
    return (*found, STORE)


def buckets(on: Iterable[str]) -> tuple[Bucket, ...]:
    """Buckets that must exist, each once."""
    return tuple(dict.fromkeys(bucket for name in on if name in NEEDS for bucket in NEEDS[name].buckets))


def queues(on: Iterable[str]) -> tuple[Queue, ...]:
    """Queues that must exist, each once."""
    return tuple(dict.fromkeys(queue for name in on if name in NEEDS for queue in NEEDS[name].queues))


def settings(on: Iterable[str], namespace: str, hostname: str) -> dict[str, Any]:
    """What the layer `resources` is told: buckets, queues, topics and roles of service accounts."""
    running = tuple(on)
    found = buckets(running)
    return {
        "hostname": hostname,
        "buckets": [{"purpose": bucket.purpose, "browser": bucket.uploads} for bucket in found],
        "queues": [{"purpose": queue.purpose} for queue in queues(running)],
        "topics": [
            {"purpose": bucket.purpose, "bucket": bucket.purpose, "queues": [bucket.notifies]}
            for bucket in found
            if bucket.notifies
        ],
        "roles": [
            {
                "service_account": account.service_account,
                "namespace": namespace,
                **({"assumes_itself": True} if account.assumes_itself else {}),
                "grants": [_grant(grant) for grant in account.grants],
            }
            for account in accounts(running)
        ],
    }


def _grant(grant: Grant) -> dict[str, str]:
    named = {"name": grant.name} if grant.name else {}
    return {"kind": grant.kind, **named, "access": grant.access}
