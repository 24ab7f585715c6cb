"""The job that makes a database looks for its name as a word in the list of all databases.

`grep -qw` finds fence_gen3 in fence_gen3-test as well, since a dash ends a word; the job then takes the database for
made and fails to connect (chart 0.3.90, common/templates/_db_setup_job.tpl). Names that stand in Secrets Manager, and
databases that others have on the server, are not in Git.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from csoc.gen3.facts import Claim, Kind
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.sharing import claim_evidence
from csoc.gen3.state import FleetState
from csoc.gen3.views import EnvironmentView

_BREAK = re.compile(r"\W")


def check(state: FleetState) -> Iterator[Hit]:
    """One hit a pair of databases on one server, of which one's name is a word of the other's."""
    servers: dict[str, dict[str, tuple[EnvironmentView, Claim]]] = defaultdict(dict)
    for view in state.view.environments:
        for claim in state.facts[view.name].claims:
            if claim.kind is Kind.DATABASE:
                servers[claim.scope].setdefault(claim.identity, (view, claim))
    for server, databases in servers.items():
        # Only a name with a character that ends a word can hold another one as a word.
        longer = [name for name in databases if _BREAK.search(name)]
        for name in longer:
            for word in _words(name) & databases.keys():
                view, claim = databases[word]
                other_view, other = databases[name]
                yield Hit(
                    cause=f"The database {word} cannot be made while {name} is on the same server ({server})",
                    key=f"{server} {word} {name}",
                    environments=tuple(dict.fromkeys((view.name, other_view.name))),
                    evidence=(_evidence(view, claim), _evidence(other_view, other)),
                )


def _words(name: str) -> set[str]:
    """Every part of the name, shorter than it, that grep takes for a word: it begins and ends at a border of words."""
    breaks = [found.start() for found in _BREAK.finditer(name)]
    starts, ends = [0, *(at + 1 for at in breaks)], [*breaks, len(name)]
    return {name[start:end] for start in starts for end in ends if start < end} - {name}


def _evidence(view: EnvironmentView, claim: Claim) -> Evidence:
    return claim_evidence(view, claim)


RULE = Rule(
    id="database-name-in-another",
    title="A database whose name is part of another's",
    severity=Severity.MEDIUM,
    consequence="The job takes the database for made, fails to connect, and its service never starts.",
    fix="Set <service>.postgres.database to a name that no other holds as a word, with underscores in place of dashes.",
    covers=("M30",),
    fleet=check,
)
