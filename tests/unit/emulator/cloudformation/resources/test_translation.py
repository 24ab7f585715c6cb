"""From properties of templates to parameters of calls and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from csoc.emulator.cloudformation.resources.handler import Context, ResourceError
from csoc.emulator.cloudformation.resources.translation import all_tags, own_tags, shaped, short_name, told, user_tags


def model(service: str, shape: str) -> Any:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service).shape_for(shape)


def context(name: str = "stack-It-ABCDEF123456", tags: Mapping[str, str] | None = None) -> Context:
    def clients(service: str) -> Any:
        raise AssertionError(service)

    return Context(clients, "1" * 12, "eu-west-1", "arn:x", "stack", "It", name, "token", tags or {})


def test_values_become_what_the_api_wants() -> None:
    shape = model("ec2", "CreateVpcEndpointRequest")
    given = {
        "VpcId": "vpc-1",
        "PrivateDnsEnabled": "true",
        "PolicyDocument": {"Statement": []},
        "SubnetIds": "subnet-1",
    }
    assert shaped(shape, given, "CreateVpcEndpoint") == {
        "VpcId": "vpc-1",
        "PrivateDnsEnabled": True,
        "PolicyDocument": '{"Statement":[]}',
        "SubnetIds": ["subnet-1"],
    }


def test_names_find_their_member_whatever_their_case() -> None:
    shape = model("eks", "CreateNodegroupRequest")
    given = {"ClusterName": "c", "ScalingConfig": {"MinSize": "1", "MaxSize": 3}}
    assert shaped(shape, given, "CreateNodegroup") == {
        "clusterName": "c",
        "scalingConfig": {"minSize": 1, "maxSize": 3},
    }


def test_a_member_that_the_api_lacks_is_refused_by_name() -> None:
    with pytest.raises(ResourceError, match=r"CreateVpcEndpoint.*Colour"):
        shaped(model("ec2", "CreateVpcEndpointRequest"), {"Colour": "red"}, "CreateVpcEndpoint")


def test_text_where_a_number_belongs_is_refused() -> None:
    with pytest.raises(ResourceError, match="minSize: 'many' is no number"):
        shaped(model("eks", "NodegroupScalingConfig"), {"MinSize": "many"}, "CreateNodegroup.scalingConfig")


def test_answers_become_properties_again() -> None:
    answer = {"resourcesVpcConfig": {"subnetIds": ["a"], "vpcId": "vpc-1"}, "version": "1.34", "endpoint": "https://x"}
    assert told("AWS::EKS::Cluster", answer, ["ResourcesVpcConfig", "Version", "Tags"]) == {
        "ResourcesVpcConfig": {"SubnetIds": ["a"]},
        "Version": "1.34",
    }


def test_policies_become_documents_again() -> None:
    assert told("AWS::EC2::VPCEndpoint", {"PolicyDocument": '{"Statement": []}'}, ["PolicyDocument"]) == {
        "PolicyDocument": {"Statement": []}
    }


def test_tags_of_the_resource_stand_above_those_of_the_stack() -> None:
    stack = context(tags={"team": "stack", "aws:cloudformation:stack-name": "stack"})
    properties = {"Tags": [{"Key": "team", "Value": "own"}, {"Key": "size", "Value": 3}]}
    assert all_tags(stack, properties) == {"team": "own", "size": "3", "aws:cloudformation:stack-name": "stack"}
    assert user_tags(stack, properties) == {"team": "own", "size": "3"}
    assert own_tags({"Tags": {"a": "b"}}) == {"a": "b"}


@pytest.mark.parametrize("longest", [32, 40, 63])
def test_made_up_names_fit_and_keep_their_suffix(longest: int) -> None:
    long = Context(
        context().clients, "1" * 12, "r", "s", "s" * 60, "L" * 40, f"{'s' * 60}-{'L' * 40}-ABCDEF123456", "t"
    )
    name = short_name(long, longest)
    assert len(name) <= longest
    assert name.endswith("-ABCDEF123456")
    assert name.startswith("s")


def test_a_name_that_fits_stays() -> None:
    assert short_name(context(), 32) == "stack-It-ABCDEF123456"
