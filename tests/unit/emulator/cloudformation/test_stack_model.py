"""Any sequence of requests, with resources that fail at random: nothing is lost, nothing is deleted twice.

Every physical resource that the service holds belongs to a living stack, was kept by a policy, or is named in an event
of its failed deletion; statuses follow the transitions of "Stack status codes" in the AWS CloudFormation User Guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from csoc.emulator.cloud.calls import AwsError
from tests.unit.emulator.cloudformation.stack_world import World, template, thing

# From a status of a stack to those that may follow.
FOLLOWS: Mapping[str, set[str]] = {
    "": {"CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS"},
    "REVIEW_IN_PROGRESS": {"CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS"},
    "CREATE_IN_PROGRESS": {
        "CREATE_COMPLETE", "CREATE_FAILED", "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS",
    },
    "CREATE_FAILED": {"ROLLBACK_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"},
    "CREATE_COMPLETE": {"UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"},
    "ROLLBACK_IN_PROGRESS": {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_IN_PROGRESS"},
    "ROLLBACK_FAILED": {"DELETE_IN_PROGRESS"},
    "ROLLBACK_COMPLETE": {"DELETE_IN_PROGRESS"},
    "UPDATE_IN_PROGRESS": {
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_FAILED", "UPDATE_ROLLBACK_IN_PROGRESS", "ROLLBACK_IN_PROGRESS",
    },
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": {"UPDATE_COMPLETE"},
    "UPDATE_COMPLETE": {"UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"},
    "UPDATE_FAILED": {
        "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS",
    },
    "UPDATE_ROLLBACK_IN_PROGRESS": {"UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"},
    "UPDATE_ROLLBACK_FAILED": {"UPDATE_ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"},
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": {"UPDATE_ROLLBACK_COMPLETE"},
    "UPDATE_ROLLBACK_COMPLETE": {"UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"},
    "DELETE_IN_PROGRESS": {"DELETE_COMPLETE", "DELETE_FAILED"},
    "DELETE_FAILED": {"DELETE_IN_PROGRESS"},
    "DELETE_COMPLETE": set(),
}  # fmt: skip
_REFUSALS = ("ValidationError", "AlreadyExistsException", "InvalidChangeSetStatus", "ChangeSetNotFound")
_LETTERS = "ABCD"
_POLICY = st.sampled_from(["Delete", "Delete", "Retain", "RetainExceptOnCreate", "Snapshot"])
_RESOURCE = st.tuples(st.integers(0, 2), st.sampled_from("xy"), _POLICY, st.sampled_from(["Delete", "Retain"]))
_RESOURCES = st.dictionaries(st.sampled_from(_LETTERS), _RESOURCE, min_size=1)
_ACTIONS = st.tuples(st.sampled_from(_LETTERS), st.sampled_from(["create", "complete", "update", "delete"]))
_NAMES = st.sampled_from(["one", "one", "one", "two"])
_SECONDS = st.sampled_from([0.5, 2.0, 7.0, 13.0, 200.0, 200.0])


def _body(resources: Mapping[str, tuple[int, str, str, str]]) -> str:
    """Each resource uses the one before it in the alphabet that is there."""
    made: dict[str, Any] = {}
    for name in sorted(resources):
        size, kind, deletion, replace = resources[name]
        uses = {"Parts": [{"Ref": max(made)}]} if made else {}
        made[name] = thing(Size=size, Kind=kind, deletion=deletion, replace=replace, **uses)
    return template(made)


class Lives(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    def _ask(self, operation: str, **asked: Any) -> None:
        """Asks for something that may be refused in the status that the stack is in."""
        try:
            self.world.ask(operation, **asked)
        except AwsError as refused:
            if refused.code not in _REFUSALS:
                raise

    @initialize(resources=_RESOURCES)
    def begin(self, resources: Any) -> None:
        self._ask("CreateStack", StackName="one", TemplateBody=_body(resources))
        self.world.timeline.advance(200)

    @rule(failing=st.frozensets(_ACTIONS, max_size=3))
    def services_fail(self, failing: frozenset[tuple[str, str]]) -> None:
        self.world.things.failing = set(failing)

    @rule(name=_NAMES, resources=_RESOURCES, on_failure=st.sampled_from(["ROLLBACK", "DO_NOTHING", "DELETE"]))
    def create(self, name: str, resources: Any, on_failure: str) -> None:
        self._ask("CreateStack", StackName=name, TemplateBody=_body(resources), OnFailure=on_failure)

    @rule(
        name=_NAMES,
        resources=_RESOURCES,
        pausing=st.booleans(),
        failing=st.frozensets(_ACTIONS, max_size=2),
        seconds=_SECONDS,
    )
    def update(self, name: str, resources: Any, pausing: bool, failing: Any, seconds: float) -> None:
        self.world.things.failing = set(failing)
        self._ask("UpdateStack", StackName=name, TemplateBody=_body(resources), DisableRollback=pausing)
        self.world.timeline.advance(seconds)

    @rule(name=_NAMES, resources=_RESOURCES, kind=st.sampled_from(["CREATE", "UPDATE"]))
    def plan(self, name: str, resources: Any, kind: str) -> None:
        body = _body(resources)
        self._ask("CreateChangeSet", StackName=name, ChangeSetName="c", ChangeSetType=kind, TemplateBody=body)

    @rule(name=_NAMES)
    def execute(self, name: str) -> None:
        self._ask("ExecuteChangeSet", StackName=name, ChangeSetName="c")

    @rule(name=_NAMES, operation=st.sampled_from(["CancelUpdateStack", "RollbackStack", "ContinueUpdateRollback"]))
    def go_back(self, name: str, operation: str) -> None:
        self._ask(operation, StackName=name)

    @rule(name=_NAMES)
    def skip(self, name: str) -> None:
        stack = self.world.stacks.find(name)
        skipped = sorted(stack.not_rolled_back) if stack else []
        self._ask("ContinueUpdateRollback", StackName=name, ResourcesToSkip=skipped)

    @rule(name=_NAMES, mode=st.sampled_from(["STANDARD", "STANDARD", "FORCE_DELETE_STACK"]))
    def delete(self, name: str, mode: str) -> None:
        self._ask("DeleteStack", StackName=name, DeletionMode=mode)

    @rule(seconds=_SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.world.timeline.advance(seconds)

    @invariant()
    def nothing_is_lost(self) -> None:
        accounted: set[str] = set()
        for stack in self.world.stacks.all.values():
            living = stack.status != "DELETE_COMPLETE"
            for record in (*stack.resources.values(), *stack.leftovers):
                if living and record.exists:
                    accounted.add(record.physical_id)
            kept = [e.physical_id for e in stack.events if e.status in ("DELETE_SKIPPED", "DELETE_FAILED")]
            accounted |= set(kept)
        assert set(self.world.things.held) <= accounted

    @invariant()
    def nothing_is_deleted_twice(self) -> None:
        assert max(self.world.things.deleted.values(), default=0) <= 1

    @invariant()
    def stacks_that_are_complete_have_what_they_say(self) -> None:
        for stack in self.world.stacks.living():
            if stack.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"):
                assert stack.template is not None
                assert set(stack.resources) == set(stack.template.resources)
                assert not stack.leftovers
                for record in stack.resources.values():
                    assert record.physical_id in self.world.things.held

    @invariant()
    def statuses_follow_each_other(self) -> None:
        for stack in self.world.stacks.all.values():
            before = ""
            for event in stack.events:
                if event.physical_id == stack.id:
                    assert event.status in FOLLOWS[before], f"{event.status} after {before}"
                    before = event.status

    def teardown(self) -> None:
        self.world.things.failing = set()
        self.world.done()
        assert not [stack for stack in self.world.stacks.all.values() if stack.busy]


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
