"""The table of steps, and the steps that need no cloud."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace

import pytest

from csoc.errors import NotFoundError
from csoc.fleet.githost import MergeMethod, PullRequest, Verdict
from csoc.operations import registry, steps
from csoc.operations.runs import RunState
from csoc.operations.services import ApprovalStanding, Services, Standing
from csoc.operations.steps.base import StepKind
from csoc.testing.runs import step
from tests.contract.githost_worlds import MemoryWorld
from tests.unit.operations.world import World


def test_the_table_lists_every_module_of_steps_once() -> None:
    modules = {found.name for found in pkgutil.iter_modules(steps.__path__)} - {"base"}
    listed = {importlib.import_module(f"{steps.__name__}.{name}").STEP.kind for name in modules}
    assert set(registry.STEPS) == listed
    assert len(listed) == len(modules)


@pytest.mark.parametrize("kind", registry.STEPS.values(), ids=lambda kind: kind.kind)
def test_a_step_says_what_it_touches_and_what_it_takes(kind: StepKind) -> None:
    assert kind.touches
    assert all(kind.arguments.values())
    assert kind.attempts > 0
    assert kind.timeout_seconds > 0


# Approval


class Approvals:
    def __init__(self, *answers: ApprovalStanding) -> None:
        self._answers = list(answers)

    def standing(self, plan: str) -> ApprovalStanding:
        if plan != "p1":
            raise NotFoundError("There is no such plan", place=f"plan {plan}")
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


WANTED = ApprovalStanding(Standing.WANTED, why="it needs one of the owners")


def approval_world(*answers: ApprovalStanding, plan: object = "p1") -> World:
    world = World(services=Services(approvals=Approvals(*answers)), kinds=dict(registry.STEPS))
    world.add("x", steps=(step(1, "approval", "wait for approval", plan=plan),))
    return world


def test_a_plan_is_waited_for_until_it_is_approved() -> None:
    world = approval_world(WANTED, WANTED, ApprovalStanding(Standing.APPROVED, by="eve"))
    seen: set[tuple[str, str]] = set()
    world.during_wait = lambda seconds: seen.add((world.run().step(1).waits_for, world.run().step(1).fix))
    run = world.work()
    assert run.state is RunState.SUCCEEDED
    assert run.step(1).result == {"plan": "p1", "by": "eve"}
    assert seen == {("the approval of plan p1: it needs one of the owners", "csoc approve p1")}


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (ApprovalStanding(Standing.REFUSED, by="eve", why="too big"), "plan p1: eve refused the plan: too big"),
        (ApprovalStanding(Standing.STALE, why="the network changed"), "no longer says what would happen: the network"),
    ],
)
def test_a_plan_that_is_refused_or_stale_fails_the_run(answer: ApprovalStanding, cause: str) -> None:
    run = approval_world(WANTED, answer).work()
    assert run.state is RunState.FAILED
    assert cause in run.step(1).cause
    assert run.step(1).fix


@pytest.mark.parametrize("plan", ["", None, 3, "nope"])
def test_a_plan_that_is_not_there_or_not_named_fails_the_run(plan: object) -> None:
    assert approval_world(WANTED, plan=plan).work().state is RunState.FAILED


def test_an_executor_without_approvals_says_so() -> None:
    world = approval_world(WANTED)
    world.services = Services()
    assert "nothing to ask about approvals" in world.work().step(1).cause


# Merge


class Proposed:
    """A pull request at a host in memory, and a run that waits for its merge."""

    def __init__(self, **arguments: object) -> None:
        self.site = MemoryWorld()
        self.site.protect(approvals=1)
        commit = self.site.push("csoc/r1", {"values.yaml": "replicas: 2\n"})
        self.pull: PullRequest = self.site.host("maker").open_pull_request(
            head="csoc/r1", base="main", title="One", body=""
        )
        self.commit = commit
        given = {"repository": "https://git.example.org/acme/fleet", "number": self.pull.number} | arguments
        services = Services(githost=lambda address: self.site.host("maker"))
        self.world = World(services=services, kinds=dict(registry.STEPS))
        self.world.add("x", steps=(step(1, "merge", "wait for merge", **given),))

    def merge(self) -> None:
        head = self.site.host("maker").get(self.pull.number).head_commit
        self.site.host("approver").review(self.pull.number, Verdict.APPROVED, "fine", commit=head)
        self.site.host("approver").merge(self.pull.number, MergeMethod.MERGE, expected_head=head)


def test_a_merge_is_waited_for_and_what_it_lacks_is_said() -> None:
    proposed = Proposed()
    seen: list[str] = []

    def wait(seconds: float) -> None:
        seen.append(proposed.world.run().step(1).waits_for)
        if len(seen) == 3:
            proposed.merge()

    proposed.world.during_wait = wait
    run = proposed.world.work()
    assert run.state is RunState.SUCCEEDED
    assert "main needs 1 approval, it has 0" in seen[0]
    assert proposed.pull.url in seen[0]
    assert run.step(1).result["commit"] == proposed.site.host("maker").get(proposed.pull.number).merge_commit


def test_a_pull_request_that_is_closed_fails_the_run() -> None:
    proposed = Proposed()
    proposed.site.host("maker").close(proposed.pull.number)
    run = proposed.world.work()
    assert run.state is RunState.FAILED
    assert "closed without being merged" in run.step(1).cause


def test_other_commits_than_the_proposed_ones_fail_the_run_where_they_were_named() -> None:
    proposed = Proposed(head="0" * 40)
    run = proposed.world.work()
    assert run.state is RunState.FAILED
    assert "not 000000000000, which this run proposed" in run.step(1).cause


def test_a_host_that_does_not_answer_leaves_the_run_to_be_resumed() -> None:
    proposed = Proposed()
    proposed.world.services = replace(proposed.world.services, githost=lambda address: proposed.site.down())
    assert proposed.world.work().state is RunState.ERRORED
