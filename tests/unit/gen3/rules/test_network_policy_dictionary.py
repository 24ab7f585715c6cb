"""A dictionary that network policies shut out."""

import pytest

from csoc.gen3.rules.network_policy_dictionary import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, hostile_objects, incomplete, line, workload

CASE = "global:\n  netPolicy:\n    enabled: true\n  dictionaryUrl: https://example.org/schema.json\n"
PEREGRINE = workload("peregrine-deployment", labels={"s3": "yes"})


def test_a_dictionary_outside_s3_is_found() -> None:
    (hit,) = check(environment_state(CASE, objects=[PEREGRINE]))
    assert (hit.key, line(hit)) == ("peregrine-deployment example.org", 4)


@pytest.mark.parametrize(
    "host", ["s3.amazonaws.com/x", "b.s3.us-east-1.amazonaws.com", "d.gen3.svc.cluster.local", "dict"]
)
def test_quiet_for_addresses_that_may_be_reached(host: str) -> None:
    assert not list(check(environment_state(CASE.replace("example.org", host), objects=[PEREGRINE])))


def test_quiet_for_pods_that_may_go_anywhere_and_without_policies() -> None:
    free = workload("sheepdog-deployment", labels={"s3": "yes", "netnolimit": "yes"})
    assert not list(check(environment_state(CASE, objects=[free])))
    assert not list(check(environment_state(CASE.replace("true", "false"), objects=[PEREGRINE])))


def test_quiet_for_other_pods_and_with_a_missing_value_file() -> None:
    other = workload("manifestservice-deployment", labels={"s3": "yes"})
    assert not list(check(environment_state(CASE, objects=[other])))
    assert not list(check(incomplete(environment_state(CASE, objects=[PEREGRINE]))))


def test_survives_wrong_types() -> None:
    for text in (*hostile(CASE, "global.dictionaryUrl"), CASE.replace("example.org", "[::1")):
        list(check(environment_state(text, objects=[PEREGRINE])))
    for body in hostile_objects(PEREGRINE):
        list(check(environment_state(CASE, objects=[body])))
