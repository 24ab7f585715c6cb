"""The endpoint: whom it lets in, and whose account answers."""

from __future__ import annotations

import re
import urllib.request
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError

from csoc.emulator.running import Emulator
from tests.functional.emulator.conftest import Owner


def test_the_owner_is_told_who_they_are(owner: Owner) -> None:
    told = owner.client("sts").get_caller_identity()
    assert (told["Account"], told["Arn"]) == (owner.account, f"arn:aws:iam::{owner.account}:user/owner")
    assert re.fullmatch("AIDA[A-Z2-7]{17}", told["UserId"])
    assert owner.client("iam").get_user(UserName="owner")["User"]["UserId"] == told["UserId"]


def test_a_wrong_secret_is_refused(owner: Owner) -> None:
    with pytest.raises(ClientError) as refused:
        owner.client("ec2", aws_secret_access_key="wrong").describe_vpcs()
    assert refused.value.response["Error"]["Code"] == "SignatureDoesNotMatch"


def test_an_unknown_key_is_refused(owner: Owner) -> None:
    with pytest.raises(ClientError) as refused:
        owner.client("s3", aws_access_key_id="AKIAAAAAAAAAAAAAAAAA").list_buckets()
    assert refused.value.response["Error"]["Code"] == "InvalidClientTokenId"


def test_the_key_of_a_user_comes_without_a_token(owner: Owner) -> None:
    with pytest.raises(ClientError) as refused:
        owner.client("sts", aws_session_token="bogus").get_caller_identity()
    assert refused.value.response["Error"]["Code"] == "InvalidClientTokenId"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.mark.parametrize("token", ["", "bogus", "caf\u00e9"])
def test_the_key_of_a_session_comes_with_its_own_token(owner: Owner, token: str) -> None:
    key = owner.client("sts").get_session_token()["Credentials"]
    given = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    assert owner.client("sts", **given, aws_session_token=key["SessionToken"]).get_caller_identity()["UserId"]
    with pytest.raises(ClientError) as refused:
        owner.client("sts", **given, aws_session_token=token).get_caller_identity()
    assert refused.value.response["Error"]["Code"] == "InvalidClientTokenId"


def test_accounts_see_only_their_own(owner: Owner, emulator: Emulator) -> None:
    other = Owner(emulator, "222222222222")
    made = owner.client("ec2").create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    assert made in {vpc["VpcId"] for vpc in owner.client("ec2").describe_vpcs()["Vpcs"]}
    assert made not in {vpc["VpcId"] for vpc in other.client("ec2").describe_vpcs()["Vpcs"]}


def test_names_with_blanks_and_letters_of_other_scripts_are_signed_right(owner: Owner) -> None:
    s3 = owner.client("s3")
    s3.create_bucket(Bucket=f"b-{owner.account}", CreateBucketConfiguration={"LocationConstraint": "ap-southeast-2"})
    s3.put_object(Bucket=f"b-{owner.account}", Key="a b/ü+c.txt", Body=b"hello")
    newest = owner.client("s3", signature="s3v4")
    address = newest.generate_presigned_url("get_object", Params={"Bucket": f"b-{owner.account}", "Key": "a b/ü+c.txt"})
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == b"hello"


def test_what_is_not_offered_is_said_so(owner: Owner) -> None:
    with pytest.raises(ClientError, match="does not offer"):
        owner.client("service-quotas").list_service_quotas(ServiceCode="vpc")


@pytest.mark.parametrize(
    ("service", "method"),
    [
        ("athena", "list_work_groups"),
        ("kafka", "list_clusters"),
        ("cloudfront", "list_distributions"),
        ("redshift", "describe_clusters"),
    ],
)
def test_a_service_that_is_not_offered_is_said_so_in_the_form_that_its_client_reads(
    owner: Owner, service: str, method: str
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(owner.client(service), method)()
    error = refused.value.response["Error"]
    assert error["Code"] == "UnknownOperationException"
    assert error["Message"].startswith("The emulator does not offer ")


def test_a_content_type_that_a_service_does_not_speak_is_refused_in_words(emulator: Emulator) -> None:
    asked = urllib.request.Request(
        emulator.endpoint + "/?Action=GetCallerIdentity&Version=2011-06-15", b"{}",
        {"Content-Type": "application/x-amz-json-1.1"},
    )  # fmt: skip
    with pytest.raises(HTTPError) as refused:
        urllib.request.urlopen(asked)
    assert (refused.value.code, b"does not offer sts GetCallerIdentity" in refused.value.read()) == (400, True)
