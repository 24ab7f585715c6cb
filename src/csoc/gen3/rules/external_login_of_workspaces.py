"""Other commons that workspaces may log in to are named in wts.secrets.external_oidc, and the chart throws them away.

The arguments of `default` stand in the wrong order, so that the empty list always wins (wts/templates/secret.yaml of
chart 0.2.60 to 0.3.90, as far as tried). The secret that is made shows whether this version does so; where none is
made, wts reads Secrets Manager's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import on
from csoc.gen3.rules.support.chart import secret_content
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.state import EnvironmentState

_PATH = "wts.secrets.external_oidc"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if the list is written and not empty, and the secret has none of it."""
    if rendered(state) and on(state, "wts") and state.values.get(_PATH) and not _kept(state):
        yield Hit(
            cause=f"{_PATH} is written, and the chart does not use it",
            key="external_oidc",
            evidence=(Evidence(f"{_PATH} is set", state.at(_PATH).location, state.view.name),),
        )


def _kept(state: EnvironmentState) -> bool:
    """True if some login reaches the secret, or what is in it cannot be told."""
    made = secret_content(state, "wts-g3auto")
    if made is None:
        return False
    try:
        credentials = json.loads(made.get("appcreds.json", ""))
    except (ValueError, RecursionError):
        return True
    return not isinstance(credentials, dict) or bool(credentials.get("external_oidc"))


RULE = Rule(
    id="external-login-of-workspaces",
    title="Logins to other commons that are thrown away",
    severity=Severity.MEDIUM,
    consequence="Workspaces offer no login to those commons, and their data cannot be mounted.",
    fix="Put appcreds.json with external_oidc into Secrets Manager, name it in wts.externalSecrets.wtsG3auto and set"
    " wts.externalSecrets.createK8sWtsSecret: false.",
    covers=("M23",),
    environment=check,
    rendered=True,
)
