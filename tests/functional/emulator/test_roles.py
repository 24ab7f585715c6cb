"""Becoming a role: what its trust policy asks for, and what the session may do."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from csoc.emulator.cloud.calls import ANONYMOUS, AwsError, Call
from csoc.emulator.cloud.credentials import Credentials
from csoc.emulator.cloud.sts import Sts
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


def test_a_pod_becomes_a_role_with_its_clusters_token_and_only_as_the_account_that_the_role_names(
    owner: Owner, emulator: Emulator
) -> None:
    issuer = f"https://oidc.eks.ap-southeast-2.amazonaws.com/id/{owner.account}"
    provider = owner.client("iam").create_open_id_connect_provider(
        Url=issuer, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
    )["OpenIDConnectProviderArn"]
    keys, sign = signer(issuer)
    name = issuer.removeprefix("https://")
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{name}:sub": "system:serviceaccount:gen3:fence",
                f"{name}:aud": "sts.amazonaws.com",
            }
        },
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = owner.client("iam").create_role(RoleName="fence", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    service = Sts(Credentials(), lambda _: None, {issuer: keys}.get)

    def become(now: datetime = datetime(2026, 1, 1, tzinfo=UTC), **claims: Any) -> str:
        token = sign({"sub": "system:serviceaccount:gen3:fence", "aud": ["sts.amazonaws.com"], **claims})
        asked = {"RoleArn": arn, "RoleSessionName": "pod", "WebIdentityToken": token}
        call = Call(ANONYMOUS, "sts", "AssumeRoleWithWebIdentity", "ap-southeast-2", asked, now, "1")
        try:
            given = service.operations["AssumeRoleWithWebIdentity"](call)
        except AwsError as error:
            return error.code
        return str(given["AssumedRoleUser"]["Arn"])

    assert become() == f"arn:aws:sts::{owner.account}:assumed-role/fence/pod"
    assert become(sub="system:serviceaccount:gen3:other") == "AccessDenied"
    assert become(aud=["somebody.else"]) == "InvalidIdentityToken"
    assert become(now=datetime(2026, 1, 1, 2, tzinfo=UTC)) == "ExpiredTokenException"
    assert become(iss="https://oidc.example.org") == "InvalidIdentityToken"
    right, sign = sign, signer(issuer)[1]
    assert become() == "InvalidIdentityToken"
    sign = right
    owner.client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)
    assert become() == "InvalidIdentityToken"


def signer(issuer: str) -> tuple[dict[str, Any], Callable[[dict[str, Any]], str]]:
    """A key set, and what signs with it."""
    key = rsa.generate_private_key(65537, 2048)
    public = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
    begun = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())

    def sign(claims: dict[str, Any]) -> str:
        body = {"iss": issuer, "iat": begun, "exp": begun + 3600, **claims}
        return jwt.encode(body, key, algorithm="RS256", headers={"kid": "one"})

    return {"keys": [{**public, "kid": "one", "use": "sig", "alg": "RS256"}]}, sign


def test_temporary_credentials_of_a_user_have_the_users_rights(owner: Owner) -> None:
    given = owner.client("sts").get_session_token()["Credentials"]
    session = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    assert "Vpcs" in owner.client("ec2", **session).describe_vpcs()
    assert owner.client("sts", **session).get_caller_identity()["Arn"].endswith(":user/owner")
    told = owner.client("sts").get_access_key_info(AccessKeyId=given["AccessKeyId"])
    assert told["Account"] == owner.account


def test_a_session_policy_narrows_what_the_role_may(owner: Owner) -> None:
    iam, sts = owner.client("iam"), owner.client("sts")
    arn = iam.create_role(RoleName="wide", AssumeRolePolicyDocument=trusting(owner.account))["Role"]["Arn"]
    iam.attach_role_policy(RoleName="wide", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    narrow = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
    )
    given = sts.assume_role(RoleArn=arn, RoleSessionName="task", Policy=narrow)["Credentials"]
    session = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    assert "ResponseMetadata" in owner.client("sqs", **session).list_queues()
    assert refused(owner.client("ec2", **session).describe_vpcs) == "UnauthorizedOperation"


def test_a_role_in_ones_own_account_that_trusts_the_account_needs_the_callers_right_as_well(owner: Owner) -> None:
    iam = owner.client("iam")
    iam.create_user(UserName="eva")
    key = iam.create_access_key(UserName="eva")["AccessKey"]
    mine = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    arn = iam.create_role(RoleName="open", AssumeRolePolicyDocument=trusting(owner.account))["Role"]["Arn"]
    asked = {"RoleArn": arn, "RoleSessionName": "task"}
    assert refused(lambda: owner.client("sts", **mine).assume_role(**asked)) == "AccessDenied"
    direct = trusting(f"arn:aws:iam::{owner.account}:user/eva")
    iam.update_assume_role_policy(RoleName="open", PolicyDocument=direct)
    assert owner.client("sts", **mine).assume_role(**asked)["Credentials"]
