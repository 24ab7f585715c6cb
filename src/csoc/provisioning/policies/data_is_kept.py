"""Databases, buckets, keys, file systems and secrets are not replaced or removed, whoever approved it.

An approval is a yes to a page with many lines, and the line that loses ten years of data looks like the others. So it
needs a word of its own for each such resource, once. (One flag of a predecessor deleted Aurora, another one EKS.)
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.provisioning.plans import PolicyFinding
from csoc.provisioning.policies.policy import Considered
from csoc.provisioning.stacks import Action

NAME = "data-is-kept"

HOLD_DATA = frozenset(
    {
        "AWS::Backup::BackupVault",
        "AWS::DynamoDB::Table",
        "AWS::EFS::FileSystem",
        "AWS::KMS::Key",
        "AWS::OpenSearchService::Domain",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::S3::Bucket",
        "AWS::SecretsManager::Secret",
    }
)
"""Types whose resources hold what cannot be made again."""

_LOSES = {
    Action.REPLACE: "would be replaced by an empty one",
    Action.MAYBE_REPLACE: "may be replaced by an empty one",
    Action.REMOVE: "would be removed",
}


def judge(considered: Considered) -> Iterator[PolicyFinding]:
    """One finding for each resource with data that the plan would replace or remove, unless it is unlocked or kept."""
    for change in considered.changes:
        if change.type not in HOLD_DATA or change.action not in _LOSES:
            continue
        subject = f"{considered.layer}/{change.logical_id}"
        if change.action is Action.REMOVE and change.kept:
            continue
        if subject in considered.unlocks:
            yield PolicyFinding(
                NAME,
                subject,
                f"{change.physical_id or change.logical_id} {_LOSES[change.action]}; it is unlocked",
                "",
                False,
            )
            continue
        because = _causes(change.properties)
        yield PolicyFinding(
            NAME,
            subject,
            f"{change.physical_id or change.logical_id} ({change.type}) {_LOSES[change.action]}{because}",
            f"Undo what causes it, or plan again with --unlock {subject} if its data may be lost",
            True,
        )


def _causes(properties: tuple[object, ...]) -> str:
    paths = sorted(
        {getattr(one, "path", "") for one in properties if getattr(one, "replaces", "never") != "never"} - {""}
    )
    return f", since {', '.join(paths)} changes" if paths else ""
