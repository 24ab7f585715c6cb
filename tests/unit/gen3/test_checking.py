"""Which findings a reader must act on: rules that trip, waivers, what is known, and what waivers are worth."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from csoc.gen3.checking import (
    Waiver,
    check_environment,
    check_fleet,
    known_from,
    only,
    report,
)
from csoc.gen3.findings import Evidence, Finding, Patch, Severity, merge, to_json
from csoc.gen3.own_rules import (
    CHECK_FAILED,
    DOCUMENT_GONE,
    ENVIRONMENT_GONE,
    FILE_UNREADABLE,
    OWN_RULES,
    STAGE_LOWERED,
    WAIVER_EXPIRED,
    WAIVER_UNUSED,
)
from csoc.gen3.rules import table
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState, FleetState
from csoc.testing.states import environment_state, environment_view, fleet_state, location

TODAY = date(2026, 11, 23)


def finding(
    key: str = "k", environments: tuple[str, ...] = ("a",), rule: str = "r", severity: Severity = Severity.LOW
) -> Finding:
    evidence = tuple(Evidence("x", location(f"{name}.yaml", 1), name) for name in environments)
    patches = tuple(Patch(location(f"{name}.yaml", 1), 0, ("k",), "set", [1]) for name in environments)
    return Finding(rule, severity, "c", "c", "f", environments, evidence, key, patches=patches)


def waiver(rule: str = "r", **more: object) -> Waiver:
    given = {"reason": "because", "owner": "Ada", "expires": date(2026, 12, 31), **more}
    return Waiver(rule, **given)  # type: ignore[arg-type]


def judged(
    *findings: Finding, waivers: tuple[Waiver, ...] = (), **more: object
) -> tuple[list[str], list[str], list[str]]:
    """Rule and environments of what is to act on, waived and known."""
    given = {"known": {}, "today": TODAY, **more}
    made = report(findings, waivers=waivers, **given)  # type: ignore[arg-type]
    act, waived, known = made.findings, [item for item, _ in made.waived], made.known

    def short(items: object) -> list[str]:
        return [f"{item.rule} {','.join(item.environments)}".strip() for item in items]  # type: ignore[attr-defined]

    return short(act), short(waived), short(known)


def test_one_cause_is_one_finding_with_all_environments_and_the_worst_severity() -> None:
    (made,) = merge([finding(environments=("a",)), finding(environments=("b",), severity=Severity.HIGH)])
    assert (made.environments, made.severity) == (("a", "b"), Severity.HIGH)
    assert [item.environment for item in made.evidence] == ["a", "b"]
    assert len(made.patches) == 2


def test_what_a_fix_would_write_is_printed_masked_where_it_looks_secret() -> None:
    patch = Patch(location("a.yaml", 1), 0, ("fence", "dbPassword"), "set", "hunter2-but-longer")
    (printed,) = to_json(replace(finding(), patches=(patch,)))["patches"]
    assert "hunter2" not in str(printed)
    assert (printed["path"], printed["action"]) == (["fence", "dbPassword"], "set")
    (plain,) = to_json(finding())["patches"]
    assert plain["value"] == [1]


def test_a_waiver_covers_its_environments_only() -> None:
    both = finding(environments=("prod-a", "dev-a"))
    assert judged(both, waivers=(waiver(environments=("prod-*",)),)) == (["r dev-a"], ["r prod-a"], [])


@pytest.mark.parametrize("by", [{"key": "k"}, {"fingerprint": finding().fingerprint}])
def test_a_waiver_can_be_about_one_cause_by_key_or_fingerprint(by: dict[str, str]) -> None:
    assert judged(finding("k"), finding("other"), waivers=(waiver(**by),)) == (["r a"], ["r a"], [])


def test_a_waiver_holds_on_its_last_day_and_is_a_finding_on_the_next() -> None:
    assert judged(finding(), waivers=(waiver(expires=TODAY),))[0] == []
    assert judged(finding(), waivers=(waiver(expires=date(2026, 11, 22)),))[0] == ["r a", WAIVER_EXPIRED]


def test_what_is_known_is_known_for_each_environment() -> None:
    known = known_from([finding(environments=("a",)), finding(environments=("c",))])
    assert judged(finding(environments=("a", "b", "c")), known=known) == (["r b"], [], ["r a,c"])


def test_a_finding_about_the_fleet_itself_can_be_known_and_waived() -> None:
    fleet = finding(environments=())
    assert judged(fleet, known=known_from([fleet])) == ([], [], ["r"])
    assert judged(fleet, waivers=(waiver(),)) == ([], ["r"], [])
    assert judged(fleet, waivers=(waiver(environments=("*x",)),))[0] == ["r"]


def test_a_waiver_that_covers_nothing_is_told_if_its_rule_saw_everything() -> None:
    assert judged(waivers=(waiver(),), settled={"r"})[0] == [WAIVER_UNUSED]
    assert judged(waivers=(waiver(),), settled={"other"})[0] == []
    assert judged(waivers=(waiver(),), settled={"r"}, whole=False)[0] == []
    assert judged(finding(), waivers=(waiver(),), settled={"r"})[0] == []


def test_a_waiver_of_a_rule_that_does_not_exist_names_the_nearest() -> None:
    made = report([], waivers=[waiver("chart-not-pined")], known={}, today=TODAY, rules=["chart-not-pinned"])
    assert "did you mean chart-not-pinned?" in made.findings[0].cause


def test_what_waivers_are_worth_can_be_known_too() -> None:
    ended = waiver(expires=date(2020, 1, 1))
    before = report([], waivers=[ended], known={}, today=TODAY).findings
    assert judged(waivers=(ended,), known=known_from(before)) == ([], [], [WAIVER_EXPIRED])


def test_the_part_of_a_finding_has_the_patches_in_the_files_that_it_shows() -> None:
    part = only(finding(environments=("a", "b")), ["b"])
    assert [patch.location.path for patch in part.patches] == ["b.yaml"]
    shared = replace(
        finding(environments=("a", "b")),
        evidence=(Evidence("x", location("s.yaml"), "a"), Evidence("x", location("s.yaml"), "b")),
        patches=(Patch(location("s.yaml", 4), 0, ("k",), "set", 1),),
    )
    assert only(shared, ["b"]).patches == shared.patches


def _trips(state: EnvironmentState) -> list[Hit]:
    raise TypeError("hunter2")


def _fleet_trips(state: FleetState) -> list[Hit]:
    raise KeyError("hunter2")


def test_a_rule_that_trips_is_told_hides_no_other_rule_and_shows_no_value() -> None:
    def fine(state: EnvironmentState) -> list[Hit]:
        return [Hit("c", "k", ())]

    rules = [
        Rule("trips", "t", Severity.HIGH, "c", "f", environment=_trips),
        Rule("fine", "t", Severity.HIGH, "c", "f", environment=fine),
    ]
    found = check_environment(environment_state("a: 1"), rules)
    assert [item.rule for item in found] == [CHECK_FAILED, "fine"]
    assert "trips" in found[0].cause
    assert "hunter2" not in str(found)


def test_a_rule_about_the_fleet_that_trips_is_told() -> None:
    rule = Rule("trips", "t", Severity.HIGH, "c", "f", fleet=_fleet_trips)
    (found,) = check_fleet(fleet_state([environment_view()]), [rule])
    assert (found.rule, found.environments) == (CHECK_FAILED, ())
    assert "hunter2" not in str(found)


def test_where_values_could_not_be_read_only_rules_that_need_none_run() -> None:
    def hit(state: EnvironmentState) -> list[Hit]:
        return [Hit("c", "k", ())]

    rules = [
        Rule("needs", "t", Severity.HIGH, "c", "f", environment=hit),
        Rule("does-without", "t", Severity.HIGH, "c", "f", environment=hit, without_values=True),
    ]
    state = replace(environment_state("a: 1"), unread=("values.yaml",))
    assert [item.rule for item in check_environment(state, rules)] == ["does-without"]


def test_rules_about_one_environment_do_not_look_at_the_day() -> None:
    # Their results are kept by content; what depends on the date is a rule about the fleet.
    for rule in table.RULES:
        if rule.environment is not None:
            source = Path(str(rule.environment.__code__.co_filename)).read_text("utf-8")
            assert 'context["now"]' not in source, rule.id


def test_what_checking_itself_finds_is_described_like_rules() -> None:
    of_checking = {CHECK_FAILED, WAIVER_EXPIRED, WAIVER_UNUSED}
    of_comparing = {ENVIRONMENT_GONE, DOCUMENT_GONE, FILE_UNREADABLE, STAGE_LOWERED}
    assert {rule.id for rule in OWN_RULES} == of_checking | of_comparing
    assert not {rule.id for rule in OWN_RULES} & {rule.id for rule in table.RULES}
    assert all(rule.title and rule.consequence and rule.fix for rule in OWN_RULES)
