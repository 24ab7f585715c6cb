"""Texts that CloudFormation refuses by the type's own schema, and those that the documentation calls right."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from csoc.emulator.cloudformation.resources.table import HANDLERS
from csoc.emulator.cloudformation.schemas import Schemas
from csoc.emulator.cloudformation.text_limits import broken_limits, compiled_pattern

SCHEMAS = Schemas()
TRUST = {"Version": "2012-10-17", "Statement": []}

BUCKET, GROUP, ROLE = "AWS::S3::Bucket", "AWS::Logs::LogGroup", "AWS::IAM::Role"
DATABASE, ARCHIVE = "AWS::RDS::DBCluster", "AWS::Events::Archive"


def role(name: str, **more: Any) -> dict[str, Any]:
    return {"RoleName": name, "AssumeRolePolicyDocument": TRUST, **more}


def archive(name: str) -> dict[str, Any]:
    return {"ArchiveName": name, "SourceArn": "arn:aws:events:ap-southeast-2:111111111111:event-bus/default"}


@pytest.mark.parametrize(
    ("type_name", "properties"),
    [
        # Source: S3 User Guide, "General purpose bucket naming rules", its examples of valid names.
        *((BUCKET, {"BucketName": name}) for name in ("docexamplebucket1", "log-delivery-march-2020", "my.bucket.com")),
        # Source: CloudWatch Logs API Reference, CreateLogGroup.
        *((GROUP, {"LogGroupName": name}) for name in ("/aws/lambda/it", "a.b_c-d#1", "x" * 512)),
        # Source: IAM User Guide, "IAM and AWS STS quotas", "IAM name requirements".
        *((ROLE, role(name)) for name in ("a+b=c,d.e@f-g_h", "x" * 64)),
        (ROLE, role("it", Path="/csoc/", Description="Lässt\tsich lesen")),
        # Source: RDS API Reference, CreateDBCluster, DBClusterIdentifier.
        (DATABASE, {"DBClusterIdentifier": "my-cluster1", "Engine": "aurora-postgresql", "MasterUsername": "gen3"}),
        ("AWS::RDS::DBInstance", {"Port": 5432, "AllocatedStorage": 20}),
        (ARCHIVE, archive("x" * 48)),
    ],
)
def test_what_the_documentation_calls_right_is_taken(type_name: str, properties: Mapping[str, Any]) -> None:
    assert SCHEMAS.problem(type_name, properties) == ""


PATTERN = "failed validation constraint for keyword [pattern]"


@pytest.mark.parametrize(
    ("type_name", "properties", "said"),
    [
        # Source: S3 User Guide, "General purpose bucket naming rules", its examples of names that are not valid.
        (BUCKET, {"BucketName": "doc_example_bucket"}, f"#/BucketName: {PATTERN}"),
        (BUCKET, {"BucketName": "DocExampleBucket"}, f"#/BucketName: {PATTERN}"),
        (BUCKET, {"BucketName": "doc-example-bucket-"}, f"#/BucketName: {PATTERN}"),
        (BUCKET, {"BucketName": "x" * 64}, "#/BucketName: expected maxLength: 63, actual: 64"),
        (GROUP, {"LogGroupName": "my group"}, f"#/LogGroupName: {PATTERN}"),
        (GROUP, {"LogGroupName": "x" * 513}, "#/LogGroupName: expected maxLength: 512, actual: 513"),
        (GROUP, {"LogGroupName": ""}, "#/LogGroupName: expected minLength: 1, actual: 0"),
        (ROLE, role("two words"), f"#/RoleName: {PATTERN}"),
        (ROLE, role("x" * 65), "#/RoleName: expected maxLength: 64, actual: 65"),
        (ROLE, role("it", ManagedPolicyArns=["a", "ReadOnlyAccess"]), f"#/ManagedPolicyArns/0: {PATTERN}"),
        (ROLE, role("it", Description="\u2603"), f"#/Description: {PATTERN}"),
        (DATABASE, {"DBClusterIdentifier": "1st"}, f"#/DBClusterIdentifier: {PATTERN}"),
        (DATABASE, {"DBClusterIdentifier": "a--b"}, f"#/DBClusterIdentifier: {PATTERN}"),
        (DATABASE, {"DBClusterIdentifier": "ends-"}, f"#/DBClusterIdentifier: {PATTERN}"),
        # Source: aws-samples/retail-demo-store#508 quotes this message for a name of 54 characters.
        (ARCHIVE, archive("x" * 54), "#/ArchiveName: expected maxLength: 48, actual: 54"),
    ],
)
def test_what_the_schema_does_not_allow_is_refused_in_cloudformations_words(
    type_name: str, properties: Mapping[str, Any], said: str
) -> None:
    expected = f"Properties validation failed for resource of type {type_name} with message: [{said}]"
    assert SCHEMAS.problem(type_name, properties) == expected


def test_a_refusal_does_not_tell_the_text() -> None:
    refused = SCHEMAS.problem(DATABASE, {"MasterUsername": "correct horse battery"})
    assert PATTERN in refused
    assert "horse" not in refused


def test_a_reference_to_a_secret_is_not_measured() -> None:
    reference = "{{resolve:secretsmanager:db:SecretString:username}}"
    assert SCHEMAS.problem(DATABASE, {"MasterUsername": reference}) == ""


def test_a_document_is_no_text() -> None:
    assert SCHEMAS.problem(ROLE, role("it")) == ""


@pytest.mark.parametrize("text", ["/" + "~" * 50_000, "a" * 50_000 + "!", "-" * 50_000])
def test_long_texts_do_not_hold_the_emulator_up(text: str) -> None:
    patterns = {pattern for name in HANDLERS for pattern in patterns_in(SCHEMAS.definition(name))}
    begun = time.thread_time()
    for pattern in patterns:
        list(broken_limits({"pattern": pattern}, text))
    assert time.thread_time() - begun < 20, "each of 150 patterns takes a tenth of a second at most"


LOOKING_AROUND = ("(?=", "(?!", "(?<")


def test_only_patterns_that_look_around_or_count_too_far_are_left_out() -> None:
    patterns = {pattern for name in HANDLERS for pattern in patterns_in(SCHEMAS.definition(name))}
    left_out = {pattern for pattern in patterns if compiled_pattern(pattern) is None}
    others = {pattern for pattern in left_out if not any(group in pattern for group in LOOKING_AROUND)}
    assert others == {"^[0-9A-Za-z_:-]{1,1024}$"}
    assert len(left_out) < len(patterns) / 10


def patterns_in(part: Any) -> list[str]:
    """All patterns of a schema."""
    if isinstance(part, Mapping):
        own = [part["pattern"]] if isinstance(part.get("pattern"), str) else []
        return own + [found for inner in part.values() for found in patterns_in(inner)]
    return [found for inner in part for found in patterns_in(inner)] if isinstance(part, list) else []
