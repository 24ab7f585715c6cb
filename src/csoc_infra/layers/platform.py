"""Roles for what runs in every cluster besides Gen3, each for one service account; and the addon for volumes.

What a role may is narrowed to its own cluster: load balancers by the tag that the controller puts on them, groups of
nodes by the tag that EKS puts on them, DNS by named zones. The driver of volumes has AWS's policy, which lets it touch
only what such a driver made, in any cluster of the account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_eks as eks

from csoc_infra import checks
from csoc_infra.context import Given
from csoc_infra.parts.load_balancing import statements as load_balancing
from csoc_infra.settings import setting

NAME = "platform"
INPUTS = ("NetworkVpcId", "ClusterClusterName", "ClusterOidcProviderArn", "ClusterOidcIssuer")
OPTIONAL_INPUTS: tuple[str, ...] = ()
OUTPUTS = ("LoadBalancerControllerRoleArn", "ExternalDnsRoleArn", "StorageDriverRoleArn", "AutoscalerRoleArn")

_ACCOUNT = checks.matches(r"[a-z0-9-]{1,63}:[a-z0-9.-]{1,253}", "a service account as namespace:name")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the platform's roles.

    dns_zones: ids of the hosted zones in which ExternalDNS keeps records; without any it gets no role.
    storage_driver: whether the addon for EBS volumes is installed; its version, "" for EKS's default. The rest are the
    service accounts that take the roles.
    """

    dns_zones: tuple[str, ...] = setting(
        default=(),
        check=checks.each(checks.matches(r"Z[A-Z0-9]{5,31}", "the id of a hosted zone, like Z0123456789ABC")),
    )
    storage_driver: bool = True
    storage_driver_version: str = setting(
        default="", check=checks.matches(r"v\d+\.\d+\.\d+-eksbuild\.\d+|", "a version like v1.50.1-eksbuild.1")
    )
    load_balancer_account: str = setting(default="kube-system:aws-load-balancer-controller", check=_ACCOUNT)
    external_dns_account: str = setting(default="external-dns:external-dns", check=_ACCOUNT)
    autoscaler_account: str = setting(default="kube-system:cluster-autoscaler", check=_ACCOUNT)


def build(stack: cdk.Stack, settings: Settings, given: Given) -> Mapping[str, str]:
    """See `csoc_infra.layers.table.LayerModule`."""
    balancer = given.role(
        "LoadBalancerControllerRole",
        "load-balancers",
        description="The AWS load balancer controller",
        trust=given.pod_trust(settings.load_balancer_account),
        statements=load_balancing(given),
    )
    storage = given.role(
        "StorageDriverRole",
        "volumes",
        description="The driver of EBS volumes",
        trust=given.pod_trust("kube-system:ebs-csi-controller-sa"),
        managed=["AmazonEBSCSIDriverPolicyV2"],
    )
    autoscaler = given.role(
        "AutoscalerRole",
        "autoscaler",
        description="The cluster autoscaler",
        trust=given.pod_trust(settings.autoscaler_account),
        statements=_autoscaling(given),
    )
    dns = ""
    if settings.dns_zones:
        dns = given.role(
            "ExternalDnsRole",
            "external-dns",
            description="ExternalDNS, in the zones that are named",
            trust=given.pod_trust(settings.external_dns_account),
            statements=_dns(settings, given),
        ).attr_arn
    if settings.storage_driver:
        eks.CfnAddon(
            stack,
            "AddonStorageDriver",
            addon_name="aws-ebs-csi-driver",
            addon_version=settings.storage_driver_version or None,
            cluster_name=given["ClusterClusterName"],
            service_account_role_arn=storage.attr_arn,
            resolve_conflicts="OVERWRITE",
        )
    return {
        "LoadBalancerControllerRoleArn": balancer.attr_arn,
        "ExternalDnsRoleArn": dns,
        "StorageDriverRoleArn": storage.attr_arn,
        "AutoscalerRoleArn": autoscaler.attr_arn,
    }


def _autoscaling(given: Given) -> Sequence[Mapping[str, object]]:
    """As the autoscaler's own documentation has it (cluster-autoscaler/cloudprovider/aws/README.md of
    kubernetes/autoscaler, "Full Cluster Autoscaler Features Policy"), but for the groups of this cluster only."""
    return [
        {
            "Effect": "Allow",
            "Action": [
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingInstances",
                "autoscaling:DescribeLaunchConfigurations",
                "autoscaling:DescribeScalingActivities",
                "autoscaling:DescribeTags",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplateVersions",
                "ec2:GetInstanceTypesFromInstanceRequirements",
            ],
            "Resource": "*",
        },
        {
            "Effect": "Allow",
            "Action": "eks:DescribeNodegroup",
            "Resource": cdk.Fn.join("", [given.arn("eks", "nodegroup/"), given["ClusterClusterName"], "/*"]),
        },
        {
            "Effect": "Allow",
            "Action": ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
            "Resource": given.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/eks-*"),
            "Condition": {"StringEquals": {"aws:ResourceTag/eks:cluster-name": given["ClusterClusterName"]}},
        },
    ]


def _dns(settings: Settings, given: Given) -> Sequence[Mapping[str, object]]:
    """As ExternalDNS's own documentation has it (docs/tutorials/aws.md of kubernetes-sigs/external-dns), but for named
    zones only. It is told them by id, since it reads every zone that its filters let through."""
    zones = [f"arn:{given.partition}:route53:::hostedzone/{zone}" for zone in settings.dns_zones]
    return [
        {
            "Effect": "Allow",
            "Action": [
                "route53:ChangeResourceRecordSets",
                "route53:ListResourceRecordSets",
                "route53:ListTagsForResource",
                "route53:ListTagsForResources",
            ],
            "Resource": zones,
        },
        {"Effect": "Allow", "Action": "route53:ListHostedZones", "Resource": "*"},
    ]
