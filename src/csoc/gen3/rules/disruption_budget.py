"""A disruption budget that wants as many pods as there are stops every node from being drained.

One without a number protects nothing: funnel, gen3-embeddings and gen3-user-data-library have no default for
global.minAvailable (chart 0.3.90), so that theirs is null unless it is set. How many pods there are is what the
autoscaler may go down to, or what the Deployments say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from csoc.fleet.shapes import mapping
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.autoscalers import count, lowest_count, target_of
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.rules.support.workloads import Workload, at_source, name_of, workloads
from csoc.gen3.state import EnvironmentState

_PATH = "global.minAvailable"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit a budget that blocks every drain, and one a budget that says nothing."""
    if not rendered(state):
        return
    scaled = {target_of(item.body): lowest_count(item.body) for item in state.objects("HorizontalPodAutoscaler")}
    running = [item for item in workloads(state) if item.kind in ("Deployment", "StatefulSet")]
    for item in state.objects("PodDisruptionBudget"):
        name, spec = name_of(item.body), mapping(item.body.get("spec"))
        wanted, spare = spec.get("minAvailable"), spec.get("maxUnavailable")
        chosen = [workload for workload in running if _selects(spec, workload)]
        pods = sum(scaled.get((w.kind, w.name), count(mapping(w.body.get("spec")).get("replicas"))) for w in chosen)
        evidence = (state.at(_PATH) if state.written(_PATH) else at_source(state, f"PodDisruptionBudget {name}"),)
        if wanted is None and spare is None:
            yield Hit(
                cause=f"The disruption budget {name} gives no number",
                key=f"{name} empty",
                evidence=evidence,
                severity=Severity.LOW,
                consequence="It protects nothing: a drain may stop all pods of the service at once.",
                fix="Set global.minAvailable: 1, since this chart has no default for it.",
            )
        elif pods and _blocks(wanted, spare, pods):
            yield Hit(
                cause=f"The disruption budget {name} allows no pod to stop, with {pods} of them at the least",
                key=name,
                evidence=evidence,
            )


def _selects(spec: Mapping[str, Any], workload: Workload) -> bool:
    selector = mapping(spec.get("selector"))
    labels = mapping(selector.get("matchLabels"))
    if not labels or selector.get("matchExpressions"):
        return False
    return all(workload.labels.get(key) == value for key, value in labels.items())


def _blocks(wanted: object, spare: object, pods: int) -> bool:
    if spare is not None:
        return spare in (0, "0", "0%")
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        return wanted >= pods
    return wanted == "100%"


RULE = Rule(
    id="disruption-budget",
    title="A disruption budget that blocks every drain",
    severity=Severity.HIGH,
    consequence="Nodes cannot be drained: upgrades of the cluster and Karpenter's consolidation hang.",
    fix="Set <service>.replicaCount (or autoscaling.minReplicas) above global.minAvailable, or lower the latter.",
    covers=("M13",),
    environment=check,
    rendered=True,
)
