"""What an estimate has to assume, since no template says it: traffic, data, and how far things scale.

Every assumption is named, has a value for each size, is shown, and can be replaced. The values are orders of magnitude
for commons of that size, not measurements.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from csoc.costs.prices.tables import shown
from csoc.errors import RejectedError
from csoc.fleet.documents.infrastructure import Size

_MOST = Decimal(10) ** 9


@dataclass(frozen=True, slots=True)
class Assumption:
    """what: what it is, with its unit. The rest: its values by size."""

    what: str
    small: str
    medium: str
    large: str

    def of(self, size: Size) -> Decimal:
        """Its value for a size."""
        return Decimal({"small": self.small, "medium": self.medium, "large": self.large}[size])


ASSUMPTIONS: Mapping[str, Assumption] = MappingProxyType(
    {
        "hours": Assumption("hours of a month", "730", "730", "730"),
        "scaling_percent": Assumption(
            "where things that scale stand on average, in percent of the way from smallest to largest", "10", "10", "10"
        ),
        "spot_percent": Assumption(
            "what a spot machine costs in percent of on demand; it changes by the hour", "40", "40", "40"
        ),
        "log_percent": Assumption("what logs shrink to when they are kept, in percent", "15", "15", "15"),
        "nat_gb": Assumption("GB a month through all NAT gateways of a network", "50", "300", "2000"),
        "endpoint_gb": Assumption("GB a month through all interface endpoints of a network", "50", "200", "1000"),
        "internet_gb": Assumption("GB a month from an environment to browsers", "20", "200", "2000"),
        "zone_gb": Assumption("GB a month between zones of a cluster", "20", "200", "1000"),
        "flow_log_gb": Assumption("GB a month of a network's flow logs", "2", "10", "60"),
        "control_plane_log_gb": Assumption("GB a month of logs of an EKS control plane", "5", "15", "40"),
        "database_log_gb": Assumption("GB a month of logs of a database", "1", "3", "10"),
        "waf_log_gb": Assumption("GB a month of logs of a web ACL", "1", "5", "30"),
        "other_log_gb": Assumption("GB a month of each other log group", "1", "3", "10"),
        "web_requests": Assumption("millions of requests a month to a load balancer", "1", "5", "30"),
        "load_balancer_units": Assumption("capacity units of a load balancer on average", "0.5", "1", "4"),
        "load_balancer_zones": Assumption("zones in which a load balancer has a public address", "2", "2", "3"),
        "database_gb": Assumption("GB of a database", "10", "50", "300"),
        "database_io": Assumption("millions of reads and writes of a database's storage a month", "10", "50", "400"),
        "backup_gb": Assumption("GB of a database's backups beyond the first day", "10", "50", "300"),
        "bucket_gb": Assumption("GB of each bucket", "20", "500", "10000"),
        "bucket_puts": Assumption("thousands of PUT and LIST requests of each bucket a month", "10", "100", "1000"),
        "bucket_gets": Assumption("thousands of other requests of each bucket a month", "100", "1000", "10000"),
        "access_log_gb": Assumption("GB of access logs of buckets", "1", "5", "30"),
        "key_requests": Assumption("tens of thousands of requests with each key a month", "2", "10", "50"),
        "secret_requests": Assumption("tens of thousands of requests of each secret a month", "1", "2", "4"),
        "queue_requests": Assumption("millions of requests of each queue a month", "0.5", "1", "3"),
        "topic_messages": Assumption("millions of messages of each topic a month", "0.01", "0.1", "1"),
        "dns_queries": Assumption("millions of queries of each hosted zone a month", "0.1", "1", "5"),
    }
)
"""Every assumption by name."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """The values of one estimate. changed: names that somebody replaced."""

    size: Size
    values: Mapping[str, Decimal]
    changed: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Decimal:
        return self.values[name]


def assume(size: Size = "medium", replaced: Mapping[str, object] = MappingProxyType({})) -> Assumptions:
    """The assumptions of a size, some replaced. Raises RejectedError: an unknown name, or a value that is no amount."""
    values = {name: one.of(size) for name, one in ASSUMPTIONS.items()}
    for name, value in replaced.items():
        if name not in values:
            near = difflib.get_close_matches(name[:80], values, n=1)
            fix = f"Did you mean {near[0]}?" if near else f"There are {', '.join(values)}"
            raise RejectedError(f"There is no assumption {shown(name)}", fix=fix)
        values[name] = _amount(name, value)
    return Assumptions(size, MappingProxyType(values), tuple(sorted(replaced)))


def _amount(name: str, value: object) -> Decimal:
    most = Decimal(100) if name.endswith("_percent") else _MOST
    try:
        amount = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= most:
        raise RejectedError(f"The assumption {name} is no number from 0 to {most}", fix=ASSUMPTIONS[name].what)
    return amount
