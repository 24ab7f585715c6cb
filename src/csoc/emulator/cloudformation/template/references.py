"""What a piece of a template refers to, without resolving it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from csoc.emulator.cloudformation.template.model import Template, TemplateError

# The longest name is a logical id of 255 characters with an attribute; a bound keeps a text of nothing but "${" short.
SUBSTITUTION = re.compile(r"\$\{(!?)([^}]{0,512})\}")


def function_of(value: Any) -> str | None:
    """The intrinsic function that a value is: a mapping with nothing but its name."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    name = next(iter(value))
    return name if isinstance(name, str) and (name == "Ref" or name.startswith("Fn::")) else None


def references(value: Any) -> Iterator[str]:
    """Logical ids and parameters that a value names; no pseudo parameters."""
    return (name for name, _ in references_with_kind(value))


def references_with_kind(value: Any) -> Iterator[tuple[str, str]]:
    """The same with how they are named: "" by Ref, "Attribute" by Fn::GetAtt."""
    name = function_of(value)
    if name == "Ref":
        target = value["Ref"]
        if isinstance(target, str) and not target.startswith("AWS::"):
            yield target, ""
    elif name == "Fn::GetAtt":
        yield from _attribute(value[name])
    elif name == "Fn::Sub":
        yield from _substituted(value[name])
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from references_with_kind(inner)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from references_with_kind(item)


def _attribute(argument: Any) -> Iterator[tuple[str, str]]:
    if isinstance(argument, str):
        yield argument.split(".", 1)[0], "Attribute"
    elif isinstance(argument, (list, tuple)) and argument:
        yield str(argument[0]), "Attribute"
        yield from references_with_kind(list(argument[1:]))


def _substituted(value: Any) -> Iterator[tuple[str, str]]:
    text, own = (value[0], value[1]) if isinstance(value, (list, tuple)) and len(value) == 2 else (value, {})
    own = own if isinstance(own, Mapping) else {}
    for literal, name in SUBSTITUTION.findall(str(text)):
        if not literal and name not in own and not name.startswith("AWS::"):
            head, dot, _ = name.partition(".")
            yield head, "Attribute" if dot else ""
    yield from references_with_kind(dict(own))


def conditions_in(value: Any) -> Iterator[str]:
    """Conditions that a value names by Fn::If."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "Fn::If" and isinstance(inner, (list, tuple)) and inner:
                yield str(inner[0])
                yield from conditions_in(list(inner[1:]))
            else:
                yield from conditions_in(inner)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from conditions_in(item)


def conditions_of_condition(value: Any) -> Iterator[str]:
    """Conditions that the body of a condition names."""
    if isinstance(value, Mapping):
        if len(value) == 1 and isinstance(value.get("Condition"), str):
            yield value["Condition"]
            return
        for key, inner in value.items():
            if key == "Fn::If" and isinstance(inner, (list, tuple)) and inner:
                yield str(inner[0])
            yield from conditions_of_condition(inner)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from conditions_of_condition(item)


def dependencies(template: Template, wanted: frozenset[str]) -> dict[str, frozenset[str]]:
    """For each wanted resource, which of the others must be there before it. Raises TemplateError for a circle."""
    found = {}
    for name in wanted:
        resource = template.resources[name]
        targets = {*references(resource.properties), *resource.depends_on}
        found[name] = frozenset(target for target in targets if target in wanted and target != name)
        if name in targets:
            raise TemplateError(f"Circular dependency between resources: [{name}]")
    in_order(found)
    return found


def in_order(after: Mapping[str, frozenset[str]]) -> list[str]:
    """Names so that each comes after what it needs; the same order each time. Raises TemplateError for a circle."""
    sorter = TopologicalSorter({name: sorted(after[name]) for name in sorted(after)})
    try:
        sorter.prepare()
    except CycleError as error:
        names = ", ".join(dict.fromkeys(error.args[1]))
        raise TemplateError(f"Circular dependency between resources: [{names}]") from None
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return order
