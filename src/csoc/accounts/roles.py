"""The roles of a link: whom each trusts, and what each may do. Pure: the same terms give the same documents.

Observer: configuration, never data. Provisioner: change sets on stacks of this installation with exactly one execution
role. Execution: CloudFormation's. Secrets: puts values and reads none. Cluster: the way into EKS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from csoc.accounts import linked_roles, names
from csoc.accounts.boundary import boundary
from csoc.accounts.execution import POLICIES
from csoc.accounts.links import Role
from csoc.accounts.names import INSTALLATION_TAG
from csoc.accounts.terms import Document, Terms, policy, statement

LONGEST_SESSION_SECONDS = 3_600
ASSUMED = (Role.OBSERVER, Role.PROVISIONER, Role.SECRETS, Role.CLUSTER)
"""Roles that csoc takes itself; the execution role is CloudFormation's."""

_SEEN = (
    "acm:Describe*", "acm:List*", "autoscaling:Describe*", "backup:Describe*", "backup:List*", "budgets:View*",
    "ce:Get*", "cloudformation:BatchDescribe*", "cloudformation:Describe*", "cloudformation:DetectStack*",
    "cloudformation:Get*", "cloudformation:List*", "cloudtrail:Describe*", "cloudtrail:GetTrailStatus",
    "cloudwatch:Describe*", "cloudwatch:Get*", "cloudwatch:List*", "config:Describe*", "ec2:Describe*",
    "ec2:GetEbsEncryptionByDefault", "ec2:GetManagedPrefixListEntries", "ecr:Describe*", "ecr:List*",
    "eks:Describe*", "eks:List*", "elasticfilesystem:Describe*", "elasticloadbalancing:Describe*", "es:Describe*",
    "es:List*", "guardduty:Get*", "guardduty:List*", "iam:Get*", "iam:List*", "kms:Describe*", "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus", "kms:List*", "logs:Describe*", "logs:ListTagsForResource", "rds:Describe*",
    "rds:ListTagsForResource", "route53:Get*", "route53:List*", "s3:GetAccountPublicAccessBlock", "s3:GetBucket*",
    "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:GetReplicationConfiguration",
    "s3:ListAllMyBuckets", "secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy",
    "secretsmanager:ListSecrets", "securityhub:Get*", "servicequotas:Get*", "servicequotas:List*", "sns:Get*",
    "sns:List*", "sqs:GetQueueAttributes", "sqs:ListQueue*", "ssm:DescribeParameters", "tag:Get*", "wafv2:Get*",
    "wafv2:List*",
)  # fmt: skip
_DATA = (
    "cloudtrail:LookupEvents", "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan",
    "ec2:GetConsole*", "ec2:GetPasswordData", "ecr:BatchGetImage", "es:ESHttp*", "kms:Decrypt", "lambda:GetFunction",
    "logs:FilterLogEvents", "logs:GetLogEvents", "logs:GetQueryResults", "logs:StartQuery", "rds-data:*",
    "rds:DownloadDBLogFilePortion", "s3:GetObject*", "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue", "sqs:ReceiveMessage", "ssm:GetParameter*",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RoleDocuments:
    """One role. inline, managed: policies by name; a managed one's name stands behind the link's prefix."""

    role: Role
    trust: Document
    inline: Mapping[str, Document] = field(default_factory=dict)
    managed: Mapping[str, Document] = field(default_factory=dict)


def roles(terms: Terms) -> tuple[RoleDocuments, ...]:
    """Every role of a link, in a fixed order."""
    return (
        RoleDocuments(Role.OBSERVER, trust(terms, terms.observer), {"observe": _observe()}),
        RoleDocuments(
            Role.PROVISIONER,
            trust(terms, terms.worker),
            {"provision": _provision(terms)},
            {
                name: read_existing(name, list(arns))
                for name, arns in ((PARAMETERS, terms.reads.parameters), (STACKS, terms.reads.stacks))
                if arns
            },
        ),
        RoleDocuments(
            Role.EXECUTION,
            _cloudformation(terms),
            managed={name: make(terms) for name, make in POLICIES.items()},
        ),
        RoleDocuments(Role.SECRETS, trust(terms, terms.worker), {"secrets": _put_secrets(terms)}),
        RoleDocuments(Role.CLUSTER, trust(terms, terms.worker), {"cluster": _clusters(terms)}),
    )


PARAMETERS, STACKS = "existing-parameters", "existing-stacks"
_READ: Mapping[str, tuple[str, tuple[str, ...]]] = {
    PARAMETERS: ("ReadExistingParameters", ("ssm:GetParameter",)),
    STACKS: (
        "ReadExistingStacks",
        ("cloudformation:DescribeStackResourceDrifts", "cloudformation:DescribeStacks",
         "cloudformation:DetectStackDrift", "cloudformation:GetTemplate"),
    ),
}  # fmt: skip


def read_existing(name: str, resources: Any) -> Document:
    """The policy with which layers are read that exist already. resources: ARNs, or a reference to a list of them."""
    sid, actions = _READ[name]
    return policy({"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resources})


def boundary_document(terms: Terms) -> Document:
    """The permissions boundary of everything that stacks make."""
    return boundary(terms)


def trust(terms: Terms, principal: str) -> Document:
    """Exactly this role, with the ExternalId, and only with a person's name as source identity."""
    equal = {"sts:ExternalId": terms.external_id}
    if terms.organization:
        equal["aws:PrincipalOrgID"] = terms.organization
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Csoc",
                "Effect": "Allow",
                "Principal": {"AWS": principal},
                "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
                "Condition": {"StringEquals": equal, "Null": {"sts:SourceIdentity": "false"}},
            }
        ],
    }


