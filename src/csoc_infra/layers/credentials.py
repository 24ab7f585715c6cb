"""Empty secrets, one for each that a service reads: csoc puts the values, which no template ever holds.

All names stand below the owner's prefix, so that two environments of an account never share a secret. The secrets stay
when the stack is deleted: what they hold cannot be made again from anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_secretsmanager as secretsmanager

from csoc_infra import checks
from csoc_infra.context import Given
from csoc_infra.mistakes import MistakeError
from csoc_infra.parts.keys import key
from csoc_infra.parts.logical_ids import logical_id
from csoc_infra.parts.shared import retained
from csoc_infra.settings import setting

NAME = "credentials"
INPUTS: tuple[str, ...] = ()
OPTIONAL_INPUTS: tuple[str, ...] = ()
OUTPUTS = ("SecretsKeyArn", "SecretNames")

_MASTER_LOGIN = "master-login"
_LONGEST_LIST = 4_096
"""Characters that an SSM parameter holds."""

_name = checks.matches(
    r"[a-z0-9]([a-z0-9._-]{0,60}[a-z0-9])?", "lower-case letters, digits, dots, hyphens and underscores, at most 62"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """secrets: their names below the owner's prefix. master_login: besides, a secret for the master login of a database
    that no layer makes; the chart has one name for it here and in Kubernetes, where names have no slash."""

    secrets: tuple[str, ...] = setting(check=checks.each(_name))
    master_login: bool = setting(default=False)


def build(stack: cdk.Stack, settings: Settings, given: Given) -> Mapping[str, str]:
    """Puts the layer's resources into its stack."""
    encryption = key(stack, given, "credentials", f"Secrets of the environment {given.owner}")
    wanted = {name: given.secret(name) for name in settings.secrets}
    if settings.master_login:
        wanted |= {_MASTER_LOGIN: given.name(_MASTER_LOGIN)}
    secrets = [
        secretsmanager.CfnSecret(
            stack,
            logical_id("Secret", name),
            name=full_name,
            description=f"{name} of {given.owner}; csoc puts its value",
            kms_key_id=encryption.attr_arn,
        )
        for name, full_name in wanted.items()
    ]
    for secret in secrets:
        retained(secret)
    names = ",".join(wanted.values())
    if len(names) > _LONGEST_LIST:
        raise MistakeError(
            "settings.secrets",
            f"their names have {len(names):,} characters together, and an SSM parameter holds {_LONGEST_LIST:,}",
            "Leave out secrets that no service reads",
        )
    return {"SecretsKeyArn": encryption.attr_arn, "SecretNames": names}
