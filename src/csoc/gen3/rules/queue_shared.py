"""A queue hands each message to one reader; two environments that read it lose half of it each.

An environment that only sends to the queue of another one is something else: its messages arrive, at the wrong place.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.facts import Access, Kind
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.sharing import shared
from csoc.gen3.state import FleetState

_READS = Access.OWN


def check(state: FleetState) -> Iterator[Hit]:
    """One hit for each queue that several environments read, and one for each that others send to."""
    read_by_several = {(item.scope, item.identity): item for item in shared(state, Kind.QUEUE, {_READS})}
    for item in shared(state, Kind.QUEUE):
        readers = read_by_several.get((item.scope, item.identity))
        if readers is not None:
            yield Hit(
                cause=f"{len(readers.environments)} environments read the queue {item.identity}",
                key=f"{item.scope} {item.identity}",
                environments=readers.environments,
                evidence=readers.evidence,
            )
        elif any(claim.access == _READS for _, claim in item.claims):
            reader = next(view.name for view, claim in item.claims if claim.access == _READS)
            yield Hit(
                cause=f"Other environments send to the queue that {reader} reads: {item.identity}",
                key=f"{item.scope} {item.identity} senders",
                environments=item.environments,
                evidence=item.evidence,
                severity=Severity.LOW,
                consequence="Their records arrive in the other environment and are missing in their own.",
            )


RULE = Rule(
    id="queue-shared",
    title="Two environments use one queue",
    severity=Severity.MEDIUM,
    consequence="Each message reaches only one of them: audit records or uploaded files are missing in the other.",
    fix="Give each environment a queue of its own.",
    covers=("fleet",),
    fleet=check,
)
