"""A tab of the explorer asks Guppy for all its fields in one query; for one field that the index lacks it gets nothing.

Only indices that the environment's own ETL builds are looked at, found as Guppy finds them: the tab's data type names
Guppy's index, and the index's name the entry of the mapping.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.claims import from_values
from csoc.gen3.data_model import portal_uses as portal
from csoc.gen3.data_model.dictionary import nearest
from csoc.gen3.data_model.etl_model import Index
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.explorer import at_mapping, etl_mapping, guppy_indices, portal_config
from csoc.gen3.rules.support.reading import listed
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import HELM, MANIFEST


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each index and field that the portal shows and the mapping does not make."""
    config, mapping, served = portal_config(state), etl_mapping(state), guppy_indices(state)
    if config is None or mapping is None or served is None or not _one_search(state):
        return
    missing: dict[tuple[str, str], list[portal.Use]] = {}
    for use in portal.uses(config.data):
        index = mapping.index(served.get(use.data_type, ""))
        if index is not None and use.name not in index.names():
            missing.setdefault((index.name, use.name), []).append(use)
    for (name, field), uses in missing.items():
        index = mapping.index(name)
        if index is not None:
            places = tuple(config.at(use.path, ".".join(str(step) for step in use.path)) for use in uses[:10])
            yield _hit(index, field, uses, (*places, at_mapping(state, (*index.path, "name"))))


def _hit(index: Index, field: str, uses: list[portal.Use], evidence: tuple[Evidence, ...]) -> Hit:
    names = index.names()
    if f"_{field}" in names:
        fix = f"The field is called _{field} since tube 0.4.1: ask for that."
    else:
        hint = nearest(field, names)
        fix = f"Did you mean {hint}? Otherwise add the field to the mapping, and run the ETL." if hint else ""
    return Hit(
        cause=f"the portal asks for the field {field} of the index {index.name} ({listed(use.what for use in uses)}), "
        "and the ETL mapping does not make it",
        key=f"{index.name}.{field}",
        evidence=evidence,
        severity=Severity.MEDIUM if all(use.button for use in uses) else Severity.HIGH,
        consequence="The button that asks for it fails or stays grey." if all(use.button for use in uses) else "",
        fix=fix,
    )


def _one_search(state: EnvironmentState) -> bool:
    """Guppy reads where the ETL writes; a manifest says nothing of either."""
    if state.view.system != HELM:
        return True
    values = Gen3Values(state)
    return from_values.search_endpoint(values, "etl")[0] == from_values.search_endpoint(values, "guppy")[0]


RULE = Rule(
    id="portal-field-not-in-etl",
    title="The portal shows a field that no index has",
    severity=Severity.HIGH,
    consequence="Guppy refuses the whole query for one unknown field, so that part of the page stays empty.",
    fix="Add the field to the index in etl.etlMapping and run the ETL, or take it out of portal.gitops.json.",
    covers=("portal configuration", "etl mapping"),
    environment=check,
    systems=(HELM, MANIFEST),
)
