"""All resource types that the emulator makes. Adding one touches its service's module, this table and a test."""

from __future__ import annotations

from collections.abc import Mapping

from csoc.emulator.cloudformation.resources import ec2
from csoc.emulator.cloudformation.resources.handler import Handler

_ALL: tuple[Handler, ...] = (
    *ec2.HANDLERS,
)  # fmt: skip
HANDLERS: Mapping[str, Handler] = {handler.type_name: handler for handler in _ALL}
