"""Who vouches for a person: AWS's own STS and IAM, whatever variables name."""

from __future__ import annotations

import pytest

from csoc.adapters.aws.accounts import AwsAccounts
from csoc.adapters.aws.sessions import BotoSession, own_session
from csoc.errors import DeniedError

FAKE = "http://127.0.0.1:9"


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_IAM"):
        monkeypatch.delenv(name, raising=False)
    given = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x", "AWS_CONFIG_FILE": "/dev/null"}
    for name, value in (given | {"AWS_DEFAULT_REGION": "ap-southeast-2"}).items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def own() -> BotoSession:
    return own_session()


@pytest.mark.parametrize("region", ["us-east-1", "ap-southeast-2", "cn-north-1", "us-gov-west-1"])
@pytest.mark.parametrize("more", ["", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_aws_own_sts_is_known_in_every_form(variables: pytest.MonkeyPatch, region: str, more: str) -> None:
    variables.setenv("AWS_DEFAULT_REGION", region)
    if more:
        variables.setenv(more, "true")
    assert own().endpoint == ""


@pytest.mark.parametrize(
    "address",
    [
        FAKE,
        "http://sts.amazonaws.com",
        "https://sts.amazonaws.com.example.org",
        "https://x.execute-api.us-east-1.amazonaws.com",
        "https://sts.us-east-1.elb.amazonaws.com",
        "https://sts.amazonaws.com:8443",
        "https://sts.amazonaws.com@example.org",
    ],
)
def test_whatever_else_a_variable_names_is_asked_by_nobody_who_wants_proof(
    variables: pytest.MonkeyPatch, address: str
) -> None:
    variables.setenv("AWS_ENDPOINT_URL_STS", address)
    with pytest.raises(DeniedError, match="Who you are is asked of") as refused:
        AwsAccounts().proven_caller("")
    assert "Unset AWS_ENDPOINT_URL_STS" in refused.value.fix


def test_neither_another_iam_nor_another_authority_is_believed(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("AWS_ENDPOINT_URL_IAM", FAKE)
    variables.setenv("AWS_CA_BUNDLE", "/nowhere/authority.pem")
    assert own().proving("iam", "").meta.endpoint_url == "https://iam.amazonaws.com"
    assert own().proving("iam", FAKE).meta.endpoint_url == FAKE, "of an emulated cloud, all are"
    for service in ("sts", "iam"):
        assert own().proving(service, "")._endpoint.http_session._verify is True


def test_a_link_of_an_emulated_cloud_is_no_reason_to_believe_it_elsewhere(variables: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeniedError, match=f"is asked of AWS itself.*was verified with {FAKE}"):
        AwsAccounts().proven_caller(FAKE)
    variables.setenv("AWS_ENDPOINT_URL", FAKE)
    assert own().endpoint == FAKE
    assert own().proving("sts", FAKE).meta.endpoint_url == FAKE
