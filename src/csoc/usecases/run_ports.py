"""What use cases about runs need from outside, handed in together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from csoc.access.people import Person
from csoc.clock import Clock, Ids
from csoc.operations.executor import EngineFactory, ExecutorSettings
from csoc.operations.registry import STEPS
from csoc.operations.runs import RunStore
from csoc.operations.services import Services
from csoc.operations.steps.base import StepKind


@dataclass(frozen=True, slots=True)
class RunPorts:
    """See the module. services: of the steps; a command that only looks at runs needs none. person: who
    uses this csoc."""

    runs: RunStore
    engine: EngineFactory
    clock: Clock
    ids: Ids
    person: Callable[[], Person]
    services: Services = field(default_factory=Services)
    registry: Mapping[str, StepKind] = field(default_factory=lambda: STEPS)
    executor: ExecutorSettings = field(default_factory=ExecutorSettings)
