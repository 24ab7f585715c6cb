"""Kubernetes versions near and past their end of support."""

from datetime import UTC, datetime

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules.kubernetes_end_of_support import SUPPORT, check
from csoc.gen3.rules.model import Hit
from csoc.gen3.views import ClusterView, Fact, unknown
from csoc.testing.states import environment_view, fleet_state, location

PLACE = location("one/cluster-values.yaml", 55)


def hits(version: str, day: str = "2026-11-23", *, stated: bool = True) -> list[Hit]:
    fact = Fact(version, "test", PLACE, stated=stated) if version else unknown("test")
    cluster = ClusterView("one", "test", unknown("test"), fact)
    now = datetime.fromisoformat(day).replace(tzinfo=UTC)
    views = [environment_view("a", cluster="one"), environment_view("b", cluster="two")]
    return list(check(fleet_state(views, clusters=[cluster], context={"now": now})))


@pytest.mark.parametrize(
    ("version", "day", "severity", "words"),
    [
        ("1.34", "2026-11-23", Severity.LOW, "leaves standard support on 2026-12-02"),
        ("1.33", "2026-11-23", Severity.MEDIUM, "has been in extended support since 2026-07-29"),
        ("1.30", "2026-11-23", Severity.HIGH, "has had no support since 2026-07-23"),
        ("1.21", "2026-11-23", Severity.HIGH, "has no support any more"),
    ],
)
def test_what_ends_or_has_ended_is_found_with_its_place(version: str, day: str, severity: Severity, words: str) -> None:
    (hit,) = hits(version, day)
    assert hit.severity is severity
    assert hit.cause == f"Kubernetes {version} {words}" + (", which ends on 2027-07-29" if version == "1.33" else "")
    assert (hit.environments, hit.evidence[0].location) == (("a",), PLACE)


def test_what_only_the_nodes_image_says_is_said_of_the_nodes() -> None:
    (hit,) = hits("1.33", stated=False)
    assert hit.cause.startswith("The nodes' Kubernetes 1.33")


@pytest.mark.parametrize("version", ["1.35", "1.99", "", "2.0", "latest"])
def test_quiet_for_supported_versions_later_ones_and_unknown_ones(version: str) -> None:
    assert not hits(version)


def test_quiet_on_the_last_day_but_sixty_one() -> None:
    assert not hits("1.34", "2026-10-02")
    assert hits("1.34", "2026-10-03")


def test_every_version_ends_standard_support_before_extended() -> None:
    assert all(standard < extended for standard, extended in SUPPORT.values())
