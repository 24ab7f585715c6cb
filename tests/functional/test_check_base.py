"""`csoc check --base`: what a change makes worse, what it hides, and what cannot be compared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.functional.small_fleet import FILES, SOON, URL, Csoc, Repository, application, values
from tests.functional.test_check_command import (
    BROKEN,
    CRITICAL,
    LOW,
    MAINTENANCE,
    MISSING,
    NOT_RENDERING,
    report,
    rules_of,
    waiver,
    waivers,
)

ALPHA = "one/alpha.example.org/values.yaml"
WAIVERS = ".csoc/waivers.yaml"
# A secret that is drawn anew is found by looking at manifests, and by nothing else.
RANDOM = """\
apiVersion: v1
kind: Secret
metadata:
  name: gen3embeddings-g3auto
data:
  key: {{ randAlphaNum 10 | b64enc }}
"""
DRAWN = "secret-made-anew"


APPLICATION = "one/alpha.example.org/app.yaml"
HERE = {APPLICATION: application("alpha", ALPHA)}
ELSEWHERE = {
    APPLICATION: application("alpha", ALPHA, chart="helm/gen3").replace(URL, "https://charts.example.org/gen3", 1)
}


# Like with like


def test_what_only_manifests_show_is_not_new_where_the_base_had_no_chart(csoc: Csoc, repository: Repository) -> None:
    repository.write({**ELSEWHERE, "charts/gen3/templates/secret.yaml": RANDOM})
    repository.commit()
    repository.remember("origin/main")
    repository.write({**HERE, **LOW})
    data = report(csoc, "fleet", "--base", "origin/main", "--rule", DRAWN, code=0)
    assert rules_of(data, "uncompared") == {DRAWN: ["alpha"]}
    assert rules_of(data, "known") == {DRAWN: ["beta"]}
    (unlike,) = data["base"]["notInFull"]
    assert (unlike["environment"], unlike["comparedBy"], unlike["now"]) == ("alpha", "values only", "")
    assert "its chart could not be had" in unlike["before"]
    assert rules_of(report(csoc, "fleet", "--base", "origin/main", "--rule", MAINTENANCE, code=1)) == {
        MAINTENANCE: ["alpha"]
    }, "what values show is compared all the same"


def test_the_text_says_what_was_compared_by_values_only_and_why(csoc: Csoc, repository: Repository) -> None:
    repository.write({**ELSEWHERE, "charts/gen3/templates/secret.yaml": RANDOM})
    repository.commit()
    repository.remember("origin/main")
    repository.write(HERE)
    assert csoc("check", "fleet", "--base", "origin/main") == 0, csoc.out
    assert "- alpha, by values only; before the change: its chart could not be had" in csoc.out
    assert "1 finding there may be new or not: not counted" in csoc.out
    assert csoc("check", "fleet", "--base", "origin/main", "--strict") == 6


def test_what_values_show_stays_known_where_the_change_loses_the_chart(csoc: Csoc, repository: Repository) -> None:
    repository.write({**LOW, "charts/gen3/templates/secret.yaml": RANDOM})
    repository.commit()
    repository.remember("origin/main")
    repository.write(ELSEWHERE)
    data = report(csoc, "fleet", "--base", "origin/main", "--rule", MAINTENANCE, "--rule", DRAWN, code=0)
    assert rules_of(data, "known") == {MAINTENANCE: ["alpha"], DRAWN: ["beta"]}
    (unlike,) = data["base"]["notInFull"]
    assert (unlike["environment"], unlike["before"]) == ("alpha", "")
    assert "its chart could not be had" in unlike["now"]


def test_a_chart_that_stops_rendering_is_new_and_one_that_renders_again_brings_nothing_new(
    csoc: Csoc, repository: Repository
) -> None:
    repository.write({"charts/gen3/templates/secret.yaml": RANDOM})
    repository.commit()
    repository.remember("origin/main")
    repository.write({ALPHA: BROKEN})
    data = report(csoc, "fleet", "--base", "origin/main", code=1)
    assert rules_of(data) == {NOT_RENDERING: ["alpha"]}
    assert data["base"]["notInFull"][0]["now"] == "its chart does not render"
    repository.commit()
    repository.remember("origin/main")
    repository.write({ALPHA: FILES[ALPHA]})
    data = report(csoc, "fleet", "--base", "origin/main", code=0)
    assert rules_of(data, "uncompared") == {DRAWN: ["alpha"]}


# Decisions that come with the change


@pytest.mark.parametrize("how", ["waiver", "baseline"])
def test_a_decision_in_the_change_does_not_let_its_own_finding_through(
    csoc: Csoc, repository: Repository, how: str
) -> None:
    repository.remember("origin/main")
    repository.write(CRITICAL)
    if how == "waiver":
        repository.write({WAIVERS: waivers(waiver(MISSING))})
    else:
        assert csoc("check", "fleet", "--write-baseline") == 0
    assert csoc("check", "fleet") == 0, "without a base it counts"
    data = report(csoc, "fleet", "--base", "origin/main", code=1)
    (finding,) = data["findings"]
    (decided,) = finding["decidedInChange"]
    assert decided["environment"] == "beta"
    assert (decided["waiver"] or {}).get("owner") == ("Ada" if how == "waiver" else None)
    assert csoc("check", "fleet", "--base", "origin/main") == 1
    assert "in this change in beta: counts until that is in the base" in csoc.out
    assert csoc("check", "fleet", "--base", "origin/main", "--accept-waivers") == 0


def test_a_decision_that_the_base_has_counts(csoc: Csoc, repository: Repository) -> None:
    repository.write({WAIVERS: waivers(waiver(MISSING))})
    repository.commit()
    repository.remember("origin/main")
    repository.write(CRITICAL)
    data = report(csoc, "fleet", "--base", "origin/main", code=0)
    assert rules_of(data, "waived") == {MISSING: ["beta"]}


def test_a_waiver_in_the_change_for_what_the_base_has_hides_nothing(csoc: Csoc, repository: Repository) -> None:
    repository.write(LOW)
    repository.commit()
    repository.remember("origin/main")
    repository.write({WAIVERS: waivers(waiver(MAINTENANCE))})
    data = report(csoc, "fleet", "--base", "origin/main", code=0)
    assert rules_of(data, "waived") == {MAINTENANCE: ["alpha"]}


def test_accepting_waivers_goes_with_a_base(csoc: Csoc, repository: Repository) -> None:
    assert csoc("check", "fleet", "--accept-waivers") == 2
    assert "--accept-waivers goes with --base" in csoc.err


# How long a waiver lasts, and what is silenced


def test_a_waiver_that_lasts_too_long_does_not_count_and_is_a_fault_with_its_line(
    csoc: Csoc, repository: Repository
) -> None:
    repository.write({**LOW, WAIVERS: waivers(waiver(MAINTENANCE, expires="2999-01-01"))})
    data = report(csoc, "fleet", code=1)
    assert rules_of(data) == {MAINTENANCE: ["alpha"]}
    (fault,) = data["documentFaults"]
    assert (fault["field"], fault["found"]) == ("spec.waivers[0].expires", "2999-01-01")
    assert (fault["location"]["path"], fault["location"]["line"]) == (WAIVERS, 7)
    assert "at most 366 days away" in fault["expected"]
    assert "waiver_days" in fault["fix"]


def test_how_long_a_waiver_may_last_is_a_setting(
    csoc: Csoc, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.write({**LOW, WAIVERS: waivers(waiver(MAINTENANCE, expires=SOON))})
    assert csoc("check", "fleet") == 0
    monkeypatch.setenv("CSOC_WAIVER_DAYS", "30")
    assert csoc("check", "fleet") == 1
    later = (datetime.now(UTC).date() + timedelta(days=20)).isoformat()
    repository.write({WAIVERS: waivers(waiver(MAINTENANCE, expires=later))})
    assert csoc("check", "fleet") == 0


def test_the_summary_says_how_bad_what_is_silenced_is(csoc: Csoc, repository: Repository) -> None:
    repository.write({**LOW, **CRITICAL, WAIVERS: waivers(waiver(MISSING))})
    assert csoc("check", "fleet") == 1
    assert "1 finding waived: not counted (1 critical)." in csoc.out
    csoc("check", "fleet", "--write-baseline")
    data = report(csoc, "fleet", code=0)
    assert (data["summary"]["waivedBySeverity"]["critical"], data["summary"]["knownBySeverity"]["low"]) == (1, 1)
    assert csoc("check", "fleet") == 0
    assert "1 finding known from the baseline: not counted (1 low)." in csoc.out


def test_values_of_the_fleet_are_the_test(csoc: Csoc, repository: Repository) -> None:
    """The fleet without a change has no finding, so that each test above shows what its change does."""
    assert values("alpha.example.org") == FILES[ALPHA]
    assert csoc("check", "fleet") == 0
