"""An autoscaler and a Deployment that both say how many pods there are undo each other at each synchronisation.

global.autoscaling.enabled does that for every service: the chart then makes autoscalers, and leaves `replicas` out only
where the service's own switch is on (chart 0.3.90, */templates/hpa.yaml and deployment.yaml). A service's own `false`
cannot win either, since the template takes the global value in place of any that is empty.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.shapes import mapping
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.autoscalers import target_of
from csoc.gen3.rules.support.workloads import at_source, workloads
from csoc.gen3.state import EnvironmentState

_GLOBAL = "global.autoscaling.enabled"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for the global switch, or one a Deployment that has replicas and an autoscaler."""
    targets = {target_of(item.body) for item in state.objects("HorizontalPodAutoscaler")}
    fixed = [
        item
        for item in workloads(state)
        if (item.kind, item.name) in targets and mapping(item.body.get("spec")).get("replicas") is not None
    ]
    if state.get(_GLOBAL) is True and (fixed or state.rendering is None):
        yield Hit(
            cause="global.autoscaling.enabled makes autoscalers for Deployments that keep a fixed number of replicas",
            key=_GLOBAL,
            evidence=(state.at(_GLOBAL),),
        )
        return
    for item in fixed:
        yield Hit(
            cause=f"{item.title} has both an autoscaler and a fixed number of replicas",
            key=item.title,
            evidence=(at_source(state, item.title),),
        )


RULE = Rule(
    id="autoscaler-and-replicas",
    title="An autoscaler against a fixed number of pods",
    severity=Severity.MEDIUM,
    consequence="Each synchronisation sets the number back, and the autoscaler changes it again: pods come and go.",
    fix="Remove global.autoscaling.enabled and set <service>.autoscaling.enabled: true for the services that need it.",
    covers=("M13",),
    environment=check,
    rendered=True,
)
