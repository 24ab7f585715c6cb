"""The chart encodes a service's database port, and Helm encodes text only: an unquoted number stops the rendering."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.claims.database_secrets import written
from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.patching import set_value
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.state import EnvironmentState


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each service whose port is written as something else than text."""
    if rendered(state):
        return
    for item in written(Gen3Values(state)):
        path = (item.service.name, "postgres", "port")
        port = state.get(path)
        if not state.written(path) or isinstance(port, (str, dict, list)):
            continue
        number = isinstance(port, int) and not isinstance(port, bool)
        yield Hit(
            cause=f"{item.service.name}.postgres.port is not text, and Helm writes it into the secret {item.secret}",
            key=item.service.name,
            evidence=(state.at(path),),
            patches=set_value(state, path, str(port)) if number else (),
        )


RULE = Rule(
    id="database-port-number",
    title="A database port that is not text",
    severity=Severity.CRITICAL,
    consequence="The chart does not render (b64enc expects text), so nothing of this environment can be deployed.",
    fix='Quote the port: "5432".',
    covers=("M2",),
    environment=check,
)
