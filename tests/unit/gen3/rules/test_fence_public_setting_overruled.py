"""Public settings of fence that its secret part overrules."""

from csoc.gen3.rules.fence_public_setting_overruled import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, incomplete, line

DEFAULTS = {"fence": {"FENCE_CONFIG": {"APP_NAME": "Gen3 Data Commons", "LIST": [1, 2], "NESTED": {"a": 1}}}}
CASE = "fence:\n  FENCE_CONFIG_PUBLIC:\n    APP_NAME: Mine\n    NESTED: {a: 2, b: 3}\n"


def found(text: str) -> list[str]:
    return [hit.key for hit in check(environment_state(text, defaults=DEFAULTS, objects=[]))]


def test_settings_that_lose_against_a_default_are_one_hit() -> None:
    (hit,) = check(environment_state(CASE, defaults=DEFAULTS, objects=[]))
    assert (hit.key, line(hit, 0), line(hit, 1)) == ("APP_NAME NESTED", 3, 4)


def test_lists_are_compared_as_they_are_replaced() -> None:
    assert found("fence: {FENCE_CONFIG_PUBLIC: {LIST: [1, 3]}}") == ["LIST"]
    assert not found("fence: {FENCE_CONFIG_PUBLIC: {LIST: [1, 2]}}")


def test_quiet_for_equal_values_and_for_settings_without_a_default() -> None:
    assert not found("fence: {FENCE_CONFIG_PUBLIC: {APP_NAME: Gen3 Data Commons, NESTED: {b: 3}, OWN: 1}}")


def test_quiet_where_the_secret_part_is_in_secrets_manager() -> None:
    assert not found("global: {externalSecrets: {deploy: true}}\n" + CASE)


def test_quiet_without_the_charts_defaults_or_with_a_missing_value_file() -> None:
    assert not list(check(environment_state(CASE, defaults=DEFAULTS)))
    assert not list(check(incomplete(environment_state(CASE, defaults=DEFAULTS, objects=[]))))


def test_a_mapping_loses_against_a_text() -> None:
    assert found("fence: {FENCE_CONFIG_PUBLIC: {APP_NAME: {deep: 1}}}") == ["APP_NAME"]


def test_quiet_where_fence_is_off() -> None:
    assert not found(CASE + "  enabled: false\n")


def test_survives_wrong_types() -> None:
    for text in hostile(
        CASE, "fence.FENCE_CONFIG_PUBLIC.APP_NAME", "fence.FENCE_CONFIG.NESTED", "fence.FENCE_CONFIG_PUBLIC.LIST"
    ):
        found(text)
