"""Kubernetes refuses an Ingress rule without paths, and the umbrella chart's default host has none."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.shapes import items, mapping, text
from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values, is_true
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.state import EnvironmentState


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each host of the Ingress that has no paths, or a path without its type."""
    enabled = is_true(state.get("revproxy.ingress.enabled"))
    if not values_complete(state) or not enabled or not Gen3Values(state).on("revproxy"):
        return
    hosts = state.get("revproxy.ingress.hosts")
    if not state.written("revproxy.ingress.hosts"):
        yield Hit(
            cause="revproxy.ingress is on without hosts, and the chart's own host has no paths",
            key="hosts",
            evidence=(state.at("revproxy.ingress.enabled"), state.at("revproxy.ingress.hosts")),
        )
        return
    for index, entry in enumerate(items(hosts)):
        paths = items(mapping(entry).get("paths"))
        host = text(mapping(entry).get("host")) or f"number {index + 1}"
        if not paths:
            problem = "has no paths"
        elif not all(mapping(path).get("pathType") for path in paths):
            problem = "has a path without pathType"
        else:
            continue
        yield Hit(
            cause=f"The host {host} of revproxy.ingress {problem}",
            key=f"{host} {problem}",
            evidence=(state.at(("revproxy", "ingress", "hosts", index), f"hosts[{index}] {problem}"),),
        )


RULE = Rule(
    id="ingress-without-paths",
    title="An Ingress rule without paths",
    severity=Severity.CRITICAL,
    consequence="Kubernetes refuses the Ingress (paths: Required value), so the sync fails and nobody gets in.",
    fix="Give each host paths: [{path: /, pathType: Prefix}].",
    covers=("M9",),
    environment=check,
)
