"""Service accounts whose role cannot exist."""

from typing import Any

import pytest

from csoc.gen3.rules.model import Hit
from csoc.gen3.rules.role_arn_malformed import check
from csoc.testing.states import environment_state

ACCOUNT = "111122223333"
INSIDE = (
    "global:\n  aws:\n    enabled: true\n    account: '111122223333'\n"
    "    hatchery_role: arn:aws:iam::111122223333:role/gen3-service/alpha-hatchery-sa\nhatchery: {enabled: true}\n"
)


def account(name: str, role: object) -> dict[str, Any]:
    annotations = {"eks.amazonaws.com/role-arn": role}
    return {"kind": "ServiceAccount", "metadata": {"name": name, "annotations": annotations}}


def hits(values: str, *objects: dict[str, Any]) -> list[Hit]:
    return list(check(environment_state(values, objects=objects)))


def test_an_arn_where_a_name_is_wanted_is_found_with_its_line_and_a_patch_that_leaves_the_name() -> None:
    twice = f"arn:aws:iam::{ACCOUNT}:role/arn:aws:iam::{ACCOUNT}:role/gen3-service/alpha-hatchery-sa"
    (hit,) = hits(INSIDE, account("hatchery-service-account", twice))
    assert "hatchery_role" in hit.cause
    assert hit.evidence[0].location
    assert hit.evidence[0].location.line == 5
    assert [(patch.path[-1], patch.value) for patch in hit.patches] == [
        ("hatchery_role", "gen3-service/alpha-hatchery-sa")
    ]


def test_values_alone_tell_the_same() -> None:
    (hit,) = check(environment_state(INSIDE))
    assert hit.key == "hatchery-service-account inside"


def test_no_patch_where_the_arn_is_of_another_account_since_the_chart_would_change_it() -> None:
    (hit,) = check(environment_state(INSIDE.replace("'111122223333'", "'444455556666'")))
    assert not hit.patches


def test_a_role_without_a_name_and_without_an_account_is_found() -> None:
    (hit,) = hits("global: {aws: {enabled: true}}\n", account("aws-es-proxy-sa", "arn:aws:iam:::role/"))
    assert "global.aws.awsEsProxyRole" in hit.fix
    named = "global: {aws: {enabled: true, sower_role: jobs}}\n"
    (hit,) = hits(named, account("sower-service-account", "arn:aws:iam:::role/jobs"))
    assert "global.aws.account is not set" in hit.cause


def test_a_name_that_no_role_can_have_is_found_without_guessing_another_cause() -> None:
    values = "global: {aws: {enabled: true, account: '111122223333', sower_role: two words}}\n"
    (hit,) = hits(values, account("sower-service-account", f"arn:aws:iam::{ACCOUNT}:role/two words"))
    assert (
        hit.cause
        == "The role of the ServiceAccount sower-service-account is not the ARN of a role (global.aws.sower_role)"
    )


def test_an_annotation_of_a_service_is_shown_where_values_write_it() -> None:
    values = "audit:\n  serviceAccount:\n    annotations:\n      eks.amazonaws.com/role-arn: audit-role\n"
    (hit,) = hits(values, account("audit-service-sa", "audit-role"))
    assert hit.evidence[0].location
    assert hit.evidence[0].location.line == 4


@pytest.mark.parametrize(
    "role",
    [
        f"arn:aws:iam::{ACCOUNT}:role/gen3-service/alpha",
        f"arn:aws-us-gov:iam::{ACCOUNT}:role/a+b=c,d.e@f_g-h",
        "",
        None,
    ],
)
def test_quiet_for_roles_as_aws_writes_them_and_for_none(role: object) -> None:
    assert not hits(INSIDE, account("hatchery-service-account", role))


@pytest.mark.parametrize(
    "values",
    [
        INSIDE.replace("enabled: true\n    account", "enabled: false\n    account"),
        INSIDE.replace("hatchery: {enabled: true}", "hatchery: {enabled: false}"),
        INSIDE.replace("arn:aws:iam::111122223333:role/", ""),
        INSIDE.replace("global:\n", "global:\n  crossplane: {enabled: true}\n"),
        "global: {aws: {enabled: true, awsEsProxyRoleArn: 'arn:aws:iam::111122223333:role/es'}}\n"
        "aws-es-proxy: {enabled: true}\nhatchery: {enabled: false}\n",
    ],
    ids=["not on AWS", "service off", "a name", "crossplane makes the roles", "the proxy's whole ARN"],
)
def test_quiet_by_values_where_the_chart_writes_a_good_role_or_none(values: str) -> None:
    assert not list(check(environment_state(values)))


@pytest.mark.parametrize(
    "values", ["global: {aws: text}\n", "global: {aws: {enabled: true, account: [1]}}\nhatchery: x\n"]
)
def test_survives_shapes_that_nobody_foresaw(values: str) -> None:
    list(check(environment_state(values)))
    list(check(environment_state(values, objects=[{"kind": "ServiceAccount", "metadata": {"annotations": 1}}])))
