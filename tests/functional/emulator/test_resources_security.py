"""Resource types that keep secrets and data safe: keys, secrets, trails, detectors, recorders, budgets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from csoc.emulator.running import Emulator
from tests.functional.emulator.resource_cases import CHECKS, Bench, Case, statement

TAGS = [{"Key": "team", "Value": "data"}]


def key_policy(bench: Bench, **more: Any) -> dict[str, Any]:
    return statement("kms:*", Principal={"AWS": f"arn:aws:iam::{bench.account}:root"}, Resource="*", **more)


def key(bench: Bench) -> str:
    return str(bench.make("AWS::KMS::Key").physical_id)


def secret(bench: Bench) -> str:
    return str(bench.make("AWS::SecretsManager::Secret", SecretString='{"username": "a", "password": "b"}').physical_id)


CASES = (
    Case(
        "AWS::KMS::Key",
        [
            lambda bench: {
                "BypassPolicyLockoutSafetyCheck": False,
                "Description": "of data",
                "EnableKeyRotation": True,
                "Enabled": True,
                "KeyPolicy": key_policy(bench),
                "KeySpec": "SYMMETRIC_DEFAULT",
                "KeyUsage": "ENCRYPT_DECRYPT",
                "MultiRegion": False,
                "Origin": "AWS_KMS",
                "PendingWindowInDays": 7,
                "RotationPeriodInDays": 180,
                "Tags": TAGS,
            },
            lambda bench: {"Enabled": "false"},
            lambda bench: {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"},
        ],
        lambda bench, given: {
            **given,
            "Description": "of other data",
            "EnableKeyRotation": False,
            "KeyPolicy": key_policy(bench, Sid="other"),
            "Tags": [{"Key": "owner", "Value": "data"}],
            "PendingWindowInDays": 14,
            "RotationPeriodInDays": "",
        },
    ),
    Case(
        "AWS::KMS::Alias",
        [lambda bench: {"AliasName": f"alias/data-{bench.unique()}", "TargetKeyId": key(bench)}],
        lambda bench, given: {**given, "TargetKeyId": key(bench)},
    ),
    Case(
        "AWS::SecretsManager::Secret",
        [
            lambda bench: {
                "Name": f"csoc/env/{bench.unique()}",
                "Description": "of the database",
                "KmsKeyId": key(bench),
                "SecretString": "not-a-secret",
                "ReplicaRegions": [{"Region": "us-east-1"}],
                "Tags": TAGS,
            },
            lambda bench: {
                "GenerateSecretString": {
                    "SecretStringTemplate": '{"username": "gen3"}',
                    "GenerateStringKey": "password",
                    "PasswordLength": "40",
                    "ExcludePunctuation": True,
                }
            },
        ],
        lambda bench, given: {
            **given,
            "Description": "of another database",
            "KmsKeyId": key(bench),
            "ReplicaRegions": [{"Region": "us-west-2"}],
            "Tags": [{"Key": "owner", "Value": "data"}],
        },
    ),
    Case(
        "AWS::SecretsManager::ResourcePolicy",
        [
            lambda bench: {
                "SecretId": secret(bench),
                "ResourcePolicy": statement("secretsmanager:*", Principal={"AWS": bench.account}, Resource="*"),
                "BlockPublicPolicy": True,
            }
        ],
        lambda bench, given: {
            **given,
            "ResourcePolicy": statement("secretsmanager:Get*", Principal={"AWS": bench.account}, Resource="*"),
        },
    ),
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.type_name)
def test_types_of_security(case: Case, check: Callable[[Case, Bench], None], emulator: Emulator, account: str) -> None:
    check(case, Bench(emulator, account))
