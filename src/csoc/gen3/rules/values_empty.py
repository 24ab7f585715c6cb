"""An Application whose value files hold nothing deploys the chart's own defaults: a development commons on localhost.

Placeholders for environments that are still to be moved look like this; applied by mistake they start databases, a
mock sign-in and a reverse proxy. Rules about values do not run there (`Rule.without_values`): this is the cause.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit if value files are there and none of them says anything."""
    if state.configured or state.values.missing or state.unread:
        return
    places = [layer.locate(()) for layer in state.values.layers]
    application = state.view.application
    files = ", ".join(place.path for place in places if place is not None) or "no value file"
    yield Hit(
        cause="Nothing configures this environment: its value files are empty, and the chart's defaults are deployed",
        key="empty",
        evidence=(
            Evidence(f"value files: {files}", state.view.source.location or application.location, state.view.name),
        ),
    )


RULE = Rule(
    id="values-empty",
    title="An environment without any values",
    severity=Severity.HIGH,
    consequence="Applied, it starts a development commons with bundled databases, for the host localhost.",
    fix="Fill the value file, or take the Application out of the folder that Argo CD reads.",
    covers=("fleet",),
    environment=check,
    without_values=True,
)
