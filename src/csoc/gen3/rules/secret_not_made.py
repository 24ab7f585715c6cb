"""A pod that needs a Secret which nothing makes waits for ever, and nobody sees why until somebody describes the pod.

Secrets may be made by hand or by another Application. Where values name the Secret, somebody thought of it, so that is
only worth knowing; where the chart alone asks for it, it is most likely forgotten.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import is_true
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support import needs
from csoc.gen3.rules.support.needs import Need
from csoc.gen3.rules.support.reading import listed, rendered
from csoc.gen3.state import EnvironmentState

_OPERATOR = "{} reads it; nothing in this environment's manifests makes it"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each Secret that pods cannot start without and that nothing in the manifests makes."""
    yield from missing(state, needs.SECRET)


def missing(state: EnvironmentState, kind: str) -> Iterator[Hit]:
    """One hit for each Secret or ConfigMap that is needed and not made."""
    if not rendered(state):
        return
    given = needs.supply(state)
    needed: dict[str, list[Need]] = defaultdict(list)
    for need in needs.needs(state):
        if need.kind == kind and not given.holds(kind, need.name) and not _bundled(state, need.name):
            needed[need.name].append(need)
    for name, found in needed.items():
        yield _hit(state, kind, name, found)


def _hit(state: EnvironmentState, kind: str, name: str, found: Sequence[Need]) -> Hit:
    users = listed(need.workload for need in found)
    path = next((path for path, value in state.values.walk() if value == name), None)
    if path is not None:
        return Hit(
            cause=f"The {kind} {name}, which values name, is not made by anything in this environment's manifests",
            key=name,
            evidence=(state.at(path), state.at(path, f"read by {users}")),
            severity=Severity.LOW,
            consequence="It was made by hand or elsewhere: a new cluster or a restore lacks it, and pods then wait.",
            fix=f"Let an ExternalSecret or a manifest in Git make {name}, or write down who makes it.",
        )
    always = any(need.runs_always for need in found)
    return Hit(
        cause=f"The {kind} {name} is needed by {users}, and nothing in this environment's manifests makes it",
        key=name,
        evidence=(state.at(("global", "externalSecrets"), _OPERATOR.format(users)),),
        severity=Severity.HIGH if always else Severity.MEDIUM,
    )


def _bundled(state: EnvironmentState, name: str) -> bool:
    """True for the password of the development database, whose chart is often not part of an archive."""
    return is_true(state.get("global.dev")) and name == f"{state.view.release}-postgresql"


RULE = Rule(
    id="secret-not-made",
    title="Pods need a Secret that nothing makes",
    severity=Severity.HIGH,
    consequence="Unless somebody made it by hand, these pods never start (ContainerCreating or a config error).",
    fix="Set the service's externalSecrets key, or its createK8s...Secret flag so that Helm makes the Secret.",
    covers=("M4",),
    environment=check,
    rendered=True,
)
