"""Images that the environment itself sets to a branch."""

from dataclasses import replace

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.images import is_moving, months_between, newer
from csoc.gen3.rules.image_not_pinned import RULE, check
from csoc.gen3.views import MANIFEST
from csoc.testing.states import environment_view, fleet_state
from tests.unit.gen3.rules.making import facts, service


def test_one_tag_in_two_productions_is_one_finding_with_both_and_its_line() -> None:
    views = [environment_view("a"), environment_view("b", commons="beta")]
    branch = service("fence", "master")
    (hit,) = check(fleet_state(views, {"a": facts("a", branch), "b": facts("b", branch)}))
    assert (hit.environments, hit.key, hit.severity) == (("a", "b"), "fence master", None)
    assert RULE.severity is Severity.MEDIUM
    assert [item.location.line for item in hit.evidence if item.location] == [3, 3]


def test_outside_production_all_branches_of_an_environment_are_one_finding() -> None:
    view = environment_view("a", stage="dev")
    known = facts("a", service("fence", "feat_login"), service("guppy", "master"))
    (hit,) = check(fleet_state([view], {"a": known}))
    assert hit.severity is Severity.LOW
    assert len(hit.evidence) == 2


@pytest.mark.parametrize(
    "innocent",
    [
        service("fence", "2026.04"),
        service("fence", "master", on=False),
        service("fence", "master", pinned=False),
        service("fence", "master@sha256:41bce1b5"),
        service("fence", ""),
    ],
)
def test_quiet_for_versions_digests_services_that_are_off_and_tags_that_the_chart_chose(innocent: object) -> None:
    assert not list(check(fleet_state([environment_view("a")], {"a": facts("a", innocent)})))  # type: ignore[arg-type]


def test_quiet_for_the_older_manifests() -> None:
    view = replace(environment_view("a"), system=MANIFEST)
    assert not list(check(fleet_state([view], {"a": facts("a", service("fence", "master"))})))


@pytest.mark.parametrize(
    "tag",
    [
        *(
            "master",
            "main",
            "Latest",
            "feat_es-7",
            "fix-task-token-authz",
            "chore_deps",
            "qa-jegv2",
            "integration202406",
        ),
        *("use-mounted-bucket", "test_docker-bash", "nextflow-master", "combined_tutorials__latest", "feat_GPE-1113"),
    ],
)
def test_names_of_branches_and_moving_names_move(tag: str) -> None:
    assert is_moving(tag)


@pytest.mark.parametrize(
    "tag",
    [
        *("2026.04", "1.10.0", "v0.1", "1_3_4", "16", "gen3-v3.8.0", "2.15.0-DEV", "sha-f67e8db", "release-1.2", ""),
        *("develop-2026-07-09-19-49-55Z-97d1df55", "orthancteam-master-gen3-24.3.5", "dev-123", "master-3f9e921ab4fb"),
        *(
            "generic_rkernel__e3f9e921ab4fb4378c97ce4c8201d2c20102d907",
            "guppy-compat-v1",
            "main-20260401",
            "a@sha256:1",
        ),
    ],
)
def test_versions_commits_dates_and_builds_do_not_move(tag: str) -> None:
    assert not is_moving(tag)


def test_versions_are_compared_within_their_kind_only() -> None:
    assert newer("2026.06", "2026.04")
    assert newer("1.10.0", "1.9")
    assert not newer("2026.04", "1.10.0")
    assert not newer("master", "2026.04")
    assert (months_between("2025.11", "2026.02"), months_between("2026.02", "2025.11")) == (3, 0)
    assert months_between("1.0", "2.0") == 0
