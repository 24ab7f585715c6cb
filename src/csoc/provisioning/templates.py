"""What stands in the text of a template: resources, parameters, and what a later part of a run makes."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from csoc.provisioning.synthesis import Template


def resources_of(body: str) -> Mapping[str, Mapping[str, Any]]:
    """A template's resources. A text that is no template has none."""
    return _section(body, "Resources")


def only_resources(body: str, names: Collection[str]) -> str:
    """The same template with no other resources than these."""
    try:
        found = json.loads(body)
    except ValueError:
        return body
    if not isinstance(found, dict) or not isinstance(found.get("Resources"), dict):
        return body
    kept = {name: one for name, one in found["Resources"].items() if name in names}
    return json.dumps({**found, "Resources": kept}, sort_keys=True)


IS_THERE = ", which is there"
"""Behind a resource that a later part of a run may change, and does not make."""


def later_in(template: Template, there: Collection[str] = ()) -> tuple[str, ...]:
    """Resources that a condition of the template holds back or decides, and that a later part of the run may make or
    change. there: logical ids of those that its stack has already."""
    found = resources_of(template.body)
    return tuple(
        f"{name} ({one.get('Type')}){IS_THERE * (name in there)}"
        for name, one in sorted(found.items())
        if one.get("Condition") or _depends_on_condition(one.get("Properties"))
    )


def _depends_on_condition(value: object) -> bool:
    if isinstance(value, Mapping):
        return "Fn::If" in value or any(_depends_on_condition(one) for one in value.values())
    return isinstance(value, list) and any(_depends_on_condition(one) for one in value)


def parameters_of(body: str) -> Mapping[str, Mapping[str, Any]]:
    """A template's parameters."""
    return _section(body, "Parameters")


def _section(body: str, name: str) -> Mapping[str, Mapping[str, Any]]:
    try:
        found = json.loads(body).get(name, {})
    except (ValueError, AttributeError):
        return {}
    return {key: one for key, one in found.items() if isinstance(one, dict)} if isinstance(found, dict) else {}
