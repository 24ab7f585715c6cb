"""Some services have port 5432 written into their templates, whatever the credentials say.

fence.env, wts, requestor and ohdsi-webapi build their address with it (chart 0.3.90; requestor only in some
others). Whether the version at hand does so is read from their Deployments. A server that insists on TLS
breaks arborist (PGSSLMODE=disable in its Deployment) and gen3-embeddings (sslmode=disable) in the same way, but whether
it does is a parameter of the server, not of Git.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from csoc.fleet.shapes import mappings, text
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import on
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.rules.support.workloads import service_of, workloads
from csoc.gen3.state import EnvironmentState

_SERVICES = ("fence", "wts", "requestor", "ohdsi-webapi")
_MASTER = "global.postgres.master.port"
_PORT = "5432"
_WRITTEN = re.compile(r"(?:^|:)5432(?!\d)")


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for all such services that are on and are told another port."""
    if not rendered(state) or state.get("global.dev") is True:
        return
    fixed = [service for service in _SERVICES if on(state, service) and _fixed(state, service)]
    told: list[str] = []
    evidence = []
    for service in fixed:
        path = f"{service}.postgres.port"
        if state.written(path) and _other(state.get(path)):
            told.append(service)
            evidence.append(state.at(path))
    if fixed and not told and state.written(_MASTER) and _other(state.get(_MASTER)):
        told = fixed
        evidence = [state.at(_MASTER)]
    if told:
        yield Hit(
            cause=f"PostgreSQL listens on another port than 5432, and {', '.join(told)} always use that one",
            key=" ".join(told),
            evidence=tuple(evidence),
        )


def _fixed(state: EnvironmentState, service: str) -> bool:
    """True if a Deployment of the service has the port written into it."""
    return any(
        _WRITTEN.search(text(value))
        for workload in workloads(state)
        if workload.kind == "Deployment" and service_of(workload.template) == service
        for container in workload.containers
        for entry in mappings(container.get("env"))
        for value in (entry.get("value"),)
    )


def _other(port: object) -> bool:
    return port is not None and str(port).strip() not in ("", _PORT)


RULE = Rule(
    id="postgres-port-ignored",
    title="A database port that is not used",
    severity=Severity.HIGH,
    consequence="These services cannot connect to their database.",
    fix="Let PostgreSQL listen on 5432, or put a proxy such as PgBouncer in front of it; for fence alone, fence.env can"
    " be written in full with the other port.",
    covers=("M21",),
    environment=check,
    rendered=True,
)
