"""What several layers make in the same way."""

from __future__ import annotations

import re

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs

CLOSED_EGRESS = ec2.CfnSecurityGroup.EgressProperty(
    ip_protocol="icmp",
    from_port=252,
    to_port=86,
    cidr_ip="255.255.255.255/32",
    description="Nothing: without a rule of its own a group lets everything out",
)


_ARM = re.compile(r"(a1|[a-z]+\d+g[a-z-]*)\.")


def runs_on_arm(instance_type: str) -> bool:
    """True for machines with ARM processors: their families have a g behind the generation, as m6g and c7gn do."""
    return _ARM.match(instance_type) is not None


def retained(resource: cdk.CfnResource) -> None:
    """Stays in the account when its stack goes or replaces it, except where the stack never came to be."""
    resource.cfn_options.deletion_policy = cdk.CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE
    resource.cfn_options.update_replace_policy = cdk.CfnDeletionPolicy.RETAIN


def log_group(
    stack: cdk.Stack, logical_id: str, name: str, days: int, *, key_arn: str | None = None
) -> logs.CfnLogGroup:
    """A log group that ends what is old and is kept itself. key_arn: of a key that lets CloudWatch Logs use it."""
    group = logs.CfnLogGroup(stack, logical_id, log_group_name=name, retention_in_days=days, kms_key_id=key_arn)
    retained(group)
    return group
