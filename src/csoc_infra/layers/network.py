"""The network of a cluster: public, private and isolated subnets in two or three zones, and the web ACL.

How the addresses are divided, for a VPC of 2^n addresses (a /16 in brackets): in eighths (/19). The first three are the
private subnets, one a zone, since with the VPC CNI every pod takes an address of its own; four are left for later. The
last is divided into eighths again (/22): the first three are the public subnets, the fifth to the seventh the isolated
ones. So a third zone, added later, moves nothing that is there.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2

from csoc_infra import checks, names
from csoc_infra.context import Given
from csoc_infra.mistakes import MistakeError
from csoc_infra.parts import web_acl
from csoc_infra.parts.shared import CLOSED_EGRESS, log_group
from csoc_infra.settings import setting

NAME = "network"
INPUTS: tuple[str, ...] = ()
OPTIONAL_INPUTS: tuple[str, ...] = ()
OUTPUTS = (
    "VpcId",
    "VpcCidr",
    "PublicSubnetIds",
    "PrivateSubnetIds",
    "IsolatedSubnetIds",
    "PrivateRouteTableIds",
    "WebAclArn",
)

Endpoint = Literal[
    "aps-workspaces",
    "autoscaling",
    "ec2",
    "ecr.api",
    "ecr.dkr",
    "eks",
    "eks-auth",
    "elasticloadbalancing",
    "kms",
    "logs",
    "monitoring",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "sts",
]


def _private_block(value: str) -> None:
    checks.network(value)
    block = ipaddress.IPv4Network(value)
    if not 16 <= block.prefixlen <= 20:
        raise ValueError("wanted is a network from /16 to /20: a smaller one has no room for pods")
    if not any(block.subnet_of(one) for one in _PRIVATE):
        raise ValueError("wanted is a private network, of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10")
    if block.overlaps(ipaddress.IPv4Network("172.17.0.0/16")):
        raise ValueError("172.17.0.0/16 is what container engines use themselves, and some services do too")


_PRIVATE = tuple(
    ipaddress.IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)


_WEB_ACL = web_acl.Settings()


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the network.

    zone_names: the zones; without them, the first ones that the region offers to the account. default_route: where the
    private subnets' traffic goes: to NAT gateways here, or to the layer egress, whose stack adds the routes.
    nat_gateways: one is cheaper, and its zone takes the others' way out along. flow_log_days: how long flow logs are
    kept.
    """

    cidr: str = setting(check=_private_block)
    zones: int = setting(check=checks.between(2, 3))
    zone_names: tuple[str, ...] = setting(
        default=(), check=checks.each(checks.matches(r"[a-z]{2,3}(-[a-z]{2,10}){1,3}-\d{1,2}[a-z]", "a zone's name"))
    )
    default_route: Literal["nat", "egress"] = "nat"
    nat_gateways: Literal["one", "one-a-zone"] = "one-a-zone"
    interface_endpoints: tuple[Endpoint, ...] = setting(default=(), check=checks.each(lambda _: None))
    dynamodb_endpoint: bool = False
    flow_log_days: int = setting(default=365, check=checks.retention)
    web_acl: web_acl.Settings = _WEB_ACL

    def __post_init__(self) -> None:
        """What the fields cannot be together."""
        if self.zone_names and len(self.zone_names) != self.zones:
            raise MistakeError("zone_names", f"there are {len(self.zone_names)}, and zones says {self.zones}")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Networks of the subnets, one a zone."""

    private: tuple[str, ...]
    public: tuple[str, ...]
    isolated: tuple[str, ...]


def divide(cidr: str, zones: int) -> Addresses:
    """See the module."""
    eighths = list(ipaddress.IPv4Network(cidr).subnets(prefixlen_diff=3))
    small = list(eighths[7].subnets(prefixlen_diff=3))

    def texts(blocks: Sequence[ipaddress.IPv4Network]) -> tuple[str, ...]:
        return tuple(str(block) for block in blocks[:zones])

    return Addresses(texts(eighths[:3]), texts(small[:3]), texts(small[4:7]))


def build(stack: cdk.Stack, settings: Settings, given: Given) -> Mapping[str, str]:
    """See `csoc_infra.layers.table.LayerModule`."""
    vpc = ec2.CfnVPC(
        stack,
        "Vpc",
        cidr_block=settings.cidr,
        enable_dns_hostnames=True,
        enable_dns_support=True,
        tags=_named(given, "network"),
    )
    subnets = _Subnets(stack, settings, given, vpc)
    _gateways(stack, settings, given, vpc, subnets)
    _endpoints(stack, settings, given, vpc, subnets)
    _flow_logs(stack, settings, given, vpc)
    acl = web_acl.build(stack, settings.web_acl, given)
    return {
        "VpcId": vpc.ref,
        "VpcCidr": settings.cidr,
        "PublicSubnetIds": cdk.Fn.join(",", [one.ref for one in subnets.public]),
        "PrivateSubnetIds": cdk.Fn.join(",", [one.ref for one in subnets.private]),
        "IsolatedSubnetIds": cdk.Fn.join(",", [one.ref for one in subnets.isolated]),
        "PrivateRouteTableIds": cdk.Fn.join(",", [one.ref for one in subnets.private_tables]),
        "WebAclArn": acl,
    }


def _named(given: Given, purpose: str, tags: Mapping[str, str] | None = None) -> list[cdk.CfnTag]:
    pairs = {"Name": given.name(purpose), **(tags or {})}
    return [cdk.CfnTag(key=key, value=value) for key, value in pairs.items()]


class _Subnets:
    """Subnets and route tables: one table for the public ones, one a private one, one for the isolated ones."""

    def __init__(self, stack: cdk.Stack, settings: Settings, given: Given, vpc: ec2.CfnVPC) -> None:
        self._stack, self._given, self._vpc = stack, given, vpc
        self._zones = settings.zone_names or [cdk.Fn.select(n, cdk.Fn.get_azs()) for n in range(settings.zones)]
        addresses = divide(settings.cidr, settings.zones)
        # What load balancer controllers and Karpenter find subnets by.
        cluster = names.eks_cluster(given.uid)
        shared = {f"kubernetes.io/cluster/{cluster}": "shared"}
        self.public_table = self._table("Public", "public")
        self.private_tables = [self._table(f"Private{n + 1}", f"private-{n + 1}") for n in range(settings.zones)]
        self.isolated_table = self._table("Isolated", "isolated")
        self.public = [
            self._subnet("Public", n, cidr, self.public_table, shared | {"kubernetes.io/role/elb": "1"})
            for n, cidr in enumerate(addresses.public)
        ]
        inner = shared | {"kubernetes.io/role/internal-elb": "1", "karpenter.sh/discovery": cluster}
        self.private = [
            self._subnet("Private", n, cidr, self.private_tables[n], inner) for n, cidr in enumerate(addresses.private)
        ]
        self.isolated = [
            self._subnet("Isolated", n, cidr, self.isolated_table, {}) for n, cidr in enumerate(addresses.isolated)
        ]

    @property
    def tables(self) -> Sequence[ec2.CfnRouteTable]:
        """All route tables."""
        return [self.public_table, *self.private_tables, self.isolated_table]

    def _table(self, name: str, purpose: str) -> ec2.CfnRouteTable:
        tags = _named(self._given, purpose)
        return ec2.CfnRouteTable(self._stack, f"{name}RouteTable", vpc_id=self._vpc.ref, tags=tags)

    def _subnet(
        self, tier: str, number: int, cidr: str, table: ec2.CfnRouteTable, tags: Mapping[str, str]
    ) -> ec2.CfnSubnet:
        subnet = ec2.CfnSubnet(
            self._stack,
            f"{tier}Subnet{number + 1}",
            vpc_id=self._vpc.ref,
            availability_zone=self._zones[number],
            cidr_block=cidr,
            map_public_ip_on_launch=False,
            tags=_named(self._given, f"{tier.lower()}-{number + 1}", tags),
        )
        ec2.CfnSubnetRouteTableAssociation(
            self._stack, f"{tier}Association{number + 1}", subnet_id=subnet.ref, route_table_id=table.ref
        )
        return subnet


def _gateways(stack: cdk.Stack, settings: Settings, given: Given, vpc: ec2.CfnVPC, subnets: _Subnets) -> None:
    gateway = ec2.CfnInternetGateway(stack, "InternetGateway", tags=_named(given, "internet"))
    attached = ec2.CfnVPCGatewayAttachment(
        stack, "InternetGatewayAttachment", vpc_id=vpc.ref, internet_gateway_id=gateway.ref
    )
    out = ec2.CfnRoute(
        stack,
        "PublicDefaultRoute",
        route_table_id=subnets.public_table.ref,
        destination_cidr_block="0.0.0.0/0",
        gateway_id=gateway.ref,
    )
    out.add_resource_dependency(attached)
    if settings.default_route == "egress":
        return
    nats = []
    for number in range(1 if settings.nat_gateways == "one" else settings.zones):
        purpose = f"nat-{number + 1}"
        address = ec2.CfnEIP(stack, f"NatAddress{number + 1}", domain="vpc", tags=_named(given, purpose))
        address.add_resource_dependency(attached)
        nat = ec2.CfnNatGateway(
            stack,
            f"NatGateway{number + 1}",
            subnet_id=subnets.public[number].ref,
            allocation_id=address.attr_allocation_id,
            tags=_named(given, purpose),
        )
        nat.add_resource_dependency(out)
        nats.append(nat)
    for number, table in enumerate(subnets.private_tables):
        ec2.CfnRoute(
            stack,
            f"PrivateDefaultRoute{number + 1}",
            route_table_id=table.ref,
            destination_cidr_block="0.0.0.0/0",
            nat_gateway_id=nats[min(number, len(nats) - 1)].ref,
        )


def _endpoints(stack: cdk.Stack, settings: Settings, given: Given, vpc: ec2.CfnVPC, subnets: _Subnets) -> None:
    for service in ("s3", *(("dynamodb",) if settings.dynamodb_endpoint else ())):
        ec2.CfnVPCEndpoint(
            stack,
            f"Endpoint{_identifier(service)}",
            vpc_id=vpc.ref,
            vpc_endpoint_type="Gateway",
            service_name=f"com.amazonaws.{given.region}.{service}",
            route_table_ids=[table.ref for table in subnets.tables],
        )
    if not settings.interface_endpoints:
        return
    group = ec2.CfnSecurityGroup(
        stack,
        "EndpointSecurityGroup",
        group_description="Endpoints of AWS services, for everything in this network",
        group_name=given.name("endpoints"),
        vpc_id=vpc.ref,
        security_group_ingress=[
            ec2.CfnSecurityGroup.IngressProperty(
                ip_protocol="tcp", from_port=443, to_port=443, cidr_ip=settings.cidr, description="https from inside"
            )
        ],
        security_group_egress=[CLOSED_EGRESS],
        tags=_named(given, "endpoints"),
    )
    for service in sorted(settings.interface_endpoints):
        ec2.CfnVPCEndpoint(
            stack,
            f"Endpoint{_identifier(service)}",
            vpc_id=vpc.ref,
            vpc_endpoint_type="Interface",
            service_name=f"com.amazonaws.{given.region}.{service}",
            private_dns_enabled=True,
            subnet_ids=[subnet.ref for subnet in subnets.private],
            security_group_ids=[group.attr_group_id],
        )


def _identifier(service: str) -> str:
    return "".join(part.capitalize() for part in service.replace(".", "-").split("-"))


def _flow_logs(stack: cdk.Stack, settings: Settings, given: Given, vpc: ec2.CfnVPC) -> None:
    group = log_group(stack, "FlowLogGroup", f"/csoc/{given.uid}/flow-logs", settings.flow_log_days)
    role = given.role(
        "FlowLogRole",
        "flow-logs",
        description="Writes the network's flow logs",
        trust=[given.service_trust("vpc-flow-logs", says_for_whom=True)],
        statements=[
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                "Resource": [group.attr_arn],
            },
            {"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"},
        ],
    )
    ec2.CfnFlowLog(
        stack,
        "FlowLog",
        resource_id=vpc.ref,
        resource_type="VPC",
        traffic_type="ALL",
        log_destination_type="cloud-watch-logs",
        log_group_name=group.ref,
        deliver_logs_permission_arn=role.attr_arn,
        tags=_named(given, "network"),
    )
