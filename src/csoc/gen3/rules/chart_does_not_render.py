"""A chart that does not render cannot be deployed; Argo CD shows a comparison error and keeps what was there."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit if Helm refuses the environment's values, and one a template whose output is not YAML."""
    if state.rendering is None:
        return
    failure = state.rendering.failure
    if failure is not None:
        where = f"{failure.template}:{failure.line}" if failure.line else failure.template
        words = {
            "limit": "the chart exceeds the limits of time, memory or output",
            "chart": "the chart cannot be loaded",
        }.get(failure.kind, "the chart does not render with these values")
        yield Hit(
            cause=f"{words}{f' ({where})' if where else ''}",
            key=f"{failure.kind} {failure.template}",
            evidence=(
                Evidence(
                    failure.message, state.view.source.location or state.view.application.location, state.view.name
                ),
            ),
        )
    for template, reason in state.rendering.unparsed:
        yield Hit(
            cause=f"the template {template} renders to text that is not YAML",
            key=f"yaml {template}",
            evidence=(Evidence(reason, state.view.application.location, state.view.name),),
        )


RULE = Rule(
    id="chart-does-not-render",
    title="The chart does not render",
    severity=Severity.CRITICAL,
    consequence="Argo CD reports a comparison error: nothing of this environment can be deployed or healed.",
    fix="Read the template at the line named: it names the value that it misses or cannot use.",
    covers=("render",),
    environment=check,
    without_values=True,
    rendered=True,
)
