"""All kinds of steps, by name. A test compares the table with the modules of `csoc.operations.steps`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from csoc.operations.steps import (
    apply_layer,
    bootstrap_cluster,
    check_cluster_unused,
    deploy_gen3,
    destroy_layer,
    follow_gen3,
    list_left,
    put_secrets,
    remember_applied,
    remove_documents,
    remove_gen3,
    wait_for_approval,
    wait_for_https,
    wait_for_run,
    write_outputs,
    write_platform,
)
from csoc.operations.steps.base import StepKind

Registry = Mapping[str, StepKind]

STEPS: Registry = MappingProxyType(
    {
        step.kind: step
        for step in (
            apply_layer.STEP,
            bootstrap_cluster.STEP,
            check_cluster_unused.STEP,
            deploy_gen3.STEP,
            destroy_layer.STEP,
            follow_gen3.STEP,
            list_left.STEP,
            put_secrets.STEP,
            remember_applied.STEP,
            remove_documents.STEP,
            remove_gen3.STEP,
            wait_for_approval.STEP,
            wait_for_https.STEP,
            wait_for_run.STEP,
            write_outputs.STEP,
            write_platform.STEP,
        )
    }
)
