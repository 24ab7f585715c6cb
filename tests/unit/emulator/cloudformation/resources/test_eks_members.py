"""Types of EKS that the emulated service does not offer: their calls, checked by botocore's model of the API."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from csoc.emulator.cloudformation.resources.eks_members import FargateProfile, IdentityProviderConfig
from csoc.emulator.cloudformation.resources.handler import Context

ARN = "arn:aws:eks:eu-west-1:111111111111"
PROFILE = {
    "fargateProfileName": "jobs",
    "fargateProfileArn": f"{ARN}:fargateprofile/commons/jobs/1",
    "clusterName": "commons",
    "podExecutionRoleArn": "arn:aws:iam::111111111111:role/pods",
    "subnets": ["subnet-1"],
    "selectors": [{"namespace": "jobs", "labels": {"kind": "job"}}],
    "status": "ACTIVE",
    "tags": {"stack": "s"},
}
PROPERTIES = {
    "ClusterName": "commons",
    "FargateProfileName": "jobs",
    "PodExecutionRoleArn": "arn:aws:iam::111111111111:role/pods",
    "Subnets": ["subnet-1"],
    "Selectors": [{"Namespace": "jobs", "Labels": [{"Key": "kind", "Value": "job"}]}],
}
OIDC = {
    "identityProviderConfigName": "people",
    "identityProviderConfigArn": f"{ARN}:identityproviderconfig/commons/oidc/people/1",
    "clusterName": "commons",
    "issuerUrl": "https://login.example.org",
    "clientId": "kubernetes",
    "requiredClaims": {"team": "data"},
    "status": "ACTIVE",
    "tags": {},
}


@pytest.fixture
def eks() -> Any:
    return boto3.client("eks", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")


def context(client: Any) -> Context:
    return Context(
        lambda _: client, "1" * 12, "eu-west-1", "arn:x", "stack", "It", "stack-It-ABC", "token", {"stack": "s"}
    )


def test_a_profile_is_asked_for_and_told_in_the_form_of_a_template(eks: Any) -> None:
    with Stubber(eks) as stub:
        stub.add_response(
            "create_fargate_profile",
            {"fargateProfile": PROFILE},
            {
                "clusterName": "commons",
                "fargateProfileName": "jobs",
                "podExecutionRoleArn": PROFILE["podExecutionRoleArn"],
                "subnets": ["subnet-1"],
                "selectors": PROFILE["selectors"],
                "clientRequestToken": "token",
                "tags": {"stack": "s"},
            },
        )
        named = {"clusterName": "commons", "fargateProfileName": "jobs"}
        for _ in range(2):
            stub.add_response("describe_fargate_profile", {"fargateProfile": PROFILE}, named)
        made = FargateProfile().create(context(eks), PROPERTIES)
        assert (made.physical_id, made.attributes) == ("commons|jobs", {"Arn": PROFILE["fargateProfileArn"]})
        assert FargateProfile().read(context(eks), made.physical_id) == {**PROPERTIES, "Tags": []}


def test_a_provider_is_associated_and_told_in_the_form_of_a_template(eks: Any) -> None:
    oidc = {
        "IssuerUrl": "https://login.example.org",
        "ClientId": "kubernetes",
        "RequiredClaims": [{"Key": "team", "Value": "data"}],
    }
    properties = {"ClusterName": "commons", "IdentityProviderConfigName": "people", "Type": "oidc", "Oidc": oidc}
    with Stubber(eks) as stub:
        wanted = {
            "identityProviderConfigName": "people",
            "issuerUrl": "https://login.example.org",
            "clientId": "kubernetes",
            "requiredClaims": {"team": "data"},
        }
        stub.add_response(
            "associate_identity_provider_config",
            {"tags": {}},
            {"clusterName": "commons", "oidc": wanted, "clientRequestToken": "token", "tags": {"stack": "s"}},
        )
        named = {"clusterName": "commons", "identityProviderConfig": {"type": "oidc", "name": "people"}}
        for _ in range(2):
            told = {"identityProviderConfig": {"oidc": OIDC}}
            stub.add_response("describe_identity_provider_config", told, named)
        made = IdentityProviderConfig().create(context(eks), properties)
        assert made.physical_id == "people|commons|oidc"
        assert made.attributes == {"IdentityProviderConfigArn": OIDC["identityProviderConfigArn"]}
        assert IdentityProviderConfig().read(context(eks), made.physical_id) == {**properties, "Tags": []}
