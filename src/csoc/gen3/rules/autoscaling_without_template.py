"""Where a service's autoscaling is on, the chart leaves the number of pods out; audit has no autoscaler to set it."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.rules.support.workloads import service_of
from csoc.gen3.state import EnvironmentState


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit a service that is rendered and wants autoscaling, and whose templates make no autoscaler."""
    if not rendered(state):
        return
    scaled = {service_of(item.template) for item in state.objects("HorizontalPodAutoscaler")}
    running = {service_of(item.template) for item in state.objects("Deployment")}
    values = Gen3Values(state)
    for service in values.catalogue:
        path = (service.name, "autoscaling", "enabled")
        if service.name in running - scaled and state.written(path) and state.get(path) is True:
            yield Hit(
                cause=f"{service.name} wants autoscaling, and its chart makes no autoscaler",
                key=service.name,
                evidence=(state.at(path),),
                fix=f"Remove {service.name}.autoscaling and set {service.name}.replicaCount.",
            )


RULE = Rule(
    id="autoscaling-without-template",
    title="Autoscaling that the chart does not make",
    severity=Severity.MEDIUM,
    consequence="The service runs a single pod, whatever its load.",
    fix="Set a fixed number of replicas.",
    covers=("M13",),
    environment=check,
    rendered=True,
)
