"""A production environment outside a cloud has no Ingress unless somebody asks for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from csoc.fleet.shapes import mapping, text
from csoc.fleet.values import walk
from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values, is_true
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support import needs
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.rules.support.workloads import name_of
from csoc.gen3.state import EnvironmentState

_PROXY = "revproxy-service"
# Objects that name the Service for other ends than sending traffic from outside to it.
_INSIDE = needs.POD_KINDS | {"ConfigMap", "NetworkPolicy", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Secret"}
_SWITCHES = (
    "global.dev",
    "global.aws.enabled",
    "global.gcp.enabled",
    "revproxy.ingress.enabled",
    "revproxy.openshiftRoute.enabled",
)


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit if nothing leads to the reverse proxy."""
    if not values_complete(state) or not Gen3Values(state).on("revproxy"):
        return
    if rendered(state):
        closed = not any(_leads_in(item.body) for item in state.objects())
    else:
        closed = not any(is_true(state.get(path)) for path in _SWITCHES)
    if closed:
        yield Hit(
            cause="Nothing in this environment leads traffic to revproxy: no Ingress, Route or load balancer is made",
            key="none",
            evidence=(state.at("revproxy.ingress"), state.at("global.aws.enabled")),
        )


def _leads_in(body: Mapping[str, Any]) -> bool:
    kind = text(body.get("kind"))
    if kind == "Service":
        return name_of(body) == _PROXY and mapping(body.get("spec")).get("type") == "LoadBalancer"
    return kind not in _INSIDE and any(value == _PROXY for _, value in walk(body.get("spec")))


RULE = Rule(
    id="entry-point-missing",
    title="No way in",
    severity=Severity.MEDIUM,
    consequence="Unless another Application sends traffic to revproxy-service, nobody reaches this environment.",
    fix=(
        "Set global.aws.enabled or global.gcp.enabled, or revproxy.ingress.enabled with className and with paths for "
        "each of hosts."
    ),
    covers=("M9",),
    environment=check,
    rendered=True,
)
