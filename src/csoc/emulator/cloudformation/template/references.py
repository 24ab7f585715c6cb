"""What a piece of a template refers to, without resolving it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from csoc.emulator.cloudformation.template.model import Template, TemplateError

SUBSTITUTION = re.compile(r"\$\{(!?)([^}]*)\}")


def references(value: Any) -> Iterator[str]:
    """Logical ids and parameters that a value names; no pseudo parameters."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "Ref" and isinstance(inner, str) and len(value) == 1:
                if not inner.startswith("AWS::"):
                    yield inner
            elif key == "Fn::GetAtt" and inner:
                yield str(inner[0] if isinstance(inner, (list, tuple)) else str(inner).split(".", 1)[0])
            elif key == "Fn::Sub":
                yield from _substituted(inner)
            else:
                yield from references(inner)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from references(item)


def _substituted(value: Any) -> Iterator[str]:
    text, own = (value[0], value[1]) if isinstance(value, (list, tuple)) and len(value) == 2 else (value, {})
    for literal, name in SUBSTITUTION.findall(str(text)):
        if not literal and name not in own and not name.startswith("AWS::"):
            yield name.split(".", 1)[0].strip()
    yield from references(own)


def conditions_in(value: Any) -> Iterator[str]:
    """Conditions that a value names, by Fn::If or Condition."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "Fn::If" and isinstance(inner, (list, tuple)) and inner:
                yield str(inner[0])
                yield from conditions_in(inner[1:])
            elif key == "Condition" and isinstance(inner, str) and len(value) == 1:
                yield inner
            else:
                yield from conditions_in(inner)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from conditions_in(item)


def dependencies(template: Template, wanted: frozenset[str]) -> dict[str, frozenset[str]]:
    """For each wanted resource, which of the others must be there before it. Raises TemplateError for a circle."""
    found = {}
    for name in wanted:
        resource = template.resources[name]
        targets = {*references(resource.properties), *resource.depends_on}
        found[name] = frozenset(target for target in targets if target in wanted and target != name)
        if name in targets:
            raise TemplateError(f"Circular dependency between resources: [{name}]")
    try:
        TopologicalSorter(found).prepare()
    except CycleError as error:
        names = ", ".join(dict.fromkeys(error.args[1]))
        raise TemplateError(f"Circular dependency between resources: [{names}]") from None
    return found
