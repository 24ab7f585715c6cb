"""With network policies on, services reach their database only in the subnets that global.netPolicy.dbSubnets lists.

Outside development the chart's policies allow nothing else (chart 0.3.90, common/templates/_netpolicy_templates.tpl).
Some pods carry the label netnolimit and get through all the same, arborist and indexd do not.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.rules.support.chart import may_read
from csoc.gen3.state import EnvironmentState

_PATH = "global.netPolicy.dbSubnets"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if policies are on outside development, a service needs a database, and no subnet is listed."""
    values = Gen3Values(state)
    if values.get("global.netPolicy.enabled") is not True or values.get("global.dev") is True:
        return
    needing = [service.name for service in values.catalogue if service.postgres and values.enabled(service)]
    if not needing or values.get(_PATH) or not values_complete(state) or not may_read(state, _PATH):
        return
    yield Hit(
        cause="Network policies are on and global.netPolicy.dbSubnets is empty",
        key="dbSubnets",
        evidence=(state.at(_PATH) if state.written(_PATH) else state.at("global.netPolicy.enabled"),),
    )


RULE = Rule(
    id="network-policy-without-database",
    title="Network policies that shut out the database",
    severity=Severity.HIGH,
    consequence="Services cannot reach PostgreSQL; what one sees are time-outs.",
    fix='List the database subnets, as in global.netPolicy.dbSubnets: ["172.26.34.0/24"].',
    covers=("M12",),
    environment=check,
)
