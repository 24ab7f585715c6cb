"""Stack policies, and what of a stack nobody may read.

Source: AWS CloudFormation User Guide, "Prevent updates to stack resources": as soon as a stack has a policy, what it
does not allow is denied, and a Deny wins.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.handler import ResourceError
from csoc.emulator.cloudformation.stack_records import Stack
from csoc.emulator.cloudformation.template.functions import HIDDEN
from csoc.emulator.iam.matching import like

_LARGEST_BYTES = 16_384
_ACTIONS = ("Update:Modify", "Update:Replace", "Update:Delete", "Update:*", "*")
_OPERATORS = ("StringEquals", "StringLike")
# Values shorter than this are not looked for in texts: they would hide most of what the text says.
_SHORTEST_SECRET = 4


def check(policy: str, logical_id: str, type_name: str, action: str) -> None:
    """Raises ResourceError if a policy forbids an action ("Update:Modify", "Update:Replace", "Update:Delete") on a
    resource."""
    if not policy:
        return
    allowed = False
    for number, statement in enumerate(_statements(json.loads(policy)), start=1):
        if not _applies(statement, logical_id, type_name, action):
            continue
        if statement.get("Effect") == "Deny":
            where = f"Statement [#{number}] does not allow [{action}] for resource [LogicalResourceId/{logical_id}]"
            raise ResourceError(f"Action denied by stack policy: {where}", "AccessDenied")
        allowed = True
    if not allowed:
        where = f"no statement allows [{action}] for resource [LogicalResourceId/{logical_id}]"
        raise ResourceError(f"Action not allowed by stack policy: {where}", "AccessDenied")


def policy_problem(text: str) -> str:
    """What is wrong with the text of a stack policy, "" if nothing."""
    if len(text.encode()) > _LARGEST_BYTES:
        return f"Error validating stack policy: it may not be larger than {_LARGEST_BYTES} bytes"
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError):
        return "Error validating stack policy: Policy body contains invalid json"
    statements = _statements(policy) if isinstance(policy, dict) else []
    if not statements:
        return "Error validating stack policy: Statement is missing"
    for number, statement in enumerate(statements, start=1):
        problem = _statement_problem(statement)
        if problem:
            return f"Error validating stack policy: Statement [#{number}] {problem}"
    return ""


def _statement_problem(statement: Any) -> str:
    if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
        return "has an Effect that is neither Allow nor Deny"
    if statement.get("Principal") not in ("*", {"AWS": "*"}):
        return "has a Principal other than the wild card (*)"
    for one, other in (("Action", "NotAction"), ("Resource", "NotResource")):
        if (one in statement) == (other in statement):
            return f"needs either {one} or {other}"
        values = statement.get(one, statement.get(other))
        if not isinstance(values, (str, list)) or not all(isinstance(value, str) for value in _list(values)):
            return f"has {one} in a form that is no text or list of texts"
    if not set(_list(statement.get("Action", statement.get("NotAction")))) <= set(_ACTIONS):
        return f"has an Action that is none of {', '.join(_ACTIONS[:-1])}"
    conditions = statement.get("Condition", {})
    if not isinstance(conditions, dict) or not set(conditions) <= set(_OPERATORS):
        return "has a Condition other than StringEquals and StringLike"
    if any(not isinstance(body, dict) or set(body) != {"ResourceType"} for body in conditions.values()):
        return "has a Condition on something else than ResourceType"
    return ""


def _statements(policy: Mapping[str, Any]) -> list[Any]:
    found = policy.get("Statement", [])
    return [found] if isinstance(found, dict) else list(found) if isinstance(found, list) else []


def _applies(statement: Mapping[str, Any], logical_id: str, type_name: str, action: str) -> bool:
    name = f"LogicalResourceId/{logical_id}"
    for member, value in (("Action", action), ("Resource", name)):
        if member in statement:
            if not any(like(pattern, value) for pattern in _list(statement[member])):
                return False
        elif any(like(pattern, value) for pattern in _list(statement[f"Not{member}"])):
            return False
    for operator, wanted in statement.get("Condition", {}).items():
        types = _list(wanted["ResourceType"])
        if operator == "StringEquals" and type_name not in types:
            return False
        if operator == "StringLike" and not any(like(pattern, type_name) for pattern in types):
            return False
    return True


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def without_secrets(stack: Stack, text: str) -> str:
    """A text of a service about a stack, without the values of its NoEcho parameters."""
    if stack.template is None or not text:
        return text
    for parameter in stack.template.parameters.values():
        value = stack.parameters.get(parameter.name)
        if not parameter.no_echo or value is None:
            continue
        for part in value if isinstance(value, list) else [value]:
            if len(part) >= _SHORTEST_SECRET:
                text = text.replace(part, HIDDEN)
    return text
