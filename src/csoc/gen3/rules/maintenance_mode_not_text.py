"""The reverse proxy shows the maintenance page if global.maintenanceMode is the text "on", and only then.

YAML reads on and off without quotes as true and false (chart 0.3.90, revproxy/templates/deployment.yaml hands the value
on as text, and portal-service.conf compares it with 'on').
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.chart import may_read
from csoc.gen3.rules.support.patching import set_value
from csoc.gen3.state import EnvironmentState

_PATH = "global.maintenanceMode"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if the value is a boolean, or a text that means "on" to its author alone."""
    if not may_read(state, _PATH):
        return
    value = state.values.get(_PATH)
    if value is False:
        yield Hit(
            cause="global.maintenanceMode is the boolean false, where the chart knows the texts on and off",
            key="off",
            evidence=(state.at(_PATH),),
            severity=Severity.LOW,
            consequence="Nothing today; whoever changes it to on in the same way will see no maintenance page.",
            fix='Put it in quotes: "off".',
            patches=set_value(state, _PATH, "off"),
        )
    elif value is True or (isinstance(value, str) and value != "on" and value.lower() in ("on", "true", "yes")):
        yield Hit(
            cause='global.maintenanceMode is meant to be on, but is not the text "on"',
            key="on",
            evidence=(state.at(_PATH),),
        )


RULE = Rule(
    id="maintenance-mode-not-text",
    title="Maintenance mode that does not switch on",
    severity=Severity.MEDIUM,
    consequence="The maintenance page is not shown: users work on a commons that is being changed.",
    fix='Set global.maintenanceMode to "on" with quotes, or to "off" if the work is done.',
    covers=("M10",),
    environment=check,
)
