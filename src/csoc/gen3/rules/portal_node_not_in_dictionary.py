"""The portal counts nodes of the data dictionary; its start compiles those queries against the dictionary's own."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.data_model import portal_uses as portal
from csoc.gen3.data_model.dictionary import Dictionary, nearest
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.explorer import DICTIONARY, dictionary, portal_config
from csoc.gen3.rules.support.reading import listed
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import HELM, MANIFEST


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each node that is counted and not in the dictionary."""
    config = portal_config(state)
    uses = portal.node_uses(config.data) if config is not None else []
    if config is None or not uses:
        return
    found = dictionary(state)
    if not isinstance(found, Dictionary):
        return
    counted: dict[str, list[portal.Use]] = {}
    for use in uses:
        if use.name not in found.nodes:
            counted.setdefault(use.name, []).append(use)
    for node, places in counted.items():
        compiled = any(use.path[0] == "graphql" for use in places)
        hint = nearest(node, found.nodes)
        evidence = tuple(config.at(use.path, ".".join(str(step) for step in use.path)) for use in places[:10])
        yield Hit(
            cause=f"the portal counts the node {node} ({listed(use.what for use in places)}), which the data "
            "dictionary does not have",
            key=node,
            evidence=(*evidence, state.at(DICTIONARY)),
            severity=Severity.HIGH if compiled else Severity.MEDIUM,
            consequence="" if compiled else "The chart of that node on the front page stays empty.",
            fix=f"Did you mean {hint}?" if hint else "",
        )


RULE = Rule(
    id="portal-node-not-in-dictionary",
    title="The portal counts a node that the data dictionary does not have",
    severity=Severity.HIGH,
    consequence="The portal's start compiles this query against the dictionary and stops: new pods never become ready.",
    fix="Name nodes of the dictionary in portal.gitops.json, counts as _<node>_count.",
    covers=("portal configuration",),
    environment=check,
    systems=(HELM, MANIFEST),
)
