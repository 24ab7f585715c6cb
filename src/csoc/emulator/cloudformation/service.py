"""Puts CloudFormation together."""

from __future__ import annotations

from collections.abc import Callable

from csoc.emulator.cloud.inside import InsideClients
from csoc.emulator.cloudformation.engine import Engine
from csoc.emulator.cloudformation.operations import CloudFormation
from csoc.emulator.cloudformation.resources.table import HANDLERS
from csoc.emulator.cloudformation.schemas import Schemas
from csoc.emulator.cloudformation.scopes import Outside
from csoc.emulator.timeline import Timeline


def cloudformation(timeline: Timeline, inside: InsideClients, ids: Callable[[], str]) -> CloudFormation:
    """The service with all resource types."""
    schemas, outside = Schemas(), Outside(inside)
    engine = Engine(timeline, HANDLERS, inside, schemas, outside, ids)
    return CloudFormation(engine, timeline, inside, schemas, outside, ids)
