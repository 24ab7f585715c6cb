"""Cases from the AWS documentation about what goes wrong: failures, rollbacks, deletions, who may do what.

Each names its page, below https://docs.aws.amazon.com/AWSCloudFormation/latest/.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.aws.cloudformation.conftest import Cloud
from tests.contract.aws.cloudformation.test_documented import (
    BROKEN,
    body,
    change,
    events,
    make,
    parameter,
    refused,
    statuses,
    vpc,
)

WAITING = {
    "Type": "AWS::CloudFormation::WaitCondition",
    "CreationPolicy": {"ResourceSignal": {"Timeout": "PT12H", "Count": "1"}},
}


def trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def allow(*actions: str, resource: str = "*") -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def role(cloud: Cloud, service: str, *actions: str) -> str:
    """The ARN of a role that a service may assume."""
    iam = cloud.client("iam")
    arn = iam.create_role(RoleName=cloud.name, AssumeRolePolicyDocument=trust(service))["Role"]["Arn"]
    iam.put_role_policy(RoleName=cloud.name, PolicyName="may", PolicyDocument=allow(*actions))

    def gone() -> None:
        iam.delete_role_policy(RoleName=cloud.name, PolicyName="may")
        iam.delete_role(RoleName=cloud.name)

    cloud.afterwards.append(gone)
    return str(arn)


def physical(cloud: Cloud, logical_id: str) -> str:
    found = cloud.stacks.describe_stack_resource(StackName=cloud.name, LogicalResourceId=logical_id)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def reasons(cloud: Cloud, name: str = "") -> str:
    return " ".join(event.get("ResourceStatusReason", "") for event in events(cloud, name))


# The service role


def test_a_role_that_does_not_trust_cloudformation_is_refused(cloud: Cloud) -> None:
    """Source: UserGuide/using-iam-servicerole.html: the role must let cloudformation.amazonaws.com assume it."""
    given = role(cloud, "ec2.amazonaws.com", "ssm:*")
    code, message = refused(
        cloud.stacks.create_stack, StackName=cloud.name, TemplateBody=body({"P": parameter()}), RoleARN=given
    )
    assert (code, message) == ("ValidationError", f"Role {given} is invalid or cannot be assumed")


def test_resources_are_made_with_the_rights_of_the_service_role(cloud: Cloud) -> None:
    """Source: UserGuide/using-iam-servicerole.html: CloudFormation always uses it for operations on that stack."""
    given = role(cloud, "cloudformation.amazonaws.com", "ec2:*")
    assert make(cloud, body({"P": parameter()}), RoleARN=given) == "ROLLBACK_COMPLETE"
    assert "ssm:PutParameter" in reasons(cloud)
    assert cloud.stack(cloud.name)["RoleARN"] == given


def test_who_may_not_pass_a_role_cannot_give_it_to_a_stack(cloud: Cloud) -> None:
    """Source: UserGuide/using-iam-servicerole.html: users need iam:PassRole for the role."""
    given = role(cloud, "cloudformation.amazonaws.com", "ssm:*")
    asked = {"StackName": cloud.name, "TemplateBody": body({"P": parameter()}), "RoleARN": given}
    code, message = refused(cloud.as_user(allow("cloudformation:*")).create_stack, **asked)
    assert (code, "iam:PassRole" in message) == ("AccessDenied", True)
    both = allow("cloudformation:*", "iam:PassRole")
    assert cloud.as_user(both).create_stack(**asked)["StackId"]
    assert cloud.settled(cloud.name) == "CREATE_COMPLETE"


# What follows a creation that failed


def test_a_rolled_back_stack_keeps_its_name_until_it_is_deleted(cloud: Cloud) -> None:
    """Source: UserGuide/view-stack-events.html, ROLLBACK_COMPLETE: the stack can only be deleted."""
    make(cloud, body({"V": BROKEN}))
    text = body({"P": parameter()})
    assert refused(cloud.stacks.create_stack, StackName=cloud.name, TemplateBody=text)[0] == "AlreadyExistsException"
    for kind in ("CREATE", "UPDATE"):
        asked = {"StackName": cloud.name, "ChangeSetName": "c", "ChangeSetType": kind, "TemplateBody": text}
        assert refused(cloud.stacks.create_change_set, **asked)[0] == "ValidationError"
    number = cloud.stack(cloud.name)["StackId"]
    cloud.stacks.delete_stack(StackName=cloud.name)
    assert cloud.settled(number) == "DELETE_COMPLETE"
    assert make(cloud, text) == "CREATE_COMPLETE"


@pytest.mark.parametrize("asked", [{"OnFailure": "DO_NOTHING"}, {"DisableRollback": True}])
def test_a_creation_may_be_left_as_it_failed_and_rolled_back_later(cloud: Cloud, asked: Any) -> None:
    """Source: APIReference/API_CreateStack.html, OnFailure, DisableRollback; API_RollbackStack.html"""
    text = body({"P": parameter(), "V": {**BROKEN, "DependsOn": "P"}})
    assert make(cloud, text, **asked) == "CREATE_FAILED"
    assert statuses(cloud, "P")[-1] == "CREATE_COMPLETE"
    assert cloud.stack(cloud.name)["DisableRollback"] is True
    cloud.stacks.rollback_stack(StackName=cloud.name)
    assert cloud.settled(cloud.name) == "ROLLBACK_COMPLETE"
    assert statuses(cloud, "P")[-1] == "DELETE_COMPLETE"


def test_a_failed_creation_may_delete_its_stack(cloud: Cloud) -> None:
    """Source: APIReference/API_CreateStack.html, OnFailure; not together with DisableRollback."""
    asked = {"StackName": cloud.name, "TemplateBody": body({"V": BROKEN}), "OnFailure": "DELETE"}
    assert refused(cloud.stacks.create_stack, **asked, DisableRollback=True)[0] == "ValidationError"
    assert cloud.settled(cloud.stacks.create_stack(**asked)["StackId"]) == "DELETE_COMPLETE"


def test_a_request_may_delete_what_its_rollback_would_retain(cloud: Cloud) -> None:
    """Source: APIReference/API_CreateStack.html, RetainExceptOnCreate"""
    text = body({"P": parameter(DeletionPolicy="Retain"), "V": {**BROKEN, "DependsOn": "P"}})
    assert make(cloud, text, RetainExceptOnCreate=True) == "ROLLBACK_COMPLETE"
    assert statuses(cloud, "P")[-1] == "DELETE_COMPLETE"


def test_a_stack_in_review_is_neither_updated_nor_created_again(cloud: Cloud) -> None:
    """Source: UserGuide/view-stack-events.html, REVIEW_IN_PROGRESS: a stack with an id and no resources."""
    text = body({"P": parameter()})
    asked = {"StackName": cloud.name, "TemplateBody": text}
    cloud.stacks.create_change_set(**asked, ChangeSetName="c", ChangeSetType="CREATE")
    cloud.planned(cloud.name, "c")
    number = cloud.stack(cloud.name)["StackId"]
    assert refused(cloud.stacks.update_stack, **asked)[0] == "ValidationError"
    assert refused(cloud.stacks.create_stack, **asked)[0] == "AlreadyExistsException"
    assert cloud.stacks.describe_stack_resources(StackName=cloud.name)["StackResources"] == []
    cloud.stacks.delete_stack(StackName=cloud.name)
    assert cloud.settled(number) == "DELETE_COMPLETE"


# Rolling back an update


def test_a_rollback_that_fails_is_continued_past_what_cannot_be_rolled_back(cloud: Cloud) -> None:
    """Source: UserGuide/using-cfn-updating-stacks-continueupdaterollback.html;
    APIReference/API_ContinueUpdateRollback.html, ResourcesToSkip: only resources in UPDATE_FAILED because a rollback
    failed.
    """

    def text(support: bool, **more: Any) -> str:
        net = vpc("10.7.0.0/16")
        net["Properties"]["EnableDnsSupport"] = support
        return body({"V": net, "P": parameter(), **more})

    assert make(cloud, text(True)) == "CREATE_COMPLETE"
    after = text(False, W={**WAITING, "DependsOn": "V"})
    cloud.stacks.update_stack(StackName=cloud.name, TemplateBody=after)
    while statuses(cloud, "W")[-1:] != ["CREATE_IN_PROGRESS"]:
        cloud.wait()
    cloud.client("ec2").delete_vpc(VpcId=physical(cloud, "V"))
    asked = {"StackName": cloud.name, "LogicalResourceId": "W", "UniqueId": "one"}
    cloud.stacks.signal_resource(**asked, Status="FAILURE")
    assert cloud.settled(cloud.name) == "UPDATE_ROLLBACK_FAILED"
    assert refused(cloud.stacks.update_stack, StackName=cloud.name, TemplateBody=after)[0] == "ValidationError"
    cloud.stacks.continue_update_rollback(StackName=cloud.name)
    assert cloud.settled(cloud.name) == "UPDATE_ROLLBACK_FAILED"
    skipping = cloud.stacks.continue_update_rollback
    assert refused(skipping, StackName=cloud.name, ResourcesToSkip=["P"])[0] == "ValidationError"
    skipping(StackName=cloud.name, ResourcesToSkip=["V"])
    assert cloud.settled(cloud.name) == "UPDATE_ROLLBACK_COMPLETE"
    assert statuses(cloud, "V")[-1] == "UPDATE_COMPLETE"


def test_only_a_failed_rollback_can_be_continued(cloud: Cloud) -> None:
    """Source: APIReference/API_ContinueUpdateRollback.html: for a stack in UPDATE_ROLLBACK_FAILED."""
    make(cloud, body({"P": parameter()}))
    code, message = refused(cloud.stacks.continue_update_rollback, StackName=cloud.name)
    assert (code, "CREATE_COMPLETE" in message) == ("ValidationError", True)


def test_an_update_under_way_can_be_cancelled(cloud: Cloud) -> None:
    """Source: APIReference/API_CancelUpdateStack.html: only in UPDATE_IN_PROGRESS; the stack rolls back."""
    make(cloud, body({"P": parameter("one")}))
    assert refused(cloud.stacks.cancel_update_stack, StackName=cloud.name)[0] == "ValidationError"
    cloud.stacks.update_stack(StackName=cloud.name, TemplateBody=body({"P": parameter("two"), "W": WAITING}))
    while statuses(cloud, "W")[-1:] != ["CREATE_IN_PROGRESS"]:
        cloud.wait()
    cloud.stacks.cancel_update_stack(StackName=cloud.name)
    assert cloud.settled(cloud.name) == "UPDATE_ROLLBACK_COMPLETE"
    assert cloud.client("ssm").get_parameter(Name=physical(cloud, "P"))["Parameter"]["Value"] == "one"


def test_an_export_in_use_cannot_be_changed(cloud: Cloud) -> None:
    """Source: UserGuide/using-cfn-stack-exports.html: not modified while another stack refers to it."""
    name, user = f"{cloud.name}-out", f"{cloud.name}-user"

    def text(value: str) -> str:
        return body({"P": parameter()}, Outputs={"O": {"Value": value, "Export": {"Name": name}}})

    make(cloud, text("one"))
    cloud.stacks.create_stack(StackName=user, TemplateBody=body({"P": parameter({"Fn::ImportValue": name})}))
    assert cloud.settled(user) == "CREATE_COMPLETE"
    assert change(cloud, text("two")) == "UPDATE_ROLLBACK_COMPLETE"
    assert f"Export {name} cannot be updated as it is in use by {user}" in reasons(cloud)
    stack = cloud.stack(user)["StackId"]
    cloud.stacks.delete_stack(StackName=user)
    assert cloud.settled(stack) == "DELETE_COMPLETE"
    assert change(cloud, text("two")) == "UPDATE_COMPLETE"


# Deleting


def undeletable(cloud: Cloud) -> tuple[str, str, str]:
    """A stack in DELETE_FAILED, since somebody put a subnet into its VPC: ids of stack, VPC and subnet."""
    make(cloud, body({"V": vpc("10.8.0.0/16"), "P": parameter()}))
    number, network = cloud.stack(cloud.name)["StackId"], physical(cloud, "V")
    made = cloud.client("ec2").create_subnet(VpcId=network, CidrBlock="10.8.1.0/24")
    cloud.stacks.delete_stack(StackName=cloud.name)
    assert cloud.settled(number) == "DELETE_FAILED"
    return number, network, made["Subnet"]["SubnetId"]


@pytest.mark.parametrize("asked", [{"RetainResources": ["V"]}, {"DeletionMode": "FORCE_DELETE_STACK"}])
def test_what_cannot_be_deleted_may_be_left_behind(cloud: Cloud, asked: Any) -> None:
    """Source: APIReference/API_DeleteStack.html, RetainResources, DeletionMode; cfn-console-delete-stack.html:
    only for a stack in DELETE_FAILED.
    """
    number, network, subnet = undeletable(cloud)
    cloud.stacks.delete_stack(StackName=cloud.name, **asked)
    assert cloud.settled(number) == "DELETE_COMPLETE"
    ec2 = cloud.client("ec2")
    assert ec2.describe_vpcs(VpcIds=[network])["Vpcs"][0]["VpcId"] == network
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=network)


@pytest.mark.parametrize("asked", [{"RetainResources": ["P"]}, {"DeletionMode": "FORCE_DELETE_STACK"}])
def test_a_stack_whose_deletion_did_not_fail_is_deleted_as_it_says(cloud: Cloud, asked: Any) -> None:
    """Source: APIReference/API_DeleteStack.html: for stacks in the DELETE_FAILED state."""
    make(cloud, body({"P": parameter()}))
    assert refused(cloud.stacks.delete_stack, StackName=cloud.name, **asked)[0] == "ValidationError"
    assert cloud.stack(cloud.name)["StackStatus"] == "CREATE_COMPLETE"


# Requests


def test_a_token_of_another_request_is_refused(cloud: Cloud) -> None:
    """Source: APIReference/CommonErrors and API_UpdateStack.html, TokenAlreadyExists"""
    make(cloud, body({"P": parameter("one")}))
    asked = {"StackName": cloud.name, "ClientRequestToken": "token-1"}
    cloud.stacks.update_stack(**asked, TemplateBody=body({"P": parameter("two")}))
    cloud.settled(cloud.name)
    code, _ = refused(cloud.stacks.update_stack, **asked, TemplateBody=body({"P": parameter("three")}))
    assert code == "TokenAlreadyExistsException"


@pytest.mark.parametrize(
    ("named", "given", "accepted"),
    [
        (False, [], False),
        (False, ["CAPABILITY_AUTO_EXPAND"], False),
        (False, ["CAPABILITY_IAM"], True),
        (False, ["CAPABILITY_NAMED_IAM"], True),
        (True, ["CAPABILITY_IAM"], False),
        (True, ["CAPABILITY_NAMED_IAM"], True),
    ],
)
def test_capabilities_are_acknowledged(cloud: Cloud, named: bool, given: list[str], accepted: bool) -> None:
    """Source: APIReference/API_CreateStack.html, Capabilities"""
    properties = {"AssumeRolePolicyDocument": json.loads(trust("ec2.amazonaws.com"))}
    properties |= {"RoleName": cloud.name} if named else {}
    text = body({"R": {"Type": "AWS::IAM::Role", "Properties": properties}})
    if accepted:
        assert make(cloud, text, Capabilities=given) == "CREATE_COMPLETE"
    else:
        code, _ = refused(cloud.stacks.create_stack, StackName=cloud.name, TemplateBody=text, Capabilities=given)
        assert code == "InsufficientCapabilitiesException"


# Change sets and drift


def test_a_property_that_sometimes_requires_replacement_is_conditional(cloud: Cloud) -> None:
    """Source: TemplateReference/aws-resource-ec2-vpc.html, InstanceTenancy (its schema has it among
    conditionalCreateOnlyProperties); APIReference/API_ResourceChange.html, Replacement
    """
    network = vpc("10.9.0.0/16")
    make(cloud, body({"V": network}))
    network["Properties"]["InstanceTenancy"] = "dedicated"
    cloud.stacks.create_change_set(StackName=cloud.name, ChangeSetName="c", TemplateBody=body({"V": network}))
    found = cloud.planned(cloud.name, "c")["Changes"][0]["ResourceChange"]
    assert (found["Replacement"], found["Details"][0]["Target"]["RequiresRecreation"]) == (
        "Conditional", "Conditionally",
    )  # fmt: skip


def test_neither_the_order_of_a_set_nor_what_aws_adds_is_drift(cloud: Cloud) -> None:
    """Source: UserGuide/using-cfn-stack-drift.html: only values that the template sets are compared; the schema of
    AWS::IAM::Role has insertionOrder false for ManagedPolicyArns.
    """
    policies = [f"arn:aws:iam::aws:policy/{name}" for name in ("ReadOnlyAccess", "AmazonSQSReadOnlyAccess")]
    properties = {"AssumeRolePolicyDocument": json.loads(trust("ec2.amazonaws.com")), "ManagedPolicyArns": policies}
    text = body({"R": {"Type": "AWS::IAM::Role", "Properties": properties}, "V": vpc("10.9.0.0/16")})
    assert make(cloud, text, Capabilities=["CAPABILITY_IAM"], Tags=[{"Key": "team", "Value": "a"}]) == "CREATE_COMPLETE"
    iam, name = cloud.client("iam"), physical(cloud, "R")
    iam.detach_role_policy(RoleName=name, PolicyArn=policies[0])
    iam.attach_role_policy(RoleName=name, PolicyArn=policies[0])

    def status(logical_id: str) -> str:
        asked = {"StackName": cloud.name, "LogicalResourceId": logical_id}
        return str(cloud.stacks.detect_stack_resource_drift(**asked)["StackResourceDrift"]["StackResourceDriftStatus"])

    assert [status("R"), status("V")] == ["IN_SYNC", "IN_SYNC"]
    iam.detach_role_policy(RoleName=name, PolicyArn=policies[0])
    assert status("R") == "MODIFIED"
    iam.attach_role_policy(RoleName=name, PolicyArn=policies[0])


def test_a_type_that_does_not_exist_is_refused_before_anything_is_made(cloud: Cloud) -> None:
    """Source: UserGuide/troubleshooting.html and the message of CreateStack: Template format error, Unrecognized
    resource types.
    """
    text = body({"P": parameter(), "X": {"Type": "AWS::EC2::Castle"}})
    assert refused(cloud.stacks.create_stack, StackName=cloud.name, TemplateBody=text) == (
        "ValidationError", "Template format error: Unrecognized resource types: [AWS::EC2::Castle]",
    )  # fmt: skip
