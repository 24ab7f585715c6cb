"""The list of S3 addresses that the chart brings along is that of one region."""

from csoc.gen3.rules.network_policy_storage_ranges import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, hostile_objects, incomplete, line, workload

CASE = "global:\n  netPolicy:\n    enabled: true\n  aws:\n    enabled: true\n    region: eu-west-1\n"
PEREGRINE = workload("peregrine-deployment", labels={"s3": "yes"})


def test_pods_bound_to_the_list_are_found_in_another_region() -> None:
    (hit,) = check(environment_state(CASE, objects=[PEREGRINE]))
    assert (hit.key, line(hit)) == ("eu-west-1 peregrine-deployment", 6)


def test_quiet_in_the_region_of_the_list_and_outside_aws() -> None:
    assert not list(check(environment_state(CASE.replace("eu-west-1", "us-east-1"), objects=[PEREGRINE])))
    assert not list(
        check(environment_state(CASE.replace("    enabled: true", "    enabled: false"), objects=[PEREGRINE]))
    )


def test_quiet_where_somebody_wrote_the_list() -> None:
    own = CASE + "gen3-network-policies:\n  s3CidrRanges: [{ipBlock: {cidr: 3.5.64.0/21}}]\n"
    assert not list(check(environment_state(own, objects=[PEREGRINE])))


def test_quiet_for_pods_that_may_go_further() -> None:
    free = workload("sheepdog-deployment", labels={"s3": "yes", "netnolimit": "yes"})
    assert not list(check(environment_state(CASE, objects=[free])))


def test_quiet_without_policies_for_pods_without_the_label_and_without_a_region() -> None:
    off = CASE.replace("  netPolicy:\n    enabled: true", "  netPolicy:\n    enabled: false")
    assert not list(check(environment_state(off, objects=[PEREGRINE])))
    assert not list(check(environment_state(CASE, objects=[workload("indexd-deployment")])))
    assert not list(check(environment_state(CASE.replace("eu-west-1", "''"), objects=[PEREGRINE])))


def test_quiet_outside_aws_and_with_a_missing_value_file() -> None:
    outside = CASE.replace("  aws:\n    enabled: true", "  aws:\n    enabled: false")
    assert not list(check(environment_state(outside, objects=[PEREGRINE])))
    assert not list(check(incomplete(environment_state(CASE, objects=[PEREGRINE]))))


def test_survives_wrong_types() -> None:
    for text in hostile(CASE, "global.aws.region", "global.netPolicy.enabled"):
        list(check(environment_state(text, objects=[PEREGRINE])))
    for body in hostile_objects(PEREGRINE):
        list(check(environment_state(CASE, objects=[body])))
