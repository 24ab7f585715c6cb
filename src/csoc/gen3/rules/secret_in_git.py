"""Whoever can read the repository, now or in any old clone, has every secret that was ever committed to it.

Each value file is read by itself, since a value that a later file replaces stands in Git all the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.masking import MASK
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.plain_secrets import secrets_in
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each file and path that holds a secret."""
    seen: set[tuple[str, str]] = set()
    for layer in state.values.layers:
        for path, reason, opens_much in secrets_in(layer.data):
            place = layer.locate(path) or state.view.application.location
            dotted = ".".join(map(str, path))
            if (place.path, dotted) in seen:
                continue
            seen.add((place.path, dotted))
            yield Hit(
                cause=f"{dotted} in {place.path} is a secret in plain text: {reason}",
                key=f"{place.path} {dotted}",
                evidence=(Evidence(f"{dotted}: {MASK}", place, state.view.name, dotted),),
                severity=Severity.CRITICAL if opens_much else Severity.HIGH,
            )


RULE = Rule(
    id="secret-in-git",
    title="A secret in Git",
    severity=Severity.HIGH,
    consequence="Everybody who can read the repository, or has an old clone of it, can use the secret.",
    fix=(
        "Rotate the secret first: removing it from the file does not remove it from history. Then keep the new one in "
        "Secrets Manager and let External Secrets bring it (global.externalSecrets.deploy: true)."
    ),
    covers=("fleet",),
    environment=check,
)
