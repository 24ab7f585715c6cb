"""A pod that reads a key which its Secret does not hold stays in CreateContainerConfigError.

Only Secrets and ConfigMaps that the manifests hold whole are judged: what External Secrets pulls has its keys
elsewhere, and what a Job patches is left alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules import database_never_ready
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support import needs
from csoc.gen3.rules.support.reading import listed, rendered
from csoc.gen3.state import EnvironmentState


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each key that pods cannot start without and that their Secret or ConfigMap lacks."""
    if not rendered(state):
        return
    given = needs.supply(state)
    lacking: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for need in needs.needs(state):
        keys = given.keys.get((need.kind, need.name))
        if keys is None or (need.kind == needs.SECRET and need.name in given.pulled):
            continue
        for key in need.keys:
            if key not in keys and key != database_never_ready.KEY:
                lacking[need.kind, need.name, key].append(need.workload)
    for (kind, name, key), users in lacking.items():
        if not given.scripted(name) and name not in given.named:
            yield Hit(
                cause=f"The {kind} {name} has no key {key}, which {listed(users)} needs",
                key=f"{kind} {name} {key}",
                evidence=(state.at(("global", "externalSecrets"), f"{listed(users)} reads {key} of {name}"),),
            )


RULE = Rule(
    id="secret-key-not-made",
    title="Pods read a key that their Secret lacks",
    severity=Severity.HIGH,
    consequence="These pods never start (CreateContainerConfigError), or the file that they expect is not there.",
    fix="Give the value that the chart writes under this key, or take the reference out of the values that make it.",
    covers=("M4", "M20"),
    environment=check,
    rendered=True,
)
