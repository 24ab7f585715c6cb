"""What becomes of stacks: made, changed, rolled back, deleted, and what is left of them.

Source: AWS CloudFormation User Guide, "Stack failure options", "Update behaviors of stack resources", "DeletionPolicy
attribute", "Continue rolling back an update".
"""

from __future__ import annotations

import pickle

import pytest

from csoc.emulator.cloudformation.stack_records import Stacks
from tests.unit.emulator.cloudformation.stack_world import NAMED, World, template, thing


@pytest.fixture
def world() -> World:
    return World()


def test_resources_are_made_after_what_they_need(world: World) -> None:
    assert world.create({"B": thing(Size={"Ref": "A"}), "A": thing(Size=1)}) == "CREATE_COMPLETE"
    assert world.things.calls == [("A", "create"), ("B", "create")]
    assert world.things.held[world.physical("B")]["Size"] == world.physical("A")


def test_a_resource_that_fails_rolls_the_stack_back_with_its_reason(world: World) -> None:
    world.things.failing = {("B", "create")}
    assert world.create({"A": thing(), "B": thing(dependsOn="A"), "C": thing(dependsOn="B")}) == "ROLLBACK_COMPLETE"
    assert world.things.held == {}
    assert world.statuses("app") == ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"]
    reasons = [event.reason for event in world.stack().events if event.status == "ROLLBACK_IN_PROGRESS"]
    assert reasons == ["The following resource(s) failed to create: [B]. Rollback requested by user."]
    assert "C" not in {event.logical_id for event in world.stack().events}


def test_what_is_under_way_when_another_fails_is_cancelled(world: World) -> None:
    world.things.failing = {("B", "create")}
    world.create({"A": thing(), "B": thing()})
    failed = {e.logical_id: e.reason for e in world.stack().events if e.status == "CREATE_FAILED"}
    assert failed["A"] == "Resource creation cancelled"
    assert world.things.held == {}


@pytest.mark.parametrize(
    ("on_failure", "status", "held"), [("ROLLBACK", "ROLLBACK_COMPLETE", 0), ("DO_NOTHING", "CREATE_FAILED", 1)]
)
def test_on_failure_says_what_follows(world: World, on_failure: str, status: str, held: int) -> None:
    world.things.failing = {("B", "create")}
    assert world.create({"A": thing(), "B": thing(dependsOn="A")}, OnFailure=on_failure) == status
    assert len(world.things.held) == held


def test_on_failure_delete_leaves_no_stack(world: World) -> None:
    world.things.failing = {("B", "create")}
    assert world.create({"A": thing(), "B": thing(dependsOn="A")}, OnFailure="DELETE") == "DELETE_COMPLETE"
    assert world.things.held == {}


@pytest.mark.parametrize(
    ("policy", "kept_by_rollback", "kept_by_delete"),
    [
        ("Delete", False, False),
        ("Retain", True, True),
        ("RetainExceptOnCreate", False, True),
        ("Snapshot", False, False),
    ],
)
def test_deletion_policies(policy: str, kept_by_rollback: bool, kept_by_delete: bool) -> None:
    failing, deleting = World(), World()
    failing.things.failing = {("B", "create")}
    failing.create({"A": thing(deletion=policy), "B": thing(dependsOn="A")})
    assert bool(failing.things.held) is kept_by_rollback
    deleting.create({"A": thing(deletion=policy)})
    deleting.ask("DeleteStack", StackName="app")
    deleting.done()
    assert bool(deleting.things.held) is kept_by_delete
    assert bool(deleting.things.snapshots) is (policy == "Snapshot")
    assert deleting.statuses("A")[-1] == ("DELETE_SKIPPED" if kept_by_delete else "DELETE_COMPLETE")


def test_retain_except_on_create_of_a_request_deletes_what_a_rollback_would_keep(world: World) -> None:
    world.things.failing = {("B", "create")}
    world.create({"A": thing(deletion="Retain"), "B": thing(dependsOn="A")}, RetainExceptOnCreate=True)
    assert world.things.held == {}


def test_a_stack_that_takes_too_long_is_rolled_back(world: World) -> None:
    signal = {"ResourceSignal": {"Count": 1, "Timeout": "PT1H"}}
    assert world.create({"A": thing(creation=signal)}, TimeoutInMinutes=5) == "ROLLBACK_COMPLETE"
    reason = next(e.reason for e in world.stack().events if e.status == "ROLLBACK_IN_PROGRESS")
    assert reason.startswith("Stack creation time exceeded the specified timeout.")


