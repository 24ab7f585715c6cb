"""Puts CloudFormation together."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from csoc.emulator.cloudformation.engine import Engine, Fault
from csoc.emulator.cloudformation.nested import Metadata, NestedStack, WaitCondition
from csoc.emulator.cloudformation.operations import CloudFormation
from csoc.emulator.cloudformation.outside import Acting, Outside
from csoc.emulator.cloudformation.resources.handler import Handler
from csoc.emulator.cloudformation.resources.table import HANDLERS
from csoc.emulator.cloudformation.schemas import Schemas
from csoc.emulator.timeline import Timeline


def cloudformation(
    timeline: Timeline,
    inside: Acting,
    ids: Callable[[], str],
    fault: Fault = lambda *_: None,
    handlers: Mapping[str, Handler] = HANDLERS,
    schemas: Schemas | None = None,
    outside: Outside | None = None,
) -> CloudFormation:
    """The service with all resource types. fault: says which resources fail by a rule. handlers, schemas, outside:
    others than those of AWS, for tests."""
    schemas, outside = schemas or Schemas(), outside or Outside(inside)

    def adopt(child_id: str, parent_id: str) -> None:
        _adopt(service, child_id, parent_id)

    def capabilities_of(stack_id: str) -> list[str]:
        return _capabilities(service, stack_id)

    own: tuple[Handler, ...] = (Metadata(), NestedStack(adopt, capabilities_of), WaitCondition())
    known = {**handlers, **{handler.type_name: handler for handler in own}}
    engine = Engine(timeline, known, inside, schemas, outside, ids, fault)
    service = CloudFormation(engine, timeline, inside, schemas, outside, ids)
    return service


def _capabilities(service: CloudFormation, stack_id: str) -> list[str]:
    """What was acknowledged for a stack, also for the state that an update would be rolled back to."""
    for stacks in service.all_stacks():
        if stack_id in stacks.all:
            stack = stacks.all[stack_id]
            return sorted({*stack.capabilities, *(stack.before.capabilities if stack.before else ())})
    return []


def _adopt(service: CloudFormation, child_id: str, parent_id: str) -> None:
    """Says of a stack whose child it is."""
    for stacks in service.all_stacks():
        if child_id in stacks.all and parent_id in stacks.all:
            child, parent = stacks.all[child_id], stacks.all[parent_id]
            child.parent_id, child.root_id = parent.id, parent.root_id or parent.id
