"""Search indices that two ETL mappings write, from values."""

from csoc.gen3.rules.search_index_shared import RULE
from tests.unit.gen3.rules.making import fleet_hits, from_values


def etl(index: str, endpoint: str = "es.example.org") -> str:
    return (
        f"etl:\n  enabled: true\n  esEndpoint: {endpoint}\n"
        f"  etlMapping: {{mappings: [{{name: {index}, doc_type: case}}]}}\n"
    )


def guppy(index: str) -> str:
    return (
        "guppy:\n  enabled: true\n  esEndpoint: http://es.example.org:9200\n"
        f"  indices: [{{index: {index}, type: case}}]\n"
    )


def test_one_index_on_one_server_is_found_with_its_helper() -> None:
    hits = fleet_hits(RULE, from_values(prod=etl("case"), staging=etl("case")))
    assert [hit.key for hit in hits] == ["es.example.org case", "es.example.org case-array-config"]


def test_quiet_for_two_servers_for_two_names_and_for_one_that_only_reads() -> None:
    assert not fleet_hits(RULE, from_values(prod=etl("case"), staging=etl("case", "other.example.org")))
    assert not fleet_hits(RULE, from_values(prod=etl("case"), staging=etl("staging_case")))
    assert not fleet_hits(RULE, from_values(prod=etl("case"), staging="etl: {enabled: false}\n" + guppy("case")))


def test_survives_other_shapes() -> None:
    assert not fleet_hits(
        RULE, from_values(prod="etl: {etlMapping: {mappings: text}}\n", staging="etl: {etlMapping: []}\n")
    )