def test_a_change_in_place_keeps_the_physical_resource(world: World) -> None:
    world.create({"A": thing(Size=1)})
    before = world.physical("A")
    assert world.update({"A": thing(Size=2)}) == "UPDATE_COMPLETE"
    assert world.physical("A") == before
    assert world.things.held[before]["Size"] == 2


def test_a_replaced_resource_is_deleted_after_everything_uses_the_new_one(world: World) -> None:
    world.create({"A": thing(Kind="x"), "B": thing(Size={"Ref": "A"})})
    old = world.physical("A")
    assert world.update({"A": thing(Kind="y"), "B": thing(Size={"Ref": "A"})}) == "UPDATE_COMPLETE"
    assert world.things.held[world.physical("B")]["Size"] == world.physical("A") != old
    assert old not in world.things.held
    assert world.things.calls[2:] == [("A", "create"), ("B", "update"), ("A", "delete")]


@pytest.mark.parametrize(("policy", "kept"), [("Delete", False), ("Retain", True), ("Snapshot", False)])
def test_update_replace_policies(world: World, policy: str, kept: bool) -> None:
    world.create({"A": thing(Kind="x")})
    old = world.physical("A")
    world.update({"A": thing(Kind="y", replace=policy)})
    assert (old in world.things.held) is kept
    assert (world.things.snapshots == [old]) is (policy == "Snapshot")


def test_a_resource_that_is_taken_out_is_deleted_by_its_policy(world: World) -> None:
    world.create({"A": thing(), "B": thing(deletion="Retain"), "C": thing()})
    kept = world.physical("B")
    assert world.update({"C": thing()}) == "UPDATE_COMPLETE"
    assert set(world.stack().resources) == {"C"}
    assert set(world.things.held) == {kept, world.physical("C")}


def test_a_named_resource_cannot_be_replaced_under_its_name(world: World) -> None:
    world.create({"A": thing(kind=NAMED, Name="one", Kind="x")})
    assert world.update({"A": thing(kind=NAMED, Name="one", Kind="y")}) == "UPDATE_ROLLBACK_COMPLETE"
    failed = next(e.reason for e in world.stack().events if e.status == "UPDATE_FAILED")
    assert failed.startswith("CloudFormation cannot update a stack when a custom-named resource requires replacing.")


def test_a_failed_update_goes_back_to_what_was(world: World) -> None:
    before = {"A": thing(Size=1), "B": thing(Kind="x"), "D": thing(Size=4)}
    world.create(before, Tags=[{"Key": "team", "Value": "one"}])
    held = {name: dict(body) for name, body in world.things.held.items()}
    tags = {name: dict(body) for name, body in world.things.tags.items()}
    world.things.failing = {("D", "update")}
    after = {"A": thing(Size=2), "B": thing(Kind="y"), "C": thing(), "D": thing(Size=5, dependsOn=["A", "B", "C"])}
    world.ask("UpdateStack", StackName="app", TemplateBody=template(after), Tags=[{"Key": "team", "Value": "two"}])
    world.done()
    assert world.status() == "UPDATE_ROLLBACK_FAILED"
    world.things.failing = set()
    world.ask("ContinueUpdateRollback", StackName="app")
    world.done()
    assert world.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert world.things.held == held
    assert {name: world.things.tags[name]["team"] for name in held} == {name: tags[name]["team"] for name in held}
    assert world.stack().tags == {"team": "one"}


def test_a_rollback_that_fails_can_be_continued_past_a_resource(world: World) -> None:
    world.create({"A": thing(Size=1), "B": thing(Size=1)})
    world.ask(
        "UpdateStack", StackName="app", TemplateBody=template({"A": thing(Size=2), "B": thing(Size=2, dependsOn="A")})
    )
    world.timeline.advance(4)
    world.things.failing = {("A", "update"), ("B", "update")}
    world.done()
    assert world.status() == "UPDATE_ROLLBACK_FAILED"
    assert world.refused("UpdateStack", StackName="app", TemplateBody=template({"A": thing()})).message.endswith(
        "is in UPDATE_ROLLBACK_FAILED state and can not be updated."
    )
    assert world.refused("ContinueUpdateRollback", StackName="app", ResourcesToSkip=["Z"]).code == "ValidationError"
    world.ask("ContinueUpdateRollback", StackName="app", ResourcesToSkip=sorted(world.stack().not_rolled_back))
    world.done()
    assert world.status() == "UPDATE_ROLLBACK_COMPLETE"


