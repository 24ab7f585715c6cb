"""What a layer brings about that its template does not hold: load balancers and disks that Kubernetes asks for.

An estimate without them would be too low by what nobody wrote down, so they are lines of their own, named as such.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.costs.lines import Line, fixed
from csoc.costs.pricers.model import Seen


def besides(layer: str, seen: Seen) -> Iterator[Line]:
    """Lines for what a layer's template does not hold. seen: with a resource that stands for it."""
    if layer == "edge":
        yield seen.charge("load balancer that Gen3's Ingress asks for", "alb.hour", seen.hours)
        units = (seen.assumed("load_balancer_units"), "capacity units")
        yield seen.charge("capacity of that load balancer", "alb.lcu", units, seen.hours)
        zones = (seen.assumed("load_balancer_zones"), "zones")
        yield seen.charge("public addresses of that load balancer", "ipv4.hour", zones, seen.hours)
        yield seen.charge("data to browsers", "transfer.internet", (seen.assumed("internet_gb"), "GB"))
    elif layer == "cluster":
        # AWS asks on both sides of the border between zones.
        yield seen.charge(
            "data between zones", "transfer.zones", (seen.assumed("zone_gb"), "GB"), (fixed(2), "directions")
        )
        yield seen.unpriced("disks that workspaces and services ask for", "nobody has asked for them yet")
