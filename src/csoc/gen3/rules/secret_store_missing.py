"""Some charts ask the umbrella chart's secret store even where External Secrets are off, and no store is made.

So do orthanc and dicom-server with `deploy: false`, and every chart with `separateSecretStore`, which makes none.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support import stores
from csoc.gen3.rules.support.reading import listed, rendered
from csoc.gen3.rules.support.workloads import name_of
from csoc.gen3.state import EnvironmentState


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each SecretStore that is asked and that the manifests do not hold."""
    if not rendered(state):
        return
    made = {name_of(item.body) for item in state.objects("SecretStore")}
    for name, users in stores.asked_for(state).items():
        if name not in made:
            yield Hit(
                cause=f"The SecretStore {name} does not exist in these manifests, and {listed(users)} asks it",
                key=name,
                evidence=(state.at("global.externalSecrets.deploy"),),
            )


RULE = Rule(
    id="secret-store-missing",
    title="ExternalSecrets ask a store that nothing makes",
    severity=Severity.HIGH,
    consequence="Unless the store was made by hand, these secrets never appear, and the pods that mount them wait.",
    fix=(
        "Set global.externalSecrets.deploy to true (and separateSecretStore to false), or keep these secrets local "
        "with the service's createK8s...Secret flag."
    ),
    covers=("M3", "M18"),
    environment=check,
    rendered=True,
)