def test_a_cancelled_update_is_rolled_back(world: World) -> None:
    world.create({"A": thing(Size=1)})
    assert "cannot be called" in world.refused("CancelUpdateStack", StackName="app").message
    world.ask("UpdateStack", StackName="app", TemplateBody=template({"A": thing(Size=2)}))
    world.timeline.advance(2)
    world.ask("CancelUpdateStack", StackName="app")
    world.done()
    assert world.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert world.things.held[world.physical("A")]["Size"] == 1
    assert "Resource update cancelled" in {event.reason for event in world.stack().events}


@pytest.mark.parametrize("deleting_new", [False, True])
def test_a_cancelled_update_keeps_to_what_it_said_of_new_resources(world: World, deleting_new: bool) -> None:
    world.create({"A": thing()})
    after = template({"A": thing(), "B": thing(deletion="Retain")})
    world.ask("UpdateStack", StackName="app", TemplateBody=after, RetainExceptOnCreate=deleting_new)
    world.timeline.advance(2)
    world.ask("CancelUpdateStack", StackName="app")
    world.done()
    assert len(world.things.held) == (1 if deleting_new else 2)


def test_a_paused_update_is_only_gone_on_with_or_rolled_back(world: World) -> None:
    world.create({"A": thing(Size=1), "B": thing(Size=1)})
    world.things.failing = {("B", "update")}
    after = {"A": thing(Size=2), "B": thing(Size=2, dependsOn="A")}
    assert world.update(after, DisableRollback=True) == "UPDATE_FAILED"
    assert world.things.held[world.physical("A")]["Size"] == 2
    assert "disable-rollback" in world.refused("UpdateStack", StackName="app", TemplateBody=template(after)).message
    world.things.failing = set()
    assert world.update(after, DisableRollback=True) == "UPDATE_COMPLETE"
    assert world.things.held[world.physical("B")]["Size"] == 2


def test_a_paused_update_rolls_back_to_before_its_first_attempt(world: World) -> None:
    world.create({"A": thing(Kind="x"), "B": thing(Size=1)})
    first = world.physical("A")
    world.things.failing = {("B", "update")}
    world.update({"A": thing(Kind="y"), "B": thing(Size=2, dependsOn="A")}, DisableRollback=True)
    world.update({"A": thing(Kind="z"), "B": thing(Size=2, dependsOn="A")}, DisableRollback=True)
    world.things.failing = set()
    world.ask("RollbackStack", StackName="app")
    world.done()
    assert world.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert world.physical("A") == first
    assert set(world.things.held) == {first, world.physical("B")}


def test_a_paused_creation_is_gone_on_with_or_rolled_back(world: World) -> None:
    world.things.failing = {("B", "create")}
    resources = {"A": thing(), "B": thing(dependsOn="A")}
    assert world.create(resources, DisableRollback=True) == "CREATE_FAILED"
    world.things.failing = set()
    assert world.update(resources, DisableRollback=True) == "UPDATE_COMPLETE"
    assert len(world.things.held) == 2
    other = World()
    other.things.failing = {("B", "create")}
    other.create(resources, DisableRollback=True)
    other.ask("RollbackStack", StackName="app")
    other.done()
    assert (other.status(), other.things.held) == ("ROLLBACK_COMPLETE", {})


def test_a_clean_up_that_fails_leaves_the_resource_behind_and_says_so(world: World) -> None:
    world.create({"A": thing(), "B": thing(Kind="x"), "C": thing()})
    gone, old = world.physical("A"), world.physical("B")
    world.things.failing = {("A", "delete"), ("B", "delete")}
    assert world.update({"B": thing(Kind="y"), "C": thing()}) == "UPDATE_COMPLETE"
    failed = {event.physical_id for event in world.stack().events if event.status == "DELETE_FAILED"}
    assert failed == {gone, old}
    assert {gone, old} < set(world.things.held)


