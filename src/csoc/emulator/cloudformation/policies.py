"""Stack policies, and what of a stack nobody may read.

Source: AWS CloudFormation User Guide, "Prevent updates to stack resources": as soon as a stack has a policy, what it
does not allow is denied, and a Deny wins.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.handler import ResourceError
from csoc.emulator.cloudformation.stacks import Stack, StackResource

HIDDEN = "****"


def check(stack: Stack, record: StackResource, action: str) -> None:
    """Raises ResourceError if the stack's policy forbids the action ("Update:Modify", "Update:Replace",
    "Update:Delete") on a resource."""
    if not stack.policy:
        return
    allowed = False
    for number, statement in enumerate(json.loads(stack.policy).get("Statement", ()), start=1):
        if not _applies(statement, record, action):
            continue
        if statement.get("Effect") == "Deny":
            where = (
                f"Statement [#{number}] does not allow [{action}] for resource [LogicalResourceId/{record.logical_id}]"
            )
            raise ResourceError(f"Action denied by stack policy: {where}", "AccessDenied")
        allowed = True
    if not allowed:
        where = f"no statement allows [{action}] for resource [LogicalResourceId/{record.logical_id}]"
        raise ResourceError(f"Action not allowed by stack policy: {where}", "AccessDenied")


def policy_problem(text: str) -> str:
    """What is wrong with the text of a stack policy, "" if nothing."""
    try:
        policy = json.loads(text)
    except ValueError:
        return "Error validating stack policy: the policy is not well-formed JSON"
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    if not isinstance(statements, list) or not statements:
        return "Error validating stack policy: Statement is missing"
    for statement in statements:
        if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
            return "Error validating stack policy: Effect must be Allow or Deny"
        if not ({"Action", "NotAction"} & set(statement)) or not ({"Resource", "NotResource"} & set(statement)):
            return "Error validating stack policy: a statement needs Action and Resource"
        if statement.get("Principal", "*") != "*":
            return "Error validating stack policy: Principal supports only the wild card (*)"
    return ""


def _applies(statement: Mapping[str, Any], record: StackResource, action: str) -> bool:
    if "Action" in statement and not any(fnmatch.fnmatchcase(action, p) for p in _list(statement["Action"])):
        return False
    if "NotAction" in statement and any(fnmatch.fnmatchcase(action, p) for p in _list(statement["NotAction"])):
        return False
    name = f"LogicalResourceId/{record.logical_id}"
    if "Resource" in statement and not any(
        fnmatch.fnmatchcase(name, p) or p == "*" for p in _list(statement["Resource"])
    ):
        return False
    if "NotResource" in statement and any(fnmatch.fnmatchcase(name, p) for p in _list(statement["NotResource"])):
        return False
    for operator, wanted in statement.get("Condition", {}).items():
        types = _list(wanted.get("ResourceType", ()))
        if operator == "StringEquals" and record.type not in types:
            return False
        if operator == "StringLike" and not any(fnmatch.fnmatchcase(record.type, pattern) for pattern in types):
            return False
        if operator not in ("StringEquals", "StringLike"):
            return statement.get("Effect") == "Deny"
    return True


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def without_secrets(stack: Stack, text: str) -> str:
    """A text about a stack, without the values of its NoEcho parameters."""
    if stack.template is None:
        return text
    for parameter in stack.template.parameters.values():
        value = stack.parameters.get(parameter.name)
        if parameter.no_echo and isinstance(value, str) and value:
            text = text.replace(value, HIDDEN)
    return text
