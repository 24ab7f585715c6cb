"""All kinds of steps, by name. A test compares the table with the modules of `csoc.operations.steps`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from csoc.operations.steps import (
    apply_layer,
    destroy_layer,
    put_secrets,
    remember_applied,
    wait_for_approval,
    wait_for_merge,
    wait_for_run,
    write_outputs,
)
from csoc.operations.steps.base import StepKind

Registry = Mapping[str, StepKind]

STEPS: Registry = MappingProxyType(
    {
        step.kind: step
        for step in (
            apply_layer.STEP,
            destroy_layer.STEP,
            put_secrets.STEP,
            remember_applied.STEP,
            wait_for_approval.STEP,
            wait_for_merge.STEP,
            wait_for_run.STEP,
            write_outputs.STEP,
        )
    }
)
