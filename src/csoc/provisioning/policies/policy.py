"""What a policy looks at and what it gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from csoc.provisioning.plans import PlanKind, PolicyFinding, Purpose
from csoc.provisioning.stacks import ResourceChange


@dataclass(frozen=True, slots=True)
class Considered:
    """One layer of a plan that is being made. resources: of the new template, by logical id. before: of the template
    that the stack runs with. unlocks: "layer/LogicalId" whose data may be lost."""

    layer: str
    kind: PlanKind
    purpose: Purpose
    stage: str
    changes: tuple[ResourceChange, ...]
    resources: Mapping[str, Mapping[str, Any]]
    before: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unlocks: frozenset[str] = frozenset()


class Policy(Protocol):
    """NAME in findings; judge gives what it finds."""

    NAME: str

    def judge(self, considered: Considered) -> Iterator[PolicyFinding]:
        """See the module."""
        ...
