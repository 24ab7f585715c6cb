"""EC2 refuses to make what names something that is not there, in the words of its error codes."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.functional.emulator.conftest import Owner

NOWHERE = "0123456789abcdef0"


class Network:
    """A network to name things in: client and ids."""

    def __init__(self, owner: Owner) -> None:
        self.ec2 = owner.client("ec2")
        self.id = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet = self.ec2.create_subnet(VpcId=self.id, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        self.table = self.ec2.create_route_table(VpcId=self.id)["RouteTable"]["RouteTableId"]
        self.group = self.ec2.create_security_group(VpcId=self.id, GroupName="a", Description="a")["GroupId"]

    def refusal(self, method: str, **given: Any) -> tuple[str, str]:
        """Code and words of what is refused."""
        with pytest.raises(ClientError) as refused:
            getattr(self.ec2, method)(**given)
        error = refused.value.response["Error"]
        return error["Code"], error["Message"]


@pytest.fixture
def network(owner: Owner) -> Network:
    return Network(owner)


def test_a_security_group_wants_a_network_that_is_there(network: Network) -> None:
    asked = {"VpcId": f"vpc-{NOWHERE}", "GroupName": "b", "Description": "b"}
    told = network.refusal("create_security_group", **asked)
    assert told == ("InvalidVpcID.NotFound", f"The vpc ID 'vpc-{NOWHERE}' does not exist")


def test_a_subnet_wants_a_zone_of_its_region(network: Network) -> None:
    given = {"VpcId": network.id, "CidrBlock": "10.0.1.0/24"}
    code, why = network.refusal("create_subnet", **given, AvailabilityZone="us-east-1a")
    assert code == "InvalidParameterValue"
    assert why.startswith("Value (us-east-1a) for parameter availabilityZone is invalid.")
    assert why.endswith("ap-southeast-2a, ap-southeast-2b, ap-southeast-2c.")
    assert network.refusal("create_subnet", **given, AvailabilityZoneId="use1-az1")[0] == "InvalidParameterValue"


def test_interfaces_and_endpoints_want_groups_that_are_there(network: Network) -> None:
    groups = [network.group, f"sg-{NOWHERE}"]
    assert network.refusal("create_network_interface", SubnetId=network.subnet, Groups=groups)[0] == (
        "InvalidGroup.NotFound"
    )
    asked: dict[str, Any] = {
        "VpcId": network.id,
        "ServiceName": "com.amazonaws.ap-southeast-2.sts",
        "VpcEndpointType": "Interface",
        "SubnetIds": [network.subnet],
    }
    assert network.refusal("create_vpc_endpoint", **asked, SecurityGroupIds=groups)[0] == "InvalidGroup.NotFound"
    made = network.ec2.create_vpc_endpoint(**asked, SecurityGroupIds=[network.group])["VpcEndpoint"]["VpcEndpointId"]
    changed = {"VpcEndpointId": made, "AddSecurityGroupIds": groups}
    assert network.refusal("modify_vpc_endpoint", **changed)[0] == "InvalidGroup.NotFound"


def test_a_route_wants_a_nat_gateway_that_is_there(network: Network) -> None:
    asked = {"RouteTableId": network.table, "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": f"nat-{NOWHERE}"}
    told = network.refusal("create_route", **asked)
    assert told == ("InvalidNatGatewayID.NotFound", f"The natGateway ID 'nat-{NOWHERE}' does not exist")


def test_an_acl_replaces_an_association_that_is_there_and_is_there_itself(network: Network) -> None:
    asked = {"AssociationId": f"aclassoc-{NOWHERE}", "NetworkAclId": f"acl-{NOWHERE}"}
    assert network.refusal("replace_network_acl_association", **asked)[0] == "InvalidAssociationID.NotFound"
    found = network.ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [network.id]}])["NetworkAcls"][0]
    asked["AssociationId"] = found["Associations"][0]["NetworkAclAssociationId"]
    assert network.refusal("replace_network_acl_association", **asked)[0] == "InvalidNetworkAclID.NotFound"
    assert network.ec2.describe_network_acls(NetworkAclIds=[found["NetworkAclId"]])["NetworkAcls"][0]["Associations"]


@pytest.mark.parametrize("image", ["ubuntu", "ami-1", "ami-0123456789abcdefg", "AMI-01234567"])
def test_an_instance_wants_the_id_of_an_image(network: Network, image: str) -> None:
    told = network.refusal("run_instances", ImageId=image, MinCount=1, MaxCount=1, SubnetId=network.subnet)
    assert told == ("InvalidAMIID.Malformed", f'Invalid id: "{image}" (expecting "ami-...")')


@pytest.mark.parametrize("image", ["ami-01234567", f"ami-{NOWHERE}"])
def test_an_instance_is_made_of_an_image_whose_id_is_well_formed(network: Network, image: str) -> None:
    made = network.ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=network.subnet)
    assert [one["ImageId"] for one in made["Instances"]] == [image]
