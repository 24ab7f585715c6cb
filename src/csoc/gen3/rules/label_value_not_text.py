"""The chart compares <service>.criticalService and <service>.release with texts; a boolean there stops the rendering.

Both become labels, `release` even one in selectors that Kubernetes never lets change. That somebody changed it later
cannot be seen in one revision: it shows as a refused Deployment ("field is immutable") on the next synchronisation.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.chart import may_read
from csoc.gen3.rules.support.patching import set_value
from csoc.gen3.state import EnvironmentState

_KEYS = ("criticalService", "release")


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit a service that is on and has such a value; quiet where the chart rendered all the same."""
    if state.rendering is not None and state.rendering.failure is None:
        return
    values = Gen3Values(state)
    for service in values.catalogue:
        for key in _KEYS:
            path = (service.name, key)
            value = state.values.get(path)
            if value is None or isinstance(value, str) or not values.enabled(service) or not may_read(state, path):
                continue
            text = str(value).lower() if isinstance(value, bool) else ""
            yield Hit(
                cause=f"{service.name}.{key} is not text, and the chart compares it with text",
                key=f"{service.name}.{key}",
                evidence=(state.at(path),),
                patches=set_value(state, path, text) if text and key == "criticalService" else (),
            )


RULE = Rule(
    id="label-value-not-text",
    title="A label's value without quotes",
    severity=Severity.CRITICAL,
    consequence="Rendering stops with 'incompatible types for comparison': nothing can be deployed.",
    fix='Put the value in quotes, as in criticalService: "true".',
    covers=("M10",),
    environment=check,
)
