"""A launch's documents in a pull request: asked again, a launch finds it by its branch and says what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from csoc.errors import ConflictError
from csoc.fleet.documents.init import plan_init
from csoc.fleet.githost import MergeMethod
from csoc.gen3.launch.answers import Answers
from csoc.testing.fleets import HOME
from csoc.testing.fleets import World as Fleet
from csoc.usecases.launch_proposals import Pending, find_pending, head_of
from csoc.usecases.planning.fleets import fleet_at
from tests.unit.gen3.launch.launching import answers, counting_ids, launch

ANSWERS = answers(["minimal"])
HEAD = head_of(ANSWERS.environment_name)
ACCOUNT = "apiVersion: csoc.gen3.org/v1alpha1\nkind: Account\nmetadata: {name: research, uid: a000000001}\n"
ACCOUNT += 'spec: {provider: aws, id: "111122223333", purpose: workload, regions: [ap-southeast-2]}\n'


@dataclass
class World:
    """A fleet with an account, and a launch that was proposed."""

    fleet: Fleet = field(default_factory=Fleet)

    def __post_init__(self) -> None:
        self.fleet.write({**plan_init("tide", ids=lambda: "f1b2c3d4e5"), "accounts/research.yaml": ACCOUNT})
        self.fleet.host.protect("main")
        self.files = launch(ANSWERS, counting_ids()).files

    def propose(self) -> None:
        git = self.fleet.home
        git.branches[HEAD] = git.branches["main"]
        self.fleet.write(dict(self.files), branch=HEAD)
        self.fleet.host.as_user("maker").open_pull_request(head=HEAD, base="main", title="Launch", body="")

    def merge(self) -> None:
        host = self.fleet.host.as_user("approver")
        host.merge(1, MergeMethod.MERGE, expected_head=host.get(1).head_commit)

    def look(self, given: Answers = ANSWERS, revision: str | None = None) -> Pending | None:
        ports = self.fleet.ports()
        return find_pending(ports, fleet_at(ports, HOME, revision), HOME, given)


@pytest.fixture
def world() -> World:
    made = World()
    made.propose()
    return made


def test_a_launch_that_proposed_nothing_has_nothing_pending() -> None:
    assert World().look() is None


def test_an_open_pull_request_is_found_with_what_it_lacks(world: World) -> None:
    world.fleet.host.protect("main", approvals=1)
    found = world.look()
    assert found is not None
    assert (found.pull.number, found.lacks) == (1, ("main needs 1 approval, it has 0",))
    assert found.environment.metadata.name == ANSWERS.environment_name


def test_a_branch_whose_pull_request_was_not_opened_yet_is_proposed(world: World) -> None:
    world.fleet.host.pulls.clear()
    assert world.look() is None


@pytest.mark.parametrize("is_open", [True, False])
def test_other_answers_are_not_passed_over_for_those_that_were_proposed(world: World, is_open: bool) -> None:
    if not is_open:
        world.fleet.host.pulls.clear()
    with pytest.raises(ConflictError, match="heart-dev"):
        world.look(answers(["minimal"], hostname="other.example.org"))


def test_one_that_was_closed_is_told_with_the_next_step(world: World) -> None:
    world.fleet.host.as_user("approver").close(1)
    with pytest.raises(ConflictError, match="was closed without being merged") as told:
        world.look()
    assert told.value.place == f"{HOME}/pulls/1"
    assert told.value.fix == (
        f"Reopen and merge it, then launch again; or delete the branch {HEAD}, and launch again to propose it anew"
    )
    world.fleet.host.as_user("approver").delete_branch(HEAD)
    assert world.look() is None


def test_one_that_is_merged_and_not_fetched_yet_is_waited_for(world: World) -> None:
    before = world.fleet.home.branches["main"]
    world.merge()
    found = world.look(revision=before)
    assert found is not None
    assert found.lacks == ("it is merged, and this csoc has not fetched that yet",)


def test_a_branch_that_is_left_of_a_launch_that_is_gone_is_told(world: World) -> None:
    world.merge()
    world.fleet.host.git.protected.clear()
    world.fleet.write(dict.fromkeys(world.files))
    with pytest.raises(ConflictError, match=f"were merged and are gone again, and their branch {HEAD} is left"):
        world.look()


def test_a_branch_of_that_name_that_holds_something_else_is_told(world: World) -> None:
    world.fleet.write(dict.fromkeys(world.files), branch=HEAD)
    with pytest.raises(ConflictError, match=f"The branch {HEAD} is there and has no environment heart-dev"):
        world.look()
