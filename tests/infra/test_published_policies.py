"""The roles of the platform hold every action that the program which takes them asks for, as its project publishes it.

The lists are facts of the versions that `csoc.clusters.platform` pins, read from the projects' repositories on
2026-11-23. Where ours is shorter, the reason is here, and what is left out is switched off in the chart.
"""

from __future__ import annotations

import json

from moto.iam.aws_managed_policies import aws_managed_policies_data

from csoc.clusters.platform import COMPONENTS
from tests.infra.templates import actions, cluster, every, of_type, statements


def _all(service: str, names: str) -> set[str]:
    return {f"{service}:{name}" for name in names.split()}


# kubernetes-sigs/aws-load-balancer-controller, v2.16.0, docs/install/iam_policy.json
BALANCERS = (
    _all("acm", "DescribeCertificate ListCertificates")
    | _all("cognito-idp", "DescribeUserPoolClient")
    | _all(
        "ec2",
        "AuthorizeSecurityGroupIngress CreateSecurityGroup CreateTags DeleteSecurityGroup DeleteTags"
        " DescribeAccountAttributes DescribeAddresses DescribeAvailabilityZones DescribeCoipPools DescribeInstances"
        " DescribeInternetGateways DescribeIpamPools DescribeNetworkInterfaces DescribeRouteTables"
        " DescribeSecurityGroups DescribeSubnets DescribeTags DescribeVpcPeeringConnections DescribeVpcs"
        " GetCoipPoolUsage GetSecurityGroupsForVpc RevokeSecurityGroupIngress",
    )
    | _all(
        "elasticloadbalancing",
        "AddListenerCertificates AddTags CreateListener CreateLoadBalancer CreateRule CreateTargetGroup DeleteListener"
        " DeleteLoadBalancer DeleteRule DeleteTargetGroup DeregisterTargets DescribeCapacityReservation"
        " DescribeListenerAttributes DescribeListenerCertificates DescribeListeners DescribeLoadBalancerAttributes"
        " DescribeLoadBalancers DescribeRules DescribeSSLPolicies DescribeTags DescribeTargetGroupAttributes"
        " DescribeTargetGroups DescribeTargetHealth DescribeTrustStores ModifyCapacityReservation ModifyIpPools"
        " ModifyListener ModifyListenerAttributes ModifyLoadBalancerAttributes ModifyRule ModifyTargetGroup"
        " ModifyTargetGroupAttributes RegisterTargets RemoveListenerCertificates RemoveTags SetIpAddressType"
        " SetRulePriorities SetSecurityGroups SetSubnets SetWebAcl",
    )
    | _all("iam", "CreateServiceLinkedRole GetServerCertificate ListServerCertificates")
    | _all("shield", "CreateProtection DeleteProtection DescribeProtection GetSubscriptionState")
    | _all("waf-regional", "AssociateWebACL DisassociateWebACL GetWebACL GetWebACLForResource")
    | _all("wafv2", "AssociateWebACL DisassociateWebACL GetWebACL GetWebACLForResource")
)
# kubernetes/autoscaler, cluster-autoscaler-1.35.0, cluster-autoscaler/cloudprovider/aws/README.md, with auto-discovery
AUTOSCALER = (
    _all(
        "autoscaling",
        "DescribeAutoScalingGroups DescribeAutoScalingInstances DescribeLaunchConfigurations DescribeScalingActivities"
        " SetDesiredCapacity TerminateInstanceInAutoScalingGroup",
    )
    | _all(
        "ec2",
        "DescribeImages DescribeInstanceTypes DescribeLaunchTemplateVersions GetInstanceTypesFromInstanceRequirements",
    )
    | _all("eks", "DescribeNodegroup")
)
# kubernetes-sigs/external-dns, v0.19.0, docs/tutorials/aws.md
DNS = _all("route53", "ChangeResourceRecordSets ListHostedZones ListResourceRecordSets ListTagsForResources")


def allowed(role: str) -> set[str]:
    """What a role of the platform may, whatever the conditions."""
    return {
        action
        for name, statement in statements(cluster("large", "platform"))
        if name == role and statement["Effect"] == "Allow"
        for action in actions(statement)
    }


def test_the_load_balancer_controller_may_all_that_it_asks_for_but_for_what_its_chart_switches_off() -> None:
    off = COMPONENTS["aws-load-balancer-controller"].values
    assert (off["enableWaf"], off["enableShield"]) == (False, False)
    classic = {one for one in BALANCERS if one.startswith("waf-regional:")}
    shield = _all("shield", "CreateProtection DeleteProtection DescribeProtection")
    assert allowed("LoadBalancerControllerRole") == BALANCERS - classic - shield


def test_the_autoscaler_may_all_that_it_asks_for() -> None:
    assert allowed("AutoscalerRole") >= AUTOSCALER


def test_external_dns_may_all_that_it_asks_for() -> None:
    assert allowed("ExternalDnsRole") >= DNS


def test_the_driver_of_volumes_has_the_policy_that_reaches_only_what_drivers_made() -> None:
    """kubernetes-sigs/aws-ebs-csi-driver, docs/install.md and its issue 2918, 2026-04: the first policy lets it change
    any volume of the account."""
    role = of_type(cluster("small", "platform"), "AWS::IAM::Role")["StorageDriverRole"]
    (policy,) = role["ManagedPolicyArns"]
    assert policy == "arn:aws:iam::aws:policy/AmazonEBSCSIDriverPolicyV2"
    assert not role.get("Policies")


def test_every_managed_policy_that_a_template_names_is_one_of_aws() -> None:
    """As moto keeps AWS's own list: a path that is left out or made up stops a stack."""
    kept = json.loads(aws_managed_policies_data)
    known = {f"arn:aws:iam::aws:policy{one['Path']}{name}" for name, one in kept.items()}
    named = {
        arn
        for _, _, template in every()
        for role in of_type(template, "AWS::IAM::Role").values()
        for arn in role.get("ManagedPolicyArns", ())
    }
    assert len(named) > 4
    assert named <= known
