"""All resource types that the emulator makes. Adding one touches its service's module, this table and a test."""

from __future__ import annotations

from collections.abc import Mapping

from csoc.emulator.cloudformation.resources import (
    acm,
    autoscaling,
    ec2,
    eks_members,
    elasticloadbalancing,
    iam,
    iam_others,
    iam_policies,
    kms,
    rds,
    rds_groups,
    rds_others,
    route53,
    s3,
    secretsmanager,
    sns,
    sqs,
    ssm,
    wafv2,
)
from csoc.emulator.cloudformation.resources.handler import Handler

_ALL: tuple[Handler, ...] = (
    *acm.HANDLERS,
    *autoscaling.HANDLERS,
    *ec2.HANDLERS,
    *eks_members.HANDLERS,
    *elasticloadbalancing.HANDLERS,
    *iam.HANDLERS,
    *iam_others.HANDLERS,
    *iam_policies.HANDLERS,
    *kms.HANDLERS,
    *rds.HANDLERS,
    *rds_groups.HANDLERS,
    *rds_others.HANDLERS,
    *route53.HANDLERS,
    *s3.HANDLERS,
    *secretsmanager.HANDLERS,
    *sns.HANDLERS,
    *sqs.HANDLERS,
    *ssm.HANDLERS,
    *wafv2.HANDLERS,
)  # fmt: skip
HANDLERS: Mapping[str, Handler] = {handler.type_name: handler for handler in _ALL}
