"""The two signing proxies make Services of the same names, so only one of them can be on."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.search_server_missing import PROXIES
from csoc.gen3.state import EnvironmentState


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit if both are on."""
    values = Gen3Values(state)
    if all(values.on(proxy) for proxy in PROXIES):
        yield Hit(
            cause="aws-es-proxy and aws-sigv4-proxy are both on, and both make the Service elasticsearch",
            key="both",
            evidence=tuple(state.at((proxy, "enabled")) for proxy in PROXIES),
        )


RULE = Rule(
    id="search-proxies-both",
    title="Both signing proxies for the search server",
    severity=Severity.HIGH,
    consequence="Which of them answers depends on the order of the sync, and Argo CD never reports the two in step.",
    fix="Set aws-es-proxy.enabled to false; aws-sigv4-proxy is the newer one.",
    covers=("M7",),
    environment=check,
)
