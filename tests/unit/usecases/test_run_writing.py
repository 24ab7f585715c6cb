"""What a run proposes has one pull request in its life, whatever somebody does with it and however often the run looks
again: each look is that of a process that remembers nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from csoc.errors import ConflictError, CsocError
from csoc.fleet.githost import MergeMethod
from csoc.operations.runs import Run
from csoc.operations.services import Written
from csoc.testing.fleets import HOME
from csoc.testing.fleets import World as Fleet
from csoc.usecases.planning.writing import Content, write

OUTPUTS = "commons/heart/heart-dev/values/90-outputs.yaml"
CONTENT = Content({OUTPUTS: b"a: 1\n"}, "Outputs of heart-dev", "outputs-heart-dev", "What the run made.")


@dataclass
class World:
    """A fleet whose main branch nobody pushes to, and a run."""

    fleet: Fleet = field(default_factory=Fleet)

    def __post_init__(self) -> None:
        self.fleet.write({"fleet.yaml": "a: 1\n"})
        self.fleet.host.protect("main")

    def look(self, content: Content = CONTENT, *, pull_request: bool = True) -> Written:
        at = datetime(2026, 11, 23, tzinfo=UTC)
        arguments = {"fleet": HOME, "pull_request": pull_request}
        run = Run("r1", "apply", "uid", "environment heart-dev", "sts:ada", at, arguments=arguments)
        return write(self.fleet.ports(), run, HOME, content)

    def merge(self, method: MergeMethod = MergeMethod.SQUASH) -> str:
        host = self.fleet.host.as_user("approver")
        return host.merge(1, method, expected_head=host.get(1).head_commit).commit

    @property
    def pulls(self) -> int:
        return len(self.fleet.host.pulls)


@pytest.fixture
def world() -> World:
    return World()


def test_it_is_proposed_once_and_done_with_the_commit_that_was_merged(world: World) -> None:
    first = world.look()
    assert (first.commit, first.pull_request) == ("", f"{HOME}/pulls/1")
    assert world.look() == first
    commit = world.merge()
    world.fleet.host.as_user("approver").delete_branch("csoc/outputs-heart-dev-r1")
    world.fleet.host.git.protected.clear()
    world.fleet.write({OUTPUTS: "a: 2\n"}, "Somebody goes on")
    assert world.look() == Written(commit)
    assert world.look() == Written(commit)
    assert world.pulls == 1


def test_what_a_merge_lacks_is_said(world: World) -> None:
    world.fleet.host.protect("main", approvals=1)
    world.look()
    assert world.look().lacks == ("main needs 1 approval, it has 0",)


def test_one_that_was_closed_is_told_with_the_next_step_and_none_is_opened_in_its_place(world: World) -> None:
    world.look()
    world.fleet.host.as_user("approver").close(1)
    for _ in range(2):
        with pytest.raises(ConflictError, match="was closed without being merged") as told:
            world.look()
        assert told.value.place == f"{HOME}/pulls/1"
        assert told.value.fix == (
            "Reopen and merge it, then csoc runs resume r1; or plan again, which proposes it anew: "
            "csoc plan environment/heart-dev"
        )
        world.fleet.host.git.branches.pop("csoc/outputs-heart-dev-r1", None)
    assert world.pulls == 1


def test_what_somebody_committed_otherwise_is_done_though_the_pull_request_was_closed(world: World) -> None:
    world.look()
    world.fleet.host.as_user("approver").close(1)
    world.fleet.host.git.protected.clear()
    commit = world.fleet.write({OUTPUTS: "a: 1\n"})
    assert world.look() == Written(commit)


def test_what_was_merged_instead_of_it_is_not_taken_for_it(world: World) -> None:
    world.look()
    world.fleet.write({OUTPUTS: "a: evil\n"}, branch="csoc/outputs-heart-dev-r1")
    world.merge()
    with pytest.raises(ConflictError, match="What was merged is not what this run proposed"):
        world.look()
    assert world.pulls == 1


def test_one_whose_opening_was_cut_off_is_opened_the_next_time(world: World) -> None:
    world.fleet.host.readers.add("maker")
    world.fleet.host.writers.discard("maker")
    world.look()
    world.fleet.host.pulls.clear()
    assert world.look().pull_request == f"{HOME}/pulls/1"
    assert world.pulls == 1


def test_what_is_there_already_is_not_proposed_and_without_pull_requests_it_is_a_commit(world: World) -> None:
    world.fleet.host.git.protected.clear()
    made = world.look(pull_request=False)
    assert world.fleet.read(OUTPUTS) == "a: 1\n"
    assert world.look() == world.look(pull_request=False) == made
    gone = Content({OUTPUTS: None}, "Remove it", "forget-heart-dev", "")
    away = world.look(gone, pull_request=False)
    assert away.commit != made.commit
    assert world.look(gone) == away
    assert world.pulls == 0


def test_a_protected_branch_refuses_a_commit_and_names_the_way_out(world: World) -> None:
    with pytest.raises(CsocError) as told:
        world.look(pull_request=False)
    assert "use --pull-request" in told.value.fix
