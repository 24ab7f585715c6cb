"""What pods of EKS are given so that they find their role."""

from __future__ import annotations

from typing import Any

import pytest

from csoc.emulator.cloud.eks.pods import give_role

ROLE = "arn:aws:iam::111122223333:role/fence"


def given(
    annotations: dict[str, str], *, associated: bool = False, pod: dict[str, str] | None = None, **container: Any
) -> dict[str, Any]:
    """A pod of an account with these annotations (of eks.amazonaws.com)."""
    body: dict[str, Any] = {
        "metadata": {"annotations": {f"eks.amazonaws.com/{name}": text for name, text in (pod or {}).items()}},
        "spec": {"containers": [{"name": "main", **container}], "initContainers": [{"name": "setup"}]},
    }
    account = {"metadata": {"annotations": {f"eks.amazonaws.com/{name}": text for name, text in annotations.items()}}}
    give_role(body, account, "eu-west-1", associated=associated)
    return body


def variables(body: dict[str, Any], name: str = "main") -> dict[str, str]:
    found = [*body["spec"]["containers"], *body["spec"]["initContainers"]]
    container = next(one for one in found if one["name"] == name)
    return {one["name"]: one.get("value", "") for one in container.get("env", ())}


def test_every_container_finds_the_role_of_its_account_and_a_token_for_sts() -> None:
    body = given({"role-arn": ROLE})
    file = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"
    told = {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": file, "AWS_STS_REGIONAL_ENDPOINTS": "regional"}
    told |= {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"}
    assert variables(body) == variables(body, "setup") == told
    source = {"audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token"}
    assert body["spec"]["volumes"] == [
        {"name": "aws-iam-token", "projected": {"sources": [{"serviceAccountToken": source}], "defaultMode": 420}}
    ]


def test_pod_identity_comes_before_the_role_of_an_annotation() -> None:
    found = variables(given({"role-arn": ROLE}, associated=True))
    assert "AWS_ROLE_ARN" not in found
    assert found["AWS_CONTAINER_CREDENTIALS_FULL_URI"] == "http://169.254.170.23/v1/credentials"
    assert found["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"].endswith("/eks-pod-identity-token")


def test_an_account_without_a_role_leaves_its_pods_alone() -> None:
    body = given({})
    assert "volumes" not in body["spec"]
    assert variables(body) == {}


def test_what_a_container_says_itself_stays() -> None:
    body = given({"role-arn": ROLE}, env=[{"name": "AWS_REGION", "value": "us-east-1"}])
    assert variables(body)["AWS_REGION"] == "us-east-1"
    assert "AWS_DEFAULT_REGION" not in variables(body)
    assert variables(given({"role-arn": ROLE}, pod={"skip-containers": "main"})) == {}


@pytest.mark.parametrize(
    ("written", "seconds"), [("7200", 7200), ("5", 3600), ("999999", 86400), ("-1", 86400), ("9" * 5000, 86400)]
)
def test_how_long_a_token_lasts_stays_within_what_the_webhook_allows(written: str, seconds: int) -> None:
    volume = given({"role-arn": ROLE, "token-expiration": written})["spec"]["volumes"][0]
    assert volume["projected"]["sources"][0]["serviceAccountToken"]["expirationSeconds"] == seconds
