"""Services wait for the key `dbcreated` of their database secret, and of a secret that Helm writes only a Job adds it.

That Job is switched by `dbCreate`. An environment where the Job ran once keeps the key, as long as nobody writes the
secret anew; with Argo CD's Replace=true every sync does.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.claims.database_secrets import created, written
from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support import needs
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.rules.support.reading import listed, rendered
from csoc.gen3.state import EnvironmentState

KEY = "dbcreated"
_SWITCH = "global.postgres.dbCreate"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit if secrets are waited for that never become ready."""
    secrets = _rendered(state) if rendered(state) else _expected(state)
    if not secrets or not values_complete(state):
        return
    replaced = "Replace=true" in state.view.application.sync_options
    yield Hit(
        cause=f"Helm writes database secrets without the key {KEY}, and dbCreate is off, so no Job adds it",
        key=KEY,
        evidence=(state.at(_SWITCH), state.at("global.externalSecrets", f"secrets: {listed(secrets)}")),
        severity=Severity.CRITICAL if replaced else Severity.MEDIUM,
        consequence=(
            "Each sync writes the secrets anew (Replace=true): pods stay in CreateContainerConfigError."
            if replaced
            else "A new installation never starts; an old one lives until the secrets are written anew."
        ),
    )


def _rendered(state: EnvironmentState) -> list[str]:
    given = needs.supply(state)
    return sorted(
        {
            need.name
            for need in needs.needs(state)
            if need.kind == needs.SECRET
            and KEY in need.keys
            and KEY not in given.keys.get((need.kind, need.name), {KEY})
            and not given.scripted(need.name)
        }
    )


def _expected(state: EnvironmentState) -> list[str]:
    values = Gen3Values(state)
    made = {service.name for service in created(values)}
    secrets = [item for item in written(values) if item.service.name not in made]
    return [item.secret for item in secrets if item.secret.endswith("-dbcreds")]


RULE = Rule(
    id="database-never-ready",
    title="Database secrets that never become ready",
    severity=Severity.MEDIUM,
    consequence="Pods stay in CreateContainerConfigError.",
    fix=f"Set {_SWITCH} to true, or let the credentials come from Secrets Manager with the property {KEY}.",
    covers=("M1",),
    environment=check,
    rendered=True,
)
