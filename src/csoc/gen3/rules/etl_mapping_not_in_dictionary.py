"""The ETL mapping names nodes, links and properties; those that the data dictionary does not have cannot be indexed."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.data_model.dictionary import Dictionary
from csoc.gen3.data_model.etl_dictionary import against
from csoc.gen3.findings import Severity
from csoc.gen3.rules.etl_mapping_invalid import STOPS
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.explorer import DICTIONARY, at_mapping, dictionary, etl_mapping
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import HELM, MANIFEST

_NEVER = "The index never gets what the mapping promises, and pages that ask for it fail or stay empty."


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each thing that the dictionary does not have."""
    mapping = etl_mapping(state)
    if mapping is None or not mapping.indices:
        return
    found = dictionary(state)
    if not isinstance(found, Dictionary):
        return
    for fault in against(mapping, found):
        yield Hit(
            cause=fault.text,
            key=fault.key,
            evidence=(at_mapping(state, fault.path), state.at(DICTIONARY)),
            severity=Severity.HIGH if fault.stops else Severity.MEDIUM,
            consequence=STOPS if fault.stops else _NEVER,
            fix=fault.fix if fault.fix.endswith("?") else f"{fault.fix}." if fault.fix else "",
        )


RULE = Rule(
    id="etl-mapping-not-in-dictionary",
    title="An ETL mapping that does not fit the data dictionary",
    severity=Severity.HIGH,
    consequence=_NEVER,
    fix="Use the dictionary's own names of nodes, links and properties in etl.etlMapping, or correct the dictionary.",
    covers=("etl mapping",),
    environment=check,
    systems=(HELM, MANIFEST),
)
