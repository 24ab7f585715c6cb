"""An ETL mapping that tube cannot use stops the ETL; one that it misunderstands builds an index without a field."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.explorer import at_mapping, etl_mapping
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import HELM, MANIFEST

STOPS = "The ETL job fails at this: no index is built, and the explorer shows old data or none."
SILENT = "The ETL passes over it without a word, and the index is not what its author thinks."


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each thing that is wrong with the mapping as such."""
    mapping = etl_mapping(state)
    for fault in mapping.faults if mapping is not None else ():
        yield Hit(
            cause=fault.text,
            key=fault.key,
            evidence=(at_mapping(state, fault.path),),
            severity=Severity.HIGH if fault.stops else Severity.MEDIUM,
            consequence=STOPS if fault.stops else SILENT,
            fix=f"{fault.fix}." if fault.fix else "",
        )


RULE = Rule(
    id="etl-mapping-invalid",
    title="An ETL mapping that tube cannot use",
    severity=Severity.HIGH,
    consequence=STOPS,
    fix="Correct etl.etlMapping at the line named; tube's docs/configuration_file.md describes the format.",
    covers=("etl mapping",),
    environment=check,
    systems=(HELM, MANIFEST),
)
