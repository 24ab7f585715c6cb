"""Network policies made for networks inside 172.0.0.0/8."""

from csoc.gen3.rules.network_policy_network_range import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, hostile_objects, incomplete, line, workload

CASE = "global:\n  netPolicy:\n    enabled: true\n    dbSubnets: [10.1.0.0/24]\n"
PROXY = workload("aws-es-proxy-deployment", labels={"netvpc": "yes"})


def test_pods_that_depend_on_the_range_are_found_in_a_network_outside_of_it() -> None:
    (hit,) = check(environment_state(CASE, objects=[PROXY]))
    assert (hit.key, line(hit)) == ("aws-es-proxy-deployment", 4)


def test_quiet_for_a_network_inside_the_range() -> None:
    assert not list(check(environment_state(CASE.replace("10.1", "172.26"), objects=[PROXY])))


def test_quiet_for_pods_that_may_go_anywhere_and_without_policies() -> None:
    free = workload("hatchery-deployment", labels={"netvpc": "yes", "netnolimit": "yes"})
    assert not list(check(environment_state(CASE, objects=[free])))
    assert not list(check(environment_state(CASE.replace("true", "false"), objects=[PROXY])))


def test_quiet_where_nothing_was_rendered_and_for_what_is_no_subnet() -> None:
    assert not list(check(environment_state(CASE)))
    assert not list(check(environment_state(CASE.replace("10.1.0.0/24", "private"), objects=[PROXY])))


def test_quiet_for_pods_without_the_label_and_with_a_missing_value_file() -> None:
    assert not list(check(environment_state(CASE, objects=[workload("indexd-deployment")])))
    assert not list(check(incomplete(environment_state(CASE, objects=[PROXY]))))


def test_a_network_of_the_other_version_is_outside() -> None:
    assert list(check(environment_state(CASE.replace("10.1.0.0/24", "'fd00::/8'"), objects=[PROXY])))


def test_survives_wrong_types() -> None:
    for text in hostile(CASE, "global.netPolicy.dbSubnets"):
        list(check(environment_state(text, objects=[PROXY])))
    for body in hostile_objects(PROXY):
        list(check(environment_state(CASE, objects=[body])))
