"""Names say the stage almost everywhere, and people act on names: an Application called "prod" that deploys staging is
taken for production by whoever syncs, deletes or looks at it.

Where all of an environment's names are those of its cluster, the cluster's name says it and not the environment's.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.location import Location
from csoc.gen3.adoption.naming import find_stage
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.reading import listed
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import EnvironmentView


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit if the hostname says one stage, and the Application's or the release's name says production or is said to
    be production's where the hostname says otherwise. A stage that a person wrote down settles it."""
    view = state.view
    if view.stage.stated or not view.hostname.known:
        return
    said = find_stage(view.hostname.value)
    if said is None:
        return
    names = [(what, name, place) for what, name, place in _names(view) if _contradicts(name, said.stage)]
    # A namespace alone is weak; the Application's or the release's name is what people type.
    if not any(what != "namespace" for what, _, _ in names):
        return
    yield Hit(
        cause=f"{view.hostname.value} is {said.stage} by its hostname, and other names say otherwise: "
        + listed(f"{what} {name}" for what, name, _ in names),
        key=f"{view.hostname.value} {said.stage}",
        evidence=(
            state.at("global.hostname"),
            *(Evidence(f"{what}: {name}", place, view.name) for what, name, place in names),
        ),
    )


def _names(view: EnvironmentView) -> Iterator[tuple[str, str, Location]]:
    application = view.application
    yield "Application", application.name, application.name_location or application.location
    helm = view.source.helm
    release_at = (helm.release_location if helm else None) or view.source.location or application.location
    yield "release", view.release, release_at
    yield "namespace", view.namespace, application.namespace_location or application.location


def _contradicts(name: str, stage: str) -> bool:
    found = find_stage(name)
    return found is not None and found.stage != stage and "prod" in (found.stage, stage)


RULE = Rule(
    id="stage-from-name-conflict",
    title="Names of two stages in one environment",
    severity=Severity.MEDIUM,
    consequence=(
        "Whoever acts on a name acts on the wrong stage, and what the chart names after the release (databases, roles) "
        "looks like, or is, the other stage's."
    ),
    fix=(
        "Name the Application, the release and the namespace after the environment's own stage, "
        "or state the stage in the environment's csoc document if the names are meant."
    ),
    covers=("fleet",),
    environment=check,
)
