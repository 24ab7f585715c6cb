"""What every Stacks promises: in memory, and CloudFormation's behind the emulator."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from csoc.adapters.aws.stacks import CloudFormationStacks
from csoc.emulator.running import Emulator, running
from csoc.emulator.timeline import RunningTimeline
from csoc.errors import ConflictError, NotFoundError, RejectedError
from csoc.provisioning.applying import stack_policy
from csoc.provisioning.names import INSTALLATION_TAG
from csoc.provisioning.stacks import Action, StackRequest, Stacks
from csoc.testing.stacks import MemoryStacks
from tests.functional.emulator.conftest import Owner

INSTALLATION, NAME = "f1b2c3d4e5", "csoc-c1b2c3d4e5-network"
PARAMETER = "/csoc/c1b2c3d4e5/network/VpcId"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "cloudformation.amazonaws.com"}}
    ],
}
VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
BUCKET = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": {}}


@dataclass
class World:
    """failing: a resource that cannot be made, and a part of the reason."""

    stacks: Stacks
    theirs: Stacks
    role: str
    failing: Mapping[str, Any]
    reason: str

    def request(self, template: Mapping[str, Any], installation: str = INSTALLATION, **given: str) -> StackRequest:
        tags = {INSTALLATION_TAG: installation, "csoc:layer": "network"}
        return StackRequest(NAME, json.dumps(template, sort_keys=True), given, tags, self.role, "a test")

    def apply(self, template: Mapping[str, Any], name: str = "csoc-first", token: str = "") -> None:
        made = self.stacks.make_change_set(self.request(template), name)
        assert made.status == "CREATE_COMPLETE", made.reason
        self.stacks.execute(NAME, name, token or f"token-{name}")
        for _ in self.stacks.follow(NAME, token or f"token-{name}", 60):
            pass


@pytest.fixture(scope="module")
def cloud() -> Iterator[Emulator]:
    with running(timeline=RunningTimeline(speed=1000)) as started:
        yield started


@pytest.fixture(params=["memory", "cloudformation"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "memory":
        memory = MemoryStacks(INSTALLATION)
        theirs = MemoryStacks("other12345")
        theirs._stacks, theirs._events = memory._stacks, memory._events
        failing = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"Fails": "The vpc ID 'vpc-0' does not exist"}}
        return World(memory, theirs, "role", failing, "does not exist")
    emulator: Emulator = request.getfixturevalue("cloud")
    owner = Owner(emulator, str(300_000_000_000 + abs(hash(request.node.name)) % 10**9))
    role = owner.client("iam").create_role(
        RoleName="execution", AssumeRolePolicyDocument=json.dumps(TRUST), Path="/csoc-link/"
    )["Role"]
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    owner.client("iam").put_role_policy(RoleName="execution", PolicyName="all", PolicyDocument=json.dumps(everything))
    clients: dict[str, Any] = {}

    def client(service: str) -> Any:
        return clients.setdefault(service, owner.client(service))

    def stacks(installation: str) -> Stacks:
        return CloudFormationStacks(client, installation, pause=passing(emulator), look_seconds=1)

    failing = {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {"VpcId": "vpc-0123456789abcdef0", "GroupDescription": "nowhere"},
    }
    return World(stacks(INSTALLATION), stacks("other12345"), role["Arn"], failing, "does not exist")


def passing(emulator: Emulator) -> Callable[[float], None]:
    """Lets so many seconds of the emulator's time pass."""

    def wait(seconds: float) -> None:
        passed = threading.Event()
        emulator.timeline.later(seconds, passed.set)
        assert passed.wait(60)

    return wait


def template(**resources: Mapping[str, Any]) -> dict[str, Any]:
    passed = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": PARAMETER, "Type": "String", "Value": {"Ref": "Vpc"}},
    }
    return {
        "Resources": {"Vpc": VPC, "Passed": passed, **resources},
        "Outputs": {"VpcId": {"Value": {"Ref": "Vpc"}}},
    }


def test_what_is_not_there_is_none_and_not_an_error(world: World) -> None:
    assert world.stacks.find(NAME) is None
    assert world.stacks.events(NAME) == []
    assert world.stacks.find_change_set(NAME, "csoc-first") is None
    world.stacks.drop_change_set(NAME, "csoc-first")
    world.stacks.delete(NAME, "token", world.role)
    with pytest.raises(NotFoundError):
        world.stacks.parameter(PARAMETER)


def test_a_change_set_for_a_new_stack_adds_everything_and_can_be_asked_for_again(world: World) -> None:
    first = world.stacks.make_change_set(world.request(template()), "csoc-first")
    again = world.stacks.make_change_set(world.request(template()), "csoc-first")
    assert first == again
    assert {(change.action, change.logical_id) for change in first.changes} == {
        (Action.ADD, "Vpc"),
        (Action.ADD, "Passed"),
    }
    assert first.execution_status == "AVAILABLE"


def test_a_change_set_that_is_dropped_takes_the_stack_that_it_made_along(world: World) -> None:
    world.stacks.make_change_set(world.request(template()), "csoc-first")
    world.stacks.drop_change_set(NAME, "csoc-first")
    assert world.stacks.find(NAME) is None
    world.stacks.drop_change_set(NAME, "csoc-first")


