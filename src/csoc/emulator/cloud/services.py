"""The services that the emulator offers, and how a request says which one it means.

A signature names a signing name ("elasticloadbalancing"), which several services may share; their version tells them
apart. Facts from botocore's service models.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Offered:
    """name: botocore's. signing: the signing name. version: of the API, needed where services share a signing name.
    action_prefix: of its actions in policies."""

    name: str
    signing: str = ""
    version: str = ""
    action_prefix: str = ""

    @property
    def signing_name(self) -> str:
        return self.signing or self.name

    @property
    def prefix(self) -> str:
        return self.action_prefix or self.signing_name


OFFERED = (
    Offered("acm"),
    Offered("application-autoscaling"),
    Offered("autoscaling"),
    Offered("backup"),
    Offered("budgets"),
    Offered("cloudformation"),
    Offered("cloudtrail"),
    Offered("cloudwatch", "monitoring", action_prefix="cloudwatch"),
    Offered("config"),
    Offered("dynamodb"),
    Offered("ec2"),
    Offered("ecr"),
    Offered("efs", "elasticfilesystem"),
    Offered("eks"),
    Offered("elbv2", "elasticloadbalancing", "2015-12-01"),
    Offered("events"),
    Offered("guardduty"),
    Offered("iam"),
    Offered("kms"),
    Offered("lambda"),
    Offered("logs"),
    Offered("opensearch", "es"),
    Offered("organizations"),
    Offered("rds"),
    Offered("resource-groups"),
    Offered("resourcegroupstaggingapi", "tagging", action_prefix="tag"),
    Offered("route53"),
    Offered("s3"),
    Offered("secretsmanager"),
    Offered("securityhub"),
    Offered("service-quotas", "servicequotas"),
    Offered("sns"),
    Offered("sqs"),
    Offered("ssm"),
    Offered("sts"),
    Offered("wafv2"),
)
BY_NAME = {offered.name: offered for offered in OFFERED}


def named(signing_name: str, version: str = "") -> Offered | None:
    """The service that a signature (and, for query services, the Version parameter) means; None if not offered."""
    found = [offered for offered in OFFERED if offered.signing_name == signing_name]
    if len(found) > 1 or (found and found[0].version and version):
        found = [offered for offered in found if offered.version == version]
    return found[0] if found else None
