"""Fence's encryption key where Helm makes its configuration."""

import base64

import pytest

from csoc.gen3.rules.fence_encryption_key import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, incomplete, line

GOOD = base64.urlsafe_b64encode(bytes(range(32))).decode()
DEFAULTS = {"fence": {"FENCE_CONFIG": {"ENCRYPTION_KEY": "REPLACEME"}}}


def values(key: str) -> str:
    return f"fence:\n  FENCE_CONFIG:\n    ENCRYPTION_KEY: '{key}'\n"


def test_the_placeholder_is_found() -> None:
    (hit,) = check(environment_state("fence: {enabled: true}", defaults=DEFAULTS, objects=[]))
    assert hit.key == "placeholder"


@pytest.mark.parametrize("key", ["short", GOOD[:-4], GOOD + "AAAA", "!" * 44])
def test_a_key_that_fence_cannot_use_is_found_and_not_shown(key: str) -> None:
    (hit,) = check(environment_state(values(key)))
    assert (hit.key, line(hit)) == ("invalid", 3)
    assert key not in hit.cause + hit.evidence[0].text


def test_quiet_for_a_real_key_and_for_one_that_is_filled_in_later() -> None:
    assert not list(check(environment_state(values(GOOD))))
    assert not list(check(environment_state(values("<path:secrets/fence#key>"))))


def test_quiet_where_the_configuration_is_in_secrets_manager_or_fence_is_off() -> None:
    outside = "global: {externalSecrets: {deploy: true}}\n"
    assert not list(check(environment_state(outside + values("REPLACEME"))))
    assert not list(check(environment_state("fence: {enabled: false, FENCE_CONFIG: {ENCRYPTION_KEY: REPLACEME}}")))


def test_quiet_where_the_chart_is_not_known_or_a_value_file_is_missing() -> None:
    assert not list(check(environment_state("")))
    assert not list(check(incomplete(environment_state(values("REPLACEME")))))


def test_quiet_for_a_public_key_that_the_secret_part_overrules() -> None:
    outside = "global: {externalSecrets: {deploy: true}}\n"
    public = values("REPLACEME").replace("FENCE_CONFIG", "FENCE_CONFIG_PUBLIC")
    assert not list(check(environment_state(outside + public)))


def test_a_key_that_somebody_emptied_is_found() -> None:
    assert [hit.key for hit in check(environment_state(values("")))] == ["placeholder"]


def test_survives_wrong_types() -> None:
    for text in hostile("", "fence.FENCE_CONFIG.ENCRYPTION_KEY", "fence.FENCE_CONFIG_PUBLIC"):
        list(check(environment_state(text, objects=[])))