@pytest.mark.parametrize("pausing", [False, True])
def test_a_resource_that_was_half_made_is_deleted(world: World, pausing: bool) -> None:
    world.things.failing = {("A", "complete")}
    world.create({"A": thing()}, DisableRollback=pausing)
    if pausing:
        assert len(world.things.held) == 1
        world.things.failing = set()
        assert world.update({"A": thing()}, DisableRollback=True) == "UPDATE_COMPLETE"
    assert set(world.things.held) == ({world.physical("A")} if pausing else set())


def test_a_rollback_that_cannot_clean_up_names_all_that_it_leaves(world: World) -> None:
    world.create({"A": thing(Size=1)})
    kept = world.physical("A")
    world.things.failing = {("A", "update"), ("C", "delete"), ("B", "delete")}
    after = {"A": thing(Size=2, dependsOn="C"), "B": thing(), "C": thing(Size={"Ref": "B"})}
    world.ask("UpdateStack", StackName="app", TemplateBody=template(after))
    world.done()
    assert world.status() == "UPDATE_ROLLBACK_FAILED"
    world.things.failing -= {("A", "update")}
    world.ask("ContinueUpdateRollback", StackName="app")
    world.done()
    assert world.status() == "UPDATE_ROLLBACK_COMPLETE"
    left = {e.physical_id for e in world.stack().events if e.status == "DELETE_FAILED"}
    assert left == set(world.things.held) - {kept}
    assert len(left) == 2


def test_a_deletion_that_fails_goes_on_with_retained_resources(world: World) -> None:
    world.create({"A": thing(), "B": thing(Size={"Ref": "A"})})
    world.things.failing = {("B", "delete")}
    world.ask("DeleteStack", StackName="app")
    world.done()
    assert world.status() == "DELETE_FAILED"
    assert world.stack().reason == "The following resource(s) failed to delete: [B]."
    assert ("A", "delete") not in world.things.calls
    assert world.refused("DeleteStack", StackName="app", RetainResources=["Z"]).code == "ValidationError"
    world.ask("DeleteStack", StackName="app", RetainResources=["B"])
    world.done()
    assert world.status() == "DELETE_COMPLETE"
    assert len(world.things.held) == 1


def test_a_forced_deletion_names_what_it_leaves(world: World) -> None:
    world.create({"A": thing(), "B": thing(Size={"Ref": "A"})})
    refused = world.refused("DeleteStack", StackName="app", DeletionMode="FORCE_DELETE_STACK")
    assert "DELETE_FAILED" in refused.message
    world.things.failing = {("B", "delete"), ("A", "delete")}
    world.ask("DeleteStack", StackName="app")
    world.done()
    world.ask("DeleteStack", StackName="app", DeletionMode="FORCE_DELETE_STACK")
    world.done()
    assert world.status() == "DELETE_COMPLETE"
    failed = [event for event in world.stack().events if event.status == "DELETE_FAILED"]
    left = {event.physical_id for event in failed if event.logical_id != "app"}
    assert left == set(world.things.held)


@pytest.mark.parametrize("seconds", [0, 0.5, 3, 12])
def test_a_stack_can_be_deleted_while_it_is_created(world: World, seconds: float) -> None:
    world.ask("CreateStack", StackName="app", TemplateBody=template({"A": thing(), "B": thing(dependsOn="A")}))
    world.timeline.advance(seconds)
    world.ask("DeleteStack", StackName="app")
    world.done()
    assert (world.status(), world.things.held) == ("DELETE_COMPLETE", {})
    assert "CREATE_COMPLETE" not in world.statuses("app")


def test_a_stack_can_be_deleted_while_it_is_rolled_back(world: World) -> None:
    world.things.failing = {("B", "create")}
    world.ask("CreateStack", StackName="app", TemplateBody=template({"A": thing(), "B": thing(dependsOn="A")}))
    world.timeline.advance(13)
    assert world.status() == "ROLLBACK_IN_PROGRESS"
    world.ask("DeleteStack", StackName="app")
    world.done()
    assert (world.status(), dict(world.things.deleted)) == ("DELETE_COMPLETE", {"thing-1": 1})


def test_a_stack_is_not_deleted_while_it_is_updated(world: World) -> None:
    world.create({"A": thing(Size=1)})
    world.ask("UpdateStack", StackName="app", TemplateBody=template({"A": thing(Size=2)}))
    assert "UPDATE_IN_PROGRESS" in world.refused("DeleteStack", StackName="app").message


