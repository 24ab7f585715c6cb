"""Indices that guppy reads and the ETL does not make."""

import pytest

from csoc.gen3.rules.guppy_index_not_made import check
from csoc.testing.states import environment_state

VALUES = """\
etl:
  enabled: true
  esEndpoint: elasticsearch
  etlMapping:
    mappings:
      - {name: alpha_case, doc_type: case}
      - {name: alpha_file, doc_type: file}
guppy:
  enabled: true
  esEndpoint: elasticsearch:9200
  indices:
    - {index: alpha_case, type: case}
  configIndex: alpha_case-array-config
"""


def keys(values: str) -> list[str]:
    return [hit.key for hit in check(environment_state(values))]


def test_an_index_of_another_name_is_found_at_its_line() -> None:
    (hit,) = check(environment_state(VALUES.replace("index: alpha_case", "index: alpha_cases")))
    assert hit.key == "alpha_cases"
    assert hit.evidence[0].location
    assert hit.evidence[0].location.line == 12


def test_a_configuration_index_of_another_name_is_found() -> None:
    assert keys(VALUES.replace("alpha_case-array-config", "dev_array-config")) == ["dev_array-config"]


def test_the_chart_s_own_indices_count_where_nobody_named_others() -> None:
    values = VALUES[: VALUES.index("  indices:")]
    defaults = {"guppy": {"indices": [{"index": "dev_case", "type": "case"}], "configIndex": "dev_array-config"}}
    assert [hit.key for hit in check(environment_state(values, defaults=defaults))] == ["dev_case", "dev_array-config"]


@pytest.mark.parametrize(
    "config",
    ["alpha_array-config", "[alpha_case-array-config, alpha_file-array-config]", "alpha-commons-config-index"],
    ids=["the alias for all", "one each", "of the aggregated metadata"],
)
def test_quiet_for_every_form_of_the_configuration_index(config: str) -> None:
    assert not keys(VALUES.replace("alpha_case-array-config", config))


@pytest.mark.parametrize(
    "values",
    [
        VALUES,
        VALUES.replace("index: alpha_case", "index: alpha-commons-index"),
        VALUES.replace("index: alpha_case", "index: other").replace("enabled: true", "enabled: false", 1),
        VALUES.replace("index: alpha_case", "index: other").replace("elasticsearch:9200", "search.example.org:9200"),
        VALUES[VALUES.index("guppy:") :],
    ],
    ids=["the ETL's own", "the metadata service's", "ETL off", "another server", "the ETL of somebody else"],
)
def test_quiet_where_the_index_is_made_or_nobody_can_know(values: str) -> None:
    assert not keys(values)


@pytest.mark.parametrize(
    "values",
    [
        VALUES.replace("{name: alpha_case, doc_type: case}", "7"),
        VALUES.replace("configIndex: alpha_case-array-config", "configIndex: {a: 1}"),
        VALUES.replace("    - {index: alpha_case, type: case}", "    [1, [2]]"),
        "guppy: text\netl: {etlMapping: {mappings: text}}\n",
    ],
)
def test_survives_shapes_that_nobody_foresaw(values: str) -> None:
    assert not keys(values)
