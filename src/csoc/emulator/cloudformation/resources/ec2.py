"""The types of EC2 that stacks can have."""

from __future__ import annotations

from csoc.emulator.cloudformation.resources import (
    ec2_compute,
    ec2_endpoints,
    ec2_routing,
    ec2_security,
    ec2_transit,
    ec2_vpc,
)
from csoc.emulator.cloudformation.resources.handler import Handler

HANDLERS: tuple[Handler, ...] = (
    ec2_vpc.Vpc(),
    ec2_vpc.VpcCidrBlock(),
    ec2_vpc.Subnet(),
    ec2_vpc.InternetGateway(),
    ec2_vpc.EgressOnlyInternetGateway(),
    ec2_vpc.VpcGatewayAttachment(),
    ec2_vpc.DhcpOptions(),
    ec2_vpc.VpcDhcpOptionsAssociation(),
    ec2_routing.RouteTable(),
    ec2_routing.Route(),
    ec2_routing.SubnetRouteTableAssociation(),
    ec2_routing.Eip(),
    ec2_routing.EipAssociation(),
    ec2_routing.NatGateway(),
    ec2_routing.VpcPeeringConnection(),
    ec2_security.SecurityGroup(),
    ec2_security.SecurityGroupIngress(),
    ec2_security.SecurityGroupEgress(),
    ec2_security.NetworkAcl(),
    ec2_security.NetworkAclEntry(),
    ec2_security.SubnetNetworkAclAssociation(),
    ec2_security.PrefixList(),
    ec2_endpoints.VpcEndpoint(),
    ec2_endpoints.FlowLog(),
    ec2_compute.LaunchTemplate(),
    ec2_compute.Instance(),
    ec2_compute.Volume(),
    ec2_compute.NetworkInterface(),
    ec2_compute.KeyPair(),
    ec2_transit.TransitGateway(),
    ec2_transit.TransitGatewayAttachment(),
    ec2_transit.TransitGatewayVpcAttachment(),
    ec2_transit.TransitGatewayRouteTable(),
    ec2_transit.TransitGatewayRoute(),
    ec2_transit.TransitGatewayRouteTableAssociation(),
    ec2_transit.TransitGatewayRouteTablePropagation(),
)
