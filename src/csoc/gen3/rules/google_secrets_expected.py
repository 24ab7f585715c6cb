"""With External Secrets, fence waits for two Google credentials unless it is told that there are none.

The chart asks Secrets Manager for both by default, and both are mounted without `optional` (chart 0.3.90,
charts/fence/templates/external-secret.yaml), so a commons without Google buckets never starts. One that does use them
keeps them there, which values cannot show; hence no more than a hint.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.claims.from_values import comes_from_manager, secret_name
from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.rules.support.workloads import name_of
from csoc.gen3.state import EnvironmentState

_FLAG = "fence.externalSecrets.createK8sGoogleAppSecrets"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit if both Google secrets are asked for under the names that nobody chose."""
    values = Gen3Values(state)
    if not values_complete(state) or not values.on("fence"):
        return
    fence = values.catalogue.services["fence"]
    asked = [secret for secret in fence.secrets if secret.keep_local == _FLAG and comes_from_manager(values, secret)]
    if rendered(state):
        pulled = {name_of(item.body) for item in state.objects("ExternalSecret")}
        asked = [secret for secret in asked if secret.name in pulled]
    if not asked or any(values.has(secret.override) for secret in asked):
        return
    yield Hit(
        cause=f"fence expects {' and '.join(secret_name(values, secret) for secret in asked)} in Secrets Manager",
        key="default names",
        evidence=(state.at(_FLAG),),
    )


RULE = Rule(
    id="google-secrets-expected",
    title="fence waits for Google credentials",
    severity=Severity.LOW,
    consequence="Where a commons has no Google buckets, fence and presigned-url-fence stay in ContainerCreating.",
    fix=f"Without Google set {_FLAG} to true; with Google see that both secrets exist.",
    covers=("M4",),
    environment=check,
)
