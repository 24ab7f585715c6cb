"""Says what was not checked because the data dictionary could not be had: silence would look like "nothing wrong"."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.errors import CsocError, NotFoundError, RejectedError
from csoc.fleet import addresses
from csoc.gen3.data_model import portal_uses as portal
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.explorer import DICTIONARY, dictionary, dictionary_url, etl_mapping, portal_config
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import HELM, MANIFEST


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit if something would have been checked against a dictionary that could not be had, or is an old copy."""
    mapping, config = etl_mapping(state), portal_config(state)
    unchecked = ["the ETL mapping"] * (mapping is not None and bool(mapping.indices))
    unchecked += ["the nodes that the portal counts"] * bool(config is not None and portal.node_uses(config.data))
    if not unchecked:
        return
    found = dictionary(state)
    url = addresses.shown(dictionary_url(state).partition("?")[0])  # what follows may be a signature that opens it
    evidence = (state.at(DICTIONARY, f"{state.values.describe(DICTIONARY)} (for {' and '.join(unchecked)})"),)
    if not isinstance(found, CsocError):
        if found.note:
            yield Hit(
                cause=f"checked with an old copy of the data dictionary {url}: {found.note}",
                key=f"old {url}",
                evidence=evidence,
                consequence="What the dictionary has gained or lost since then was not seen.",
                fix=found.note_fix,
            )
        return
    wrong = isinstance(found, (NotFoundError, RejectedError))
    yield Hit(
        cause=f"the data dictionary {url or 'of this environment'} cannot be read ({found.cause}), and what "
        "names its nodes and properties (ETL mapping, portal) was not checked against it",
        key=url or "no url",
        evidence=evidence,
        severity=Severity.MEDIUM if wrong else None,
        consequence="Services that read it when they start will not find it either." if wrong else "",
        fix=f"{found.fix}." if found.fix else "",
    )


RULE = Rule(
    id="dictionary-unreachable",
    title="A data dictionary that could not be read",
    severity=Severity.INFO,
    consequence="Names of nodes, links and properties that do not exist are not found.",
    fix="Run the check where the dictionary can be reached; csoc keeps a copy for later.",
    covers=("etl mapping",),
    environment=check,
    systems=(HELM, MANIFEST),
)
