"""Configuration that pods clone or download when they start."""

from dataclasses import replace

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules.config_fetched_at_run_time import check
from csoc.testing.states import environment_state, environment_view

OTHER = "https://github.com/example/portal-config.git"


def custom(repository: str = OTHER, branch: str = "main", service: str = "portal") -> str:
    return (
        f"{service}:\n  enabled: true\n  customConfig:\n    enabled: true\n"
        f"    repo: {repository}\n    branch: {branch}\n    dir: alpha\n"
    )


def test_a_foreign_repository_in_production_is_found_with_its_line() -> None:
    (hit,) = check(environment_state(custom()))
    assert hit.severity is Severity.MEDIUM
    assert [item.location.line for item in hit.evidence if item.location] == [3]
    (hit,) = check(environment_state(custom(service="frontend-framework"), stage="staging"))
    assert hit.severity is Severity.LOW


def test_the_repository_that_the_values_come_from_is_less_bad_since_its_changes_are_reviewed() -> None:
    view = environment_view()
    (hit,) = check(environment_state(custom(view.source.repo_url)))
    assert hit.severity is Severity.LOW


def test_images_of_a_branch_are_worth_knowing() -> None:
    url = "https://raw.githubusercontent.com/example/art/develop/logo.png"
    (hit,) = check(environment_state(f"portal:\n  enabled: true\n  extraImages:\n    - url: {url}\n"))
    assert (hit.severity, "logo.png" in hit.cause) == (Severity.INFO, True)


@pytest.mark.parametrize(
    "values",
    [
        custom().replace("    enabled: true\n", "    enabled: false\n"),
        custom().replace("  enabled: true\n", "  enabled: false\n", 1),
        custom(branch="3f9e921ab4fb4378c97ce4c8201d2c20102d907a"),
        custom(branch="v1.2.0"),
        "fence:\n  enabled: true\n  usersync:\n    usersync: true\n    userYamlS3Path: s3://users/user.yaml\n",
        "portal:\n  enabled: true\n  extraImages:\n    - url: https://example.org/logo.png\n",
        "portal:\n  enabled: true\n  extraImages:\n"
        "    - url: https://raw.githubusercontent.com/example/art/1.2.0/logo.png\n",
    ],
)
def test_quiet_for_what_is_off_pinned_or_a_user_list(values: str) -> None:
    assert not list(check(environment_state(values)))


@pytest.mark.parametrize(
    "values",
    [
        "portal: text\n",
        "portal:\n  enabled: true\n  customConfig: text\n  extraImages: {a: b}\n",
        custom("[a]", "{b: c}"),
    ],
)
def test_survives_other_shapes(values: str) -> None:
    list(check(environment_state(values)))


def test_an_address_that_is_none_is_a_foreign_one() -> None:
    view = environment_view()
    source = replace(view.source, repo_url="")
    application = replace(view.application, sources=(source,))
    (hit,) = check(environment_state(custom("ext::sh"), view=replace(view, application=application)))
    assert hit.severity is Severity.MEDIUM
