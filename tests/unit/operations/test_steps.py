"""The table of steps, and the steps that need no cloud."""

from __future__ import annotations

import importlib
import pkgutil
from typing import cast

import pytest

from csoc.errors import ConflictError, CsocError, NotFoundError, UnavailableError
from csoc.operations import registry, steps
from csoc.operations.runs import Run, RunState
from csoc.operations.services import ApprovalStanding, Delivery, Services, Standing, Written
from csoc.operations.steps.base import StepKind
from csoc.testing.runs import step
from tests.unit.operations.world import World


def test_the_table_lists_every_module_of_steps_once() -> None:
    modules = {found.name for found in pkgutil.iter_modules(steps.__path__)} - {"base"}
    kinds = {name: importlib.import_module(f"{steps.__name__}.{name}").STEP.kind for name in modules}
    assert kinds == {name: name.replace("_", " ") for name in modules}, "a module is called as its kind"
    assert set(registry.STEPS) == set(kinds.values())


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


class Writing:
    """What becomes of a change of Git, one look after the other; an error is raised."""

    def __init__(self, *looks: Written | CsocError) -> None:
        self._looks = iter(looks)

    def remove_documents(self, run: Run) -> Written:
        found = next(self._looks)
        if isinstance(found, CsocError):
            raise found
        return found


def writing_world(*looks: Written | CsocError) -> World:
    services = Services(delivery=cast(Delivery, Writing(*looks)))
    world = World(services=services, kinds=dict(registry.STEPS))
    world.add("x", steps=(step(1, "documents", "remove documents"),))
    return world


PULL = "https://git.example.org/acme/fleet/pulls/1"


def test_a_merge_is_waited_for_and_what_it_lacks_is_said() -> None:
    lacking = ("main needs 1 approval, it has 0",)
    world = writing_world(Written("", "", PULL, lacking), Written("", "", PULL), Written("c" * 40))
    seen: list[str] = []
    world.during_wait = lambda _: seen.append(world.run().step(1).waits_for)
    run = world.work()
    assert run.state is RunState.SUCCEEDED
    assert list(dict.fromkeys(seen)) == [
        f"the merge of {PULL}: main needs 1 approval, it has 0",
        f"the merge of {PULL}",
    ]
    assert run.step(1).result == {"commit": "c" * 40}


def test_a_pull_request_that_is_closed_fails_the_run() -> None:
    run = writing_world(Written("", "", PULL), ConflictError("It was closed", place=PULL, fix="Reopen it")).work()
    assert run.state is RunState.FAILED
    assert (run.step(1).cause, run.step(1).fix) == (f"{PULL}: It was closed", "Reopen it")


def test_a_host_that_does_not_answer_leaves_the_run_to_be_resumed() -> None:
    down = [UnavailableError("The host cannot be reached") for _ in range(10)]
    assert writing_world(Written("", "", PULL), *down).work().state is RunState.ERRORED
