"""Keys are made in one way: rotated, named, kept, and open to services only for what they act for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms

from csoc_infra.context import Given, policy
from csoc_infra.parts.shared import retained

_PENDING_DAYS = 30


def key(
    stack: cdk.Stack, given: Given, purpose: str, description: str, statements: Sequence[Mapping[str, Any]] = ()
) -> kms.CfnKey:
    """A key that is rotated each year, with an alias, and kept: without it nothing that it encrypted can be read.

    The account's own policies say who of its people and roles may use it. statements: services that use it in nobody's
    name.
    """
    root = {
        "Sid": "PoliciesOfTheAccount",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{given.partition}:iam::{given.account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    made = kms.CfnKey(
        stack,
        "Key",
        description=description,
        enable_key_rotation=True,
        pending_window_in_days=_PENDING_DAYS,
        key_policy=policy(root, *statements),
    )
    alias = kms.CfnAlias(stack, "KeyAlias", alias_name=f"alias/{given.name(purpose)}", target_key_id=made.attr_arn)
    retained(made)
    retained(alias)
    return made


def logs_use(given: Given, *groups: str) -> Mapping[str, Any]:
    """The statement with which CloudWatch Logs encrypts log groups, by name, with a key."""
    suffix = "amazonaws.com.cn" if given.partition == "aws-cn" else "amazonaws.com"
    return {
        "Sid": "LogGroups",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{given.region}.{suffix}"},
        "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        "Resource": "*",
        "Condition": {
            "ArnEquals": {
                "kms:EncryptionContext:aws:logs:arn": [given.arn("logs", f"log-group:{name}") for name in groups]
            }
        },
    }


def service_uses(given: Given, sid: str, service: str, sources: Sequence[str]) -> Mapping[str, Any]:
    """The statement with which a service encrypts what it hands on for this account. sources: ARNs of what it acts
    for."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": given.account}, "ArnEquals": {"aws:SourceArn": sources}},
    }
