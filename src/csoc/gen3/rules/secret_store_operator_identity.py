"""A store without credentials of its own uses the operator's, and those are the same for every namespace of a cluster.

The umbrella chart makes such a store whenever `global.aws.useLocalSecret.enabled` is true: the lines that would use the
Secret named there are comments (chart 0.3.90, templates/secret-store.yaml). External Secrets then takes the operator
pod's identity (https://external-secrets.io/latest/provider/aws-access/), so it works, but not as it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support import stores
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.state import EnvironmentState

_LOCAL = "global.aws.useLocalSecret"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each used AWS store that names neither credentials nor a role."""
    if not rendered(state):
        return
    for store in stores.used(state):
        if store.aws is not None and not store.aws.get("auth") and not store.aws.get("role"):
            local = state.get(f"{_LOCAL}.enabled")
            yield Hit(
                cause=f"The SecretStore {store.name} has no credentials of its own and uses those of the operator",
                key=store.name,
                evidence=(state.at(f"{_LOCAL}.enabled" if local else "global.externalSecrets.deploy"),),
            )


RULE = Rule(
    id="secret-store-operator-identity",
    title="A secret store that uses the operator's identity",
    severity=Severity.MEDIUM,
    consequence=(
        "Secrets arrive only if the operator's own role may read them, and then every namespace of the cluster can "
        f"read them too; the Secret named in {_LOCAL} is not used for this."
    ),
    fix=(
        f"Set {_LOCAL}.enabled to false and global.aws.secretStoreServiceAccount.enabled to true with a roleArn that "
        "may read this environment's secrets only."
    ),
    covers=("M3",),
    environment=check,
    rendered=True,
)
