"""ARNs of what a call names in its parameters.

The Service Authorization Reference writes an ARN with variables (`cluster/${ClusterName}`), the API has parameters
(`clusterName`, `name`). Where both have the same name nothing is said here; the table holds the others.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from csoc.emulator.cloud.authorising.reference import Kind
from csoc.emulator.cloud.calls import Call
from csoc.emulator.iam.matching import like

_VARIABLE = re.compile(r"\$\{([A-Za-z0-9]+)\}")
# Parts of an ARN that the service makes up. A call that names the rest means the resource all the same.
_MADE_UP = frozenset(
    {
        "UUID", "Id", "GroupId", "LoadBalancerId", "TargetGroupId", "ListenerId", "ListenerRuleId", "FrameworkId",
        "ReportPlanId", "RestoreTestingPlanId", "IamIdentityType", "IamIdentityAccountID", "IamIdentityName",
        "EventBusName", "OrganizationId", "TrustStoreId", "PolicyType",
    }
)  # fmt: skip

PARAMETERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "acm": {"CertificateId": ("CertificateArn", "ResourceArn")},
    "autoscaling": {"GroupFriendlyName": ("AutoScalingGroupName", "AutoScalingGroupNames")},
    "backup": {
        "BackupPlanId": ("BackupPlanId", "ResourceArn"),
        "BackupVaultName": ("BackupVaultName", "TargetBackupVaultName", "ResourceArn"),
        "RecoveryPointId": ("RecoveryPointArn",),
    },
    "cloudformation": {
        "StackName": ("StackName", "StackId"),
        "ChangeSetName": ("ChangeSetName",),
        "Type": ("TypeName",),
    },
    "cloudtrail": {"TrailName": ("Name", "TrailName", "ResourceId", "TrailNameList")},
    "cloudwatch": {
        "AlarmName": ("AlarmName", "AlarmNames", "ResourceARN"),
        "DashboardName": ("DashboardName", "DashboardNames"),
    },
    "dynamodb": {"TableName": ("TableName", "ResourceArn")},
    "ec2": {
        "AllocationId": ("AllocationId", "AllocationIds"),
        "InternetGatewayId": ("InternetGatewayId", "InternetGatewayIds"),
        "KeyPairName": ("KeyName",),
        "NaclId": ("NetworkAclId", "NetworkAclIds"),
        "RouteTableId": ("RouteTableId", "RouteTableIds", "AddRouteTableIds", "RemoveRouteTableIds"),
        "SecurityGroupId": (
            "GroupId", "GroupIds", "SecurityGroupIds", "AddSecurityGroupIds", "RemoveSecurityGroupIds",
        ),
        "SubnetId": ("SubnetId", "SubnetIds", "AddSubnetIds", "RemoveSubnetIds"),
        "VolumeId": ("VolumeId", "VolumeIds"),
        "VpcFlowLogId": ("FlowLogIds",),
    },
    "ecr": {"RepositoryName": ("repositoryName", "repositoryNames", "resourceArn")},
    "eks": {
        "AddonName": ("addonName", "resourceArn"),
        "ClusterName": ("clusterName", "name", "resourceArn"),
        "NodegroupName": ("nodegroupName", "resourceArn"),
        "FargateProfileName": ("fargateProfileName", "resourceArn"),
        "AccessPolicyName": (),
    },
    "elasticfilesystem": {"FileSystemId": ("FileSystemId", "ResourceId")},
    "elasticloadbalancing": {
        "LoadBalancerName": (
            "LoadBalancerArn", "LoadBalancerArns", "ListenerArn", "RuleArn", "ResourceArn", "ResourceArns",
        ),
        "TargetGroupName": ("TargetGroupArn", "TargetGroupArns", "ResourceArns"),
        "TrustStoreName": ("TrustStoreArn",),
    },
    "es": {"DomainName": ("DomainName", "ARN")},
    "events": {
        "RuleName": ("Name", "Rule", "ResourceARN"),
        "EventBusName": ("EventBusName",),
    },
    "kms": {"Alias": ("AliasName",), "KeyId": ("KeyId", "TargetKeyId")},
    "lambda": {"FunctionName": ("FunctionName", "Resource")},
    "logs": {
        "LogGroupName": ("logGroupName", "logGroupIdentifier", "resourceArn", "logGroupNamePrefix"),
        "LogStreamName": ("logStreamName",),
        "DestinationName": ("destinationName",),
    },
    "organizations": {
        "AccountId": ("AccountId", "TargetId", "ResourceId"),
        "OrganizationalUnitId": ("OrganizationalUnitId", "TargetId", "ParentId", "ResourceId"),
        "PolicyId": ("PolicyId", "ResourceId"),
        "RootId": ("RootId", "TargetId", "ParentId", "ResourceId"),
    },
    "rds": {
        "ClusterParameterGroupName": ("DBClusterParameterGroupName", "ResourceName"),
        "ClusterSnapshotName": ("DBClusterSnapshotIdentifier", "SnapshotIdentifier", "ResourceName"),
        "DbClusterInstanceName": ("DBClusterIdentifier", "ResourceName"),
        "DbInstanceName": ("DBInstanceIdentifier", "ResourceName"),
        "GlobalCluster": ("GlobalClusterIdentifier",),
        "OptionGroupName": ("OptionGroupName", "ResourceName"),
        "ParameterGroupName": ("DBParameterGroupName", "ResourceName"),
        "SnapshotName": ("DBSnapshotIdentifier", "ResourceName"),
        "SubnetGroupName": ("DBSubnetGroupName", "ResourceName"),
        "SubscriptionName": ("SubscriptionName", "ResourceName"),
    },
    "route53": {"Id": ("HostedZoneId", "Id", "ResourceId", "HealthCheckId")},
    "secretsmanager": {"SecretId": ("SecretId", "Name")},
    "sns": {"TopicName": ("TopicArn", "ResourceArn", "TargetArn", "Name")},
    "sqs": {"QueueName": ("QueueUrl", "QueueName")},
    "ssm": {
        "ParameterNameWithoutLeadingSlash": ("Name", "Names", "Path", "ResourceId"),
        "DocumentName": ("Name", "DocumentName"),
        "InstanceId": (),
        "BucketName": (),
        "ResourceId": ("WindowId", "OpsItemId", "ResourceId"),
    },
    "wafv2": {
        "Name": ("Name", "WebACLArn", "ResourceArn", "ResourceARN"),
        "LoadBalancerName": ("ResourceArn",),
    },
}  # fmt: skip


def given(parameters: Mapping[str, Any], name: str) -> list[str]:
    """What a parameter holds as texts, whatever the case of its name; empty if it is absent."""
    wanted = name.lower()
    for key, value in parameters.items():
        if key.lower() == wanted:
            values = value if isinstance(value, (list, tuple)) else [value]
            return [one for one in values if isinstance(one, str) and one]
    return []


def arns(call: Call, prefix: str, kind: Kind) -> list[str]:
    """ARNs of resources of a kind that a call names. Empty if it names none."""
    pattern = kind.arn.replace("${Region}", call.region).replace("${Account}", call.account)
    if prefix == "wafv2":
        scope = call.parameters.get("Scope", "")
        pattern = pattern.replace("${Scope}", {"CLOUDFRONT": "global", "REGIONAL": "regional"}.get(scope, "${Scope}"))
    variables = _VARIABLE.findall(pattern)
    shape = re.sub(r":[a-z0-9-]*:[0-9]*:", ":*:*:", _VARIABLE.sub("*", pattern), count=1)
    found: dict[str, list[str]] = {}
    whole: list[str] = []
    for variable in variables:
        for value in _values(call, prefix, variable):
            if value.startswith("arn:"):
                if like(shape, value) and value not in whole:
                    whole.append(value)
            else:
                found.setdefault(variable, []).append(cleaned(prefix, variable, value))
    if whole:
        return whole
    needed = [variable for variable in variables if variable not in _MADE_UP] or variables
    if not found or any(variable not in found for variable in needed):
        return []
    return list(_filled(pattern, variables, found))


def anything_of(call: Call, kind: Kind) -> str:
    """The ARN of a resource whose name is not known yet, as AWS asks for it when one is created."""
    return _VARIABLE.sub("*", kind.arn.replace("${Region}", call.region).replace("${Account}", call.account))


def _filled(pattern: str, variables: Sequence[str], found: Mapping[str, list[str]]) -> Iterator[str]:
    for values in itertools.product(*(found.get(variable, ["*"]) for variable in variables)):
        filled = dict(zip(variables, values, strict=True))
        yield _VARIABLE.sub(lambda match, filled=filled: filled[match[1]], pattern)  # type: ignore[misc]


def _values(call: Call, prefix: str, variable: str) -> Iterator[str]:
    names = PARAMETERS.get(prefix, {}).get(variable)
    for name in (variable, f"{variable}s") if names is None else names:
        yield from given(call.parameters, name)


def cleaned(prefix: str, variable: str, value: str) -> str:
    """The part of a parameter that stands in the ARN."""
    if variable == "ParameterNameWithoutLeadingSlash":
        return value.removeprefix("/")
    if prefix == "route53":
        return value.rpartition("/")[2]
    if prefix == "sqs":
        return value.rpartition("/")[2]
    if variable == "Alias":
        return value.removeprefix("alias/")
    return value
