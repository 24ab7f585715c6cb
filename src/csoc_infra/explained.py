"""Findings of cdk-nag's AwsSolutions in the templates that stay, each with the reason.

A finding that stands here for no reason is as bad as one that nobody has looked at, so a test wants an entry for each
finding and a finding for each entry. The NIST 800-53 findings are gaps, not explained away: docs/reference/nag.md lists
them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explained:
    """layer: its name. rule, where: patterns that the rule's id and the resource's logical id fit as a whole."""

    layer: str
    rule: str
    where: str
    reason: str


_MANAGED = "The policy is what AWS says this service needs; it follows the service, and the boundary limits the role"

EXPLAINED: tuple[Explained, ...] = (
    Explained(
        "network",
        r"AwsSolutions-IAM5\[Resource::\*\]",
        "FlowLogRole",
        "Flow logs look their group up by logs:DescribeLogGroups, which knows no resource",
    ),
    Explained(
        "egress",
        r"AwsSolutions-IAM5\[Resource::\*\]",
        r"Role\d",
        "ec2:DescribeNetworkInterfaces and cloudwatch:PutMetricData know no resource; the metric's namespace is named",
    ),
    Explained(
        "egress",
        r"AwsSolutions-IAM5\[Resource::arn:aws:ec2:.*:instance/\*\]",
        r"Role\d",
        "A machine's id is not known before it starts; the owner's tag on it is asked for, and the interface is named",
    ),
    Explained(
        "egress",
        r"AwsSolutions-IAM5\[Resource::arn:aws:autoscaling:.*:autoScalingGroupName/csoc-[a-z0-9]{10}-egress-\d\]",
        r"Role\d",
        "An Auto Scaling group's ARN has a random part before the name, which is named whole",
    ),
    Explained(
        "egress",
        "AwsSolutions-EC23",
        "SecurityGroup",
        "The network's addresses are a parameter, which the rule cannot read; nothing else may come in",
    ),
    Explained(
        "egress",
        "AwsSolutions-AS3",
        r"Group\d",
        "An alarm tells people when a proxy does not work; that a machine was replaced is no news",
    ),
    Explained("cluster", r"AwsSolutions-IAM4\[.*/AmazonEKSClusterPolicy\]", "ClusterRole", _MANAGED),
    Explained(
        "cluster",
        r"AwsSolutions-IAM4\[.*/(AmazonEKSWorkerNodePolicy|AmazonEC2ContainerRegistryPullOnly|AmazonEKS_CNI_Policy)\]",
        "NodeRole",
        _MANAGED,
    ),
    Explained(
        "cluster",
        "AwsSolutions-EKS1",
        "Cluster",
        "The API has a public address only where the document names the networks that may reach it",
    ),
    Explained("platform", r"AwsSolutions-IAM4\[.*/AmazonEBSCSIDriverPolicyV2\]", "StorageDriverRole", _MANAGED),
    Explained(
        "platform",
        r"AwsSolutions-IAM5\[Resource::\*\]",
        "LoadBalancerControllerRole|AutoscalerRole|ExternalDnsRole",
        "Describe and List know no resource; load balancers are made with the cluster's tag or not at all",
    ),
    Explained(
        "platform",
        r"AwsSolutions-IAM5\[Resource::arn:aws:(ec2|elasticloadbalancing|iam|wafv2):.*\]",
        "LoadBalancerControllerRole",
        "The controller makes these things under names of its own; its cluster's tag or network is asked for, "
        "except where a web ACL is put before a load balancer",
    ),
    Explained(
        "platform",
        r"AwsSolutions-IAM5\[Resource::arn:aws:(eks|autoscaling):.*\]",
        "AutoscalerRole",
        "EKS names the groups of nodes itself; the cluster's name is in the ARN or asked for as a tag",
    ),
    Explained(
        "database",
        "AwsSolutions-OS3",
        "Search",
        "The domain is in the VPC and in a security group; an allow-list of addresses cannot be set there",
    ),
    Explained(
        "database",
        "AwsSolutions-OS4",
        "Search",
        "Dedicated main nodes come with the size large; indices are made anew from the database at any time",
    ),
    Explained(
        "database",
        "AwsSolutions-OS7",
        "Search",
        "One node in one zone is what the size small means; indices are made anew from the database at any time",
    ),
    Explained(
        "database",
        "AwsSolutions-SMG4",
        "MasterSecret",
        "Rotation needs a function inside the network; csoc rotates by runs, when services can be told",
    ),
    Explained(
        "credentials",
        "AwsSolutions-SMG4",
        "Secret.*",
        "Gen3's services read secrets when they start, so rotation alone would break them; csoc rotates by runs",
    ),
    Explained(
        "resources",
        r"AwsSolutions-IAM5\[Resource::.*/\*\]",
        "Role.*",
        "Objects of one bucket, indices of one domain, secrets of one environment: what the service account works with",
    ),
)
