"""What IAM refuses and gives that matters to whoever links accounts: policies of AWS, boundaries, trust, deletions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from csoc.emulator.cloudformation.resources.table import HANDLERS
from csoc.emulator.running import Emulator
from tests.functional.emulator.conftest import Owner
from tests.functional.emulator.resource_cases import READ, TRUST, Bench, statement

POLICIES_OF_AWS = (
    "AdministratorAccess",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonEKSClusterPolicy",
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonSSMManagedInstanceCore",
    "CloudWatchAgentServerPolicy",
    "PowerUserAccess",
    "ReadOnlyAccess",
    "SecurityAudit",
    "job-function/ViewOnlyAccess",
    "AmazonEBSCSIDriverPolicyV2",
    "service-role/AWSBackupServiceRolePolicyForBackup",
)


def said(action: Any) -> tuple[str, str]:
    """Code and message of what was refused."""
    with pytest.raises(ClientError) as refused:
        action()
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize("name", POLICIES_OF_AWS)
def test_a_policy_of_aws_is_in_every_account(name: str, bench: Bench) -> None:
    iam, arn = bench.client("iam"), f"arn:aws:iam::aws:policy/{name}"
    found = iam.get_policy(PolicyArn=arn)["Policy"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=found["DefaultVersionId"])["PolicyVersion"]["Document"]
    assert found["PolicyName"] == name.rsplit("/", 1)[-1]
    assert document["Statement"]


def test_who_lists_policies_of_aws_gets_all_of_them_and_the_own_ones_apart(bench: Bench) -> None:
    own = bench.make("AWS::IAM::ManagedPolicy", PolicyDocument=READ).physical_id
    iam = bench.client("iam")
    of_aws = [p["Arn"] for page in iam.get_paginator("list_policies").paginate(Scope="AWS") for p in page["Policies"]]
    local = [policy["Arn"] for policy in iam.list_policies(Scope="Local")["Policies"]]
    assert len(set(of_aws)) > 1000
    assert own not in of_aws
    assert local == [own]


def test_attaching_a_policy_of_aws_counts_in_one_account_only(bench: Bench, emulator: Emulator) -> None:
    arn = "arn:aws:iam::aws:policy/SecurityAudit"
    role = bench.make("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST, ManagedPolicyArns=[arn]).physical_id
    iam = bench.client("iam")
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    other = Bench(emulator, str(int(bench.account) + 500_000_000))
    assert other.client("iam").get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 0


def test_a_policy_of_aws_is_not_changed(bench: Bench) -> None:
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    asked = {"PolicyArn": arn, "PolicyDocument": json.dumps(READ)}
    assert said(lambda: bench.client("iam").create_policy_version(**asked))[0] == "AccessDenied"
    assert said(lambda: bench.client("iam").delete_policy(PolicyArn=arn))[0] == "AccessDenied"


def test_identifiers_say_what_they_are_of(bench: Bench) -> None:
    iam = bench.client("iam")
    role = bench.make("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST).physical_id
    policy = bench.make("AWS::IAM::ManagedPolicy", PolicyDocument=READ).physical_id
    user, group = bench.make("AWS::IAM::User").physical_id, bench.make("AWS::IAM::Group").physical_id
    profile = bench.make("AWS::IAM::InstanceProfile", Roles=[role]).physical_id
    found = (
        iam.get_role(RoleName=role)["Role"]["RoleId"],
        iam.get_user(UserName=user)["User"]["UserId"],
        iam.get_group(GroupName=group)["Group"]["GroupId"],
        iam.get_policy(PolicyArn=policy)["Policy"]["PolicyId"],
        iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]["InstanceProfileId"],
    )
    assert [identifier[:4] for identifier in found] == ["AROA", "AIDA", "AGPA", "ANPA", "AIPA"]
    assert {len(identifier) for identifier in found} == {21}


def test_a_boundary_has_to_exist(bench: Bench) -> None:
    boundary = f"arn:aws:iam::{bench.account}:policy/nothing"
    make = {"AssumeRolePolicyDocument": TRUST, "PermissionsBoundary": boundary}
    code, message = said(lambda: bench.make("AWS::IAM::Role", **make))
    assert (code, boundary in message) == ("NoSuchEntity", True)
    assert said(lambda: bench.make("AWS::IAM::User", PermissionsBoundary=boundary))[0] == "NoSuchEntity"


def test_the_boundary_of_a_user_bounds_what_the_user_may_do(bench: Bench, owner: Owner) -> None:
    assert owner.account == bench.account
    boundary = bench.make("AWS::IAM::ManagedPolicy", PolicyDocument=statement("iam:*", Resource="*")).physical_id
    everything = [{"PolicyName": "all", "PolicyDocument": statement("*", Resource="*")}]
    user = bench.make("AWS::IAM::User", PermissionsBoundary=boundary, Policies=everything).physical_id
    iam = bench.client("iam")
    assert iam.get_user(UserName=user)["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    key = iam.create_access_key(UserName=user)["AccessKey"]
    as_user = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    assert owner.client("iam", **as_user).get_user(UserName=user)["User"]["UserName"] == user
    assert said(lambda: owner.client("s3", **as_user).list_buckets())[0] == "AccessDenied"


def test_a_trust_policy_names_only_who_exists(bench: Bench) -> None:
    nobody = f"arn:aws:iam::{bench.account}:role/nobody"
    trust = statement("sts:AssumeRole", Principal={"AWS": [f"arn:aws:iam::{bench.account}:root", nobody]})
    code, message = said(lambda: bench.make("AWS::IAM::Role", AssumeRolePolicyDocument=trust))
    assert (code, message) == ("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{nobody}"')


def test_a_role_with_a_policy_that_somebody_else_attached_is_kept_with_the_reason(bench: Bench) -> None:
    context, given = bench.context(), {"AssumeRolePolicyDocument": TRUST}
    role = HANDLERS["AWS::IAM::Role"].create(context, given).physical_id
    policy = bench.make("AWS::IAM::ManagedPolicy", PolicyDocument=READ).physical_id
    bench.client("iam").attach_role_policy(RoleName=role, PolicyArn=policy)
    refused = said(lambda: HANDLERS["AWS::IAM::Role"].delete(context, role, given))
    assert refused == ("DeleteConflict", "Cannot delete entity, must detach all policies first.")


def test_a_policy_that_is_attached_or_bounds_somebody_is_kept(bench: Bench) -> None:
    given = {"PolicyDocument": READ}
    attached = bench.make("AWS::IAM::ManagedPolicy", **given).physical_id
    bench.make("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST, ManagedPolicyArns=[attached])
    bounding = bench.make("AWS::IAM::ManagedPolicy", **given).physical_id
    bench.make("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=bounding)
    handler = HANDLERS["AWS::IAM::ManagedPolicy"]
    for policy in (attached, bounding):
        code, message = said(lambda policy=policy: handler.delete(bench.context(), policy, given))
        assert (code, message) == ("DeleteConflict", "Cannot delete a policy attached to entities.")


def test_changing_a_policy_often_drops_its_oldest_version(bench: Bench) -> None:
    handler, context = HANDLERS["AWS::IAM::ManagedPolicy"], bench.context()
    before: dict[str, Any] = {"PolicyDocument": READ}
    made = handler.create(context, before)
    for number in range(7):
        after = {"PolicyDocument": statement("s3:GetObject", Resource="*", Sid=f"n{number}")}
        handler.update(context, made.physical_id, before, after)
        before = after
    versions = bench.client("iam").list_policy_versions(PolicyArn=made.physical_id)["Versions"]
    assert [version["VersionId"] for version in versions if version["IsDefaultVersion"]] == ["v8"]
    assert len(versions) == 5


def test_a_role_does_not_count_policies_of_other_resources_as_its_own(bench: Bench) -> None:
    context = bench.context()
    made = HANDLERS["AWS::IAM::Role"].create(context, {"AssumeRolePolicyDocument": TRUST})
    bench.make("AWS::IAM::Policy", PolicyName="beside", PolicyDocument=READ, Roles=[made.physical_id])
    bench.make("AWS::IAM::RolePolicy", PolicyName="too", PolicyDocument=READ, RoleName=made.physical_id)
    bench.make("AWS::IAM::ManagedPolicy", PolicyDocument=READ, Roles=[made.physical_id])
    live = HANDLERS["AWS::IAM::Role"].read(context, made.physical_id)
    assert live is not None
    assert not {"Policies", "ManagedPolicyArns"} & set(live)
    bench.client("iam").put_role_policy(
        RoleName=made.physical_id, PolicyName="by hand", PolicyDocument=json.dumps(READ)
    )
    live = HANDLERS["AWS::IAM::Role"].read(context, made.physical_id)
    assert live is not None
    assert [policy["PolicyName"] for policy in live["Policies"]] == ["by hand"]


def test_a_role_whose_creation_fails_half_way_is_not_left_behind(bench: Bench) -> None:
    given = {"RoleName": "half", "AssumeRolePolicyDocument": TRUST, "ManagedPolicyArns": ["arn:aws:iam::aws:policy/No"]}
    assert said(lambda: bench.make("AWS::IAM::Role", **given))[0] == "NoSuchEntity"
    assert said(lambda: bench.client("iam").get_role(RoleName="half"))[0] == "NoSuchEntity"


def test_tags_of_the_stack_are_on_the_role_and_its_own_tags_win(bench: Bench) -> None:
    tags = [{"Key": "stage", "Value": "prod"}]
    context = bench.context(stage="dev", installation="one")
    made = HANDLERS["AWS::IAM::Role"].create(context, {"AssumeRolePolicyDocument": TRUST, "Tags": tags})
    found = bench.client("iam").list_role_tags(RoleName=made.physical_id)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in found} == {"stage": "prod", "installation": "one"}


def test_a_session_may_be_narrowed_by_a_policy_of_aws(bench: Bench, owner: Owner) -> None:
    trust = statement("sts:AssumeRole", Principal={"AWS": f"arn:aws:iam::{bench.account}:root"})
    everything = [{"PolicyName": "all", "PolicyDocument": statement("*", Resource="*")}]
    role = bench.make("AWS::IAM::Role", AssumeRolePolicyDocument=trust, Policies=everything).attributes["Arn"]
    narrow = [{"arn": "arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess"}]
    given = owner.client("sts").assume_role(RoleArn=role, RoleSessionName="task", PolicyArns=narrow)["Credentials"]
    session = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    assert "Vpcs" in owner.client("ec2", **session).describe_vpcs()
    assert said(lambda: owner.client("s3", **session).list_buckets())[0] == "AccessDenied"