def _cloudformation(terms: Terms) -> Document:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "CloudFormation",
                "Effect": "Allow",
                "Principal": {"Service": "cloudformation.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": terms.account}},
            }
        ],
    }


def _observe() -> Document:
    return policy(
        statement("See", _SEEN),
        statement("NeverData", _DATA, effect="Deny"),
    )


def _provision(terms: Terms) -> Document:
    stacks = [terms.arn("cloudformation", "stack/csoc-??????????-*/*")]
    # A StackSet puts its own word before the name.
    link = [terms.arn("cloudformation", f"stack/{one}{names.link_stack('*')}/*") for one in ("", "StackSet-")]
    execution = terms.role(Role.EXECUTION)
    ours = {f"aws:ResourceTag/{INSTALLATION_TAG}": terms.installation}
    bucket = f"arn:{terms.partition}:s3:::{terms.artifact_bucket}"
    return policy(
        statement(
            "MakeChangeSets",
            ["cloudformation:CreateChangeSet"],
            stacks,
            condition={
                "StringEquals": {
                    f"aws:RequestTag/{INSTALLATION_TAG}": terms.installation,
                    "cloudformation:RoleArn": execution,
                }
            },
        ),
        statement(
            "TagStacks",
            ["cloudformation:TagResource"],
            stacks,
            condition={"StringEquals": {f"aws:RequestTag/{INSTALLATION_TAG}": terms.installation}},
        ),
        statement(
            "DriveOwnStacks",
            ["cloudformation:CancelUpdateStack", "cloudformation:SetStackPolicy",
             "cloudformation:UpdateTerminationProtection"],
            stacks,
            condition={"StringEquals": ours},
        ),
        # A stack has its tags from the first execution on, so one that is under review has none.
        statement(
            "DriveOwnChangeSets",
            ["cloudformation:DeleteChangeSet", "cloudformation:ExecuteChangeSet"],
            stacks,
            condition={"StringEqualsIfExists": ours},
        ),
        statement(
            "DriveOwnStacksAsExecution",
            ["cloudformation:ContinueUpdateRollback", "cloudformation:DeleteStack", "cloudformation:RollbackStack"],
            stacks,
            condition={"StringEqualsIfExists": ours, "StringEquals": {"cloudformation:RoleArn": execution}},
        ),
        statement(
            "ReadStacks",
            ["cloudformation:Describe*", "cloudformation:DetectStack*", "cloudformation:GetStackPolicy",
             "cloudformation:GetTemplate*", "cloudformation:List*"],
            stacks,
        ),
        statement(
            "ReadGeneral",
            ["cloudformation:DescribeStackDriftDetectionStatus", "cloudformation:ListStacks",
             "cloudformation:ValidateTemplate"],
        ),
        statement("ReadOutputs", ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"],
                  [terms.arn("ssm", "parameter/csoc/*")]),
        statement("PassExecution", ["iam:PassRole"], [execution],
                  condition={"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}),
        *(
            statement(
                role.statement,
                ["iam:CreateServiceLinkedRole"],
                [terms.iam(f"role/aws-service-role/{role.service}/*")],
                condition={"StringEquals": {"iam:AWSServiceName": role.service}},
            )
            for role in linked_roles.BEFORE_STACKS
        ),
        statement("Templates", ["s3:GetObject", "s3:PutObject"], [f"{bucket}/*"]),
        statement("NeverTheLink", ["cloudformation:*"], link, effect="Deny"),
        # What is imported is tagged by the import, so the tag would prove nothing.
        statement("NeverImport", ["cloudformation:CreateChangeSet"], effect="Deny",
                  condition={"Null": {"cloudformation:ImportResourceTypes": "false"}}),
        statement("NeverAnothers", ["cloudformation:CreateChangeSet"], effect="Deny",
                  condition={"StringNotEquals": ours,
                             "Null": {f"aws:ResourceTag/{INSTALLATION_TAG}": "false"}}),
    )  # fmt: skip


def _put_secrets(terms: Terms) -> Document:
    return policy(
        statement(
            "PutSecrets",
            ["secretsmanager:CreateSecret", "secretsmanager:DescribeSecret", "secretsmanager:ListSecretVersionIds",
             "secretsmanager:PutSecretValue", "secretsmanager:TagResource"],
            # The login of a database that is there already has one name here and in Kubernetes, without a slash.
            [
                terms.arn("secretsmanager", "secret:csoc/*"),
                terms.arn("secretsmanager", "secret:csoc-??????????-master-login-??????"),
            ],
        ),
        # Secrets Manager wants both to encrypt with a key of the account. Source: "Secret encryption and decryption".
        statement(
            "KeysOfSecrets",
            ["kms:Decrypt", "kms:GenerateDataKey"],
            [terms.arn("kms", "key/*")],
            condition={
                "StringEquals": {f"aws:ResourceTag/{INSTALLATION_TAG}": terms.installation},
                "StringLike": {"kms:ViaService": "secretsmanager.*.amazonaws.com"},
            },
        ),
        statement("NeverRead", ["secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue"],
                  effect="Deny"),
    )  # fmt: skip


def _clusters(terms: Terms) -> Document:
    own_name = names.link_role(terms.installation, Role.CLUSTER)
    # AWS's format of the ARN has a role's name, and does not say whether its path belongs to it.
    entries = [
        terms.arn("eks", f"access-entry/csoc-*/role/{terms.account}/{name}/*")
        for name in (own_name, f"{names.LINK_PATH.strip('/')}/{own_name}")
    ]
    access = f"arn:{terms.partition}:eks::aws:cluster-access-policy/"
    levels = [f"{access}AmazonEKSClusterAdminPolicy", f"{access}AmazonEKSViewPolicy"]
    return policy(
        statement("Find", ["eks:DescribeCluster"], [terms.arn("eks", "cluster/csoc-*")]),
        statement("OwnEntry", ["eks:DescribeAccessEntry", "eks:ListAssociatedAccessPolicies"], entries),
        statement(
            "RaiseAndLowerOwnEntry",
            ["eks:AssociateAccessPolicy", "eks:DisassociateAccessPolicy"],
            entries,
            condition={"StringEquals": {"eks:policyArn": levels}},
        ),
    )


def statements_by_id(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """A policy's statements by Sid; those without one by their number."""
    found = document.get("Statement", ())
    listed = [found] if isinstance(found, Mapping) else list(found)
    return {str(one.get("Sid") or number): one for number, one in enumerate(listed)}