def test_executed_it_gives_outputs_parameters_and_events_of_its_token(world: World) -> None:
    world.apply(template())
    state = world.stacks.find(NAME)
    assert state is not None
    assert (state.status, state.tags[INSTALLATION_TAG]) == ("CREATE_COMPLETE", INSTALLATION)
    assert state.outputs["VpcId"] == world.stacks.resources(NAME)["Vpc"] == world.stacks.parameter(PARAMETER)
    events = world.stacks.events(NAME)
    assert {event.token for event in events if event.logical_id == "Vpc"} == {"token-csoc-first"}
    assert world.stacks.events(NAME, events[-2].id) == [events[-1]]
    assert json.loads(world.stacks.template(NAME)) == template()


def test_the_same_token_executes_once(world: World) -> None:
    world.apply(template())
    before = world.stacks.find(NAME)
    world.stacks.execute(NAME, "csoc-first", "token-csoc-first")
    assert world.stacks.find(NAME) == before


def test_nothing_to_change_is_said_and_is_no_failure(world: World) -> None:
    world.apply(template())
    made = world.stacks.make_change_set(world.request(template()), "csoc-again")
    assert (made.status, made.is_empty, made.changes) == ("FAILED", True, ())


def test_a_replacement_is_shown_with_the_values_before_and_after(world: World) -> None:
    world.apply(template())
    changed = template()
    changed["Resources"]["Vpc"] = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16"}}
    made = world.stacks.make_change_set(world.request(changed), "csoc-second")
    change = next(one for one in made.changes if one.logical_id == "Vpc")
    assert (change.action, change.physical_id) == (Action.REPLACE, world.stacks.resources(NAME)["Vpc"])
    [shown] = change.properties
    assert (shown.path, shown.before, shown.after, shown.replaces) == (
        "Properties.CidrBlock",
        "10.0.0.0/16",
        "10.9.0.0/16",
        "always",
    )


def test_what_would_be_removed_says_whether_it_is_kept(world: World) -> None:
    world.apply(template(Data=BUCKET, Queue={"Type": "AWS::SQS::Queue", "Properties": {}}))
    made = world.stacks.make_change_set(world.request(template()), "csoc-second")
    removed = {change.logical_id: change.kept for change in made.changes if change.action is Action.REMOVE}
    assert removed == {"Data": True, "Queue": False}


def test_a_need_that_nobody_met_yet_fails_the_change_set_by_its_name(world: World) -> None:
    needing = {
        "Parameters": {"NetworkVpcId": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": PARAMETER}},
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {}}},
    }
    try:
        made = world.stacks.make_change_set(world.request(needing), "csoc-first")
        assert made.status == "FAILED"
        said = made.reason
    except RejectedError as error:
        said = str(error)
    assert PARAMETER in said


def test_a_resource_that_fails_rolls_back_with_its_reason_and_the_empty_stack_can_go(world: World) -> None:
    world.apply(template(Bad=world.failing))
    state = world.stacks.find(NAME)
    assert state is not None
    assert state.status == "ROLLBACK_COMPLETE"
    failed = [event for event in world.stacks.events(NAME) if event.status == "CREATE_FAILED"]
    assert any(world.reason in event.reason for event in failed)
    world.stacks.delete(NAME, "clean", world.role)
    for _ in world.stacks.follow(NAME, "clean", 60):
        pass
    assert world.stacks.find(NAME) is None


def test_a_protected_stack_is_not_deleted_until_it_is_no_longer(world: World) -> None:
    world.apply(template())
    world.stacks.protect(NAME, stack_policy())
    state = world.stacks.find(NAME)
    assert state is not None
    assert state.is_protected
    with pytest.raises(RejectedError):
        world.stacks.delete(NAME, "gone", world.role)
    world.stacks.unprotect(NAME)
    world.stacks.delete(NAME, "gone", world.role)
    for _ in world.stacks.follow(NAME, "gone", 60):
        pass
    assert world.stacks.find(NAME) is None


def test_stacks_of_another_installation_are_never_changed(world: World) -> None:
    world.apply(template())
    for refused in (
        lambda: world.theirs.make_change_set(world.request(template(Queue=BUCKET), "other12345"), "csoc-x"),
        lambda: world.theirs.execute(NAME, "csoc-x", "t"),
        lambda: world.theirs.protect(NAME, stack_policy()),
        lambda: world.theirs.unprotect(NAME),
        lambda: world.theirs.delete(NAME, "t", world.role),
        lambda: world.theirs.put_back(NAME, "t", world.role),
    ):
        with pytest.raises(ConflictError, match=r"not of this csoc|not ours"):
            refused()
    state = world.stacks.find(NAME)
    assert state is not None
    assert state.status == "CREATE_COMPLETE"


def test_only_what_an_update_left_can_be_put_back(world: World) -> None:
    world.apply(template())
    with pytest.raises(RejectedError, match="CREATE_COMPLETE"):
        world.stacks.put_back(NAME, "back", world.role)


def test_a_role_of_a_service_is_made_once_an_account(world: World) -> None:
    assert world.stacks.service_role("opensearchservice.amazonaws.com")
    assert not world.stacks.service_role("opensearchservice.amazonaws.com")


def test_nothing_has_drifted_that_nobody_touched(world: World) -> None:
    world.apply(template())
    assert list(world.stacks.drift(NAME)) == []
