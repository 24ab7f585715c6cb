"""Becoming a role: what its trust policy asks for, and what the session may do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from csoc.emulator.running import Emulator
from tests.functional.emulator.conftest import Owner

HUB = "300000000000"


def trusting(principal: str, **condition: str) -> str:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    if condition:
        statement["Condition"] = {"StringEquals": {key.replace("_", ":"): value for key, value in condition.items()}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def hub(emulator: Emulator) -> Owner:
    return Owner(emulator, HUB)


def refused(action: Any) -> str:
    with pytest.raises(ClientError) as error:
        action()
    return str(error.value.response["Error"]["Code"])


def test_a_role_that_asks_for_an_external_id_is_only_given_with_it(owner: Owner, hub: Owner) -> None:
    trust = trusting(f"arn:aws:iam::{HUB}:user/owner", sts_ExternalId="right-one")
    arn = owner.client("iam").create_role(RoleName="link", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    sts = hub.client("sts")
    assert refused(lambda: sts.assume_role(RoleArn=arn, RoleSessionName="task")) == "AccessDenied"
    assert refused(lambda: sts.assume_role(RoleArn=arn, RoleSessionName="task", ExternalId="wrong")) == "AccessDenied"
    given = sts.assume_role(RoleArn=arn, RoleSessionName="task", ExternalId="right-one")
    assert given["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{owner.account}:assumed-role/link/task"


def test_a_role_that_trusts_another_is_not_given(owner: Owner, hub: Owner) -> None:
    trust = trusting("arn:aws:iam::400000000000:root")
    arn = owner.client("iam").create_role(RoleName="link", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    assert refused(lambda: hub.client("sts").assume_role(RoleArn=arn, RoleSessionName="task")) == "AccessDenied"


def test_a_session_is_somebody_of_its_own(owner: Owner, hub: Owner) -> None:
    trust = trusting(f"arn:aws:iam::{HUB}:root")
    arn = owner.client("iam").create_role(RoleName="link", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    given = hub.client("sts").assume_role(RoleArn=arn, RoleSessionName="task")["Credentials"]
    session = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    assert owner.client("sts", **session).get_caller_identity()["Arn"].endswith("assumed-role/link/task")
    assert refused(lambda: owner.client("sts", **{**session, "aws_session_token": "stolen"}).get_caller_identity())
