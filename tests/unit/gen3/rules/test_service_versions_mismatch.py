"""Services whose versions do not go together, at the lines of both tags."""

import pytest

from csoc.gen3.rules.service_versions_mismatch import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, line


def values(fence: str, arborist: str, *, on: str = "true") -> str:
    return (
        f"fence:\n  enabled: {on}\n  image:\n    tag: '{fence}'\n"
        f"arborist:\n  enabled: true\n  image:\n    tag: '{arborist}'\nperegrine:\n  enabled: false\n"
    )


def test_a_pair_is_found_at_both_tags() -> None:
    (hit,) = check(environment_state(values("4.6.1", "2.2.0")))
    assert (line(hit), line(hit, 1)) == (4, 8)
    assert "fence 4.6.1 needs arborist 2.3.0" in hit.cause
    assert hit.key == "fence arborist"


def test_of_several_needs_the_strictest_is_told_once() -> None:
    (hit,) = check(environment_state(values("2026.03", "1.0.0")))
    assert "2.3.0" in hit.cause


def test_each_pair_of_services_is_a_hit_of_its_own() -> None:
    text = values("4.6.1", "2.0.0").replace(
        "peregrine:\n  enabled: false", "peregrine:\n  image: {tag: 2.1.0}\n  enabled: true"
    )
    assert {hit.key for hit in check(environment_state(text))} == {"fence arborist", "peregrine arborist"}


@pytest.mark.parametrize(
    "text",
    [
        values("4.6.1", "2.3.0"),
        values("2026.03", "2026.03"),
        values("master", "1.0.0"),
        values("4.6.1", "feat_x"),
        values("4.6.1", "1.0.0", on="false"),
        "fence: {enabled: true}\narborist: {enabled: true}\n",
    ],
    ids=["new enough", "of one month", "a branch", "the other a branch", "fence is off", "as the chart has them"],
)
def test_quiet_where_versions_fit_or_cannot_be_compared(text: str) -> None:
    assert not list(check(environment_state(text)))


def test_quiet_for_a_pair_that_the_chart_itself_makes() -> None:
    defaults = {
        "fence": {"enabled": True, "image": {"tag": "4.6.0"}},
        "arborist": {"enabled": True, "image": {"tag": "1.0.0"}},
    }
    assert not list(check(environment_state("", defaults=defaults)))


def test_survives_values_of_any_type() -> None:
    for text in hostile(values("4.6.1", "2.2.0"), "fence.image.tag", "arborist.enabled", "peregrine.image.tag"):
        list(check(environment_state(text)))
