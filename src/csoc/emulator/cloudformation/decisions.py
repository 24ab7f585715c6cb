"""Whether a resource stays, changes or is replaced: one answer for the change set that shows it and the engine that
does it.

Source: CloudFormation API reference, ResourceChange, member Replacement: the change with the most impact decides, and
what is only known at an apply makes it Conditional.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from csoc.emulator.cloudformation.schemas import Schemas, changed_paths
from csoc.emulator.cloudformation.template.functions import UNKNOWN


@dataclass(frozen=True, slots=True)
class Difference:
    """One property that changes. recreation: Always, Conditionally or Never. known: False if only an apply can tell the
    new value."""

    path: tuple[str, ...]
    before: Any
    after: Any
    recreation: str
    known: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """differences: of properties. retagged: the stack's tags, which the resource carries, change."""

    differences: tuple[Difference, ...] = ()
    retagged: bool = False

    @property
    def changes(self) -> bool:
        return bool(self.differences) or self.retagged

    @property
    def replacement(self) -> str:
        """True, Conditional or False, as ResourceChange says it."""
        if any(found.recreation == "Always" and found.known for found in self.differences):
            return "True"
        return "Conditional" if any(found.recreation != "Never" for found in self.differences) else "False"

    @property
    def replaces(self) -> bool:
        """True if a new resource is made. What the schema calls conditional is left to the service, which changes the
        resource in place or refuses."""
        return self.replacement == "True"


def decide(
    schemas: Schemas,
    type_name: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    tags_before: Mapping[str, str],
    tags_after: Mapping[str, str],
) -> Decision:
    """What going from one set of properties and stack tags to another means for a resource."""
    found = []
    for path in changed_paths(before, after):
        old, new = value_at(before, path), value_at(after, path)
        recreation = schemas.required_recreation(type_name, path, old, new)
        found.append(Difference(path, old, new, recreation, UNKNOWN not in json.dumps(new, default=str)))
    retagged = dict(tags_before) != dict(tags_after) and schemas.taggable(type_name)
    return Decision(tuple(found), retagged)


def value_at(properties: Any, path: tuple[str, ...]) -> Any:
    """What stands at a path of properties; None if nothing does."""
    for part in path:
        if isinstance(properties, list):
            properties = properties[int(part)] if part.isdecimal() and int(part) < len(properties) else None
        elif isinstance(properties, Mapping):
            properties = properties.get(part)
        else:
            return None
    return properties
