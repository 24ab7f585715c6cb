"""90-outputs.yaml: where each output goes, and that nothing of another shape passes."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from csoc.errors import RejectedError
from csoc.fleet.masking import looks_secret
from csoc.fleet.values import look_up, walk
from csoc.gen3.launch import bundles, outputs
from tests.unit.gen3.launch.launching import ACCOUNT, PLACE, REGION, outputs_of

UID = "e1b2c3d4e5"
EVERYTHING = bundles.select([*bundles.BUNDLES])
ROLE = f"arn:aws:iam::{ACCOUNT}:role/csoc/{UID}/csoc-{UID}-"


def values(**changed: str | None) -> dict[str, Any]:
    told = {**outputs_of(EVERYTHING, UID), **changed}
    given = {name: value for name, value in told.items() if value is not None}
    return outputs.values(given, PLACE, EVERYTHING)


def at(data: dict[str, Any], *path: str) -> Any:
    return look_up(data, path)


def test_endpoints_certificates_and_names_reach_the_keys_that_the_chart_reads() -> None:
    data = values()
    assert at(data, "global", "revproxyArn").startswith(f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/")
    assert at(data, "global", "aws", "account") == ACCOUNT
    assert at(data, "global", "aws", "wafv2", "enabled") is True
    assert at(data, "global", "postgres", "externalSecret") == f"csoc-{UID}-database-master"
    assert at(data, "global", "postgres", "master", "port") == "5432"
    assert at(data, "aws-es-proxy", "esEndpoint") == f"vpc-csoc-{UID}-search-abc.{REGION}.es.amazonaws.com"
    assert at(data, "audit", "server", "sqs", "url").endswith(f"/csoc-{UID}-audit")
    pushed = at(data, "fence", "FENCE_CONFIG_PUBLIC", "PUSH_AUDIT_LOGS_CONFIG")
    assert pushed["aws_sqs_config"]["sqs_url"] == at(data, "audit", "server", "sqs", "url")
    bucket = at(data, "global", "dataUploadBucket")
    assert at(data, "fence", "FENCE_CONFIG_PUBLIC", "DATA_UPLOAD_BUCKET") == bucket
    assert set(at(data, "fence", "FENCE_CONFIG_PUBLIC", "S3_BUCKETS")) == {bucket}


def test_roles_are_arns_in_annotations_and_names_where_the_chart_adds_the_rest() -> None:
    data = values()
    annotation = ("serviceAccount", "annotations", "eks.amazonaws.com/role-arn")
    assert at(data, "fence", *annotation) == f"{ROLE}fence-sa"
    assert at(data, "ssjdispatcher", "jobServiceAccount", *annotation[1:]) == f"{ROLE}ssjdispatcher-job-sa"
    assert at(data, "global", "aws", "awsEsProxyRoleArn") == f"{ROLE}aws-es-proxy-sa"
    assert at(data, "global", "aws", "hatchery_role") == f"csoc/{UID}/csoc-{UID}-hatchery-service-account"
    assert at(data, "global", "aws", "sower_role") == f"csoc/{UID}/csoc-{UID}-sower-service-account"
    assert at(data, "global", "aws", "secretStoreServiceAccount", "roleArn") == f"{ROLE}secret-store-sa"


def test_the_file_says_who_writes_it_reads_back_and_holds_nothing_secret() -> None:
    content = outputs.outputs_file(outputs_of(EVERYTHING, UID), PLACE, EVERYTHING)
    assert content.startswith(b"# Written by csoc")
    data = yaml.safe_load(content)
    assert data == values()
    for path, value in walk(data):
        assert looks_secret(path, value) is None, path


def test_a_commons_without_search_or_workspaces_needs_none_of_their_outputs() -> None:
    minimal = bundles.select(["minimal"])
    told = dict(outputs_of(minimal, UID))
    del told["SearchEndpoint"], told["QueueUrls"], told["BucketNames"], told["WebAclArn"]
    data = outputs.values(told, PLACE, minimal)
    assert at(data, "global", "aws", "wafv2", "enabled") is False
    assert "aws-es-proxy" not in data
    assert at(data, "global", "aws", "hatchery_role") is None


def _roles(**changed: str) -> str:
    known = json.loads(outputs_of(EVERYTHING, UID)["RoleArns"])
    return json.dumps({**known, **{name.replace("_", "-"): arn for name, arn in changed.items()}})


HOSTILE: list[tuple[str, str | None]] = [
    ("DatabaseEndpoint", None),
    ("DatabaseEndpoint", ""),
    ("DatabaseEndpoint", "https://db.example.org"),
    ("DatabaseEndpoint", "db.example.org:5432"),
    ("DatabaseEndpoint", "db.example.org\nglobal: {dev: true}"),
    ("DatabaseEndpoint", "{{ .Values.global }}"),
    ("DatabasePort", "5433"),
    ("DatabaseSecretName", f"csoc/{UID}/database-master"),
    ("DatabaseSecretName", "rds!cluster-1"),
    ("SearchEndpoint", "https://search.example.org"),
    ("CertificateArn", f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/0f9f7a5e-6f1d-4f0c-9c4e-0c1d1f6f3a10"),
    ("CertificateArn", f"arn:aws:acm:{REGION}:999999999999:certificate/0f9f7a5e-6f1d-4f0c-9c4e-0c1d1f6f3a10"),
    ("CertificateArn", f"arn:aws:iam::{ACCOUNT}:server-certificate/x"),
    ("WebAclArn", f"arn:aws:wafv2:{REGION}:{ACCOUNT}:global/webacl/x/0f9f7a5e-6f1d-4f0c-9c4e-0c1d1f6f3a10"),
    ("RoleArns", "not json"),
    ("RoleArns", "[]"),
    ("RoleArns", '{"fence-sa": {"Ref": "x"}}'),
    ("RoleArns", "{}"),
    ("RoleArns", "[" * 100_001),
    ("RoleArns", _roles(fence_sa="arn:aws:iam::999999999999:role/x")),
    ("RoleArns", _roles(fence_sa=f"arn:aws:iam::{ACCOUNT}:user/x")),
    ("RoleArns", _roles(fence_sa="csoc-fence")),
    ("RoleArns", _roles(hatchery_service_account=f"arn:aws-us-gov:iam::{ACCOUNT}:role/x")),
    ("BucketNames", '{"manifests": "No_Bucket"}'),
    ("BucketNames", "{}"),
    ("QueueUrls", f'{{"audit": "http://sqs.{REGION}.amazonaws.com/{ACCOUNT}/x", "uploads": "x"}}'),
    ("QueueUrls", f'{{"audit": "https://sqs.{REGION}.amazonaws.com.evil.org/{ACCOUNT}/x"}}'),
]


@pytest.mark.parametrize(("name", "value"), HOSTILE)
def test_outputs_of_another_shape_are_refused_by_name(name: str, value: str | None) -> None:
    with pytest.raises(RejectedError) as caught:
        values(**{name: value})
    assert caught.value.place == f"output {name}"
    assert "Expected" in caught.value.cause
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "place", [outputs.Place("12", REGION), outputs.Place(ACCOUNT, "x y"), outputs.Place(ACCOUNT, f"{REGION}\n")]
)
def test_a_place_that_is_none_is_refused(place: outputs.Place) -> None:
    with pytest.raises(RejectedError):
        outputs.values(outputs_of(EVERYTHING, UID), place, EVERYTHING)
