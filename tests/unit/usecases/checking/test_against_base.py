"""What counts as the same finding before and after a change."""

from __future__ import annotations

from dataclasses import replace

from csoc.fleet.argocd.model import Problem
from csoc.fleet.argocd.trees import problem_at
from csoc.gen3.findings import Evidence, Finding, Severity
from csoc.testing.states import environment_view, location
from csoc.usecases.checking.against_base import came_and_went, missing_from, problem_key, renamings


def finding(key: str = "k", environments: tuple[str, ...] = ("a",), line: int = 1) -> Finding:
    evidence = tuple(Evidence("x", location("v.yaml", line), name) for name in environments)
    return Finding("r", Severity.LOW, "c", "c", "f", environments, evidence, key)


def test_an_environment_whose_application_stays_in_its_place_is_the_same_by_any_name() -> None:
    before = environment_view("alpha")
    assert renamings([before], [replace(before, name="omega")]) == {"alpha": "omega"}


def test_an_environment_whose_files_moved_is_the_same_where_it_runs_in_the_same_place() -> None:
    before = environment_view("alpha", namespace="n1")
    elsewhere = replace(before.application, location=location("new/app.yaml"))
    now = replace(before, name="omega", application=elsewhere)
    assert renamings([before], [now]) == {"alpha": "omega"}
    assert renamings([before], [replace(now, namespace="n2")]) == {}


def test_nothing_is_guessed_where_two_could_be_meant() -> None:
    before = environment_view("alpha", namespace="n1")
    now = [
        replace(before, name=name, application=replace(before.application, location=location(f"{name}/app.yaml")))
        for name in ("one", "two")
    ]
    assert renamings([before], now) == {}


def test_names_that_stay_are_no_renamings() -> None:
    views = [environment_view("alpha"), environment_view("beta", namespace="b")]
    assert renamings(views, views) == {}


def test_two_that_swap_their_names_are_told_apart() -> None:
    one, two = environment_view("one", namespace="n1"), environment_view("two", namespace="n2")
    assert renamings([one, two], [replace(one, name="two"), replace(two, name="one")]) == {"one": "two", "two": "one"}


def test_the_same_cause_counts_for_each_environment_alone() -> None:
    (left,) = missing_from([finding(environments=("a", "b"))], [finding(environments=("a",))])
    assert left.environments == ("b",)
    assert [item.environment for item in left.evidence] == ["b"]


def test_a_problem_is_the_same_one_wherever_its_places_moved() -> None:
    def problem(*paths: str) -> Problem:
        return problem_at("unreachable repository", "x@main could not be read", [location(path) for path in paths])

    assert problem_key(problem("a.yaml", "b.yaml")) == problem_key(problem("b.yaml", "c.yaml"))
    assert problem_key(Problem("k", "a.yaml:3 is odd", location("a.yaml", 3))) == problem_key(
        Problem("k", "a.yaml:9 is odd", location("a.yaml", 9))
    )
    assert problem_key(problem("a.yaml")) != problem_key(problem("b.yaml"))


def test_lines_do_not_matter() -> None:
    assert came_and_went([finding(line=1)], [finding(line=9)], {}) == ((), ())


def test_a_renamed_environment_keeps_its_findings_also_where_the_key_names_it() -> None:
    before, now = finding("alpha behind alpha-2", ("alpha",)), finding("omega behind alpha-2", ("omega",))
    assert came_and_went([before], [now], {"alpha": "omega"}) == ((), ())


def test_a_key_that_only_sounds_like_the_old_name_stays() -> None:
    before, now = finding("fence", ("fence",)), finding("fence", ("gates",))
    assert came_and_went([before], [now], {"fence": "gates"}) == ((), ())


def test_what_is_gone_is_told_under_its_present_name() -> None:
    new, gone = came_and_went([finding(environments=("alpha", "beta"))], [], {"alpha": "omega"})
    assert new == ()
    assert gone[0].environments == ("omega", "beta")
