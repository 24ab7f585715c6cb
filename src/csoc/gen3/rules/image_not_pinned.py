"""An image whose tag is a branch's changes without a commit: at the next restart of a pod somebody's push is running.

In production each such image is a finding of its own. Elsewhere trying branches is what an environment is for, so it is
one finding an environment, to look at before the environment is promoted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from csoc.gen3.facts import ServiceFact
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.images import is_moving
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.reading import listed
from csoc.gen3.state import FleetState
from csoc.gen3.views import HELM, EnvironmentView


def check(state: FleetState) -> Iterator[Hit]:
    """Hits for images of services that are on and whose moving tag the environment itself names."""
    production: dict[tuple[str, str], list[tuple[EnvironmentView, ServiceFact]]] = defaultdict(list)
    for view in state.view.environments:
        found = [item for item in state.facts[view.name].services.values() if item.pinned_here and moves(item)]
        if view.system != HELM or not found:
            continue
        if view.stage.value == "prod":
            for service in found:
                production[service.name, service.tag].append((view, service))
            continue
        yield Hit(
            cause=f"{view.name} runs {_count(len(found))} by the tag of a branch: "
            + listed(f"{item.name} ({item.tag})" for item in found),
            key=f"environment {view.name}",
            environments=(view.name,),
            evidence=tuple(evidence(view, item) for item in found),
            severity=Severity.LOW,
        )
    for (name, tag), used in production.items():
        yield Hit(
            cause=f"Production runs {name} by the tag {tag}, which moves with each push to a branch",
            key=f"{name} {tag}",
            environments=tuple(view.name for view, _ in used),
            evidence=tuple(evidence(view, item) for view, item in used),
        )


def moves(service: ServiceFact) -> bool:
    """True if the service is on and its tag is a branch's or another name that is moved."""
    return service.enabled and is_moving(service.tag)


def evidence(view: EnvironmentView, service: ServiceFact) -> Evidence:
    """The image, at the place of its tag; the chart's default stands in no file of the fleet."""
    default = "" if service.location is not None else " (chart default)"
    text = f"{service.name}: {service.repository}:{service.tag}{default}"
    return Evidence(text, service.location, view.name, f"image of {service.name}", service.tag)


def _count(number: int) -> str:
    return "one image" if number == 1 else f"{number} images"


RULE = Rule(
    id="image-not-pinned",
    title="An image that follows a branch",
    severity=Severity.MEDIUM,
    consequence=(
        "Whatever is pushed to the branch runs after the next restart of a pod, unreviewed; two pods of one service "
        "may differ, and Git cannot bring back what ran before."
    ),
    fix="Set the tag to a release, for Gen3's images a monthly one such as 2026.06, or add a digest (@sha256:...).",
    covers=("fleet",),
    fleet=check,
)
