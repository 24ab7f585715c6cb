"""Some of the chart's autoscalers name a Deployment that does not exist: sower, ssjdispatcher and cedar in 0.3.90."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.autoscalers import target_of
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.rules.support.workloads import name_of, service_of, workloads
from csoc.gen3.state import EnvironmentState

_SCALABLE = ("Deployment", "StatefulSet")


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit an autoscaler whose Deployment or StatefulSet is not among the manifests."""
    if not rendered(state):
        return
    known = {(item.kind, item.name) for item in workloads(state)}
    for item in state.objects("HorizontalPodAutoscaler"):
        kind, name = target_of(item.body)
        if kind not in _SCALABLE or (kind, name) in known:
            continue
        service = service_of(item.template)
        own = (service, "autoscaling", "enabled")
        path = own if state.written(own) else ("global", "autoscaling", "enabled")
        yield Hit(
            cause=f"The autoscaler {name_of(item.body)} scales the {kind} {name}, which does not exist",
            key=name_of(item.body),
            evidence=(state.at(path),),
            fix=f"Remove {service}.autoscaling and set {service}.replicaCount." if service else "",
        )


RULE = Rule(
    id="autoscaler-without-target",
    title="An autoscaler of something that does not exist",
    severity=Severity.MEDIUM,
    consequence="Nothing is scaled, and a single pod runs, since the chart leaves the number to the autoscaler.",
    fix="Correct the name that it scales, or set a fixed number of replicas.",
    covers=("M13",),
    environment=check,
    rendered=True,
)
