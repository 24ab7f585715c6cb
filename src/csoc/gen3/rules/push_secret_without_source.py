"""With pushSecret on, the chart also pushes fence's signing key, from a secret that it makes only if it is told to.

templates/jwt-keys.yaml of fence (chart 0.3.90) reads the Kubernetes secret fence-jwt-keys; without
createK8sJwtKeysSecret that one comes from Secrets Manager, where nothing has put it yet. Charts before April 2026
(0.3.10, say) push no such key; what the one at hand does, its PushSecrets say.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.shapes import mapping
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.chart import secret_content
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.state import EnvironmentState

_GLOBAL = "global.externalSecrets.pushSecret"
_OWN = "fence.externalSecrets.pushSecret"
_LOCAL = "fence.externalSecrets.createK8sJwtKeysSecret"
_KEY = "fence-jwt-keys"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if the key is pushed and not made. Whether it is in Secrets Manager already cannot be seen in Git."""
    if not rendered(state) or not _pushed(state) or secret_content(state, _KEY) is not None:
        return
    path = _GLOBAL if state.get(_GLOBAL) else _OWN
    if state.get(path):
        yield Hit(
            cause=f"{path} pushes fence-jwt-keys, which the chart does not make here",
            key="fence-jwt-keys",
            evidence=(state.at(path), state.at(_LOCAL)),
        )


def _pushed(state: EnvironmentState) -> bool:
    for item in state.objects("PushSecret"):
        selector = mapping(mapping(item.body.get("spec")).get("selector"))
        if mapping(selector.get("secret")).get("name") == _KEY:
            return True
    return False


RULE = Rule(
    id="push-secret-without-source",
    title="A secret that is pushed and made by nobody",
    severity=Severity.LOW,
    consequence="If Secrets Manager does not have the key yet, fence waits for it and does not start.",
    fix="Set fence.externalSecrets.createK8sJwtKeysSecret: true, or put the key into Secrets Manager by hand.",
    covers=("M17",),
    environment=check,
    rendered=True,
)