def test_a_rolled_back_stack_is_only_deleted(world: World) -> None:
    world.things.failing = {("A", "create")}
    world.create({"A": thing()})
    body = template({"A": thing()})
    assert world.refused("UpdateStack", StackName="app", TemplateBody=body).message.endswith(
        "is in ROLLBACK_COMPLETE state and can not be updated."
    )
    assert world.refused("CreateStack", StackName="app", TemplateBody=body).code == "AlreadyExistsException"
    world.ask("DeleteStack", StackName="app")
    world.done()
    world.things.failing = set()
    assert world.create({"A": thing()}) == "CREATE_COMPLETE"


def test_exports_that_are_used_can_neither_change_nor_go(world: World) -> None:
    def exporting(value: str) -> dict[str, object]:
        return {"Outputs": {"Out": {"Value": value, "Export": {"Name": "shared"}}}}

    world.create({"A": thing()}, name="giver", sections=exporting("one"))
    world.create({"B": thing(Size={"Fn::ImportValue": "shared"})}, name="taker")
    assert world.ask("ListExports")["Exports"][0]["Value"] == "one"
    assert world.ask("ListImports", ExportName="shared")["Imports"] == ["taker"]
    assert world.update({"A": thing()}, name="giver", sections=exporting("two")) == "UPDATE_ROLLBACK_COMPLETE"
    world.ask("DeleteStack", StackName="giver")
    world.done()
    assert world.status("giver") == "DELETE_FAILED"
    assert world.stack("giver").reason == "Export shared cannot be deleted as it is in use by taker"
    world.ask("DeleteStack", StackName="taker")
    world.done()
    world.ask("DeleteStack", StackName="giver")
    world.done()
    assert world.status("giver") == "DELETE_COMPLETE"
    assert "not imported" in _not_imported(world)


def _not_imported(world: World) -> str:
    world.create({"A": thing()}, name="again", sections={"Outputs": {"O": {"Value": "x", "Export": {"Name": "e"}}}})
    return world.refused("ListImports", ExportName="e").message


def test_two_stacks_cannot_export_the_same_name(world: World) -> None:
    sections = {"Outputs": {"Out": {"Value": "v", "Export": {"Name": "shared"}}}}
    world.create({"A": thing()}, name="one", sections=sections)
    assert world.create({"A": thing()}, name="two", sections=sections) == "ROLLBACK_COMPLETE"


def test_signals_complete_a_resource_or_fail_it(world: World) -> None:
    policy = {"ResourceSignal": {"Count": 2, "Timeout": "PT10M"}}
    world.ask("CreateStack", StackName="app", TemplateBody=template({"A": thing(creation=policy)}))
    world.timeline.advance(60)
    for unique in ("one", "one", "two"):
        assert world.status() == "CREATE_IN_PROGRESS"
        world.ask("SignalResource", StackName="app", LogicalResourceId="A", UniqueId=unique, Status="SUCCESS")
        world.timeline.advance(20)
    assert world.status() == "CREATE_COMPLETE"
    other = World()
    assert other.create({"A": thing(creation=policy)}) == "ROLLBACK_COMPLETE"
    failed = next(e.reason for e in other.stack().events if e.status == "CREATE_FAILED")
    assert failed == "Failed to receive 2 resource signal(s) within the specified duration"


@pytest.mark.parametrize("asked", [{"Count": "9" * 5000}, {"Timeout": "PT" + "9" * 5000 + "H"}])
def test_a_creation_policy_with_a_number_that_nobody_can_mean_fails_the_resource(
    world: World, asked: dict[str, str]
) -> None:
    assert world.create({"A": thing(creation={"ResourceSignal": asked})}) == "ROLLBACK_COMPLETE"
    assert any(event.reason.startswith("CreationPolicy: ") for event in world.stack().events)


def test_a_wait_condition_waits_for_its_signal(world: World) -> None:
    waiting = {"Type": "AWS::CloudFormation::WaitCondition", "CreationPolicy": {"ResourceSignal": {"Timeout": "PT5M"}}}
    world.ask("CreateStack", StackName="app", TemplateBody=template({"W": waiting, "A": thing(dependsOn="W")}))
    world.timeline.advance(30)
    assert world.things.held == {}
    world.ask("SignalResource", StackName="app", LogicalResourceId="W", UniqueId="x", Status="SUCCESS")
    world.done()
    assert world.status() == "CREATE_COMPLETE"


