"""Kubernetes refuses a NetworkPolicy whose ingress or egress is no list, and with it the whole synchronisation.

The chart makes one: it asks the cluster for the addresses of its API, and Argo CD renders without a cluster (chart
0.3.90, funnel/templates/netpolicy.yaml), unless global.kubeapi_endpoints names them.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.shapes import mapping
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.rules.support.workloads import at_source, name_of, service_of
from csoc.gen3.state import EnvironmentState

_FUNNEL = (
    "Set global.kubeapi_endpoints.enabled: true and global.kubeapi_endpoints.ip to the addresses of the API server."
)


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit a policy that is not of the shape that Kubernetes wants."""
    if not rendered(state):
        return
    for item in state.objects("NetworkPolicy"):
        spec = mapping(item.body.get("spec"))
        wrong = [key for key in ("ingress", "egress") if spec.get(key) is not None and not isinstance(spec[key], list)]
        if wrong:
            name = name_of(item.body)
            yield Hit(
                cause=f"The NetworkPolicy {name} has something else than a list as its {wrong[0]}",
                key=name,
                evidence=(state.at("global.netPolicy.enabled"), at_source(state, f"NetworkPolicy {name}")),
                fix=_FUNNEL if service_of(item.template) == "funnel" else "",
            )


RULE = Rule(
    id="network-policy-malformed",
    title="A network policy that Kubernetes refuses",
    severity=Severity.CRITICAL,
    consequence="Argo CD cannot apply it: the synchronisation fails each time.",
    fix="Mend the template or the values that make it.",
    covers=("M12",),
    environment=check,
    rendered=True,
)
