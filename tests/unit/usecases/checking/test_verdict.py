"""What a change makes worse, and what it is judged by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from csoc.cli.formats import jsonreport, text
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState
from csoc.testing.fleets import NOW, World, environment
from csoc.usecases.checking.checker import FleetChecker
from csoc.usecases.checking.verdict import CheckRequest, Verdict, check_fleet

LEVELS = {"bad": Severity.HIGH, "odd": Severity.MEDIUM}
RULE_ID = "level"


def _level(state: EnvironmentState) -> Iterator[Hit]:
    level = state.get("global.level")
    if level in LEVELS:
        yield Hit("the level is not right", "level", (state.at("global.level"),), severity=LEVELS[level])


RULE = Rule(RULE_ID, "t", Severity.LOW, "c", "f", environment=_level)


def fleet(*, alpha: str = "", beta: str = "", branch: str = "main", world: World | None = None) -> World:
    made = world or World()
    for name, level in (("alpha", alpha), ("beta", beta)):
        host = f"{name}.example.org"
        made.write(environment("east", host, f"global: {{hostname: {host}, level: '{level}'}}\n"), branch=branch)
    return made


def changed(world: World, **request: object) -> Verdict:
    ports = world.ports()
    wanted = CheckRequest(base="base", **request)  # type: ignore[arg-type]
    return check_fleet(ports, world.load(), wanted, checker=FleetChecker(ports, rules=[RULE]))


def since(world: World) -> World:
    world.home.branches["base"] = world.home.branches["main"]
    return world


def waivers(owner: str = "Ada", *, days: int = 30, environments: str = "[]", rule: str = RULE_ID) -> str:
    day = (NOW + timedelta(days=days)).date().isoformat()
    entry = (
        f"{{rule: {rule}, reason: It is being replaced, owner: {owner}, expires: {day}, environments: {environments}}}"
    )
    head = "apiVersion: csoc.gen3.org/v1alpha1\nkind: Waivers\nmetadata: {name: ours}\nspec:\n  waivers:\n"
    return f"{head}    - {entry}\n"


def baseline(fingerprint: str, *environments: str) -> str:
    names = ", ".join(environments)
    return (
        "apiVersion: csoc.gen3.org/v1alpha1\nkind: Baseline\nmetadata: {name: first}\n"
        f"spec: {{madeAt: 2026-11-01T09:00:00Z, commit: '{'0' * 40}', csoc: '1', "
        f"findings: [{{rule: {RULE_ID}, fingerprint: {fingerprint}, environments: [{names}]}}]}}\n"
    )


def test_a_finding_that_got_worse_is_new_and_says_what_it_was() -> None:
    world = since(fleet(alpha="odd"))
    fleet(alpha="bad", world=world)
    verdict = changed(world)
    (finding,) = verdict.findings
    assert (finding.severity, verdict.failed) == (Severity.HIGH, True)
    assert jsonreport.report(verdict)["findings"][0]["worse"] == [{"environment": "alpha", "before": "medium"}]
    assert any("worse than before: it was medium in alpha" in line.text for line in text.report(verdict))


def test_a_finding_that_got_milder_or_stayed_is_not_new() -> None:
    world = since(fleet(alpha="bad", beta="odd"))
    fleet(alpha="odd", beta="odd", world=world)
    verdict = changed(world)
    assert (verdict.findings, len(verdict.outcome.report.known)) == ((), 1)


def test_an_environment_is_not_worse_because_another_one_with_the_same_cause_is() -> None:
    world = since(fleet(alpha="odd"))
    fleet(alpha="odd", beta="bad", world=world)
    verdict = changed(world)
    assert [(item.environments, item.severity) for item in verdict.findings] == [(("beta",), Severity.HIGH)]
    assert [(item.environments, item.severity) for item in verdict.outcome.report.known] == [
        (("alpha",), Severity.MEDIUM)
    ]
    assert verdict.outcome.report.worse == {}


def test_a_milder_finding_does_not_fail_because_a_worse_one_of_its_cause_is_known() -> None:
    world = since(fleet(alpha="bad"))
    fleet(alpha="bad", beta="odd", world=world)
    assert not changed(world, fail_on=Severity.HIGH).failed
    assert changed(world, fail_on=Severity.MEDIUM).failed


def test_a_baseline_does_not_hide_that_a_finding_got_worse() -> None:
    world = fleet(alpha="odd")
    (finding,) = check_fleet(
        world.ports(), world.load(), CheckRequest(), checker=FleetChecker(world.ports(), rules=[RULE])
    ).findings
    world.write({".csoc/baseline.yaml": baseline(finding.fingerprint, "alpha", "beta")})
    since(world)
    fleet(alpha="bad", beta="odd", world=world)
    verdict = changed(world)
    assert not verdict.faults
    assert [item.environments for item in verdict.findings] == [("alpha",)]
    assert [item.environments for item in changed(world, baseline=False).findings] == [("alpha", "beta")]


def test_an_entry_of_the_baseline_that_is_new_in_the_change_does_not_count_unless_it_is_accepted() -> None:
    world = since(fleet())
    fleet(alpha="bad", world=world)
    (finding,) = changed(world).findings
    world.write({".csoc/baseline.yaml": baseline(finding.fingerprint, "alpha")})
    verdict = changed(world)
    assert verdict.failed
    assert verdict.outcome.report.decided == {(finding.fingerprint, "alpha"): None}
    assert not changed(world, accept=True).failed


def test_a_waiver_that_the_change_widens_counts_where_it_was_before_and_nowhere_else() -> None:
    world = fleet()
    world.write({".csoc/waivers.yaml": waivers(environments="[alpha]")})
    since(world)
    fleet(alpha="bad", beta="bad", world=world)
    world.write({".csoc/waivers.yaml": waivers(environments="[alpha, beta]")})
    verdict = changed(world)
    assert [item.environments for item in verdict.findings] == [("beta",)]
    assert [item.environments for item, _ in verdict.outcome.report.waived] == [("alpha",)]


def test_a_waiver_that_had_ended_and_is_renewed_in_the_change_is_new() -> None:
    world = fleet()
    world.write({".csoc/waivers.yaml": waivers(days=-1)})
    since(world)
    fleet(alpha="bad", world=world)
    world.write({".csoc/waivers.yaml": waivers(days=30)})
    assert changed(world).failed


def test_a_waiver_that_the_change_takes_away_counts_no_more() -> None:
    world = fleet()
    world.write({".csoc/waivers.yaml": waivers()})
    since(world)
    fleet(alpha="bad", world=world)
    world.write({".csoc/waivers.yaml": None})
    assert changed(world).failed


def test_a_waiver_counts_for_a_year_at_most_by_default() -> None:
    world = fleet(alpha="bad")
    for days, failed in ((366, False), (367, True)):
        world.write({".csoc/waivers.yaml": waivers(days=days)})
        verdict = check_fleet(
            world.ports(), world.load(), CheckRequest(), checker=FleetChecker(world.ports(), rules=[RULE])
        )
        assert (verdict.failed, len(verdict.findings), len(verdict.faults)) == (failed, int(failed), int(failed))


def test_an_environment_is_compared_by_values_only_where_one_side_does_not_render() -> None:
    rendered = replace(RULE, id="rendered", rendered=True, environment=_when_rendered)
    world = World()
    world.write(environment("east", "alpha.example.org", "fence: {break: 'no such key'}\nglobal: {level: bad}\n"))
    since(world)
    world.write(environment("east", "alpha.example.org", "global: {level: bad}\n"))
    ports = world.ports()
    checker = FleetChecker(ports, rules=[RULE, rendered])
    verdict = check_fleet(ports, world.load(), CheckRequest(base="base"), checker=checker)
    assert verdict.findings == ()
    assert [item.rule for item in verdict.outcome.report.uncompared] == ["rendered"]
    (unlike,) = verdict.uncompared
    assert (unlike.before, unlike.now) == ("its chart does not render", "")
    assert unlike.extent == "values and the chart's defaults only"


def _when_rendered(state: EnvironmentState) -> Iterator[Hit]:
    if state.objects():
        yield Hit("it renders", "r", (state.at("global.level"),))
