"""Security groups of what only the cluster's own nodes may reach."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2

from csoc_infra.context import Given
from csoc_infra.parts.shared import CLOSED_EGRESS, retained


def door(
    stack: cdk.Stack, given: Given, logical_id: str, purpose: str, description: str, port: int, *, stays: bool
) -> ec2.CfnSecurityGroup:
    """A security group that lets the cluster's nodes in, and nothing out. stays: it outlives its stack."""
    group = ec2.CfnSecurityGroup(
        stack,
        logical_id,
        group_name=given.name(purpose),
        group_description=description,
        vpc_id=given["NetworkVpcId"],
        security_group_ingress=[
            ec2.CfnSecurityGroup.IngressProperty(
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                source_security_group_id=given["ClusterClusterSecurityGroupId"],
                description=description,
            )
        ],
        security_group_egress=[CLOSED_EGRESS],
    )
    if stays:
        retained(group)
    return group
