"""All corrections of moto. Adding one touches its service's module, this table and a test."""

from __future__ import annotations

from csoc.emulator.cloud.corrections.acm import Issue, acm
from csoc.emulator.cloud.corrections.applicationautoscaling import applicationautoscaling
from csoc.emulator.cloud.corrections.autoscaling import autoscaling
from csoc.emulator.cloud.corrections.backup import backup
from csoc.emulator.cloud.corrections.correction import Correction, Memory, UnderWay
from csoc.emulator.cloud.corrections.ec2 import ec2
from csoc.emulator.cloud.corrections.ec2_references import ec2_references
from csoc.emulator.cloud.corrections.edge import elbv2, ssm, wafv2
from csoc.emulator.cloud.corrections.governance import budgets, config, guardduty
from csoc.emulator.cloud.corrections.iam import iam
from csoc.emulator.cloud.corrections.kms import kms
from csoc.emulator.cloud.corrections.messaging import sns, sqs
from csoc.emulator.cloud.corrections.observing import cloudwatch, events, functions, logs
from csoc.emulator.cloud.corrections.rds import rds
from csoc.emulator.cloud.corrections.route53 import route53
from csoc.emulator.cloud.corrections.s3 import s3
from csoc.emulator.cloud.corrections.storage import dynamodb, efs, opensearch
from csoc.emulator.timeline import Timeline


def corrections(
    timeline: Timeline,
    memory: Memory | None = None,
    under_way: UnderWay | None = None,
    issue: Issue | None = None,
    authority: str = "",
) -> tuple[Correction, ...]:
    """The corrections of one emulator. What takes time in them asks the timeline. memory, under_way: what they keep and
    what they still work at, for whoever keeps it over a restart. issue, authority: see `acm`."""
    memory, under_way = memory or Memory(), under_way or UnderWay(timeline)
    return (
        acm(memory, under_way, issue, authority),
        *applicationautoscaling(memory),
        autoscaling(memory),
        backup(memory),
        budgets(memory),
        *cloudwatch(memory),
        *config(memory),
        dynamodb(memory, under_way),
        ec2(),
        ec2_references(),
        efs(memory, under_way),
        elbv2(),
        events(),
        *functions(memory),
        guardduty(),
        iam(),
        kms(),
        *logs(memory),
        *opensearch(memory, under_way),
        *rds(memory, under_way),
        route53(),
        s3(memory),
        sns(memory),
        sqs(memory),
        ssm(),
        wafv2(),
    )
