"""Stacks that reach beyond themselves: templates in S3, nested stacks, service roles, secrets, missing rights."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.functional.emulator.conftest import Owner

_FAST = {"Delay": 1, "MaxAttempts": 60}
PARAMETER = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "one"}}


def body(resources: dict[str, Any], **sections: Any) -> str:
    return json.dumps({"Resources": resources, **sections})


def uploaded(owner: Owner, key: str, text: str) -> str:
    """The address of a template in a bucket of the owner."""
    s3, bucket = owner.client("s3"), f"templates-{owner.account}"
    if bucket not in {found["Name"] for found in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "ap-southeast-2"})
    s3.put_object(Bucket=bucket, Key=key, Body=text.encode())
    return f"https://{bucket}.s3.ap-southeast-2.amazonaws.com/{key}"


def role(owner: Owner, name: str, policy: Any, service: str = "cloudformation.amazonaws.com") -> str:
    """A role that a service may take, with one policy."""
    iam = owner.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    statement = json.dumps({"Version": "2012-10-17", "Statement": policy})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=statement)
    return arn


def test_nested_stacks_live_and_die_with_their_parent(owner: Owner) -> None:
    stacks = owner.client("cloudformation")
    child = {
        "Parameters": {"In": {"Type": "String"}},
        "Outputs": {"Out": {"Value": {"Fn::Sub": "${In}-given"}}},
    }
    address = uploaded(
        owner,
        "child.json",
        body({"P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "In"}}}}, **child),
    )

    def parent(value: str) -> str:
        nested = {
            "Type": "AWS::CloudFormation::Stack",
            "Properties": {"TemplateURL": address, "Parameters": {"In": value}},
        }
        user = {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": {"Fn::GetAtt": ["Child", "Outputs.Out"]}},
        }
        return body({"Child": nested, "User": user}, Outputs={"Child": {"Value": {"Ref": "Child"}}})

    stacks.create_stack(StackName="parent", TemplateBody=parent("one"))
    stacks.get_waiter("stack_create_complete").wait(StackName="parent", WaiterConfig=_FAST)
    told = stacks.describe_stacks(StackName="parent")["Stacks"][0]
    nested = stacks.describe_stacks(StackName=told["Outputs"][0]["OutputValue"])["Stacks"][0]
    assert (nested["ParentId"], nested["RootId"]) == (told["StackId"], told["StackId"])
    values = {found["Value"] for found in _parameters(owner)}
    assert values == {"one", "one-given"}

    stacks.update_stack(StackName="parent", TemplateBody=parent("two"))
    stacks.get_waiter("stack_update_complete").wait(StackName="parent", WaiterConfig=_FAST)
    assert {found["Value"] for found in _parameters(owner)} == {"two", "two-given"}

    stacks.update_termination_protection(StackName="parent", EnableTerminationProtection=True)
    for name in ("parent", nested["StackId"]):
        with pytest.raises(ClientError, match="TerminationProtection"):
            stacks.delete_stack(StackName=name)
    stacks.update_termination_protection(StackName="parent", EnableTerminationProtection=False)
    stacks.delete_stack(StackName="parent")
    stacks.get_waiter("stack_delete_complete").wait(StackName=told["StackId"], WaiterConfig=_FAST)
    assert stacks.describe_stacks(StackName=nested["StackId"])["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"
    assert _parameters(owner) == []


def _parameters(owner: Owner) -> list[Any]:
    ssm = owner.client("ssm")
    names = [found["Name"] for found in ssm.describe_parameters()["Parameters"]]
    found: list[Any] = ssm.get_parameters(Names=names)["Parameters"] if names else []
    return found


def test_a_nested_stack_that_fails_takes_its_parent_with_it(owner: Owner) -> None:
    stacks = owner.client("cloudformation")
    broken = body({"V": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/33"}}})
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": uploaded(owner, "b.json", broken)}}
    stacks.create_stack(StackName="parent", TemplateBody=body({"Child": nested}))
    with pytest.raises(Exception, match="ROLLBACK_COMPLETE"):
        stacks.get_waiter("stack_create_complete").wait(StackName="parent", WaiterConfig=_FAST)
    events = stacks.describe_stack_events(StackName="parent")["StackEvents"]
    failed = next(event for event in events if event["ResourceStatus"] == "CREATE_FAILED")
    assert (
        "was not successfully created: The following resource(s) failed to create: [V]."
        in failed["ResourceStatusReason"]
    )
    assert [found["StackName"] for found in stacks.describe_stacks()["Stacks"]] == ["parent"]


def test_a_nested_stack_may_make_no_more_than_was_acknowledged_for_its_parent(owner: Owner) -> None:
    """Source: API reference, CreateStack, Capabilities."""
    document = {"Version": "2012-10-17", "Statement": []}
    inner = body({"R": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document}}})
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": uploaded(owner, "c.json", inner)}}
    stacks = owner.client("cloudformation")
    stacks.create_stack(StackName="parent", TemplateBody=body({"Child": nested}))
    with pytest.raises(WaiterError):
        stacks.get_waiter("stack_create_complete").wait(StackName="parent", WaiterConfig=_FAST)
    told = stacks.describe_stack_events(StackName="parent")["StackEvents"]
    assert any("Requires capabilities : [CAPABILITY_IAM]" in event.get("ResourceStatusReason", "") for event in told)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("AWS::CloudFormation::CustomResource", "AWS::CloudFormation::CustomResource: functions and topics are kept"),
        ("Custom::Secrets", "Custom::Secrets: functions and topics are kept"),
        ("AWS::CloudFormation::WaitConditionHandle", "give AWS::CloudFormation::WaitCondition a CreationPolicy"),
        ("AWS::IAM::AccessKey", "use a role, or make the key with iam:CreateAccessKey"),
        ("AWS::AppStream::Fleet", "docs/reference/resource-types.md"),
    ],
)
def test_types_that_are_not_made_are_refused_by_name_before_anything_is_made(
    owner: Owner, kind: str, reason: str
) -> None:
    stacks = owner.client("cloudformation")
    text = body({"P": PARAMETER, "X": {"Type": kind}})
    for method, more in (
        ("create_stack", {}),
        ("create_change_set", {"ChangeSetName": "c", "ChangeSetType": "CREATE"}),
    ):
        with pytest.raises(ClientError) as refused:
            getattr(stacks, method)(StackName="app", TemplateBody=text, Capabilities=["CAPABILITY_IAM"], **more)
        assert refused.value.response["Error"]["Code"] == "ValidationError"
        assert f"The emulator does not make {kind}" in refused.value.response["Error"]["Message"]
        assert reason in refused.value.response["Error"]["Message"]
    assert stacks.describe_stacks()["Stacks"] == []


def test_a_service_role_does_what_it_may_and_nothing_else(owner: Owner) -> None:
    stacks = owner.client("cloudformation")
    some = {"Effect": "Allow", "Action": ["ssm:*"], "Resource": "*"}
    arn = role(owner, "some", [some])
    stacks.create_stack(StackName="may", TemplateBody=body({"P": PARAMETER}), RoleARN=arn)
    stacks.get_waiter("stack_create_complete").wait(StackName="may", WaiterConfig=_FAST)
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
    stacks.update_stack(StackName="may", TemplateBody=body({"P": PARAMETER, "V": vpc}))
    with pytest.raises(Exception, match="ROLLBACK_COMPLETE"):
        stacks.get_waiter("stack_update_complete").wait(StackName="may", WaiterConfig=_FAST)
    events = stacks.describe_stack_events(StackName="may")["StackEvents"]
    failed = next(event for event in events if event["ResourceStatus"] == "CREATE_FAILED")
    assert "not authorized" in failed["ResourceStatusReason"]
    assert stacks.describe_stacks(StackName="may")["Stacks"][0]["RoleARN"] == arn


def test_a_role_that_does_not_trust_cloudformation_is_refused(owner: Owner) -> None:
    stacks = owner.client("cloudformation")
    arn = role(owner, "other", [{"Effect": "Allow", "Action": "*", "Resource": "*"}], "ec2.amazonaws.com")
    for given in (arn, arn + "-none"):
        with pytest.raises(ClientError, match="is invalid or cannot be assumed"):
            stacks.create_stack(StackName="may", TemplateBody=body({"P": PARAMETER}), RoleARN=given)
    assert stacks.list_stacks()["StackSummaries"] == []


def test_templates_come_from_s3_and_secrets_go_into_no_event(owner: Owner) -> None:
    stacks = owner.client("cloudformation")
    owner.client("secretsmanager").create_secret(Name="db", SecretString='{"password": "hunter22"}')
    reference = "{{resolve:secretsmanager:db:SecretString:password}}"
    resource = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": reference}}
    address = uploaded(owner, "a.json", body({"P": resource}))
    stacks.create_stack(StackName="app", TemplateURL=address)
    stacks.get_waiter("stack_create_complete").wait(StackName="app", WaiterConfig=_FAST)
    assert [found["Value"] for found in _parameters(owner)] == ["hunter22"]
    assert "hunter22" not in json.dumps(stacks.describe_stack_events(StackName="app"), default=str)
    with pytest.raises(ClientError, match="S3 error"):
        stacks.validate_template(TemplateURL=address + "-none")


def test_parameters_of_aws_types_must_be_there(owner: Owner) -> None:
    stacks, ec2 = owner.client("cloudformation"), owner.client("ec2")
    declared = {"Net": {"Type": "AWS::EC2::VPC::Id"}}
    text = body({"P": PARAMETER}, Parameters=declared)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    stacks.create_stack(StackName="app", TemplateBody=text, Parameters=[{"ParameterKey": "Net", "ParameterValue": vpc}])
    with pytest.raises(ClientError, match="parameter value vpc-0 for parameter name Net does not exist"):
        stacks.create_stack(
            StackName="two", TemplateBody=text, Parameters=[{"ParameterKey": "Net", "ParameterValue": "vpc-0"}]
        )


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("create_stack_set", {"StackSetName": "s"}),
        ("estimate_template_cost", {"TemplateBody": "{}"}),
        ("list_types", {}),
        ("start_resource_scan", {}),
    ],
)
def test_what_is_not_offered_is_refused_by_name(owner: Owner, method: str, asked: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="does not offer cloudformation"):
        getattr(owner.client("cloudformation"), method)(**asked)
