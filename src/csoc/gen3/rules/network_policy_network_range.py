"""The policy for pods labelled netvpc lets them reach 172.0.0.0/8 and nothing else of the network.

The network's own range is not in Git, but the subnets of its databases are; if one of them is outside, so is the rest
(chart 0.3.90, gen3-network-policies/templates/vpc_netpolicy.yaml). Which pods depend on that policy alone is read from
the manifests.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.rules.support.workloads import workloads
from csoc.gen3.state import EnvironmentState

_PATH = "global.netPolicy.dbSubnets"
_RANGE = ipaddress.IPv4Network("172.0.0.0/8")


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if a database subnet is outside the range and some pod gets to the network by that policy only."""
    if not rendered(state):
        return
    subnets = state.get(_PATH)
    if state.get("global.netPolicy.enabled") is not True or not isinstance(subnets, list):
        return
    outside = [text for text in subnets if isinstance(text, str) and _is_outside(text)]
    if not outside:
        return
    bound = sorted(
        {
            item.name
            for item in workloads(state)
            if item.labels.get("netvpc") == "yes" and item.labels.get("netnolimit") != "yes"
        }
    )
    if bound:
        yield Hit(
            cause=f"{', '.join(bound)} may reach 172.0.0.0/8 only, and the network lies outside ({outside[0]})",
            key=" ".join(bound),
            evidence=(state.at(_PATH),),
        )


def _is_outside(text: str) -> bool:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return not isinstance(network, ipaddress.IPv4Network) or not network.subnet_of(_RANGE)


RULE = Rule(
    id="network-policy-network-range",
    title="Network policies made for another network",
    severity=Severity.HIGH,
    consequence="These pods cannot reach anything in the network; searches, for one, time out.",
    fix="Add a NetworkPolicy of your own that allows the network's range for pods labelled netvpc.",
    covers=("M12",),
    environment=check,
    rendered=True,
)
