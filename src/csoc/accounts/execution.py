"""What CloudFormation may do for csoc's stacks: every layer's resources, and no way to become more than that.

Names of what csoc makes begin with its prefix, so most statements name it. Where AWS gives names of its own (networks,
keys, certificates), the tag of the installation, which CloudFormation puts on everything a stack makes, takes its
place. One managed policy a feature, so that what one lacks can be pasted alone, and each stays below AWS's limit.
Source: "Actions, resources, and condition keys" of each service, Service Authorization Reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from csoc.accounts import linked_roles
from csoc.accounts.names import INSTALLATION_TAG
from csoc.accounts.terms import Document, Terms, policy, statement

# Roles that stacks make are handed to these services only.
_PASSED_TO = (
    "autoscaling.amazonaws.com", "ec2.amazonaws.com", "eks.amazonaws.com", "monitoring.rds.amazonaws.com",
    "pods.eks.amazonaws.com", "rds.amazonaws.com", "vpc-flow-logs.amazonaws.com",
)  # fmt: skip
_NETWORKS_MADE = (
    "ec2:AllocateAddress", "ec2:CreateDhcpOptions", "ec2:CreateEgressOnlyInternetGateway", "ec2:CreateFlowLogs",
    "ec2:CreateInternetGateway", "ec2:CreateLaunchTemplate", "ec2:CreateManagedPrefixList", "ec2:CreateNatGateway",
    "ec2:CreateNetworkAcl", "ec2:CreateNetworkInterface", "ec2:CreateRouteTable", "ec2:CreateSecurityGroup",
    "ec2:CreateSubnet", "ec2:CreateVpc", "ec2:CreateVpcEndpoint", "ec2:RunInstances",
    # Associations have neither names nor tags.
    "ec2:AssociateAddress", "ec2:AssociateDhcpOptions", "ec2:AssociateRouteTable", "ec2:DisassociateAddress",
    "ec2:DisassociateRouteTable", "ec2:ReplaceNetworkAclAssociation", "ec2:ReplaceRouteTableAssociation",
    "ec2:AttachNetworkInterface", "ec2:DetachNetworkInterface",
)  # fmt: skip
_NETWORKS_CHANGED = (
    "ec2:AssociateSubnetCidrBlock", "ec2:AssociateVpcCidrBlock", "ec2:AttachInternetGateway",
    "ec2:AuthorizeSecurityGroup*", "ec2:CreateLaunchTemplateVersion", "ec2:CreateNetworkAclEntry", "ec2:CreateRoute",
    "ec2:DeleteDhcpOptions", "ec2:DeleteEgressOnlyInternetGateway", "ec2:DeleteFlowLogs",
    "ec2:DeleteInternetGateway", "ec2:DeleteLaunchTemplate*", "ec2:DeleteManagedPrefixList", "ec2:DeleteNatGateway",
    "ec2:DeleteNetworkAcl*", "ec2:DeleteNetworkInterface", "ec2:DeleteRoute*", "ec2:DeleteSecurityGroup",
    "ec2:DeleteSubnet", "ec2:DeleteVpc", "ec2:DeleteVpcEndpoints", "ec2:DetachInternetGateway",
    "ec2:DisassociateSubnetCidrBlock", "ec2:DisassociateVpcCidrBlock", "ec2:ModifyLaunchTemplate",
    "ec2:ModifyManagedPrefixList", "ec2:ModifyNetworkInterfaceAttribute", "ec2:ModifySecurityGroupRules",
    "ec2:ModifySubnetAttribute", "ec2:ModifyVpcAttribute", "ec2:ModifyVpcEndpoint", "ec2:ReleaseAddress",
    "ec2:ReplaceNetworkAclEntry", "ec2:ReplaceRoute", "ec2:RevokeSecurityGroup*", "ec2:TerminateInstances",
    "ec2:UpdateSecurityGroupRuleDescriptions*",
)  # fmt: skip
_LOGS = (
    "logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DeleteRetentionPolicy",
    "logs:DescribeLogGroups", "logs:DisassociateKmsKey", "logs:ListTags*", "logs:PutRetentionPolicy", "logs:Tag*",
    "logs:Untag*", "logs:DescribeIndexPolicies", "logs:GetDataProtectionPolicy",
)  # fmt: skip
_KEYS = (
    "kms:CreateGrant", "kms:DeleteAlias", "kms:DisableKey", "kms:EnableKey*", "kms:GenerateDataKey*",
    "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion", "kms:TagResource", "kms:UntagResource",
    "kms:CreateAlias", "kms:UpdateAlias", "kms:UpdateKeyDescription", "kms:DisableKeyRotation", "kms:Encrypt",
)  # fmt: skip
_WAF = ("webacl", "ipset", "regexpatternset", "rulegroup")


def _tagged(terms: Terms, where: str = "ResourceTag") -> Mapping[str, Mapping[str, Any]]:
    return {"StringEquals": {f"aws:{where}/{INSTALLATION_TAG}": terms.installation}}


def network(terms: Terms) -> Document:
    """VPCs, and what machines of the proxies are made of."""
    everything = terms.arn("ec2", "*/*")
    groups = ("/csoc/*", "csoc-*", "/aws/*/csoc-*", "aws-waf-logs-csoc-*")
    scaling = [terms.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/csoc-*")]
    return policy(
        statement(
            "Look",
            ["autoscaling:Describe*", "cloudwatch:Describe*", "ec2:Describe*", "ec2:GetManagedPrefixListEntries",
             "elasticloadbalancing:Describe*"],
        ),
        statement("Make", _NETWORKS_MADE),
        statement("ChangeOwn", _NETWORKS_CHANGED, condition=_tagged(terms)),
        statement(
            "TagWhileMaking", ["ec2:CreateTags"], [everything], condition={"Null": {"ec2:CreateAction": "false"}}
        ),
        statement("TagOwn", ["ec2:CreateTags", "ec2:DeleteTags"], [everything], condition=_tagged(terms)),
        statement("Logs", _LOGS, [terms.arn("logs", f"log-group:{one}") for one in groups]),
        statement("LogsOfAll", ["logs:DescribeLogGroups", "logs:DescribeResourcePolicies"]),
        statement(
            "Groups",
            ["autoscaling:CreateAutoScalingGroup", "autoscaling:CreateOrUpdateTags",
             "autoscaling:DeleteAutoScalingGroup", "autoscaling:DeleteLifecycleHook", "autoscaling:DeletePolicy",
             "autoscaling:DeleteTags",
             "autoscaling:*MetricsCollection", "autoscaling:PutLifecycleHook", "autoscaling:PutScalingPolicy",
             "autoscaling:ResumeProcesses", "autoscaling:StartInstanceRefresh", "autoscaling:SuspendProcesses",
             "autoscaling:UpdateAutoScalingGroup", "autoscaling:PutNotificationConfiguration"],
            scaling,
        ),
        statement(
            "Alarms",
            ["cloudwatch:DeleteAlarms", "cloudwatch:ListTagsForResource", "cloudwatch:PutMetricAlarm",
             "cloudwatch:TagResource", "cloudwatch:UntagResource"],
            [terms.arn("cloudwatch", "alarm:csoc-*")],
        ),
    )  # fmt: skip


def cluster(terms: Terms) -> Document:
    """EKS clusters and what belongs to them."""
    kinds = ("access-entry", "addon", "cluster", "nodegroup", "podidentityassociation")
    own = [terms.arn("eks", f"{kind}/csoc-*") for kind in kinds]
    return policy(
        # AWS asks for it on every cluster.
        statement("MakeClusters", ["eks:CreateCluster"], condition=_tagged(terms, "RequestTag")),
        statement("Clusters", ["eks:*"], own),
        statement(
            "Look", ["eks:DescribeAddonVersions", "eks:DescribeClusterVersions", "eks:ListAccessPolicies",
                     "eks:ListClusters"]
        ),
        # Kinds of storage and networking images, as AWS publishes them.
        statement(
            "PublicParameters",
            ["ssm:GetParameter", "ssm:GetParameters"],
            [f"arn:{terms.partition}:ssm:*::parameter/aws/service/*"],
        ),
    )  # fmt: skip


def data(terms: Terms) -> Document:
    """Databases and search, secrets without their values, and the keys of both."""
    kinds = ("cluster", "cluster-pg", "cluster-snapshot", "db", "og", "pg", "snapshot", "subgrp")
    own = [terms.arn("rds", f"{kind}:csoc-*") for kind in kinds]
    # What a database uses and need not be csoc's: AWS's defaults among them.
    used = [terms.arn("rds", f"{kind}:*") for kind in ("cluster-pg", "og", "pg", "subgrp")]
    # A database's master login is csoc-<uid>-database-master: the chart has one name for it here and in Kubernetes.
    secrets = [terms.arn("secretsmanager", f"secret:{one}") for one in ("csoc/*", "csoc-*", "rds!*")]
    return policy(
        statement(
            "Databases",
            ["rds:AddTagsToResource", "rds:Create*", "rds:Delete*", "rds:ModifyDB*", "rds:RebootDB*",
             "rds:RemoveTagsFromResource", "rds:ResetDB*", "rds:RestoreDBClusterFromSnapshot"],
            own,
        ),
        statement(
            "UseGroups",
            ["rds:AddTagsToResource", "rds:CreateDBCluster", "rds:CreateDBInstance", "rds:ModifyDBCluster",
             "rds:ModifyDBInstance", "rds:RestoreDBClusterFromSnapshot"],
            used,
        ),
        statement("Look", ["es:Describe*", "es:Get*", "es:List*", "rds:Describe*", "rds:ListTagsForResource"]),
        statement(
            "Search",
            ["es:AddTags", "es:CreateDomain", "es:CreateElasticsearchDomain", "es:DeleteDomain",
             "es:DeleteElasticsearchDomain", "es:RemoveTags", "es:UpdateDomainConfig",
             "es:UpdateElasticsearchDomainConfig", "es:UpgradeDomain", "es:UpgradeElasticsearchDomain"],
            [terms.arn("es", "domain/csoc-*")],
        ),
        statement(
            "Secrets",
            ["secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:DescribeSecret",
             "secretsmanager:GetResourcePolicy", "secretsmanager:RotateSecret", "secretsmanager:TagResource",
             "secretsmanager:UntagResource", "secretsmanager:UpdateSecret", "secretsmanager:PutSecretValue"],
            secrets,
        ),
        # A database takes its first password from the secret that the same stack made up: CloudFormation resolves the
        # reference as this role. No other secret can be read, and none that another installation made.
        statement(
            "FirstPassword",
            ["secretsmanager:GetSecretValue"],
            [terms.arn("secretsmanager", "secret:csoc-??????????-database-master-??????")],
            condition=_tagged(terms),
        ),
        # Lets the search service write its logs; AWS has one list of such policies for all groups.
        statement("LogsOfSearch", ["logs:DeleteResourcePolicy", "logs:PutResourcePolicy"]),
        statement("Random", ["secretsmanager:GetRandomPassword"]),
        statement("MakeKeys", ["kms:CreateKey", "kms:TagResource"], condition=_tagged(terms, "RequestTag")),
        statement("LookAtKeys", ["kms:Describe*", "kms:Get*", "kms:List*"]),
        statement("OwnKeys", _KEYS, [terms.arn("kms", "key/*")], condition=_tagged(terms)),
        # Secrets Manager reads back what it encrypts; nobody gets to see it.
        statement(
            "KeysOfSecrets",
            ["kms:Decrypt"],
            [terms.arn("kms", "key/*")],
            condition={**_tagged(terms), "StringLike": {"kms:ViaService": "secretsmanager.*.amazonaws.com"}},
        ),
        statement("Aliases", ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"],
                  [terms.arn("kms", "alias/csoc-*"), terms.arn("kms", "alias/csoc/*")]),
    )  # fmt: skip


def resources(terms: Terms) -> Document:
    """Buckets, queues, topics, and parameters that pass outputs on."""
    bucket = f"arn:{terms.partition}:s3:::csoc-*"
    return policy(
        statement(
            "Buckets",
            ["s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:DeleteBucketWebsite",
             "s3:GetAccelerateConfiguration", "s3:GetAnalyticsConfiguration", "s3:GetBucket*",
             "s3:GetEncryptionConfiguration", "s3:GetIntelligentTieringConfiguration", "s3:GetInventoryConfiguration",
             "s3:GetLifecycleConfiguration", "s3:GetMetricsConfiguration", "s3:GetReplicationConfiguration",
             "s3:ListBucket", "s3:ListTagsForResource", "s3:PutAccelerateConfiguration", "s3:PutBucket*",
             "s3:PutEncryptionConfiguration", "s3:PutIntelligentTieringConfiguration",
             "s3:PutInventoryConfiguration", "s3:PutLifecycleConfiguration", "s3:PutMetricsConfiguration",
             "s3:TagResource", "s3:UntagResource"],
            [bucket],
        ),
        statement(
            "Queues",
            ["sqs:CreateQueue", "sqs:DeleteQueue", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags",
             "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue"],
            [terms.arn("sqs", "csoc-*")],
        ),
        statement(
            "Topics",
            ["sns:CreateTopic", "sns:DeleteTopic", "sns:GetDataProtectionPolicy", "sns:GetTopicAttributes",
             "sns:ListSubscriptionsByTopic", "sns:ListTagsForResource", "sns:SetTopicAttributes", "sns:Subscribe",
             "sns:TagResource", "sns:UntagResource"],
            [terms.arn("sns", "csoc-*")],
        ),
        # Subscriptions have neither names nor tags.
        statement(
            "Subscriptions",
            ["sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes", "sns:Unsubscribe"],
        ),
        statement(
            "Parameters",
            ["ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:DeleteParameters", "ssm:GetParameter",
             "ssm:GetParameters", "ssm:ListTagsForResource", "ssm:PutParameter", "ssm:RemoveTagsFromResource"],
            [terms.arn("ssm", "parameter/csoc/*")],
        ),
        statement("LookAtParameters", ["ssm:DescribeParameters"]),
    )  # fmt: skip


def edge(terms: Terms) -> Document:
    """Certificates, names and web ACLs."""
    records = ["A", "AAAA", "CNAME", "TXT"]
    walls = [terms.arn("wafv2", f"regional/{kind}/csoc-*") for kind in _WAF]
    balancers = [terms.arn("elasticloadbalancing", "loadbalancer/*"), terms.arn("wafv2", "regional/managedruleset/*")]
    return policy(
        statement("Ask", ["acm:RequestCertificate", "acm:AddTagsToCertificate"],
                  condition=_tagged(terms, "RequestTag")),
        statement("Look", ["acm:DescribeCertificate", "acm:GetCertificate", "acm:List*", "route53:Get*",
                           "route53:List*", "wafv2:Describe*", "wafv2:Get*", "wafv2:List*"]),
        statement(
            "OwnCertificates",
            ["acm:AddTagsToCertificate", "acm:DeleteCertificate", "acm:RemoveTagsFromCertificate",
             "acm:UpdateCertificateOptions"],
            [terms.arn("acm", "certificate/*")],
            condition=_tagged(terms),
        ),
        statement(
            "Records",
            ["route53:ChangeResourceRecordSets"],
            [f"arn:{terms.partition}:route53:::hostedzone/*"],
            condition={"ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsRecordTypes": records}},
        ),
        statement(
            "Walls",
            ["wafv2:AssociateWebACL", "wafv2:CreateIPSet", "wafv2:CreateRegexPatternSet", "wafv2:CreateRuleGroup",
             "wafv2:CreateWebACL", "wafv2:Delete*", "wafv2:DisassociateWebACL", "wafv2:PutLoggingConfiguration",
             "wafv2:TagResource", "wafv2:UntagResource", "wafv2:Update*"],
            [*walls, *balancers],
        ),
        statement("Balancers", ["elasticloadbalancing:SetWebACL"], balancers[:1]),
        statement(
            "LogsOfWalls",
            ["logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:GetLogDelivery", "logs:ListLogDeliveries",
             "logs:UpdateLogDelivery"],
        ),
    )  # fmt: skip


def identities(terms: Terms) -> Document:
    """Roles below /csoc/ and under the boundary, and everything that is denied."""
    roles, policies = terms.iam("role/csoc/*"), terms.iam("policy/csoc/*")
    profiles = terms.iam("instance-profile/csoc/*")
    providers = terms.iam("oidc-provider/oidc.eks.*")
    bounded = {"StringEquals": {"iam:PermissionsBoundary": terms.boundary}}
    granting = [
        "iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy",
        "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy",
    ]  # fmt: skip
    link = ["role", "policy", "instance-profile"]
    return policy(
        statement("GrantUnderTheBoundary", granting, [roles], condition=bounded),
        statement(
            "Roles",
            ["iam:DeleteRole", "iam:Get*", "iam:List*", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy",
             "iam:UpdateRole", "iam:UpdateRoleDescription"],
            [roles],
        ),
        statement(
            "Policies",
            ["iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion",
             "iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListPolicyVersions", "iam:SetDefaultPolicyVersion",
             "iam:TagPolicy", "iam:UntagPolicy"],
            [policies],
        ),
        statement(
            "Profiles",
            ["iam:AddRoleToInstanceProfile", "iam:CreateInstanceProfile", "iam:DeleteInstanceProfile",
             "iam:GetInstanceProfile", "iam:RemoveRoleFromInstanceProfile", "iam:TagInstanceProfile",
             "iam:UntagInstanceProfile"],
            [profiles],
        ),
        statement(
            "Providers",
            ["iam:AddClientIDToOpenIDConnectProvider", "iam:CreateOpenIDConnectProvider",
             "iam:DeleteOpenIDConnectProvider", "iam:GetOpenIDConnectProvider",
             "iam:RemoveClientIDFromOpenIDConnectProvider", "iam:TagOpenIDConnectProvider",
             "iam:UntagOpenIDConnectProvider", "iam:UpdateOpenIDConnectProviderThumbprint"],
            [providers],
        ),
        statement(
            "HandOn", ["iam:PassRole"], [roles],
            condition={"StringEquals": {"iam:PassedToService": list(_PASSED_TO)}},
        ),
        statement(
            "LinkedRoles", ["iam:CreateServiceLinkedRole"], [terms.iam("role/aws-service-role/*")],
            condition={"StringEquals": {"iam:AWSServiceName": list(linked_roles.BY_STACKS)}},
        ),
        statement("LookAtLinkedRoles", ["iam:GetRole"], [terms.iam("role/aws-service-role/*")]),
        statement(
            "NeverWithoutTheBoundary", [*granting, "iam:DeleteRolePermissionsBoundary"], effect="Deny",
            condition={"StringNotEquals": {"iam:PermissionsBoundary": terms.boundary}},
        ),
        statement("NeverTheLink", ["iam:*"], [terms.iam(f"{kind}/csoc-link/*") for kind in link], effect="Deny"),
        statement("NeverTheLinksBucket", ["s3:*"],
                  [f"arn:{terms.partition}:s3:::csoc-link-*", f"arn:{terms.partition}:s3:::csoc-link-*/*"],
                  effect="Deny"),
        statement(
            "Never",
            ["account:*", "cloudformation:*", "ec2:AssociateIamInstanceProfile", "iam:*AccessKey*", "iam:*Group*",
             "iam:*LoginProfile*", "iam:*SAMLProvider*", "iam:*ServiceSpecificCredential*", "iam:*User*",
             "iam:DeleteRolePermissionsBoundary", "iam:UpdateAccountPasswordPolicy", "lambda:*", "organizations:*",
             "secretsmanager:BatchGetSecretValue",
             "secretsmanager:PutResourcePolicy", "sts:*"],
            effect="Deny",
        ),
    )  # fmt: skip


POLICIES: Mapping[str, Callable[[Terms], Document]] = {
    "execution-identities": identities,
    "execution-network": network,
    "execution-cluster": cluster,
    "execution-data": data,
    "execution-resources": resources,
    "execution-edge": edge,
}
"""The managed policies of the execution role, by the name behind the link's prefix."""
