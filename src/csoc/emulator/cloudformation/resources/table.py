"""All resource types that the emulator makes. Adding one touches its service's module, this table and a test."""

from __future__ import annotations

from collections.abc import Mapping

from csoc.emulator.cloudformation.resources import ec2, iam, iam_others, iam_policies, kms, s3, secretsmanager, sns, sqs
from csoc.emulator.cloudformation.resources.handler import Handler

_ALL: tuple[Handler, ...] = (
    *ec2.HANDLERS,
    *iam.HANDLERS,
    *iam_others.HANDLERS,
    *iam_policies.HANDLERS,
    *kms.HANDLERS,
    *s3.HANDLERS,
    *secretsmanager.HANDLERS,
    *sns.HANDLERS,
    *sqs.HANDLERS,
)  # fmt: skip
HANDLERS: Mapping[str, Handler] = {handler.type_name: handler for handler in _ALL}
