"""The page of the resource types that the emulator's stacks can have."""

from __future__ import annotations

from collections.abc import Mapping

from csoc.emulator.cloudformation.offered import CUSTOM, NOBODY_ANSWERS, NOT_OFFERED
from csoc.emulator.cloudformation.resources.table import HANDLERS

_HEAD = """# Resource types of the emulator

What a stack in [the emulator](../emulator.md) can have. Written from
`src/csoc/emulator/cloudformation/resources/table.py` by `make docs`; a test keeps it in step.

A template with another type is refused when it is asked for, by name. So is a property that is not listed here, once
its resource is made: nothing of a template is silently lost. Besides, stacks have `AWS::CloudFormation::Stack`,
`AWS::CloudFormation::WaitCondition` (with a CreationPolicy) and `AWS::CDK::Metadata`, which makes nothing.
"""


def pages() -> Mapping[str, bytes]:
    """Path below docs/reference to content."""
    lines = [_HEAD, "| type | properties that are kept |", "|---|---|"]
    for name, handler in sorted(HANDLERS.items()):
        supported: frozenset[str] = getattr(handler, "supported")  # noqa: B009 - every handler of the table has it
        lines.append(f"| {name} | {', '.join(sorted(supported))} |")
    lines += ["", "## Refused, and why", "", "| type | why |", "|---|---|"]
    refused = {**NOT_OFFERED, f"{CUSTOM}*": NOBODY_ANSWERS}
    lines += [f"| {name} | {why} |" for name, why in sorted(refused.items())]
    return {"resource-types.md": ("\n".join(lines) + "\n").encode()}
