"""What a call asks of IAM. Source of each row: "Actions, resources, and condition keys for ..." of its service in the
AWS Service Authorization Reference."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from csoc.emulator.cloud.authorising.asking import Ask, usual
from csoc.emulator.cloud.authorising.special import askers
from csoc.emulator.cloud.calls import Call, Identity

A, R = "111122223333", "ap-southeast-2"
USER = f"arn:aws:iam::{A}:user/eva"
ROLE = f"arn:aws:iam::{A}:role/csoc/execution"


def asks(service: str, operation: str, **parameters: Any) -> list[Ask]:
    identity = Identity(A, USER, USER, "AIDA")
    call = Call(identity, service, operation, R, parameters, datetime(2026, 1, 1, tzinfo=UTC), "1")
    return list(askers(lambda *_: "").get(service, usual)(call))


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "action", "resources"),
    [
        ("ec2", "DescribeVpcs", {}, "ec2:DescribeVpcs", ["*"]),
        ("ec2", "CreateVpc", {"CidrBlock": "10.0.0.0/16"}, "ec2:CreateVpc", [f"arn:aws:ec2:{R}:{A}:vpc/*"]),
        ("ec2", "CreateSubnet", {"VpcId": "vpc-1"}, "ec2:CreateSubnet",
         [f"arn:aws:ec2:{R}:{A}:vpc/vpc-1", f"arn:aws:ec2:{R}:{A}:subnet/*"]),
        ("ec2", "DeleteTags", {"Resources": ["sg-1"]}, "ec2:DeleteTags", [f"arn:aws:ec2:{R}:{A}:security-group/sg-1"]),
        ("eks", "DescribeNodegroup", {"clusterName": "c", "nodegroupName": "n"}, "eks:DescribeNodegroup",
         [f"arn:aws:eks:{R}:{A}:nodegroup/c/n/*"]),
        ("eks", "DescribeCluster", {"name": "c"}, "eks:DescribeCluster", [f"arn:aws:eks:{R}:{A}:cluster/c"]),
        ("eks", "AssociateAccessPolicy", {"clusterName": "c", "principalArn": f"arn:aws:iam::{A}:role/x/r"},
         "eks:AssociateAccessPolicy", [f"arn:aws:eks:{R}:{A}:access-entry/c/role/{A}/x/r/*"]),
        ("cloudformation", "CreateStack", {"StackName": "s"}, "cloudformation:CreateStack",
         [f"arn:aws:cloudformation:{R}:{A}:stack/s/*"]),
        ("cloudformation", "ListStacks", {}, "cloudformation:ListStacks", ["*"]),
        ("s3", "ListObjectsV2", {"Bucket": "b"}, "s3:ListBucket", ["arn:aws:s3:::b"]),
        ("s3", "GetObject", {"Bucket": "b", "Key": "k", "VersionId": "1"}, "s3:GetObjectVersion", ["arn:aws:s3:::b/k"]),
        ("s3", "PutBucketEncryption", {"Bucket": "b"}, "s3:PutEncryptionConfiguration", ["arn:aws:s3:::b"]),
        ("sqs", "SendMessageBatch", {"QueueUrl": f"https://sqs.{R}.amazonaws.com/444455556666/q"}, "sqs:SendMessage",
         [f"arn:aws:sqs:{R}:444455556666:q"]),
        ("sns", "CreateTopic", {"Name": "t"}, "sns:CreateTopic", [f"arn:aws:sns:{R}:{A}:t"]),
        ("secretsmanager", "CreateSecret", {"Name": "csoc/a"}, "secretsmanager:CreateSecret",
         [f"arn:aws:secretsmanager:{R}:{A}:secret:csoc/a-??????"]),
        ("ssm", "GetParameter", {"Name": "/csoc/x/y"}, "ssm:GetParameter", [f"arn:aws:ssm:{R}:{A}:parameter/csoc/x/y"]),
        ("kms", "CreateAlias", {"AliasName": "alias/a", "TargetKeyId": "1"}, "kms:CreateAlias",
         [f"arn:aws:kms:{R}:{A}:key/1", f"arn:aws:kms:{R}:{A}:alias/a"]),
        ("rds", "DeleteDBInstance", {"DBInstanceIdentifier": "d"}, "rds:DeleteDBInstance",
         [f"arn:aws:rds:{R}:{A}:db:d"]),
        ("opensearch", "DescribeDomain", {"DomainName": "d"}, "es:DescribeDomain", [f"arn:aws:es:{R}:{A}:domain/d"]),
        ("logs", "PutRetentionPolicy", {"logGroupName": "/x"}, "logs:PutRetentionPolicy",
         [f"arn:aws:logs:{R}:{A}:log-group:/x:log-stream:"]),
        ("elbv2", "CreateLoadBalancer", {"Name": "l"}, "elasticloadbalancing:CreateLoadBalancer",
         [f"arn:aws:elasticloadbalancing:{R}:{A}:loadbalancer/app/l/*"]),
        ("route53", "ChangeResourceRecordSets", {"HostedZoneId": "/hostedzone/Z1"}, "route53:ChangeResourceRecordSets",
         ["arn:aws:route53:::hostedzone/Z1"]),
        ("wafv2", "GetWebACL", {"Name": "w", "Id": "i", "Scope": "REGIONAL"}, "wafv2:GetWebACL",
         [f"arn:aws:wafv2:{R}:{A}:regional/webacl/w/i"]),
        ("events", "PutRule", {"Name": "r"}, "events:PutRule", [f"arn:aws:events:{R}:{A}:rule/r"]),
        ("ecr", "DescribeImages", {"repositoryName": "r"}, "ecr:DescribeImages", [f"arn:aws:ecr:{R}:{A}:repository/r"]),
        ("acm", "DescribeCertificate", {"CertificateArn": f"arn:aws:acm:{R}:{A}:certificate/1"},
         "acm:DescribeCertificate", [f"arn:aws:acm:{R}:{A}:certificate/1"]),
        ("autoscaling", "DeleteAutoScalingGroup", {"AutoScalingGroupName": "g"}, "autoscaling:DeleteAutoScalingGroup",
         [f"arn:aws:autoscaling:{R}:{A}:autoScalingGroup:*:autoScalingGroupName/g"]),
        ("cloudwatch", "DeleteAlarms", {"AlarmNames": ["a", "b"]}, "cloudwatch:DeleteAlarms",
         [f"arn:aws:cloudwatch:{R}:{A}:alarm:a", f"arn:aws:cloudwatch:{R}:{A}:alarm:b"]),
        ("iam", "CreateRole", {"RoleName": "r", "Path": "/csoc/"}, "iam:CreateRole", [f"arn:aws:iam::{A}:role/csoc/r"]),
        ("iam", "GetPolicy", {"PolicyArn": "arn:aws:iam::aws:policy/X"}, "iam:GetPolicy",
         ["arn:aws:iam::aws:policy/X"]),
        ("backup", "DeleteBackupVault", {"BackupVaultName": "v"}, "backup:DeleteBackupVault",
         [f"arn:aws:backup:{R}:{A}:backup-vault:v"]),
    ],
)  # fmt: skip
def test_a_call_asks_for_its_action_on_what_it_names(
    service: str, operation: str, parameters: dict[str, Any], action: str, resources: list[str]
) -> None:
    first = asks(service, operation, **parameters)[0]
    assert (first.action, sorted(first.resources), first.vague) == (action, sorted(resources), False)


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "to"),
    [
        ("cloudformation", "CreateChangeSet", {"StackName": "s", "RoleARN": ROLE}, "cloudformation.amazonaws.com"),
        ("eks", "CreateCluster", {"name": "c", "roleArn": ROLE}, "eks.amazonaws.com"),
        ("eks", "CreateNodegroup", {"clusterName": "c", "nodeRole": ROLE}, "eks.amazonaws.com"),
        ("ec2", "CreateFlowLogs", {"DeliverLogsPermissionArn": ROLE}, "vpc-flow-logs.amazonaws.com"),
        ("rds", "CreateDBInstance", {"MonitoringRoleArn": ROLE}, "monitoring.rds.amazonaws.com"),
        ("events", "PutTargets", {"Rule": "r", "Targets": [{"RoleArn": ROLE}]}, "events.amazonaws.com"),
    ],
)
def test_a_call_that_hands_a_role_to_a_service_asks_to_pass_it(
    service: str, operation: str, parameters: dict[str, Any], to: str
) -> None:
    passing = [ask for ask in asks(service, operation, **parameters) if ask.action == "iam:PassRole"]
    assert [(ask.resources, ask.context["iam:passedtoservice"]) for ask in passing] == [((ROLE,), to)]


def test_copying_asks_to_read_here_and_to_write_there() -> None:
    found = asks("s3", "CopyObject", Bucket="to", Key="k", CopySource="from/a%20b")
    assert [(ask.action, ask.resources) for ask in found] == [
        ("s3:GetObject", ("arn:aws:s3:::from/a b",)),
        ("s3:PutObject", ("arn:aws:s3:::to/k",)),
    ]


def test_an_action_that_the_reference_does_not_have_is_vague() -> None:
    found = asks("securityhub", "SomethingNew")
    assert (found[0].resources, found[0].vague) == (("*",), True)
