"""What a role may do with what an environment has, as IAM statements: by name, never "*".

A service says what it needs in its own words ("read the bucket uploads"), and this is the only place that knows which
actions and which use of a key that takes. Keys may be used through the service that needs them and for what was named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from csoc_infra import checks
from csoc_infra.mistakes import MistakeError, shown
from csoc_infra.settings import setting

Statement = Mapping[str, Any]
Kind = Literal["bucket", "queue", "topic", "secret", "environment-secrets", "search"]
Access = Literal["read", "write", "read-write", "send", "receive"]

_UNNAMED = ("environment-secrets", "search")
_READ, _WRITE, _SEND, _RECEIVE = (
    ("read", "read-write"),
    ("write", "read-write"),
    ("send", "read-write"),
    ("receive", "read-write"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """kind, name: of what; name is left out for search, of which there is one, and environment-secrets, which is all
    secrets of the environment with the database's master user. access: read, write or read-write; send and receive for
    queues and topics."""

    kind: Kind
    name: str = setting(
        default="",
        # A name with a star in it would be a grant of more than one thing.
        check=checks.matches(
            r"([a-z0-9]([a-z0-9._-]{0,60}[a-z0-9])?)?", "lower-case letters, digits, dots, hyphens and underscores"
        ),
    )
    access: Access

    def __post_init__(self) -> None:
        if (self.kind in _UNNAMED) == bool(self.name):
            wanted = "nothing is to be named" if self.name else "is missing"
            raise MistakeError("name", f"{wanted} for {self.kind}")
        if self.access not in ACCESSES[self.kind]:
            raise MistakeError("access", f"{self.kind} has {', '.join(ACCESSES[self.kind])}, not {self.access}")


ACCESSES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "bucket": ("read", "write", "read-write"),
        "queue": ("send", "receive", "read-write"),
        "topic": ("send",),
        "secret": ("read",),
        "environment-secrets": ("read",),
        "search": ("read", "read-write"),
    }
)
"""What can be granted of each kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Things:
    """ARNs of what can be granted. The callables are asked only for what somebody needs, since each makes a parameter;
    database_key and search give "" where there is none.

    secret_prefix: of the ARNs of the environment's secrets, up to their names. region: where all of it is.
    """

    region: str
    buckets: Mapping[str, str]
    queues: Mapping[str, str]
    topics: Mapping[str, str]
    key: str
    secret_prefix: str
    secrets_key: Callable[[], str]
    database_key: Callable[[], str]
    database_secret: Callable[[], str]
    search: Callable[[], str]


def statements(grants: Sequence[Grant], things: Things) -> list[Statement]:
    """The statements of a role. Raises MistakeError with a path below the grants for what there is not."""
    found: list[Statement] = []
    for number, grant in enumerate(grants):
        try:
            found += _KINDS[grant.kind](grant, things)
        except KeyError:
            raise MistakeError(
                f"grants[{number}].name",
                f"there is no {grant.kind} {shown(grant.name)}",
                f"There are {', '.join(_named(grant.kind, things)) or 'none'}",
            ) from None
        except MistakeError as mistake:
            raise mistake.below(f"grants[{number}]") from None
    return found


def _named(kind: str, things: Things) -> Sequence[str]:
    return tuple({"bucket": things.buckets, "queue": things.queues, "topic": things.topics}[kind])


def _allow(actions: Sequence[str], *resources: str, condition: Mapping[str, Any] | None = None) -> Statement:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return statement | {"Condition": condition} if condition else statement


def _key(
    things: Things, arn: str, service: str, actions: Sequence[str], context: Mapping[str, Sequence[str]] | None = None
) -> Statement:
    """Use of a key through a service in this region. context: what the encryption context must be like."""
    condition: dict[str, Any] = {"StringEquals": {"kms:ViaService": f"{service}.{things.region}.amazonaws.com"}}
    if context:
        condition["ArnLike"] = {f"kms:EncryptionContext:{name}": list(values) for name, values in context.items()}
    return _allow(actions, arn, condition=condition)


