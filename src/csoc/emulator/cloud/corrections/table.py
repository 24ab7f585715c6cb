"""All corrections of moto. Adding one touches its service's module, this table and a test."""

from __future__ import annotations

from csoc.emulator.cloud.corrections.correction import Correction, Memory, UnderWay
from csoc.emulator.cloud.corrections.ec2 import ec2
from csoc.emulator.cloud.corrections.iam import iam
from csoc.emulator.cloud.corrections.kms import kms
from csoc.emulator.cloud.corrections.messaging import sns, sqs
from csoc.emulator.cloud.corrections.s3 import s3
from csoc.emulator.timeline import Timeline


def corrections(timeline: Timeline) -> tuple[Correction, ...]:
    """The corrections of one emulator. What takes time in them asks the timeline."""
    memory, under_way = Memory(), UnderWay(timeline)
    return (ec2(), iam(), kms(), s3(memory), sns(memory), sqs(memory))
