"""User lists that are the chart's examples."""

from csoc.gen3.findings import Severity
from csoc.gen3.rules.fence_user_list import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, incomplete, line

EXAMPLE = "s3://cdis-gen3-users/helm-test/user.yaml"
DEFAULTS = {
    "fence": {
        "usersync": {"usersync": False, "userYamlS3Path": EXAMPLE},
        "USER_YAML": "users: {username1@gmail.com: {}}",
    }
}
SYNC = "fence:\n  usersync:\n    usersync: true\n"


def test_the_example_address_is_found_where_the_synchronisation_is_switched_on() -> None:
    (hit,) = check(environment_state(SYNC, defaults=DEFAULTS))
    assert (hit.key, line(hit), hit.severity) == ("address", 3, None)


def test_somebody_who_wrote_the_example_address_may_have_meant_it() -> None:
    (hit,) = check(environment_state(SYNC + f"    userYamlS3Path: {EXAMPLE}\n", defaults=DEFAULTS))
    assert (line(hit), hit.severity) == (4, Severity.MEDIUM)


def test_the_example_list_is_found_without_synchronisation_and_where_no_address_is_given() -> None:
    assert [hit.key for hit in check(environment_state("", defaults=DEFAULTS))] == ["example"]
    none = SYNC + "    userYamlS3Path: none\n"
    assert [hit.key for hit in check(environment_state(none, defaults=DEFAULTS))] == ["example"]


def test_quiet_for_another_file_in_the_same_bucket() -> None:
    own = SYNC + "    userYamlS3Path: s3://cdis-gen3-users/alpha/user.yaml\n"
    assert not list(check(environment_state(own, defaults=DEFAULTS)))


def test_quiet_for_a_list_of_ones_own_and_in_development() -> None:
    assert not list(check(environment_state("fence: {USER_YAML: 'users: {}'}", defaults=DEFAULTS)))
    assert not list(check(environment_state("", defaults=DEFAULTS, stage="dev")))


def test_quiet_where_fence_is_off_or_a_value_file_is_missing() -> None:
    assert not list(check(environment_state("fence: {enabled: false}", defaults=DEFAULTS)))
    assert not list(check(incomplete(environment_state("", defaults=DEFAULTS))))


def test_survives_wrong_types() -> None:
    for text in hostile(SYNC, "fence.usersync.userYamlS3Path", "fence.USER_YAML", "fence.usersync.usersync"):
        list(check(environment_state(text)))
