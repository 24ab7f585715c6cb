"""Which components of the platform a cluster has already, from whomever."""

from __future__ import annotations

from collections.abc import Callable

from csoc.clusters.bootstrap.deciding import Action, decide
from csoc.clusters.bootstrap.looking import foreign_of, workloads
from csoc.clusters.client import ClusterClient, Object
from csoc.clusters.platform import COMPONENTS, Component
from csoc.errors import RejectedError
from csoc.fleet.shapes import mapping, text

_TRACKING = "argocd.argoproj.io/tracking-id"
_INSTANCE = "app.kubernetes.io/instance"


def application_of(component: Component) -> str:
    """Name of the Application that brings a component."""
    return f"platform-{component.name}"


def survey(client: ClusterClient, log: Callable[[str], None]) -> frozenset[str]:
    """Names of the components that csoc must not bring, since somebody else did. Raises RejectedError if one of them
    cannot serve Gen3, DeniedError, UnavailableError."""
    found = set()
    for component in COMPONENTS.values():
        if component.at_csoc:
            continue
        foreign = [one for one in workloads(client, component) if not is_application(one, component)]
        if not foreign:
            continue
        decision = decide(foreign_of(client, component, foreign), component)
        for sentence in decision.said:
            log(sentence)
        if decision.action is Action.STOP:
            raise RejectedError(". ".join(decision.said), fix=decision.fix)
        found.add(component.name)
    return frozenset(found)


def is_application(body: Object, component: Component) -> bool:
    """True if the component's own Application brought it, whichever way Argo CD marks what it brings."""
    about, name = mapping(body.get("metadata")), application_of(component)
    tracked = text(mapping(about.get("annotations")).get(_TRACKING)).partition(":")[0]
    return name in (tracked, text(mapping(about.get("labels")).get(_INSTANCE)))
