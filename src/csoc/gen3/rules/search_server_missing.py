"""Outside development the chart brings no search server: its default names are those of the two signing proxies."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.claims import from_values
from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values, is_true
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.rules.support.reading import listed, rendered
from csoc.gen3.rules.support.workloads import name_of
from csoc.gen3.state import EnvironmentState

PROXIES = ("aws-es-proxy", "aws-sigv4-proxy")


def consumers(values: Gen3Values) -> list[str]:
    """Services that will ask a search server. The ETL counts once somebody wrote what it shall make: it is on by
    default, and suspended."""
    found = ["guppy"] if values.on("guppy") else []
    if values.on("metadata") and values.get("metadata.useAggMds") is True:
        found.append("metadata")
    if values.on("etl") and values.has("etl.etlMapping.mappings"):
        found.append("etl")
    return found


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit if services ask for a server by the proxies' names and neither proxy is on."""
    values = Gen3Values(state)
    if not values_complete(state) or is_true(state.get("global.dev")) or any(values.on(proxy) for proxy in PROXIES):
        return
    made = {name_of(item.body) for item in state.objects("Service")} if rendered(state) else set()
    asking: dict[str, str] = {}
    for service in consumers(values):
        endpoint, path = from_values.search_endpoint(values, service)
        cluster, _, rest = endpoint.partition("/")
        name = rest.rpartition("/")[2]
        if cluster == values.cluster and name and name not in made:
            asking[service] = path
    if asking:
        yield Hit(
            cause=f"No search server: {listed(asking)} asks a signing proxy, and none is on",
            key=" ".join(asking),
            evidence=tuple(state.at(path) for path in asking.values()),
        )


RULE = Rule(
    id="search-server-missing",
    title="Services ask a search server that is not there",
    severity=Severity.HIGH,
    consequence=(
        "Unless another Application makes a Service of that name in this namespace, the name does not resolve: guppy "
        "does not start, and the ETL fails."
    ),
    fix=(
        "Set aws-sigv4-proxy.enabled to true and aws-sigv4-proxy.esEndpoint to the domain's host, or set each "
        "service's esEndpoint to a server of your own."
    ),
    covers=("M7",),
    environment=check,
    rendered=True,
)
