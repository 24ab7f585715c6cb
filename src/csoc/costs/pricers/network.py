"""Ways in and out: NAT gateways, public addresses, endpoints of AWS's services, and names."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from csoc.costs.lines import Line, Range, fixed
from csoc.costs.pricers.model import Seen


def nat_gateway(seen: Seen) -> Iterator[Line]:
    """A NAT gateway, and its share of what a network sends through all of them."""
    yield seen.charge("NAT gateway", "nat.hour", seen.hours)
    yield seen.charge("data through it", "nat.gb", (_share(seen, "nat_gb", "AWS::EC2::NatGateway"), "GB"))


def address(seen: Seen) -> Iterator[Line]:
    """A public IPv4 address, used or not."""
    yield seen.charge("public IPv4 address", "ipv4.hour", seen.hours)


def endpoint(seen: Seen) -> Iterator[Line]:
    """An endpoint of one of AWS's services: one interface in each of its zones, or a route, which is free."""
    kind = seen.value("VpcEndpointType")
    if kind in (None, "Gateway"):
        yield seen.free("gateway endpoint", "AWS asks nothing for gateway endpoints")
        return
    subnets = seen.template.items(seen.resource.properties, "SubnetIds")
    if kind != "Interface" or not subnets:
        yield seen.unpriced("endpoint", "its kind or the number of its zones is not known before it exists")
        return
    zones = fixed(len(subnets))
    yield seen.charge("interface endpoint", "endpoint.hour", (zones, "zones"), seen.hours)
    share = _share(seen, "endpoint_gb", "AWS::EC2::VPCEndpoint", ("VpcEndpointType", "Interface"))
    yield seen.charge("data through it", "endpoint.gb", (share, "GB"))


def hosted_zone(seen: Seen) -> Iterator[Line]:
    """A zone of names, and questions to it."""
    yield seen.charge("hosted zone", "dns.zone", (fixed(1), "zone"))
    yield seen.charge("queries", "dns.queries", (seen.assumed("dns_queries"), "million queries"))


def _share(seen: Seen, assumption: str, kind: str, only: tuple[str, str] | None = None) -> Range:
    """What is assumed of all resources of a type, in equal parts."""
    alike = [
        one
        for one in seen.template.of_type(kind)
        if only is None or seen.template.text(one.properties, only[0]) == only[1]
    ]
    whole = seen.assumptions[assumption]
    return fixed(whole / Decimal(max(len(alike), 1)))
