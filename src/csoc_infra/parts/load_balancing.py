"""What the AWS load balancer controller may: the policy that its project publishes (docs/install/iam_policy.json of
kubernetes-sigs/aws-load-balancer-controller), with what it makes narrowed to its own cluster and network.

The published policy lets every controller change what any controller in the account has made, since it asks only that
the cluster's tag is there. Here the tag must name this cluster. Classic WAF and Shield, which have no place in these
networks, are left out; csoc switches them off in the controller's chart too. Compared with the policy of v2.16.0, the
version that csoc installs, and of v3.5.0 on 2026-11-23: both have the same actions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from csoc_infra.context import Given

_TAG = "elbv2.k8s.aws/cluster"

_READ = (
    "acm:DescribeCertificate",
    "acm:ListCertificates",
    "cognito-idp:DescribeUserPoolClient",
    "ec2:DescribeAccountAttributes",
    "ec2:DescribeAddresses",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeCoipPools",
    "ec2:DescribeInstances",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeIpamPools",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeTags",
    "ec2:DescribeVpcPeeringConnections",
    "ec2:DescribeVpcs",
    "ec2:GetCoipPoolUsage",
    "ec2:GetSecurityGroupsForVpc",
    "elasticloadbalancing:DescribeCapacityReservation",
    "elasticloadbalancing:DescribeListenerAttributes",
    "elasticloadbalancing:DescribeListenerCertificates",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeLoadBalancerAttributes",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeSSLPolicies",
    "elasticloadbalancing:DescribeTags",
    "elasticloadbalancing:DescribeTargetGroupAttributes",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "elasticloadbalancing:DescribeTrustStores",
    "iam:GetServerCertificate",
    "iam:ListServerCertificates",
    "shield:GetSubscriptionState",
    "wafv2:GetWebACL",
    "wafv2:GetWebACLForResource",
)
_CHANGE_OWN = (
    "elasticloadbalancing:DeleteLoadBalancer",
    "elasticloadbalancing:DeleteTargetGroup",
    "elasticloadbalancing:ModifyCapacityReservation",
    "elasticloadbalancing:ModifyIpPools",
    "elasticloadbalancing:ModifyListenerAttributes",
    "elasticloadbalancing:ModifyLoadBalancerAttributes",
    "elasticloadbalancing:ModifyTargetGroup",
    "elasticloadbalancing:ModifyTargetGroupAttributes",
    "elasticloadbalancing:SetIpAddressType",
    "elasticloadbalancing:SetSecurityGroups",
    "elasticloadbalancing:SetSubnets",
)
_LISTENERS = (
    "elasticloadbalancing:AddListenerCertificates",
    "elasticloadbalancing:CreateListener",
    "elasticloadbalancing:CreateRule",
    "elasticloadbalancing:DeleteListener",
    "elasticloadbalancing:DeleteRule",
    "elasticloadbalancing:ModifyListener",
    "elasticloadbalancing:ModifyRule",
    "elasticloadbalancing:RemoveListenerCertificates",
    "elasticloadbalancing:SetRulePriorities",
)


def statements(given: Given) -> Sequence[Mapping[str, object]]:
    """Needs the inputs NetworkVpcId and ClusterClusterName."""
    cluster = given["ClusterClusterName"]
    requested = {"StringEquals": {f"aws:RequestTag/{_TAG}": cluster}}
    owned = {"StringEquals": {f"aws:ResourceTag/{_TAG}": cluster}}
    groups = given.arn("ec2", "security-group/*")
    in_network = {"ArnEquals": {"ec2:Vpc": given.arn("ec2", f"vpc/{given['NetworkVpcId']}")}}
    balancers = [given.arn("elasticloadbalancing", f"{kind}/*") for kind in ("loadbalancer", "targetgroup")]
    listeners = [given.arn("elasticloadbalancing", f"{kind}/*") for kind in ("listener", "listener-rule")]
    return [
        {
            "Effect": "Allow",
            "Action": "iam:CreateServiceLinkedRole",
            "Resource": given.arn("iam", "role/aws-service-role/elasticloadbalancing.amazonaws.com/*", region=""),
            "Condition": {"StringEquals": {"iam:AWSServiceName": "elasticloadbalancing.amazonaws.com"}},
        },
        {"Effect": "Allow", "Action": list(_READ), "Resource": "*"},
        # Rules of the nodes' own groups too, so that targets can be reached; in this network only.
        {
            "Effect": "Allow",
            "Action": ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"],
            "Resource": groups,
            "Condition": in_network,
        },
        # A rule knows no network; without the statement before, this one allows nothing.
        {
            "Effect": "Allow",
            "Action": ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"],
            "Resource": given.arn("ec2", "security-group-rule/*"),
        },
        {
            "Effect": "Allow",
            "Action": "ec2:CreateSecurityGroup",
            "Resource": [groups, given.arn("ec2", f"vpc/{given['NetworkVpcId']}")],
        },
        {
            "Effect": "Allow",
            "Action": "ec2:CreateTags",
            "Resource": groups,
            "Condition": {"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup", **requested["StringEquals"]}},
        },
        {
            "Effect": "Allow",
            "Action": ["ec2:CreateTags", "ec2:DeleteTags", "ec2:DeleteSecurityGroup"],
            "Resource": groups,
            "Condition": owned,
        },
        {
            "Effect": "Allow",
            "Action": ["elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"],
            "Resource": "*",
            "Condition": requested,
        },
        {"Effect": "Allow", "Action": list(_LISTENERS), "Resource": [*balancers, *listeners], "Condition": owned},
        {
            "Effect": "Allow",
            "Action": ["elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags"],
            "Resource": [*balancers, *listeners],
            "Condition": owned,
        },
        {
            "Effect": "Allow",
            "Action": "elasticloadbalancing:AddTags",
            "Resource": [*balancers, *listeners],
            "Condition": requested,
        },
        {"Effect": "Allow", "Action": list(_CHANGE_OWN), "Resource": [*balancers, *listeners], "Condition": owned},
        {
            "Effect": "Allow",
            "Action": ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"],
            "Resource": given.arn("elasticloadbalancing", "targetgroup/*"),
            "Condition": owned,
        },
        # A web ACL is another one's resource: which of them, the network's stack and the ingress say.
        {
            "Effect": "Allow",
            "Action": [
                "elasticloadbalancing:SetWebAcl",
                "wafv2:AssociateWebACL",
                "wafv2:DisassociateWebACL",
            ],
            "Resource": [
                given.arn("elasticloadbalancing", "loadbalancer/app/*"),
                given.arn("wafv2", "regional/webacl/*"),
            ],
        },
    ]
