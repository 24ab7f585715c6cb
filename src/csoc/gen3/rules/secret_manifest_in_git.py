"""A Kubernetes Secret as a plain manifest in Git: base64 is no encryption."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.reading import listed
from csoc.gen3.state import FleetState


def check(state: FleetState) -> Iterator[Hit]:
    """One hit for each Secret of the fleet's repository that holds something secret."""
    for secret in state.view.secrets:
        name = f"{secret.namespace}/{secret.name}" if secret.namespace else secret.name
        path = secret.location.path
        yield Hit(
            cause=f"The Secret {name or 'without a name'} stands in {path} as a plain manifest",
            key=f"{path} {name}",
            evidence=(Evidence(f"keys with a secret: {listed(secret.keys)}", secret.location),),
            severity=Severity.CRITICAL if secret.private else Severity.HIGH,
        )


RULE = Rule(
    id="secret-manifest-in-git",
    title="A Kubernetes Secret in Git",
    severity=Severity.HIGH,
    consequence="Everybody who can read the repository, or has an old clone of it, can use the secret.",
    fix=(
        "Rotate the secret first: removing the file does not remove it from history. Then replace the manifest by an "
        "ExternalSecret that names an entry of Secrets Manager."
    ),
    covers=("fleet",),
    fleet=check,
)
