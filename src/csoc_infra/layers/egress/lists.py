"""What the proxy lets out: names of hosts, parsed so that squid takes them as they are.

A name stands for itself; one that begins with a dot stands for a domain and everything below it. squid refuses its
whole configuration for a name that is there twice or that another one covers, which is no time to find out, so the
document is refused instead. The names that nodes and the platform cannot do without are added here by region.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence

from csoc_infra import checks
from csoc_infra.mistakes import MistakeError, shown

CHUNKS = 8
CHUNK_LENGTH = 4_000
"""A parameter of the standard tier holds 4,096 characters."""

# S3 and DynamoDB go through the network's gateway endpoints, and instance metadata never leaves the machine.
_SERVICES = (
    ".dkr.ecr.{region}.{suffix}",
    ".{region}.eks.{suffix}",
    "api.ecr.{region}.{suffix}",
    "autoscaling.{region}.{suffix}",
    "ec2.{region}.{suffix}",
    "eks-auth.{region}.api.aws",
    "eks.{region}.{suffix}",
    "elasticloadbalancing.{region}.{suffix}",
    "kms.{region}.{suffix}",
    "logs.{region}.{suffix}",
    "monitoring.{region}.{suffix}",
    "secretsmanager.{region}.{suffix}",
    "sns.{region}.{suffix}",
    "sqs.{region}.{suffix}",
    "ssm.{region}.{suffix}",
    "sts.{region}.{suffix}",
    "wafv2.{region}.{suffix}",
)


def check(names: Sequence[str]) -> None:
    """Raises MistakeError, with a path below the list's own, for names that squid would refuse."""
    places: dict[str, int] = {}
    for number, name in enumerate(names):
        try:
            checks.hostname(name.removeprefix("."))
        except ValueError as error:
            raise MistakeError(f"[{number}]", f"{error}, or .example.org for all below it, not {shown(name)}") from None
        if name in places:
            raise MistakeError(f"[{number}]", f"{name} is there already, as number {places[name]}")
        places[name] = number
    for name, number in places.items():
        cover = _cover(name, places)
        if cover:
            raise MistakeError(
                f"[{number}]", f"{cover}, number {places[cover]}, covers {name} already", "Leave one of the two out"
            )


def allowed(names: Sequence[str], region: str, partition: str) -> Sequence[str]:
    """The whole list, sorted: these names and those of the region's services, without any that another covers."""
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    whole = {*names, *(name.format(region=region, suffix=suffix) for name in _SERVICES)}
    return sorted(name for name in whole if not _cover(name, whole))


def chunks(names: Iterable[str]) -> Mapping[int, str]:
    """The list in parts that fit a parameter, by number. A name's part depends on nothing but the name, so that an
    edit changes few parameters and no name is missing while they change. Raises MistakeError."""
    parts: dict[int, list[str]] = {}
    for name in names:
        parts.setdefault(zlib.crc32(name.encode()) % CHUNKS, []).append(name)
    texts = {number: " ".join(sorted(part)) for number, part in sorted(parts.items())}
    if any(len(text) > CHUNK_LENGTH for text in texts.values()):
        raise MistakeError("", "the list is too long", f"It can have about {CHUNKS * CHUNK_LENGTH // 30:,} names")
    return texts


def _cover(name: str, names: Iterable[str]) -> str:
    """The name with a dot that covers this one, "" if none does."""
    known = names if isinstance(names, (dict, set)) else set(names)
    own = name.removeprefix(".")
    if not name.startswith(".") and f".{own}" in known:
        return f".{own}"
    rest = own
    while "." in rest:
        rest = rest.partition(".")[2]
        if f".{rest}" in known:
            return f".{rest}"
    return ""
