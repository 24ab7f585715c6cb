"""What a role that csoc's stacks make can have at most, whatever its own policies say.

It holds what nodes, controllers and services of a commons need and leaves out what would let one of them become more:
nothing of IAM but service-linked roles, no CloudFormation, no functions, no way into the link.
"""

from __future__ import annotations

from csoc.accounts import linked_roles
from csoc.accounts.terms import Document, Terms, policy, statement

_SERVICES = (
    "acm:Describe*", "acm:Get*", "acm:List*", "autoscaling:*", "cloudwatch:*", "ec2:*", "ecr-public:Get*", "ecr:*",
    "eks-auth:AssumeRoleForPodIdentity", "eks:Describe*", "eks:List*", "elasticfilesystem:*",
    "elasticloadbalancing:*", "es:*", "iam:GetServerCertificate", "iam:ListServerCertificates", "kms:*", "logs:*",
    "rds-db:connect", "rds:Describe*", "route53:*", "shield:GetSubscriptionState", "sns:*", "sqs:*",
    "ssmmessages:*", "ec2messages:*", "ssm:UpdateInstanceInformation", "sts:GetCallerIdentity", "tag:GetResources",
    "tag:TagResources", "waf-regional:*", "wafv2:*",
)  # fmt: skip
# What would go round the boundary, or reach what is not the commons' own.
_NEVER = (
    "ec2:*Snapshot*Attribute", "ec2:*ImageAttribute", "ec2:AcceptVpcPeeringConnection", "ec2:CreateVpcPeering*",
    "ec2:GetPasswordData", "ecr:SetRepositoryPolicy", "es:AddDirectQueryDataSource", "es:AuthorizeVpcEndpointAccess",
    "kms:CreateKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "logs:PutResourcePolicy", "route53domains:*",
    "sns:AddPermission", "sqs:AddPermission",
)  # fmt: skip


def boundary(terms: Terms) -> Document:
    """The boundary's policy."""
    buckets = f"arn:{terms.partition}:s3:::csoc-*"
    link_bucket = f"arn:{terms.partition}:s3:::csoc-link-*"
    # A database's master login is csoc-<uid>-database-master: the chart has one name for it here and in Kubernetes.
    secrets = [terms.arn("secretsmanager", f"secret:{one}") for one in ("csoc/*", "csoc-*", "rds!*")]
    return policy(
        statement("Services", _SERVICES),
        statement("Buckets", ["s3:*"], [buckets, f"{buckets}/*"]),
        statement("Secrets", ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"], secrets),
        statement("Parameters", ["ssm:GetParameter*"], [terms.arn("ssm", "parameter/csoc/*")]),
        statement("Roles", ["sts:AssumeRole", "sts:TagSession"], [terms.iam("role/csoc/*")]),
        statement(
            "LinkedRoles",
            ["iam:CreateServiceLinkedRole"],
            [terms.iam("role/aws-service-role/*")],
            condition={"StringEquals": {"iam:AWSServiceName": list(linked_roles.BY_ROLES_OF_STACKS)}},
        ),
        # A role of a stack may be given any trust policy; only service accounts of a cluster, which come with a token
        # of its issuer, read secrets.
        statement(
            "SecretsForPodsOnly",
            ["secretsmanager:GetSecretValue"],
            effect="Deny",
            condition={"Null": {"aws:FederatedProvider": "true"}},
        ),
        statement("Never", _NEVER, effect="Deny"),
        statement(
            "NeverTheLink",
            ["s3:*", "sts:AssumeRole"],
            [link_bucket, f"{link_bucket}/*", terms.iam("role/csoc-link/*")],
            effect="Deny",
        ),
    )
