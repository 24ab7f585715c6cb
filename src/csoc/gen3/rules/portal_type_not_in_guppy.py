"""A tab of the explorer names a data type; Guppy refuses queries for a type that none of its indices has."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.data_model import portal_uses as portal
from csoc.gen3.data_model.dictionary import nearest
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.explorer import guppy_indices, portal_config
from csoc.gen3.rules.support.reading import listed
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import HELM, MANIFEST


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each type that the portal asks for and Guppy does not serve."""
    config, served = portal_config(state), guppy_indices(state)
    if config is None or served is None:
        return
    asked: dict[str, list[portal.TypeUse]] = {}
    for use in portal.type_uses(config.data):
        if use.data_type not in served:
            asked.setdefault(use.data_type, []).append(use)
    for data_type, uses in asked.items():
        hint = nearest(data_type, served)
        places = tuple(config.at(use.path, ".".join(str(step) for step in use.path)) for use in uses[:10])
        yield Hit(
            cause=f"the portal asks Guppy for {data_type} ({listed(use.what for use in uses)}), and no index of "
            "Guppy has that type",
            key=data_type,
            evidence=(*places, state.at("guppy.indices", f"Guppy serves {listed(served)}")),
            fix=f"Did you mean {hint}? Otherwise add the index to guppy.indices." if hint else "",
        )


RULE = Rule(
    id="portal-type-not-in-guppy",
    title="The portal asks for an index that Guppy does not serve",
    severity=Severity.HIGH,
    consequence="Guppy refuses the query, and that tab of the portal stays empty.",
    fix="Use a type of guppy.indices as the data type in portal.gitops.json, or add the index to guppy.indices.",
    covers=("portal configuration",),
    environment=check,
    systems=(HELM, MANIFEST),
)
