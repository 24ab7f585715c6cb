"""Stacks over the API: made, changed, rolled back, deleted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from tests.functional.emulator.conftest import Owner

VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": {"Ref": "Range"}}}
TEMPLATE: dict[str, Any] = {
    "Parameters": {"Range": {"Type": "String", "Default": "10.1.0.0/16"}},
    "Resources": {"Network": VPC},
    "Outputs": {"Id": {"Value": {"Ref": "Network"}}},
}
_FAST = {"Delay": 1, "MaxAttempts": 60}


def test_a_stack_is_made_and_deleted(owner: Owner) -> None:
    stacks, ec2 = owner.client("cloudformation"), owner.client("ec2")
    stacks.create_stack(StackName="net", TemplateBody=json.dumps(TEMPLATE))
    stacks.get_waiter("stack_create_complete").wait(StackName="net", WaiterConfig=_FAST)
    outputs = stacks.describe_stacks(StackName="net")["Stacks"][0]["Outputs"]
    vpc = outputs[0]["OutputValue"]
    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlock"] == "10.1.0.0/16"
    stacks.delete_stack(StackName="net")
    stacks.get_waiter("stack_delete_complete").wait(StackName="net", WaiterConfig=_FAST)
    assert vpc not in {found["VpcId"] for found in ec2.describe_vpcs()["Vpcs"]}


def test_a_change_set_shows_what_would_be_replaced(owner: Owner) -> None:
    stacks = owner.client("cloudformation")
    stacks.create_stack(StackName="net", TemplateBody=json.dumps(TEMPLATE))
    stacks.get_waiter("stack_create_complete").wait(StackName="net", WaiterConfig=_FAST)
    stacks.create_change_set(
        StackName="net",
        ChangeSetName="wider",
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "Range", "ParameterValue": "10.2.0.0/16"}],
    )
    stacks.get_waiter("change_set_create_complete").wait(StackName="net", ChangeSetName="wider", WaiterConfig=_FAST)
    told = stacks.describe_change_set(StackName="net", ChangeSetName="wider", IncludePropertyValues=True)
    change = told["Changes"][0]["ResourceChange"]
    target = change["Details"][0]["Target"]
    assert (change["Replacement"], target["BeforeValue"], target["AfterValue"]) == (
        "True",
        "10.1.0.0/16",
        "10.2.0.0/16",
    )


def test_a_stack_that_fails_rolls_back_with_the_reason(owner: Owner) -> None:
    stacks = owner.client("cloudformation")
    broken = {**VPC, "Properties": {"CidrBlock": "10.0.0.0/33"}}
    stacks.create_stack(
        StackName="bad",
        TemplateBody=json.dumps(
            {
                "Resources": {
                    "Good": VPC | {"Properties": {"CidrBlock": "10.3.0.0/16"}},
                    "Bad": {**broken, "DependsOn": "Good"},
                }
            }
        ),
    )
    with pytest.raises(WaiterError, match="ROLLBACK_COMPLETE"):
        stacks.get_waiter("stack_create_complete").wait(StackName="bad", WaiterConfig=_FAST)
    events = stacks.describe_stack_events(StackName="bad")["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    assert [event["LogicalResourceId"] for event in failed] == ["Bad"]
    assert "10.0.0.0/33" in failed[0]["ResourceStatusReason"]
    assert stacks.describe_stacks(StackName="bad")["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE"
