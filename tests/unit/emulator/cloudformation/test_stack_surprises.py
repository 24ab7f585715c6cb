"""An error that nobody foresaw, in a handler: the resource fails, the stack ends, and no secret is told."""

from __future__ import annotations

import logging

import pytest

from tests.unit.emulator.cloudformation.stack_world import ThingHandler, World, template, thing

SECRET = "correct horse battery staple"
SURPRISES = [
    KeyError(SECRET),
    RuntimeError(SECRET),
    RecursionError(SECRET),
    NotImplementedError(SECRET),
    StopIteration(SECRET),
    OSError(SECRET),
]


@pytest.fixture
def world() -> World:
    return World()


def reason(world: World, logical_id: str, status: str) -> str:
    """Why a resource got a status."""
    events = world.stack().events
    return next(event.reason for event in events if (event.logical_id, event.status) == (logical_id, status))


@pytest.mark.parametrize("error", SURPRISES, ids=lambda error: type(error).__name__)
def test_a_creation_fails_and_is_rolled_back(world: World, error: Exception) -> None:
    world.things.raising = {("B", "create"): error}
    assert world.create({"A": thing(), "B": thing(dependsOn="A")}) == "ROLLBACK_COMPLETE"
    assert world.things.held == {}
    told = reason(world, "B", "CREATE_FAILED")
    assert told.startswith(f"Internal Failure: the emulator failed with {type(error).__name__} at stack_world.py:")
    assert told.endswith("(HandlerErrorCode: InternalFailure)")


def test_an_update_fails_and_is_rolled_back(world: World) -> None:
    world.create({"A": thing(Size=1), "B": thing(Size=1, dependsOn="A")})
    world.things.raising = {("B", "update"): KeyError(SECRET)}
    body = template({"A": thing(Size=2), "B": thing(Size=2, dependsOn="A")})
    world.ask("UpdateStack", StackName="app", TemplateBody=body)
    world.timeline.advance(7)
    world.things.raising = {}
    world.done()
    assert world.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert sorted(held["Size"] for held in world.things.held.values()) == [1, 1]
    assert "InternalFailure" in reason(world, "B", "UPDATE_FAILED")


def test_a_replacement_fails_and_the_old_resource_stays(world: World) -> None:
    world.create({"A": thing(Kind="a")})
    old = world.physical("A")
    world.things.raising = {("A", "create"): KeyError(SECRET)}
    assert world.update({"A": thing(Kind="b")}) == "UPDATE_ROLLBACK_COMPLETE"
    assert (world.physical("A"), list(world.things.held)) == (old, [old])


def test_a_rollback_that_surprises_can_be_continued(world: World) -> None:
    world.create({"A": thing(Size=1), "B": thing(Size=1, dependsOn="A")})
    world.things.raising = {("B", "update"): KeyError(SECRET)}
    assert world.update({"A": thing(Size=2), "B": thing(Size=2, dependsOn="A")}) == "UPDATE_ROLLBACK_FAILED"
    world.things.raising = {}
    world.ask("ContinueUpdateRollback", StackName="app")
    world.done()
    assert world.status() == "UPDATE_ROLLBACK_COMPLETE"


def test_a_deletion_fails_and_can_be_asked_for_again(world: World) -> None:
    world.create({"A": thing(), "B": thing()})
    world.things.raising = {("B", "delete"): KeyError(SECRET)}
    world.ask("DeleteStack", StackName="app")
    world.done()
    assert world.status() == "DELETE_FAILED"
    assert "InternalFailure" in reason(world, "B", "DELETE_FAILED")
    world.things.raising = {}
    world.ask("DeleteStack", StackName="app")
    world.done()
    assert (world.status(), world.things.held) == ("DELETE_COMPLETE", {})


def test_an_answer_that_is_no_resource_fails_it_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ThingHandler, "create", lambda *_: None)
    assert world.create({"A": thing()}) == "ROLLBACK_COMPLETE"
    assert "AttributeError at " in reason(world, "A", "CREATE_FAILED")


def test_looking_whether_it_is_ready_fails_it_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def settled(*_: object) -> bool:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr(ThingHandler, "settled", settled, raising=False)
    assert world.create({"A": thing()}) == "ROLLBACK_COMPLETE"
    assert world.things.held == {}


def test_a_deletion_that_surprises_at_its_end_is_begun_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.create({"A": thing()})
    physical = world.physical("A")

    def deleted(*_: object) -> bool:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(ThingHandler, "deleted", deleted, raising=False)
    world.ask("DeleteStack", StackName="app")
    world.done()
    assert world.status() == "DELETE_FAILED"
    monkeypatch.setattr(ThingHandler, "deleted", lambda *_: True)
    world.ask("DeleteStack", StackName="app")
    world.done()
    assert (world.status(), world.things.deleted[physical]) == ("DELETE_COMPLETE", 2)


def test_a_look_for_drift_ends_and_names_the_resource(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object) -> None:
        raise RuntimeError(SECRET)

    world.create({"A": thing()})
    monkeypatch.setattr(ThingHandler, "read", read)
    number = world.ask("DetectStackDrift", StackName="app")["StackDriftDetectionId"]
    world.done()
    told = world.ask("DescribeStackDriftDetectionStatus", StackDriftDetectionId=number)
    assert told["DetectionStatus"] == "DETECTION_FAILED"
    assert told["DetectionStatusReason"] == "Failed to detect drift on resources [A]"


def test_neither_events_nor_log_have_the_errors_own_words(world: World, caplog: pytest.LogCaptureFixture) -> None:
    cause = ValueError(SECRET)
    error = KeyError(SECRET)
    error.__cause__ = cause
    world.things.raising = {("A", "create"): error}
    with caplog.at_level(logging.DEBUG):
        world.create({"A": thing()})
    assert SECRET not in repr([(event.reason, event.properties) for event in world.stack().events])
    assert SECRET not in caplog.text
    assert "KeyError" in caplog.text
    assert "in create" in caplog.text, "the log says where it happened"
