"""Keys that no template reads, and the ones that were meant."""

from dataclasses import replace
from typing import Any

import pytest

from csoc.gen3.findings import Patch, Severity
from csoc.gen3.rules.key_not_read import RULE, check
from csoc.gen3.rules.model import Hit
from csoc.testing.states import environment_state, environment_view

KEYS = frozenset(
    (
        *("fence", "fence.enabled", "fence.replicaCount", "fence.image.tag", "fence.autoscaling.enabled"),
        *("fence.autoscaling.averageCPUValue", "guppy", "guppy.enabled", "guppy.replicaCount", "etl.enabled"),
        *("etl.image.tube.tag", "etl.image.tube.repository", "portal.enabled", "portal.gitops.createdby"),
        *("global.dev", "metadata.enabled", "metadata.esEndpoint"),
    )
)
DEFAULTS = {
    "fence": {"enabled": True, "replicaCount": 1, "autoscaling": {"enabled": False, "averageCPUValue": "500m"}},
    "guppy": {"enabled": False},
    "portal": {"enabled": True, "gitops": {"createdby": ""}},
    "etl": {"enabled": True},
}


def hits(values: str, **facts: Any) -> list[Hit]:
    return list(check(environment_state(values, defaults=DEFAULTS, chart_keys=KEYS, **facts)))


def test_a_name_of_the_older_system_is_found_with_its_line_and_can_be_renamed() -> None:
    (hit,) = hits("fence:\n  replicas: 3\n")
    assert hit.severity is Severity.MEDIUM
    assert "<service>.replicaCount" in hit.cause
    assert [item.location.line for item in hit.evidence if item.location] == [2]
    (patch,) = hit.patches
    assert isinstance(patch, Patch)
    assert (patch.path, patch.action, patch.value) == (("fence", "replicas"), "rename", "replicaCount")


def test_one_name_in_two_services_is_one_hit_with_both_places() -> None:
    (hit,) = hits("fence:\n  replicas: 3\nguppy:\n  enabled: true\n  replicas: 2\n")
    assert [item.text for item in hit.evidence] == ["fence.replicas", "guppy.replicas"]
    assert [item.location.line for item in hit.evidence if item.location] == [2, 5]


def test_the_value_of_a_key_that_nobody_knows_is_never_shown() -> None:
    (hit,) = hits("fence:\n  zugangswort: Zq81LmNoXy7\n")
    assert "Zq81LmNoXy7" not in repr((hit.cause, hit.key, hit.evidence, hit.fix))
    assert hit.evidence[0].text == "fence.zugangswort"


def test_another_spelling_can_be_renamed_and_another_level_cannot() -> None:
    (spelling,) = hits("portal:\n  gitops:\n    createdBy: aWNvbg==\n")
    assert spelling.patches[0].value == "createdby"
    (level,) = hits("etl:\n  tube:\n    image:\n      tag: '2026.04'\n")
    assert level.key == "etl.tube etl.image.tube"
    assert level.severity is Severity.MEDIUM
    assert not level.patches


def test_a_leftover_beside_the_right_key_and_an_autoscaler_that_is_off_are_only_untidy() -> None:
    (leftover,) = hits("etl:\n  tube:\n    image: {tag: a}\n  image:\n    tube: {tag: '2026.04'}\n")
    assert leftover.severity is Severity.LOW
    (idle,) = hits("fence:\n  autoscaling:\n    targetCPUUtilizationPercentage: 40\n")
    assert (idle.severity, idle.patches) == (Severity.LOW, ())
    (awake,) = hits("fence:\n  autoscaling:\n    enabled: true\n    targetCPUUtilizationPercentage: 40\n")
    assert awake.severity is Severity.MEDIUM


def test_a_service_that_the_chart_does_not_have_is_named() -> None:
    (hit,) = hits("fluentd:\n  enabled: true\n")
    assert hit.cause == "The chart has no service fluentd, so switching it on does nothing"
    assert hit.severity is Severity.LOW


def test_switching_off_a_misspelt_service_that_is_on_is_loud() -> None:
    (hit,) = hits("portals:\n  enabled: false\n")
    assert hit.severity is Severity.MEDIUM


@pytest.mark.parametrize(
    "values",
    [
        "fence:\n  replicaCount: 3\n",
        "pidgin:\n  enabled: false\n  image: {tag: a}\n",
        "fence:\n  usersync:\n    slack_webhook: ''\n",
        "fence:\n  unknown: false\n",
        "guppy:\n  enabled: false\n  replicas: 3\n",
        "x-anchors:\n  a: 1\n",
        "fence:\n  autoscaling:\n    unheard: 2\n",
    ],
)
def test_quiet_for_keys_that_are_read_off_empty_or_of_services_that_are_off(values: str) -> None:
    assert not hits(values)


def test_quiet_where_the_charts_keys_are_not_known() -> None:
    assert not list(check(environment_state("fence:\n  replicas: 3\n")))


def test_no_patch_where_the_right_key_is_written_or_the_value_has_another_shape() -> None:
    (hit,) = hits("fence:\n  replicas: 3\n  replicaCount: 1\n")
    assert not hit.patches
    (hit,) = hits("portal:\n  gitops:\n    createdBy: {a: b}\n")
    assert not hit.patches


def test_no_patch_for_what_is_only_likely() -> None:
    (hit,) = hits("fence:\n  image:\n    tagg: '2026.04'\n")
    assert hit.key == "fence.image.tagg fence.image.tag"
    assert not hit.patches


def test_no_patch_below_a_wrapping_chart_whose_paths_are_others() -> None:
    view = replace(environment_view(), wrapper="gen3")
    (hit,) = hits("fence:\n  replicas: 3\n", view=view)
    assert not hit.patches


@pytest.mark.parametrize(
    "values", ["fence: text\n", "fence: [1]\n", "fence:\n  autoscaling: 3\n  replicas: []\n", "{}"]
)
def test_survives_other_shapes(values: str) -> None:
    hits(values)


def test_it_says_which_chart_it_compared_with() -> None:
    assert RULE.rendered
