"""Results that are kept without commits, and the checker that keeps them."""

from __future__ import annotations

from dataclasses import replace

from csoc.fleet.location import Location
from csoc.gen3.findings import ChartUsed, Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.patching import set_value
from csoc.gen3.state import EnvironmentState
from csoc.testing.fleets import World, application, environment
from csoc.usecases.checking.baseline import write_baseline
from csoc.usecases.checking.cached_results import Anchors, decode, encode
from csoc.usecases.checking.checker import FleetChecker
from csoc.usecases.checking.fix import apply_fixes, plan_fixes

COMMON = b"global: {hostname: e3.example.org, dev: true}\n"
OTHER = "https://git.example.org/ops/shared"


def _dev(state: EnvironmentState) -> list[Hit]:
    if state.get("global.dev") is not True:
        return []
    return [Hit("c", "dev", (state.at("global.dev"),), patches=set_value(state, "global.dev", False))]


RULE = Rule("dev", "t", Severity.LOW, "c", "f", environment=_dev)


def world_with_shared_values() -> World:
    world = World()
    shared = world.repositories.add(OTHER)
    shared.write("main", {"common.yaml": COMMON})
    world.write({"c3/app.yaml": application("e3", values=("common.yaml",), fleet=OTHER)})
    return world


def test_a_place_loses_its_commit_and_gets_the_present_one_back() -> None:
    world = world_with_shared_values()
    fleet = world.load()
    home, other = fleet.discovery.trees.opened()[:1] + fleet.discovery.trees.opened()[-1:]
    anchors = Anchors(fleet.discovery.trees.opened())
    for tree in (home, other):
        place = Location(tree.repository, tree.commit, "x.yaml", 3, 4)
        loose = anchors.loosen(place)
        assert loose is not None
        assert loose.commit != tree.commit
        assert anchors.fix(loose) == place
    unknown = Location("git.example.org/x", "1" * 40, "x.yaml")
    assert anchors.loosen(unknown) == anchors.fix(unknown) == unknown
    assert anchors.loosen(None) is anchors.fix(None) is None


def test_a_kept_finding_in_another_repository_names_that_repositorys_present_commit() -> None:
    world = World()
    shared = world.repositories.add(OTHER)
    shared.write("main", {"common.yaml": COMMON})
    world.write({"c3/app.yaml": application("e3", values=("common.yaml",), fleet=OTHER)})
    checker = FleetChecker(world.ports(), rules=[RULE])
    (before,) = checker.check(world.load()).report.findings
    commit = shared.write("main", {"README.md": b"x"})
    outcome = checker.check(world.load())
    (after,) = outcome.report.findings
    assert outcome.cached == 1
    places = [item.location for item in (*before.evidence, *after.evidence)]
    assert [place.path for place in places if place] == ["common.yaml", "common.yaml"]
    assert places[1] is not None
    assert places[1].commit == commit


def test_what_is_kept_is_kept_between_processes() -> None:
    world = world_with_shared_values()
    FleetChecker(world.ports(), rules=[RULE]).check(world.load())
    outcome = FleetChecker(world.ports(), rules=[RULE]).check(world.load())
    assert (outcome.checked, outcome.cached, outcome.fresh) == (1, 1, ())
    assert outcome.results["e3-dev"].facts.environment == "e3-dev"


def test_a_result_that_was_cut_or_altered_is_as_good_as_none() -> None:
    world = world_with_shared_values()
    result = FleetChecker(world.ports(), rules=[RULE]).check(world.load()).results["e3-dev"]
    written = encode(result)
    assert decode(written) == result
    assert result.findings[0].patches
    full = replace(result.findings[0], chart=ChartUsed("used", "named", differs=True), environments=("a", "b"))
    odd = replace(full, evidence=(Evidence("nowhere"),), patches=(), severity=Severity.CRITICAL)
    both = replace(result, findings=(full, odd))
    assert decode(encode(both)) == both
    assert decode(written[:-5]) is None
    assert decode(b"[]") is None
    assert decode(b'{"findings": [{}], "facts": "{}"}') is None


def test_memory_holds_the_last_two_checks_and_no_more() -> None:
    world = World()
    world.write(environment("c1", "e1.example.org", "a: 0"))
    checker = FleetChecker(world.ports(), rules=[RULE])
    path = next(path for path in world.load().tree.entries() if "values" in path)
    for number in range(5):
        world.write({path: f"global: {{hostname: e1.example.org, number: {number}}}\n"})
        checker.check(world.load())
    assert len(checker._results) == 2


def fixable() -> World:
    world = World()
    world.write(environment("c1", "e1.example.org", "global: {dev: true}"))
    return world


def test_a_fix_of_a_remote_fleet_is_a_pull_request() -> None:
    world = fixable()
    ports, fleet = world.ports(), world.load()
    checker = FleetChecker(ports, rules=[RULE])
    outcome = checker.check(fleet)
    plan = plan_fixes(ports, fleet, outcome.report.findings, outcome, checker)
    assert [finding.rule for finding in plan.gone] == ["dev"]
    published = apply_fixes(ports, fleet, plan, pull_request=True)
    assert published is not None
    assert published.pull_request is not None
    assert published.pull_request.title == "Mend dev"
    assert "dev: false" in world.read(plan.writes[0].path, published.branch)
    assert "dev: true" in world.read(plan.writes[0].path)


def test_a_finding_whose_place_is_elsewhere_is_left_with_the_reason() -> None:
    world = world_with_shared_values()
    ports, fleet = world.ports(), world.load()
    checker = FleetChecker(ports, rules=[RULE])
    outcome = checker.check(fleet)
    plan = plan_fixes(ports, fleet, outcome.report.findings, outcome, checker)
    assert plan.writes == ()
    ((finding, reason),) = plan.left
    assert finding.rule == "dev"
    assert "another repository" in reason


def test_rules_that_want_two_things_of_one_place_are_both_left_alone() -> None:
    def wants_on(state: EnvironmentState) -> list[Hit]:
        return [replace(hit, patches=set_value(state, "global.dev", "on")) for hit in _dev(state)]

    world = fixable()
    ports, fleet = world.ports(), world.load()
    checker = FleetChecker(ports, rules=[RULE, replace(RULE, id="other", environment=wants_on)])
    outcome = checker.check(fleet)
    plan = plan_fixes(ports, fleet, outcome.report.findings, outcome, checker)
    assert plan.writes == ()
    assert {reason for _, reason in plan.left if "two ways" in reason}
    assert len(plan.left) == 2


def test_a_baseline_of_a_remote_fleet_is_a_pull_request() -> None:
    world = fixable()
    ports, fleet = world.ports(), world.load()
    outcome = FleetChecker(ports, rules=[RULE]).check(fleet)
    written = write_baseline(ports, fleet, outcome, pull_request=True)
    assert (written.path, written.count) == (".csoc/baseline.yaml", 1)
    assert written.published is not None
    text = world.read(written.path, written.published.branch)
    assert outcome.report.findings[0].fingerprint in text
