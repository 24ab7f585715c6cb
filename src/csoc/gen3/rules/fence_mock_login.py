"""MOCK_AUTH and MOCK_GOOGLE_AUTH let everybody in as a test user; that is for a developer's own commons.

Where fence's secret configuration is kept outside Git it may overrule the public one, and the finding says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import is_trial
from csoc.gen3.rules.support.fence_settings import fence_settings
from csoc.gen3.state import EnvironmentState

_SWITCHES = ("MOCK_AUTH", "MOCK_GOOGLE_AUTH")


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit a switch that is on outside development."""
    settings = fence_settings(state)
    if settings is None or is_trial(state):
        return
    for key in _SWITCHES:
        if settings.get(key) is True:
            unless = "" if settings.whole else ", unless the secret fence-config says otherwise"
            yield Hit(
                cause=f"{key} is on: everybody is logged in as a test user without a password{unless}",
                key=key,
                evidence=(state.at(settings.path(key)),),
                severity=None if settings.whole else Severity.MEDIUM,
            )


RULE = Rule(
    id="fence-mock-login",
    title="Login without a password",
    severity=Severity.CRITICAL,
    consequence="Anybody who opens the page acts as that user, with all its permissions.",
    fix="Set the switch to false, and configure a real identity provider.",
    covers=("M14",),
    environment=check,
)
