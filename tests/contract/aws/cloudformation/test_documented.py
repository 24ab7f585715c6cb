"""Cases from the AWS documentation of CloudFormation; every answer is held against its model.

Each names its page, below https://docs.aws.amazon.com/AWSCloudFormation/latest/.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.aws.cloudformation.conftest import Cloud


def body(resources: Mapping[str, Any], **sections: Any) -> str:
    return json.dumps({"Resources": resources, **sections})


def parameter(value: Any = "one", **attributes: Any) -> dict[str, Any]:
    """An SSM parameter without a name of its own."""
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}, **attributes}


def vpc(block: str = "10.0.0.0/16", **attributes: Any) -> dict[str, Any]:
    return {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": block}, **attributes}


BROKEN = vpc("10.0.0.0/33")


def refused(action: Any, **asked: Any) -> tuple[str, str]:
    """Code and message that a call is refused with."""
    with pytest.raises(ClientError) as error:
        action(**asked)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def make(cloud: Cloud, text: str, **more: Any) -> str:
    cloud.stacks.create_stack(StackName=cloud.name, TemplateBody=text, **more)
    return cloud.settled(cloud.name)


def change(cloud: Cloud, text: str, **more: Any) -> str:
    cloud.stacks.update_stack(StackName=cloud.name, TemplateBody=text, **more)
    return cloud.settled(cloud.name)


def events(cloud: Cloud, name: str = "") -> list[Any]:
    """Events, oldest first."""
    pages = cloud.stacks.get_paginator("describe_stack_events").paginate(StackName=name or cloud.name)
    return [event for page in pages for event in page["StackEvents"]][::-1]


def statuses(cloud: Cloud, logical_id: str, name: str = "") -> list[str]:
    return [event["ResourceStatus"] for event in events(cloud, name) if event["LogicalResourceId"] == logical_id]


def test_events_tell_how_a_stack_was_created(cloud: Cloud) -> None:
    """Source: UserGuide/stack-resource-configuration-complete.html"""
    assert make(cloud, body({"P": parameter()})) == "CREATE_COMPLETE"
    assert statuses(cloud, cloud.name) == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    told = statuses(cloud, "P")
    assert (told[0], told[-1]) == ("CREATE_IN_PROGRESS", "CREATE_COMPLETE")


def test_a_failed_creation_is_rolled_back_with_a_reason(cloud: Cloud) -> None:
    """Source: UserGuide/stack-failure-options.html: by default all resources are rolled back."""
    assert make(cloud, body({"P": parameter(), "V": {**BROKEN, "DependsOn": "P"}})) == "ROLLBACK_COMPLETE"
    assert statuses(cloud, "P")[-1] == "DELETE_COMPLETE"
    failed = [event for event in events(cloud) if event["ResourceStatus"] == "CREATE_FAILED"]
    assert [event["LogicalResourceId"] for event in failed] == ["V"]
    assert "10.0.0.0/33" in failed[0]["ResourceStatusReason"]


def test_a_rolled_back_stack_can_only_be_deleted(cloud: Cloud) -> None:
    """Source: UserGuide/view-stack-events.html, stack status codes: after ROLLBACK_COMPLETE only a delete can be
    performed.
    """
    make(cloud, body({"V": BROKEN}))
    code, message = refused(cloud.stacks.update_stack, StackName=cloud.name, TemplateBody=body({"P": parameter()}))
    assert (code, "ROLLBACK_COMPLETE state and can not be updated" in message) == ("ValidationError", True)


def test_successfully_provisioned_resources_can_be_preserved(cloud: Cloud) -> None:
    """Source: UserGuide/stack-failure-options.html; APIReference/API_RollbackStack.html"""
    make(cloud, body({"P": parameter("one")}))
    after = body({"P": parameter("two"), "V": {**BROKEN, "DependsOn": "P"}})
    assert change(cloud, after, DisableRollback=True) == "UPDATE_FAILED"
    assert refused(cloud.stacks.update_stack, StackName=cloud.name, TemplateBody=after)[0] == "ValidationError"
    cloud.stacks.rollback_stack(StackName=cloud.name)
    assert cloud.settled(cloud.name) == "UPDATE_ROLLBACK_COMPLETE"


def test_a_change_set_for_a_new_stack_makes_it_in_review(cloud: Cloud) -> None:
    """Source: APIReference/API_CreateChangeSet.html, ChangeSetType"""
    cloud.stacks.create_change_set(
        StackName=cloud.name, ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body({"P": parameter()})
    )
    told = cloud.planned(cloud.name, "first")
    assert cloud.stack(cloud.name)["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert (told["Status"], told["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert [found["ResourceChange"]["Action"] for found in told["Changes"]] == ["Add"]
    cloud.stacks.execute_change_set(StackName=cloud.name, ChangeSetName="first")
    assert cloud.settled(cloud.name) == "CREATE_COMPLETE"


def test_a_change_set_of_a_wrong_type_is_refused(cloud: Cloud) -> None:
    """Source: APIReference/API_CreateChangeSet.html: UPDATE is not for a new stack, CREATE not for an existing
    one.
    """
    asked = {"ChangeSetName": "c", "TemplateBody": body({"P": parameter()})}
    assert refused(cloud.stacks.create_change_set, StackName=cloud.name, **asked)[0] == "ValidationError"
    make(cloud, body({"P": parameter()}))
    code, _ = refused(cloud.stacks.create_change_set, StackName=cloud.name, ChangeSetType="CREATE", **asked)
    assert code == "ValidationError"


def test_executing_a_change_set_deletes_the_others(cloud: Cloud) -> None:
    """Source: APIReference/API_ExecuteChangeSet.html"""
    make(cloud, body({"P": parameter("one")}))
    for name in ("two", "three"):
        cloud.stacks.create_change_set(
            StackName=cloud.name, ChangeSetName=name, TemplateBody=body({"P": parameter(name)})
        )
        cloud.planned(cloud.name, name)
    cloud.stacks.execute_change_set(StackName=cloud.name, ChangeSetName="two")
    assert cloud.settled(cloud.name) == "UPDATE_COMPLETE"
    assert cloud.stacks.list_change_sets(StackName=cloud.name)["Summaries"] == []


def test_a_direct_modification_is_static(cloud: Cloud) -> None:
    """Source: UserGuide/using-cfn-updating-stacks-changesets-samples.html;
    APIReference/API_ResourceTargetDefinition.html
    """
    make(cloud, body({"P": parameter("one")}))
    cloud.stacks.create_change_set(StackName=cloud.name, ChangeSetName="c", TemplateBody=body({"P": parameter("two")}))
    found = cloud.planned(cloud.name, "c")["Changes"][0]["ResourceChange"]
    (detail,) = found["Details"]
    assert (detail["ChangeSource"], detail["Evaluation"]) == ("DirectModification", "Static")
    target = detail["Target"]
    assert (target["Name"], target["Path"], target["BeforeValue"], target["AfterValue"]) == (
        "Value", "/Properties/Value", "one", "two",
    )  # fmt: skip
    assert (found["Action"], found["Replacement"], found["Scope"]) == ("Modify", "False", ["Properties"])


def test_a_parameter_is_the_cause_of_a_change(cloud: Cloud) -> None:
    """Source: UserGuide/using-cfn-updating-stacks-changesets-samples.html: a static and a dynamic detail."""
    text = body({"P": parameter({"Ref": "In"})}, Parameters={"In": {"Type": "String"}})
    make(cloud, text, Parameters=[{"ParameterKey": "In", "ParameterValue": "one"}])
    cloud.stacks.create_change_set(
        StackName=cloud.name,
        ChangeSetName="c",
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "In", "ParameterValue": "two"}],
    )
    cloud.planned(cloud.name, "c")
    told = cloud.stacks.describe_change_set(StackName=cloud.name, ChangeSetName="c")
    details = told["Changes"][0]["ResourceChange"]["Details"]
    causes = {(one["ChangeSource"], one.get("CausingEntity"), one["Evaluation"]) for one in details}
    assert causes == {("ParameterReference", "In", "Static"), ("DirectModification", None, "Dynamic")}


def test_a_property_that_requires_replacement_replaces(cloud: Cloud) -> None:
    """Source: TemplateReference/aws-resource-ec2-vpc.html, CidrBlock: update requires replacement;
    APIReference/API_ResourceChange.html
    """
    make(cloud, body({"V": vpc("10.0.0.0/16")}))
    before = cloud.stacks.describe_stack_resource(StackName=cloud.name, LogicalResourceId="V")["StackResourceDetail"]
    cloud.stacks.create_change_set(
        StackName=cloud.name, ChangeSetName="c", TemplateBody=body({"V": vpc("10.1.0.0/16")})
    )
    found = cloud.planned(cloud.name, "c")["Changes"][0]["ResourceChange"]
    assert (found["Replacement"], found["PolicyAction"]) == ("True", "ReplaceAndDelete")
    assert found["Details"][0]["Target"]["RequiresRecreation"] == "Always"
    cloud.stacks.execute_change_set(StackName=cloud.name, ChangeSetName="c")
    assert cloud.settled(cloud.name) == "UPDATE_COMPLETE"
    after = cloud.stacks.describe_stack_resource(StackName=cloud.name, LogicalResourceId="V")["StackResourceDetail"]
    assert after["PhysicalResourceId"] != before["PhysicalResourceId"]
    assert "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" in statuses(cloud, cloud.name)


def test_what_a_replaced_resource_leads_to_is_dynamic(cloud: Cloud) -> None:
    """Source: APIReference/API_ResourceChangeDetail.html, Evaluation and ChangeSource"""

    def text(block: str) -> str:
        return body({"V": vpc(block), "P": parameter({"Ref": "V"})})

    make(cloud, text("10.0.0.0/16"))
    cloud.stacks.create_change_set(StackName=cloud.name, ChangeSetName="c", TemplateBody=text("10.1.0.0/16"))
    changes = {
        found["ResourceChange"]["LogicalResourceId"]: found["ResourceChange"]
        for found in cloud.planned(cloud.name, "c")["Changes"]
    }
    detail = changes["P"]["Details"][0]
    assert (detail["Evaluation"], detail["ChangeSource"], detail["CausingEntity"]) == (
        "Dynamic", "ResourceReference", "V",
    )  # fmt: skip


def test_a_change_set_without_changes_fails(cloud: Cloud) -> None:
    """Source: UserGuide/using-cfn-updating-stacks-changesets-create.html"""
    make(cloud, body({"P": parameter()}))
    cloud.stacks.create_change_set(StackName=cloud.name, ChangeSetName="c", TemplateBody=body({"P": parameter()}))
    told = cloud.planned(cloud.name, "c")
    assert told["Status"] == "FAILED"
    assert "didn't contain changes" in told["StatusReason"]


def test_an_update_without_changes_is_refused(cloud: Cloud) -> None:
    """Source: UserGuide/troubleshooting.html, "No updates to perform"."""
    make(cloud, body({"P": parameter()}))
    assert refused(cloud.stacks.update_stack, StackName=cloud.name, UsePreviousTemplate=True) == (
        "ValidationError", "No updates are to be performed.",
    )  # fmt: skip


def test_ssm_parameters_are_resolved_and_must_exist(cloud: Cloud) -> None:
    """Source: UserGuide/cloudformation-supplied-parameter-types.html: the operation fails if the parameter does
    not exist.
    """
    key = f"/{cloud.name}/in"
    declared = {"In": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": key}}
    text = body({"P": parameter({"Ref": "In"})}, Parameters=declared)
    cloud.stacks.create_change_set(
        StackName=cloud.name, ChangeSetName="none", ChangeSetType="CREATE", TemplateBody=text
    )
    told = cloud.planned(cloud.name, "none")
    assert (told["Status"], told["StatusReason"].startswith("Unable to fetch parameters")) == ("FAILED", True)
    ssm = cloud.client("ssm")
    ssm.put_parameter(Name=key, Value="there", Type="String")
    cloud.stacks.create_change_set(
        StackName=cloud.name, ChangeSetName="some", ChangeSetType="CREATE", TemplateBody=text
    )
    told = cloud.planned(cloud.name, "some")
    ssm.delete_parameter(Name=key)
    assert told["Parameters"][0]["ResolvedValue"] == "there"


def test_values_of_no_echo_parameters_are_hidden(cloud: Cloud) -> None:
    """Source: UserGuide/parameters-section-structure.html, NoEcho"""
    text = body({"P": parameter({"Ref": "In"})}, Parameters={"In": {"Type": "String", "NoEcho": True}})
    make(cloud, text, Parameters=[{"ParameterKey": "In", "ParameterValue": "not-for-you"}])
    assert cloud.stack(cloud.name)["Parameters"] == [{"ParameterKey": "In", "ParameterValue": "****"}]
    assert "not-for-you" not in json.dumps(events(cloud), default=str)


def test_names_of_rights_need_a_capability(cloud: Cloud) -> None:
    """Source: APIReference/API_CreateStack.html, Capabilities"""
    text = body({"R": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "x", "AssumeRolePolicyDocument": {}}}})
    code, message = refused(
        cloud.stacks.create_stack, StackName=cloud.name, TemplateBody=text, Capabilities=["CAPABILITY_IAM"]
    )
    assert code == "InsufficientCapabilitiesException"
    assert "CAPABILITY_NAMED_IAM" in message


def test_termination_protection_stops_a_deletion(cloud: Cloud) -> None:
    """Source: UserGuide/using-cfn-protect-stacks.html"""
    make(cloud, body({"P": parameter()}), EnableTerminationProtection=True)
    assert refused(cloud.stacks.delete_stack, StackName=cloud.name)[0] == "ValidationError"
    assert cloud.stack(cloud.name)["StackStatus"] == "CREATE_COMPLETE"
    cloud.stacks.update_termination_protection(StackName=cloud.name, EnableTerminationProtection=False)
    cloud.stacks.delete_stack(StackName=cloud.name)


def test_a_stack_policy_denies_updates(cloud: Cloud) -> None:
    """Source: UserGuide/protect-stack-resources.html"""
    allow = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "LogicalResourceId/P"}
    make(cloud, body({"P": parameter("one")}), StackPolicyBody=json.dumps({"Statement": [allow, deny]}))
    assert change(cloud, body({"P": parameter("two")})) == "UPDATE_ROLLBACK_COMPLETE"
    reasons = " ".join(event.get("ResourceStatusReason", "") for event in events(cloud))
    assert "Action denied by stack policy" in reasons
    during = json.dumps({"Statement": [allow]})
    text = body({"P": parameter("two")})
    assert change(cloud, text, StackPolicyDuringUpdateBody=during) == "UPDATE_COMPLETE"
    assert json.loads(cloud.stacks.get_stack_policy(StackName=cloud.name)["StackPolicyBody"])["Statement"] == [
        allow,
        deny,
    ]


@pytest.mark.parametrize(
    ("policy", "status"), [("Retain", "DELETE_SKIPPED"), ("RetainExceptOnCreate", "DELETE_COMPLETE")]
)
def test_deletion_policies_when_a_creation_is_rolled_back(cloud: Cloud, policy: str, status: str) -> None:
    """Source: TemplateReference/aws-attribute-deletionpolicy.html"""
    kept = parameter(DeletionPolicy=policy)
    make(cloud, body({"P": kept, "V": {**BROKEN, "DependsOn": "P"}}))
    assert statuses(cloud, "P")[-1] == status


def test_an_export_in_use_keeps_its_stack(cloud: Cloud) -> None:
    """Source: UserGuide/using-cfn-stack-exports.html: neither deleted nor modified while it is referred to."""
    name = f"{cloud.name}-out"
    make(cloud, body({"P": parameter()}, Outputs={"O": {"Value": "one", "Export": {"Name": name}}}))
    user = f"{cloud.name}-user"
    cloud.stacks.create_stack(StackName=user, TemplateBody=body({"P": parameter({"Fn::ImportValue": name})}))
    assert cloud.settled(user) == "CREATE_COMPLETE"
    assert cloud.stacks.list_imports(ExportName=name)["Imports"] == [user]
    assert {"Name": name, "Value": "one"}.items() <= next(
        found for found in cloud.stacks.list_exports()["Exports"] if found["Name"] == name
    ).items()
    cloud.stacks.delete_stack(StackName=cloud.name)
    assert cloud.settled(cloud.name) == "DELETE_FAILED"
    assert name in cloud.stack(cloud.name)["StackStatusReason"]
    cloud.stacks.delete_stack(StackName=user)


def test_a_deleted_stack_is_only_known_by_its_id(cloud: Cloud) -> None:
    """Source: APIReference/API_DescribeStacks.html: deleted stacks are told by their unique id only."""
    make(cloud, body({"P": parameter()}))
    number = cloud.stack(cloud.name)["StackId"]
    cloud.stacks.delete_stack(StackName=cloud.name)
    assert cloud.settled(number) == "DELETE_COMPLETE"
    code, message = refused(cloud.stacks.describe_stacks, StackName=cloud.name)
    assert (code, "does not exist" in message) == ("ValidationError", True)
    assert cloud.stacks.delete_stack(StackName=cloud.name)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_drift_is_detected_and_told(cloud: Cloud) -> None:
    """Source: UserGuide/using-cfn-stack-drift.html; APIReference/API_PropertyDifference.html"""
    make(cloud, body({"P": parameter("one")}))
    number = cloud.stacks.detect_stack_drift(StackName=cloud.name)["StackDriftDetectionId"]

    def looked() -> Any:
        return cloud.stacks.describe_stack_drift_detection_status(StackDriftDetectionId=number)

    while (told := looked())["DetectionStatus"] == "DETECTION_IN_PROGRESS":
        cloud.wait()
    assert (told["DetectionStatus"], told["StackDriftStatus"]) == ("DETECTION_COMPLETE", "IN_SYNC")
    resource = cloud.stacks.describe_stack_resource(StackName=cloud.name, LogicalResourceId="P")["StackResourceDetail"]
    cloud.client("ssm").put_parameter(Name=resource["PhysicalResourceId"], Value="two", Type="String", Overwrite=True)
    found = cloud.stacks.detect_stack_resource_drift(StackName=cloud.name, LogicalResourceId="P")["StackResourceDrift"]
    assert found["StackResourceDriftStatus"] == "MODIFIED"
    assert found["PropertyDifferences"] == [
        {"PropertyPath": "/Value", "ExpectedValue": "one", "ActualValue": "two", "DifferenceType": "NOT_EQUAL"}
    ]
    told = cloud.stacks.describe_stack_resource_drifts(StackName=cloud.name)["StackResourceDrifts"]
    assert [one["LogicalResourceId"] for one in told] == ["P"]


def test_a_request_with_the_same_token_is_the_same_request(cloud: Cloud) -> None:
    """Source: APIReference/API_CreateStack.html, ClientRequestToken: events of an operation carry its token."""
    asked = {"StackName": cloud.name, "TemplateBody": body({"P": parameter()}), "ClientRequestToken": "token-1"}
    first = cloud.stacks.create_stack(**asked)["StackId"]
    assert cloud.stacks.create_stack(**asked)["StackId"] == first
    cloud.settled(cloud.name)
    assert {event["ClientRequestToken"] for event in events(cloud)} == {"token-1"}


def test_templates_are_validated_and_summed_up(cloud: Cloud) -> None:
    """Source: APIReference/API_ValidateTemplate.html; APIReference/API_GetTemplateSummary.html;
    APIReference/API_GetTemplate.html
    """
    declared = {"In": {"Type": "String", "Default": "d", "NoEcho": True, "Description": "what goes in"}}
    text = body({"P": parameter({"Ref": "In"})}, Parameters=declared, Description="a template")
    (told,) = cloud.stacks.validate_template(TemplateBody=text)["Parameters"]
    assert told == {"ParameterKey": "In", "DefaultValue": "d", "NoEcho": True, "Description": "what goes in"}
    make(cloud, text)
    told = cloud.stacks.get_template_summary(StackName=cloud.name)
    assert (told["ResourceTypes"], told["Description"]) == (["AWS::SSM::Parameter"], "a template")
    assert json.loads(json.dumps(cloud.stacks.get_template(StackName=cloud.name)["TemplateBody"])) == json.loads(text)
    assert refused(cloud.stacks.validate_template, TemplateBody="{}")[0] == "ValidationError"


def test_the_rest_of_the_answers_fit_their_models(cloud: Cloud) -> None:
    """Source: APIReference: DescribeStackResources, ListStackResources, ListStacks, DescribeAccountLimits,
    DescribeEvents
    """
    make(cloud, body({"P": parameter()}), Tags=[{"Key": "team", "Value": "one"}])
    assert cloud.stacks.describe_stack_resources(StackName=cloud.name)["StackResources"][0]["LogicalResourceId"] == "P"
    assert len(cloud.stacks.list_stack_resources(StackName=cloud.name)["StackResourceSummaries"]) == 1
    created = cloud.stacks.list_stacks(StackStatusFilter=["CREATE_COMPLETE"])["StackSummaries"]
    assert cloud.name in {found["StackName"] for found in created}
    assert {limit["Name"] for limit in cloud.stacks.describe_account_limits()["AccountLimits"]} >= {"StackLimit"}
    told = cloud.stacks.describe_events(StackName=cloud.name)["OperationEvents"]
    assert {event["OperationType"] for event in told} == {"CREATE_STACK"}
