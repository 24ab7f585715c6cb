"""Networks: VPCs, subnets, and what connects them."""

from __future__ import annotations

from typing import Any

from csoc.emulator.cloudformation.resources.handler import Context, Made, Properties


def tag_list(context: Context, properties: Properties) -> list[dict[str, str]]:
    """The stack's tags below the resource's own, as most services take them."""
    own = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", ())}
    merged = {**context.tags, **own}
    return [{"Key": key, "Value": value} for key, value in merged.items() if not key.startswith("aws:")]


def _tagged(context: Context, kind: str, properties: Properties) -> list[dict[str, Any]]:
    tags = tag_list(context, properties)
    return [{"ResourceType": kind, "Tags": tags}] if tags else []


class Vpc:
    """AWS::EC2::VPC."""

    type_name = "AWS::EC2::VPC"
    seconds = 12.0

    def create(self, context: Context, properties: Properties) -> Made:
        ec2 = context.clients("ec2")
        asked = {"CidrBlock": properties["CidrBlock"]}
        vpc = ec2.create_vpc(**asked, TagSpecifications=_tagged(context, "vpc", properties))["Vpc"]
        self._switch(ec2, vpc["VpcId"], properties)
        group = ec2.describe_security_groups(
            Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
        )["SecurityGroups"][0]["GroupId"]
        return Made(
            vpc["VpcId"],
            {"VpcId": vpc["VpcId"], "CidrBlock": vpc["CidrBlock"], "DefaultSecurityGroup": group, "Ipv6CidrBlocks": []},
        )

    def update(self, context: Context, physical_id: str, before: Properties, after: Properties) -> Made:
        ec2 = context.clients("ec2")
        self._switch(ec2, physical_id, after)
        retag(ec2, physical_id, tag_list(context, before), tag_list(context, after))
        return Made(physical_id, {"VpcId": physical_id, "CidrBlock": after["CidrBlock"], "Ipv6CidrBlocks": []})

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        ec2 = context.clients("ec2")
        if ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [physical_id]}])["Vpcs"]:
            ec2.delete_vpc(VpcId=physical_id)

    def read(self, context: Context, physical_id: str) -> Properties | None:
        ec2 = context.clients("ec2")
        found = ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [physical_id]}])["Vpcs"]
        if not found:
            return None
        asked = {"VpcId": physical_id}
        names = ec2.describe_vpc_attribute(**asked, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"]
        support = ec2.describe_vpc_attribute(**asked, Attribute="enableDnsSupport")["EnableDnsSupport"]["Value"]
        return {
            "CidrBlock": found[0]["CidrBlock"],
            "EnableDnsHostnames": names,
            "EnableDnsSupport": support,
            "Tags": found[0].get("Tags", []),
        }

    @staticmethod
    def _switch(ec2: Any, vpc: str, properties: Properties) -> None:
        for name in ("EnableDnsSupport", "EnableDnsHostnames"):
            if name in properties:
                value = str(properties[name]).lower() == "true"
                ec2.modify_vpc_attribute(VpcId=vpc, **{name: {"Value": value}})


def retag(ec2: Any, resource: str, before: list[dict[str, str]], after: list[dict[str, str]]) -> None:
    """Makes the tags of an EC2 resource what they should be."""
    kept = {tag["Key"] for tag in after}
    gone = [{"Key": tag["Key"]} for tag in before if tag["Key"] not in kept]
    if gone:
        ec2.delete_tags(Resources=[resource], Tags=gone)
    if after:
        ec2.create_tags(Resources=[resource], Tags=after)
