"""Cluster-level values configure monitoring, logging and alerts, and their passwords and webhooks end up there."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.masking import MASK
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.plain_secrets import secrets_in
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import FleetState


def check(state: FleetState) -> Iterator[Hit]:
    """One hit for each path of a cluster's values that holds a secret."""
    for cluster in state.view.clusters:
        for layer in cluster.layers:
            for path, reason, opens_much in secrets_in(layer.data):
                dotted = ".".join(map(str, path))
                yield Hit(
                    cause=f"{dotted} in {layer.label} is a secret in plain text: {reason}",
                    key=f"{layer.label} {dotted}",
                    evidence=(Evidence(f"{dotted}: {MASK} (cluster {cluster.name})", layer.locate(path), key=dotted),),
                    severity=Severity.CRITICAL if opens_much else Severity.HIGH,
                )


RULE = Rule(
    id="secret-in-cluster-values",
    title="A secret in a cluster's values",
    severity=Severity.HIGH,
    consequence="Everybody who can read the repository, or has an old clone of it, can use the secret.",
    fix=(
        "Rotate the secret first: removing it from the file does not remove it from history. Then keep the new one in "
        "Secrets Manager and name an ExternalSecret's Secret in its place."
    ),
    covers=("fleet",),
    fleet=check,
)
