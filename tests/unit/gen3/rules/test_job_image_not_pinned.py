"""Images inside the configuration of sower and hatchery."""

import pytest

from csoc.gen3.rules.job_image_not_pinned import check
from csoc.testing.states import environment_state

SOWER = (
    "sower:\n  enabled: true\n  sowerConfig:\n    - name: export\n      container: {image: 'quay.io/cdis/export:%s'}\n"
)
CONTAINERS = "hatchery:\n  enabled: true\n  hatchery:\n    containers:\n      - {name: R, image: 'quay.io/cdis/r:%s'}\n"
ENTRY = '{"containers": [{"name": "R", "image": "quay.io/cdis/r:%s"}]}'
JSON = f"hatchery:\n  enabled: true\n  hatchery:\n    json: '{ENTRY}'\n"


@pytest.mark.parametrize(("values", "line"), [(SOWER, 4), (CONTAINERS, 5), (JSON, 4)])
def test_a_moving_image_is_found_with_its_line(values: str, line: int) -> None:
    (hit,) = check(environment_state(values % "master"))
    assert hit.key.endswith(":master")
    assert [item.location.line for item in hit.evidence if item.location] == [line]


@pytest.mark.parametrize("values", [SOWER, CONTAINERS, JSON])
def test_quiet_for_versions_commits_and_services_that_are_off(values: str) -> None:
    assert not list(check(environment_state(values % "2.1.0")))
    assert not list(check(environment_state(values % "r__e3f9e921ab4fb4378c97ce4c8201d2c20102d907")))
    assert not list(check(environment_state((values % "master").replace("enabled: true", "enabled: false"))))


def test_quiet_for_what_the_chart_brings_along() -> None:
    defaults = {"hatchery": {"enabled": True, "hatchery": {"containers": [{"image": "a:master"}]}}}
    assert not list(check(environment_state("", defaults=defaults)))
    defaults = {"sower": {"enabled": True, "sowerConfig": [{"container": {"image": "a:master"}}]}}
    assert not list(check(environment_state("", defaults=defaults)))


@pytest.mark.parametrize(
    "values",
    [
        "sower: {enabled: true, sowerConfig: text}\n",
        "sower: {enabled: true, sowerConfig: [1, {container: text}]}\n",
        "hatchery: {enabled: true, hatchery: {json: '{'}}\n",
        "hatchery: {enabled: true, hatchery: {json: '[1]'}}\n",
        "hatchery: {enabled: true, hatchery: {containers: [text, {image: [1]}]}}\n",
    ],
)
def test_survives_other_shapes(values: str) -> None:
    assert not list(check(environment_state(values)))
