"""Other commons that workspaces may log in to are named in wts.secrets.external_oidc, and the chart throws them away.

The arguments of `default` stand in the wrong order, so that the empty list always wins (chart 0.3.90,
wts/templates/secret.yaml).
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import on
from csoc.gen3.state import EnvironmentState

_PATH = "wts.secrets.external_oidc"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if the list is written and not empty."""
    if on(state, "wts") and state.values.get(_PATH):
        yield Hit(
            cause=f"{_PATH} is written, and the chart does not use it",
            key="external_oidc",
            evidence=(Evidence(f"{_PATH} is set", state.at(_PATH).location, state.view.name),),
        )


RULE = Rule(
    id="external-login-of-workspaces",
    title="Logins to other commons that are thrown away",
    severity=Severity.MEDIUM,
    consequence="Workspaces offer no login to those commons, and their data cannot be mounted.",
    fix="Put appcreds.json with external_oidc into Secrets Manager, name it in wts.externalSecrets.wtsG3auto and set"
    " wts.externalSecrets.createK8sWtsSecret: false.",
    covers=("M23",),
    environment=check,
)
