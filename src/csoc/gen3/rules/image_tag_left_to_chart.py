"""Where an environment names no tag the chart's default runs, and for Gen3's services that is a branch's.

Pinning the chart does not help, since its defaults are "master" in every version. Most environments leave some helper
unpinned, so this is one finding for production and one for all the rest, with the services in the evidence.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.facts import ServiceFact
from csoc.gen3.findings import Severity
from csoc.gen3.rules.image_not_pinned import evidence, moves
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.reading import listed
from csoc.gen3.state import FleetState
from csoc.gen3.views import HELM, EnvironmentView

# Copied into the cluster for development only.
_DEVELOPMENT = frozenset({"elasticsearch", "postgresql"})


def check(state: FleetState) -> Iterator[Hit]:
    """At most two hits: production, and everything else."""
    left: dict[bool, list[tuple[EnvironmentView, ServiceFact]]] = {True: [], False: []}
    for view in state.view.environments:
        if view.system != HELM or not state.facts[view.name].complete:
            continue
        for service in state.facts[view.name].services.values():
            if not service.pinned_here and moves(service) and service.name not in _DEVELOPMENT:
                left[view.stage.value == "prod"].append((view, service))
    for production, found in left.items():
        if not found:
            continue
        where = "in production" if production else "outside production"
        services = listed(sorted({service.name for _, service in found}))
        yield Hit(
            cause=f"Services {where} run the chart's default tag, a branch's, since nothing names one: {services}",
            key="production" if production else "elsewhere",
            environments=tuple(dict.fromkeys(view.name for view, _ in found)),
            evidence=tuple(evidence(view, service) for view, service in found),
            severity=Severity.LOW if production else Severity.INFO,
        )


RULE = Rule(
    id="image-tag-left-to-chart",
    title="An image whose tag nobody chose",
    severity=Severity.INFO,
    consequence="The chart's default tag is a branch's: whatever is pushed to it runs after the next restart of a pod.",
    fix="Set <service>.image.tag for the services named (etl.image.tube.tag and etl.image.spark.tag for etl).",
    covers=("fleet",),
    fleet=check,
)