def _bucket(grant: Grant, things: Things) -> list[Statement]:
    arn = things.buckets[grant.name]
    found = [_allow(("s3:GetBucketLocation", "s3:ListBucket"), arn)]
    objects: list[str] = []
    if grant.access in _READ:
        objects += ["s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion"]
    if grant.access in _WRITE:
        found.append(_allow(("s3:ListBucketMultipartUploads",), arn))
        # Versions are not deleted, so that what a service deletes can be had back.
        objects += ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:PutObject"]
    found.append(_allow(objects, f"{arn}/*"))
    # Parts of an upload are decrypted when they are put together, so who writes decrypts too.
    keys = ["kms:Decrypt", "kms:GenerateDataKey"] if grant.access in _WRITE else ["kms:Decrypt"]
    # With a bucket key the context is the bucket, without it the object.
    found.append(_key(things, things.key, "s3", keys, {"aws:s3:arn": (arn, f"{arn}/*")}))
    return found


def _queue(grant: Grant, things: Things) -> list[Statement]:
    arn = things.queues[grant.name]
    actions, keys = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"], ["kms:Decrypt"]
    if grant.access in _RECEIVE:
        actions += ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"]
    if grant.access in _SEND:
        actions.append("sqs:SendMessage")
        keys.append("kms:GenerateDataKey")
    return [_allow(sorted(actions), arn), _key(things, things.key, "sqs", keys, {"aws:sqs:arn": (arn,)})]


def _topic(grant: Grant, things: Things) -> list[Statement]:
    arn = things.topics[grant.name]
    keys = ("kms:Decrypt", "kms:GenerateDataKey")
    return [_allow(("sns:Publish",), arn), _key(things, things.key, "sns", keys, {"aws:sns:topicArn": (arn,)})]


_SECRET_READ = ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue")


def _secret(grant: Grant, things: Things) -> list[Statement]:
    # Secrets Manager adds a hyphen and six characters to each name.
    return _secrets(things, f"{things.secret_prefix}{grant.name}-??????")


def _all_secrets(_grant: Grant, things: Things) -> list[Statement]:
    master, key = things.database_secret(), things.database_key()
    own = [*_secrets(things, f"{things.secret_prefix}*"), _allow(_SECRET_READ, master)]
    return [*own, _key(things, key, "secretsmanager", ("kms:Decrypt",), {"SecretARN": (master,)})] if key else own


def _secrets(things: Things, arn: str) -> list[Statement]:
    return [
        _allow(_SECRET_READ, arn),
        _key(things, things.secrets_key(), "secretsmanager", ("kms:Decrypt",), {"SecretARN": (arn,)}),
    ]


def _search(grant: Grant, things: Things) -> list[Statement]:
    arn = things.search()
    if not arn:
        raise MistakeError("", "there is no search domain", "Ask for one in the layer database: its setting search")
    if grant.access == "read":
        # A search is a POST, as a write is; so those that only ask are named by their paths.
        asked = [f"{arn}/{path}" for path in ("_search", "_msearch", "*/_search", "*/_msearch", "*/_count", "*/_mget")]
        return [_allow(("es:ESHttpGet", "es:ESHttpHead"), f"{arn}/*"), _allow(("es:ESHttpPost",), *asked)]
    methods = ("Delete", "Get", "Head", "Patch", "Post", "Put")
    return [_allow([f"es:ESHttp{method}" for method in methods], f"{arn}/*")]


_KINDS: Mapping[str, Callable[[Grant, Things], list[Statement]]] = MappingProxyType(
    {
        "bucket": _bucket,
        "queue": _queue,
        "topic": _topic,
        "secret": _secret,
        "environment-secrets": _all_secrets,
        "search": _search,
    }
)
