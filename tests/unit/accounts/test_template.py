"""The link template: the same for the same terms, sound as CloudFormation and IAM take it, exact in whom it trusts."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import cfnlint.api
import pytest

from csoc.accounts import names
from csoc.accounts.boundary import boundary
from csoc.accounts.features import FEATURES
from csoc.accounts.links import Role, new_external_id
from csoc.accounts.roles import ASSUMED, roles
from csoc.accounts.template import (
    EXTERNAL_ID_PATTERN,
    LARGEST_INLINE_BYTES,
    LONGEST_ADDRESS,
    LinkTemplate,
    command,
    link_template,
    quick_create,
    stack_set,
    terraform,
)
from csoc.accounts.terms import Reads, Terms
from csoc.emulator.iam.documents import parse_policy
from csoc.errors import RejectedError

WORKER = "arn:aws:iam::111111111111:role/csoc-worker"
OBSERVER = "arn:aws:iam::111111111111:role/apps/csoc-observer"
TERMS = Terms("f1b2c3d4e5", WORKER, OBSERVER)
ACCOUNT = TERMS.of(account_id="222222222222", partition="aws", external_id="csoc-aaaaaaaaaa-" + "a" * 30)
# Source: "IAM and AWS STS quotas": characters without white space.
LARGEST_MANAGED, LARGEST_INLINE_OF_A_ROLE, LARGEST_TRUST, MOST_ATTACHED = 6_144, 10_240, 2_048, 10


@pytest.fixture(scope="module")
def template() -> LinkTemplate:
    return link_template(TERMS)


@pytest.fixture(scope="module")
def body(template: LinkTemplate) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(template.body)
    return found


def size(document: Any) -> int:
    return len(json.dumps(document, separators=(",", ":")))


def test_cfn_lint_finds_nothing(template: LinkTemplate) -> None:
    found = cfnlint.api.lint(template.body, regions=["ap-southeast-2"])
    assert [f"{one.rule.id} {one.message}" for one in found] == []


def test_the_same_terms_give_the_same_bytes_and_other_terms_another_digest(template: LinkTemplate) -> None:
    assert link_template(TERMS) == template
    others = [
        Terms("g1b2c3d4e5", WORKER, OBSERVER),
        Terms("f1b2c3d4e5", OBSERVER, OBSERVER),
        Terms("f1b2c3d4e5", WORKER, WORKER),
        Terms("f1b2c3d4e5", WORKER, OBSERVER, "o-abcdefghij"),
    ]
    assert len({link_template(terms).digest for terms in others} | {template.digest}) == 5


def test_it_fits_into_one_call(template: LinkTemplate) -> None:
    assert len(template.body.encode()) < LARGEST_INLINE_BYTES


def test_policies_keep_within_the_limits_of_iam() -> None:
    assert size(boundary(ACCOUNT)) <= LARGEST_MANAGED
    for role in roles(ACCOUNT):
        assert size(role.trust) <= LARGEST_TRUST
        assert sum(map(size, role.inline.values())) <= LARGEST_INLINE_OF_A_ROLE
        assert len(role.managed) <= MOST_ATTACHED
        assert {name: size(one) for name, one in role.managed.items() if size(one) > LARGEST_MANAGED} == {}


def test_every_policy_is_one_that_iam_takes_and_names_each_statement_once() -> None:
    for role in roles(ACCOUNT):
        for document in (*role.inline.values(), *role.managed.values(), boundary(ACCOUNT)):
            parse_policy(json.dumps(document))
            ids = [one["Sid"] for one in document["Statement"]]
            assert len(ids) == len(set(ids))
            assert all(re.fullmatch("[A-Za-z0-9]+", one) for one in ids)


def test_roles_trust_exactly_csoc_with_the_external_id_and_a_persons_name() -> None:
    for role in roles(ACCOUNT):
        (statement,) = role.trust["Statement"]
        if role.role not in ASSUMED:
            assert statement["Principal"] == {"Service": "cloudformation.amazonaws.com"}
            continue
        assert statement["Principal"] == {"AWS": OBSERVER if role.role is Role.OBSERVER else WORKER}
        assert statement["Action"] == ["sts:AssumeRole", "sts:SetSourceIdentity"]
        assert statement["Condition"] == {
            "StringEquals": {"sts:ExternalId": ACCOUNT.external_id},
            "Null": {"sts:SourceIdentity": "false"},
        }


def test_an_organization_is_asked_for_where_one_is_set() -> None:
    terms = Terms("f1b2c3d4e5", WORKER, OBSERVER, "o-abcdefghij")
    observer = roles(terms)[0].trust["Statement"][0]
    assert observer["Condition"]["StringEquals"]["aws:PrincipalOrgID"] == "o-abcdefghij"


def test_sessions_last_an_hour_and_names_are_outside_of_what_csoc_may_drive(body: dict[str, Any]) -> None:
    made = [one["Properties"] for one in body["Resources"].values() if one["Type"] == "AWS::IAM::Role"]
    assert len(made) == len(Role)
    assert {one["MaxSessionDuration"] for one in made} == {3600}
    assert {one["Path"] for one in made} == {names.LINK_PATH}
    assert not any(one["RoleName"].startswith("csoc-") for one in made)


def test_the_external_id_is_a_parameter_that_can_be_seen_and_must_be_one_of_csocs(body: dict[str, Any]) -> None:
    parameter = body["Parameters"]["ExternalId"]
    assert "NoEcho" not in parameter
    assert "Default" not in parameter
    assert re.fullmatch(parameter["AllowedPattern"], new_external_id())
    assert not re.fullmatch(EXTERNAL_ID_PATTERN, "mine")


def test_the_bucket_is_versioned_encrypted_kept_private_and_spoken_to_with_tls(body: dict[str, Any]) -> None:
    bucket = body["Resources"]["ArtifactBucket"]
    assert bucket["DeletionPolicy"] == "RetainExceptOnCreate"
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["Properties"]["BucketEncryption"]
    assert all(bucket["Properties"]["PublicAccessBlockConfiguration"].values())
    (statement,) = body["Resources"]["ArtifactBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_nothing_is_made_but_roles_policies_and_the_bucket(body: dict[str, Any]) -> None:
    kinds = {one["Type"] for one in body["Resources"].values()}
    assert kinds == {"AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::S3::Bucket", "AWS::S3::BucketPolicy"}


def test_no_role_holds_a_right_to_everything() -> None:
    for role in roles(ACCOUNT):
        for document in (*role.inline.values(), *role.managed.values()):
            for one in document["Statement"]:
                assert one["Effect"] == "Deny" or not {"*", "iam:*", "sts:*"} & set(one["Action"]), one["Sid"]


def test_every_policy_belongs_to_a_feature_that_says_what_it_is_for() -> None:
    reading = replace(ACCOUNT, reads=Reads(("arn:of:a:parameter",), ("arn:of:a:stack",)))
    given = {(role.role, name) for role in roles(reading) for name in (*role.inline, *role.managed)}
    assert {(feature.role, feature.policy) for feature in FEATURES} == given


def test_a_quick_create_address_that_would_be_too_long_is_refused(template: LinkTemplate) -> None:
    url = f"https://bucket.s3.ap-southeast-2.amazonaws.com/{template.key}"
    address = quick_create(template, ACCOUNT.external_id, "ap-southeast-2", url, "aws")
    assert len(address) <= LONGEST_ADDRESS
    with pytest.raises(RejectedError, match="1024"):
        quick_create(template, ACCOUNT.external_id, "ap-southeast-2", url + "x" * 900, "aws")
    with pytest.raises(RejectedError, match="aws-cn"):
        quick_create(template, ACCOUNT.external_id, "cn-north-1", url, "aws-cn")


def test_what_is_pasted_names_the_stack_the_region_and_the_external_id(template: LinkTemplate) -> None:
    for text in (
        command(template, ACCOUNT.external_id, "eu-west-1", "link.json"),
        terraform(template, ACCOUNT.external_id, "eu-west-1", "link.json"),
        stack_set(template, ACCOUNT.external_id, "eu-west-1", "222222222222", "link.json"),
    ):
        for part in ("CsocLink-f1b2c3d4e5", "eu-west-1", ACCOUNT.external_id, "link.json", "CAPABILITY_NAMED_IAM"):
            assert part in text


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::111111111111:root",
        "arn:aws:iam::111111111111:user/eva",
        "arn:aws:sts::111111111111:assumed-role/csoc-worker/ada",
        "arn:aws:iam::11111111111:role/csoc",
        "arn:aws:iam::111111111111:role/",
        "arn:other:iam::111111111111:role/csoc",
        'arn:aws:iam::111111111111:role/csoc"}',
        "arn:aws:iam::111111111111:role/csoc\n",
        "*",
        "",
    ],
)
def test_only_the_arn_of_a_role_is_trusted(arn: str) -> None:
    with pytest.raises(RejectedError, match="not the ARN of a role"):
        Terms("f1b2c3d4e5", arn, OBSERVER)


def test_the_how_to_names_what_the_template_makes() -> None:
    page = (Path(__file__).parents[3] / "docs/how-to/link-an-account.md").read_text()
    for role in Role:
        assert f"| {role} |" in page
