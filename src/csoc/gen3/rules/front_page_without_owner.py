"""global.frontendRoot says which application answers at `/`; it must be one that is deployed, in one of two spellings.

A commons that offers interfaces only needs no page, and then nothing is written: that is worth a remark, not an alarm.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import on, values_complete
from csoc.gen3.state import EnvironmentState

_PATH = "global.frontendRoot"
_OWNERS = {"portal": "portal", "gen3ff": "frontend-framework"}


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if the owner of `/` is off, or if the value is none that the chart knows."""
    if not on(state, "revproxy") or not values_complete(state):
        return
    value = state.get(_PATH, "portal")
    if not isinstance(value, str) or value not in _OWNERS:
        if state.written(_PATH) and value is not None:
            yield Hit(
                cause=f"global.frontendRoot is neither portal nor gen3ff, so the portal is served at / ({value!s:.40})",
                key="unknown",
                evidence=(state.at(_PATH),),
                severity=Severity.MEDIUM if on(state, "portal") else Severity.HIGH,
                consequence="The page at / is not the one that was meant.",
                fix="Set global.frontendRoot to portal, or to gen3ff for the frontend framework.",
            )
        return
    owner = _OWNERS[value]
    if on(state, owner):
        return
    others = [name for name in _OWNERS.values() if name != owner and on(state, name)]
    if state.written(_PATH) or others:
        known = f", while {others[0]} is on" if others else ""
        yield Hit(
            cause=f"global.frontendRoot is {value}, and {owner} is off{known}",
            key=value,
            evidence=(state.at(_PATH), state.at((owner, "enabled"))),
        )
    else:
        yield Hit(
            cause="Neither portal nor frontend-framework is on, and the reverse proxy still sends / to the portal",
            key="none",
            evidence=(state.at((owner, "enabled")),),
            severity=Severity.INFO,
            consequence="Whoever opens the address in a browser sees an error; the interfaces below it work.",
            fix="Nothing if this commons offers interfaces only; otherwise set portal.enabled: true.",
        )


RULE = Rule(
    id="front-page-without-owner",
    title="Nothing answers at /",
    severity=Severity.HIGH,
    consequence="The commons' front page is an error.",
    fix="Switch that application on, or set global.frontendRoot to the one that is.",
    covers=("M11",),
    environment=check,
)
