"""Fence may read users' visas at login only if a job keeps them up to date afterwards.

Fence's configuration says that GLOBAL_PARSE_VISAS_ON_LOGIN has to be false, not true and not empty, while
ENABLE_VISA_UPDATE_CRON is off; the chart reads the latter from values even where the configuration is kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.fence_settings import PUBLIC, SECRET, fence_settings
from csoc.gen3.state import EnvironmentState

_CRON = "ENABLE_VISA_UPDATE_CRON"
_PARSE = "GLOBAL_PARSE_VISAS_ON_LOGIN"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if visas are read at login, or may be, and no job updates them."""
    settings = fence_settings(state)
    if settings is None or state.get((*SECRET, _CRON)):
        return
    written = next((part for part in (SECRET, PUBLIC) if state.written((*part, _PARSE))), None)
    if written is None or (written == SECRET and not settings.whole):
        return
    value = state.get((*written, _PARSE))
    if value is True or (value is None and written == SECRET and settings.whole):
        unless = "" if settings.whole else ", unless the secret fence-config says otherwise"
        yield Hit(
            cause=f"Fence reads visas at login, and no job keeps them up to date{unless}",
            key=_PARSE,
            evidence=(state.at((*written, _PARSE)), state.at((*SECRET, _CRON))),
            severity=None if settings.whole else Severity.MEDIUM,
        )


RULE = Rule(
    id="fence-visa-parsing",
    title="Visas that are never renewed",
    severity=Severity.HIGH,
    consequence="Rights that were withdrawn stay until the visa runs out, or users lose theirs in the middle of work.",
    fix="Set fence.FENCE_CONFIG.ENABLE_VISA_UPDATE_CRON: true, or GLOBAL_PARSE_VISAS_ON_LOGIN: false.",
    covers=("M14",),
    environment=check,
)
