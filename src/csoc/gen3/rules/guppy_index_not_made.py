"""guppy does not start while an index that it names does not exist, and the ETL makes what its mapping names.

The ETL writes each mapping's array fields to "<name>-array-config", with the alias "<name up to the first _>_array-
config" (uc-cdis/tube, create_guppy_array_config); the aggregate metadata service writes "<namespace>-commons-index" and
its config. Other tools may make indices too, so this is no more than likely.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.shapes import items, mapping, text
from csoc.fleet.values import Path
from csoc.gen3.claims import from_values
from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.rules.support.reading import listed
from csoc.gen3.state import EnvironmentState


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each index that guppy reads and that neither this environment's ETL nor its metadata makes."""
    values = Gen3Values(state)
    mappings = [text(mapping(entry).get("name")) for entry in items(values.get("etl.etlMapping.mappings"))]
    own = values.has("etl.etlMapping.mappings") and values.on("etl") and values.on("guppy")
    if not values_complete(state) or not own or not mappings or not all(mappings):
        return
    if from_values.search_endpoint(values, "etl")[0] != from_values.search_endpoint(values, "guppy")[0]:
        return
    aggregate = values.text("metadata.aggMdsNamespace") or state.view.release
    made = {*mappings, f"{aggregate}-commons-index"}
    for path, name in _named(values, "indices"):
        if name not in made:
            yield _hit(state, path, name, mappings)
    configs = {f"{aggregate}-commons-config-index"}
    for name in mappings:
        configs |= {f"{name}-array-config", f"{name.split('_')[0]}_array-config"}
    for path, name in _named(values, "configIndex"):
        if name not in configs:
            yield _hit(state, path, name, sorted(configs))


def _named(values: Gen3Values, key: str) -> Iterator[tuple[Path, str]]:
    """Names with the path where each stands; the chart's defaults count, since guppy then reads those."""
    stated = values.get(("guppy", key))
    if isinstance(stated, str):
        yield ("guppy", key), stated
    for index, entry in enumerate(items(stated)):
        name = text(entry) or text(mapping(entry).get("index"))
        if name:
            yield ("guppy", key, index), name


def _hit(state: EnvironmentState, path: Path, name: str, made: list[str]) -> Hit:
    return Hit(
        cause=f"guppy reads the index {name}, which this environment's ETL does not make",
        key=name,
        evidence=(
            state.at(path, f"{path[1]}: {name}"),
            state.at("etl.etlMapping.mappings", f"the ETL makes: {listed(made)}"),
        ),
    )


RULE = Rule(
    id="guppy-index-not-made",
    title="guppy reads an index that the ETL does not make",
    severity=Severity.MEDIUM,
    consequence="Unless something else makes the index, guppy does not start and the explorer stays empty.",
    fix="Give guppy.indices[].index and guppy.configIndex the names that etl.etlMapping.mappings[].name makes.",
    covers=("M7",),
    environment=check,
)
