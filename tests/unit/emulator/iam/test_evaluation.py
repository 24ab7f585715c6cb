"""Decisions, each after a page of the AWS IAM User Guide that is named at the test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from csoc.emulator.iam.documents import Policy, parse_policy
from csoc.emulator.iam.evaluation import Decision, Question, Rights, decide

ACCOUNT, OTHER = "111122223333", "444455556666"
BUCKET = "arn:aws:s3:::tide"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/keeper"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/keeper/eva"
USER = f"arn:aws:iam::{ACCOUNT}:user/eva"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
KNOWN = frozenset({"aws:sourcearn", "aws:sourceaccount", "aws:username", "aws:principalarn", "iam:permissionsboundary"})


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> Policy:
    return parse_policy({"Version": version, "Statement": list(statements)})


def allow(action: Any = "s3:*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "s3:*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def as_user(**changed: Any) -> Question:
    names = {"AWS": frozenset({USER, ROOT})}
    question = Question(ACCOUNT, "s3:GetObject", (BUCKET,), ACCOUNT, names, {}, KNOWN, USER)
    return replace(question, **changed)


def as_session(**changed: Any) -> Question:
    names = {"AWS": frozenset({SESSION, ROLE, ROOT})}
    question = Question(ACCOUNT, "s3:GetObject", (BUCKET,), ACCOUNT, names, {}, KNOWN, ROLE, SESSION)
    return replace(question, **changed)


def given_to(principal: Any, **more: Any) -> dict[str, Policy]:
    return {BUCKET: policy(allow(Principal=principal, **more))}


ALLOW, NOTHING = policy(allow()), policy(allow("ec2:*"))


# "Policy evaluation for requests within a single account"


def test_without_a_policy_nothing_is_allowed() -> None:
    assert decide(as_user(), Rights()) == Decision(
        False, "because no identity-based policy allows the s3:GetObject action"
    )


def test_an_identity_policy_allows() -> None:
    assert decide(as_user(), Rights((ALLOW,))).allowed


@pytest.mark.parametrize("kind", ["identity", "boundary", "session", "organisation", "resource"])
def test_an_explicit_deny_in_any_policy_wins_over_every_allow(kind: str) -> None:
    both = policy(allow(), deny())
    rights = Rights(
        (both if kind == "identity" else ALLOW,),
        both if kind == "boundary" else None,
        (both,) if kind == "session" else None,
        ((both,),) if kind == "organisation" else (),
    )
    own = {BUCKET: policy(deny(Principal="*"))} if kind == "resource" else None
    decision = decide(as_session(), rights, own)
    assert not decision.allowed
    assert decision.because.startswith("with an explicit deny in a")


def test_every_resource_of_a_call_must_be_allowed() -> None:
    rights = Rights((policy(allow(resource=BUCKET)),))
    assert decide(as_user(), rights).allowed
    assert not decide(as_user(resources=(BUCKET, "arn:aws:s3:::other")), rights).allowed


def test_a_resource_policy_alone_is_enough_for_a_user_it_names() -> None:
    assert decide(as_user(), Rights(), given_to({"AWS": USER})).allowed


def test_a_resource_policy_that_names_the_account_leaves_it_to_identity_policies() -> None:
    assert not decide(as_user(), Rights(), given_to({"AWS": ROOT})).allowed
    assert not decide(as_user(), Rights(), given_to({"AWS": ACCOUNT})).allowed
    assert decide(as_user(), Rights((ALLOW,)), given_to({"AWS": ACCOUNT})).allowed


def test_a_user_whom_a_resource_policy_names_is_not_limited_by_its_boundary() -> None:
    assert decide(as_user(), Rights(boundary=NOTHING), given_to({"AWS": USER})).allowed


def test_a_role_whom_a_resource_policy_names_is_limited_by_boundary_and_session_policies() -> None:
    own = given_to({"AWS": ROLE})
    assert decide(as_session(), Rights(), own).allowed
    assert "permissions boundary" in decide(as_session(), Rights(boundary=NOTHING), own).because
    assert "session policy" in decide(as_session(), Rights(session=(NOTHING,)), own).because


def test_a_session_whom_a_resource_policy_names_is_limited_by_neither() -> None:
    assert decide(as_session(), Rights(boundary=NOTHING, session=(NOTHING,)), given_to({"AWS": SESSION})).allowed


# "Permissions boundaries for IAM entities", "Session policies", "Service control policies"


def test_boundary_session_and_organisation_narrow_what_identity_policies_give() -> None:
    assert "permissions boundary" in decide(as_session(), Rights((ALLOW,), NOTHING)).because
    assert "session policy" in decide(as_session(), Rights((ALLOW,), None, (NOTHING,))).because
    assert "service control policy" in decide(as_session(), Rights((ALLOW,), organisation=((NOTHING,),))).because


def test_a_boundary_alone_gives_nothing() -> None:
    assert not decide(as_user(), Rights(boundary=ALLOW)).allowed


def test_every_level_of_the_organisation_must_allow() -> None:
    assert decide(as_user(), Rights((ALLOW,), organisation=((ALLOW,), (NOTHING, ALLOW)))).allowed
    assert not decide(as_user(), Rights((ALLOW,), organisation=((ALLOW,), (NOTHING,)))).allowed


def test_the_root_user_is_bounded_by_the_organisation_and_by_denies_only() -> None:
    assert decide(as_user(), Rights(is_root=True)).allowed
    assert not decide(as_user(), Rights(is_root=True, organisation=((NOTHING,),))).allowed
    assert not decide(as_user(), Rights(is_root=True), {BUCKET: policy(deny(Principal="*"))}).allowed


# "Cross-account policy evaluation logic"


def test_across_accounts_both_sides_must_allow() -> None:
    abroad = as_session(owner=OTHER)
    own = given_to({"AWS": ACCOUNT})
    assert decide(abroad, Rights((ALLOW,)), own).allowed
    assert "identity-based policy" in decide(abroad, Rights(), own).because
    assert "resource-based policy" in decide(abroad, Rights((ALLOW,))).because


@pytest.mark.parametrize("principal", [{"AWS": ROLE}, {"AWS": SESSION}, "*"])
def test_across_accounts_no_principal_spares_the_identity_policy_or_the_boundary(principal: Any) -> None:
    abroad = as_session(owner=OTHER)
    assert not decide(abroad, Rights(), given_to(principal)).allowed
    assert not decide(abroad, Rights((ALLOW,), NOTHING), given_to(principal)).allowed
    assert decide(abroad, Rights((ALLOW,), ALLOW), given_to(principal)).allowed


def test_the_root_user_needs_the_other_accounts_leave_abroad() -> None:
    assert not decide(as_user(owner=OTHER), Rights(is_root=True)).allowed


# "Key policies in AWS KMS", and role trust policies ("How IAM roles differ from resource-based policies")


def test_an_authoritative_policy_that_says_nothing_lets_nobody_in() -> None:
    asked = as_user(authoritative=True)
    assert not decide(asked, Rights((ALLOW,)), given_to({"AWS": f"arn:aws:iam::{OTHER}:root"})).allowed
    assert not decide(asked, Rights(is_root=True)).allowed
    assert decide(asked, Rights((ALLOW,)), given_to({"AWS": ROOT})).allowed


# "IAM JSON policy elements: Principal", "NotPrincipal", "The confused deputy problem"


def test_an_aws_service_is_let_in_by_its_name_only() -> None:
    service = as_user(account="", principal="", names={"Service": frozenset({"cloudtrail.amazonaws.com"})})
    assert decide(service, Rights(), given_to({"Service": "cloudtrail.amazonaws.com"})).allowed
    assert not decide(service, Rights(), given_to({"Service": "config.amazonaws.com"})).allowed
    assert not decide(service, Rights(), given_to({"AWS": "*"})).allowed


def test_a_service_that_acts_for_a_stranger_is_kept_out_by_source_arn() -> None:
    own = given_to(
        {"Service": "cloudtrail.amazonaws.com"},
        Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"}},
    )
    service = as_user(account="", principal="", names={"Service": frozenset({"cloudtrail.amazonaws.com"})})
    mine = {"aws:sourcearn": f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/t"}
    theirs = {"aws:sourcearn": f"arn:aws:cloudtrail:us-east-1:{OTHER}:trail/t"}
    assert decide(replace(service, context=mine), Rights(), own).allowed
    assert not decide(replace(service, context=theirs), Rights(), own).allowed
    assert not decide(service, Rights(), own).allowed


def test_not_principal_excepts_whom_it_names_with_account_and_session_and_nobody_with_a_boundary() -> None:
    def denied(*names: str) -> dict[str, Policy]:
        statement = {"Effect": "Deny", "NotPrincipal": {"AWS": list(names)}, "Action": "*", "Resource": "*"}
        return {BUCKET: policy(statement)}

    rights = Rights((ALLOW,))
    assert decide(as_user(), rights, denied(USER, ROOT)).allowed
    assert not decide(as_user(), rights, denied(USER)).allowed
    assert decide(as_session(), rights, denied(SESSION, ROLE, ROOT)).allowed
    assert not decide(as_session(), rights, denied(ROLE, ROOT)).allowed
    assert not decide(as_user(), Rights((ALLOW,), ALLOW), denied(USER, ROOT)).allowed


# "IAM JSON policy elements: NotAction", "NotResource", "Variables and tags", "Version"


def test_not_action_and_not_resource_mean_everything_else() -> None:
    reading = {"Effect": "Allow", "NotAction": "s3:Delete*", "Resource": "*"}
    elsewhere = {"Effect": "Allow", "Action": "s3:*", "NotResource": f"{BUCKET}*"}
    assert decide(as_user(), Rights((policy(reading),))).allowed
    assert not decide(as_user(action="s3:DeleteObject"), Rights((policy(reading),))).allowed
    assert not decide(as_user(), Rights((policy(elsewhere),))).allowed
    assert decide(as_user(resources=("arn:aws:s3:::other",)), Rights((policy(elsewhere),))).allowed


def test_actions_are_compared_without_case_and_resources_with_it() -> None:
    assert decide(as_user(), Rights((policy(allow("S3:getobject")),))).allowed
    assert not decide(as_user(), Rights((policy(allow(resource="arn:aws:s3:::TIDE")),))).allowed


def test_variables_in_resources_are_replaced_in_the_newer_version_only() -> None:
    mine = allow(resource="arn:aws:s3:::${aws:username}")
    asked = as_user(context={"aws:username": "tide"})
    assert decide(asked, Rights((policy(mine),))).allowed
    assert not decide(asked, Rights((policy(mine, version="2008-10-17"),))).allowed
    assert not decide(as_user(), Rights((policy(mine),))).allowed
    assert not decide(as_user(context={"aws:username": "*"}), Rights((policy(mine),))).allowed


# What the emulator does not know counts against the caller


def test_an_unknown_operator_or_key_never_allows_and_always_denies() -> None:
    strange = {"Condition": {"StringSounds": {"aws:username": "eva"}}}
    unknown = {"Condition": {"StringEquals": {"aws:Mood": "good"}}}
    for condition in (strange, unknown):
        refused = decide(as_user(), Rights((policy(allow(**condition)),)))
        assert not refused.allowed
        assert "does not know" in refused.because
        assert not decide(as_user(), Rights((policy(allow(), deny(**condition)),))).allowed


def test_where_nobody_knows_the_resources_only_an_allow_for_all_counts_and_every_deny() -> None:
    asked = as_user(resources=("*",), vague=True)
    assert decide(asked, Rights((policy(allow()),))).allowed
    refused = decide(asked, Rights((policy(allow(resource=f"{BUCKET}")),)))
    assert not refused.allowed
    assert "the resources of s3:GetObject" in refused.because
    assert not decide(asked, Rights((policy(allow(), deny(resource="arn:aws:s3:::other")),))).allowed