def test_tags_of_a_stack_reach_its_resources_and_leave_them(world: World) -> None:
    world.create({"A": thing()}, Tags=[{"Key": "team", "Value": "one"}, {"Key": "old", "Value": "x"}])
    tags = world.things.tags[world.physical("A")]
    assert (tags["team"], tags["aws:cloudformation:logical-id"]) == ("one", "A")
    assert world.update({"A": thing()}, Tags=[{"Key": "team", "Value": "two"}]) == "UPDATE_COMPLETE"
    tags = world.things.tags[world.physical("A")]
    assert (tags["team"], "old" in tags) == ("two", False)


def test_events_are_published_to_the_topics_of_the_stack(world: World) -> None:
    topic = "arn:aws:sns:ap-southeast-2:111111111111:told"
    world.create({"A": thing()}, NotificationARNs=[topic])
    assert len(world.topics.told) == len(world.stack().events)
    assert "ResourceStatus='CREATE_COMPLETE'\n" in world.topics.told[-1]
    assert "StackName='app'\n" in world.topics.told[-1]


def test_a_fault_by_rule_fails_a_resource(world: World) -> None:
    world.faults = {("A", "create")}
    assert world.create({"A": thing()}) == "ROLLBACK_COMPLETE"
    assert "by rule" in {event.reason for event in world.stack().events}


@pytest.mark.parametrize("seconds", [0.5, 3, 7, 12, 14, 18, 30])
def test_stacks_survive_a_restart_whatever_was_under_way(seconds: float) -> None:
    world = World()
    world.create({"A": thing(Size=1), "B": thing(Kind="x"), "G": thing()}, name="changed")
    world.create({"A": thing()}, name="deleted")
    world.ask("CreateStack", StackName="made", TemplateBody=template({"A": thing(), "B": thing(dependsOn="A")}))
    after = template({"A": thing(Size=2), "B": thing(Kind="y", dependsOn="A")})
    world.ask("UpdateStack", StackName="changed", TemplateBody=after)
    world.ask("DeleteStack", StackName="deleted")
    world.timeline.advance(seconds)
    kept: Stacks = pickle.loads(pickle.dumps(world.stacks))
    other = World()
    other.things.held = world.things.held
    other.things.tags = world.things.tags
    other.things.deleted = world.things.deleted
    other.new_id = world.new_id
    other.service.take_over([kept])
    other.done()
    assert other.status("made") in ("ROLLBACK_COMPLETE", "CREATE_COMPLETE")
    assert other.status("changed") in ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE")
    assert other.status("deleted") == "DELETE_COMPLETE"
    owned = {
        record.physical_id for stack in other.stacks.living() for record in stack.resources.values() if record.exists
    }
    assert set(other.things.held) == owned
    assert set(other.things.deleted.values()) <= {1}


def test_what_was_being_planned_or_looked_at_is_failed_by_a_restart(world: World) -> None:
    world.create({"A": thing(Size=1)})
    body = template({"A": thing(Size=2)})
    world.ask("CreateChangeSet", StackName="app", ChangeSetName="c", TemplateBody=body)
    number = world.ask("DetectStackDrift", StackName="app")["StackDriftDetectionId"]
    other = World()
    other.service.take_over([pickle.loads(pickle.dumps(world.stacks))])
    assert other.ask("DescribeChangeSet", StackName="app", ChangeSetName="c")["Status"] == "FAILED"
    told = other.ask("DescribeStackDriftDetectionStatus", StackDriftDetectionId=number)
    assert told["DetectionStatus"] == "DETECTION_FAILED"


def test_a_restart_while_a_failed_creation_is_deleted_keeps_to_its_policies(world: World) -> None:
    world.things.failing = {("B", "create")}
    body = template(
        {"A": thing(deletion="RetainExceptOnCreate", dependsOn="C"), "B": thing(dependsOn="A"), "C": thing()}
    )
    world.ask("CreateStack", StackName="app", TemplateBody=body, OnFailure="DELETE")
    world.timeline.advance(22)
    assert world.status() == "DELETE_IN_PROGRESS"
    other = World()
    other.things.held, other.things.deleted = world.things.held, world.things.deleted
    other.service.take_over([pickle.loads(pickle.dumps(world.stacks))])
    other.done()
    assert (other.status(), other.things.held) == ("DELETE_COMPLETE", {})
    assert "DELETE_SKIPPED" not in other.statuses("A")
