"""Policy documents, parsed strictly. What IAM would refuse when a policy is saved is refused here too.

Source: "IAM JSON policy elements reference" and "Grammar of the IAM JSON policy language", AWS IAM User Guide.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_VERSIONS = ("2008-10-17", "2012-10-17")
_ELEMENTS = frozenset(
    {
        "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
    }
)  # fmt: skip
Condition = tuple[str, str, tuple[str, ...]]
"""Operator, key, values."""


class PolicyError(ValueError):
    """The document is no policy; the message is in IAM's words (MalformedPolicyDocument)."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. principals: by kind ("AWS", "Service", "Federated", "CanonicalUser"; "*" for everybody), None if
    the element is absent, as in identity policies. Of actions and not_actions exactly one is set, of resources and
    not_resources at most one (trust policies have none)."""

    allow: bool
    sid: str = ""
    principals: Mapping[str, tuple[str, ...]] | None = None
    not_principals: Mapping[str, tuple[str, ...]] | None = None
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """A document. version decides whether policy variables are replaced (2012-10-17 only)."""

    version: str
    statements: tuple[Statement, ...]
    id: str = ""
    name: str = field(default="", compare=False)


def parse_policy(document: str | Mapping[str, Any], name: str = "") -> Policy:
    """name: for messages about which policy decided. Raises PolicyError."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            raise PolicyError("Syntax errors in policy: it is not JSON.") from None
    if not isinstance(document, Mapping):
        raise PolicyError("Syntax errors in policy.")
    unknown = sorted(set(document) - {"Version", "Id", "Statement"})
    if unknown:
        raise PolicyError(f"Syntax errors in policy: unknown element {unknown[0]}.")
    version = document.get("Version", "2008-10-17")
    if version not in _VERSIONS:
        raise PolicyError(f"The policy version {version!r} must be 2012-10-17 or 2008-10-17.")
    statements = document.get("Statement")
    if isinstance(statements, Mapping):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise PolicyError("Syntax errors in policy: Statement is missing.")
    return Policy(str(version), tuple(_statement(one) for one in statements), str(document.get("Id", "")), name)


def _statement(body: Any) -> Statement:
    if not isinstance(body, Mapping):
        raise PolicyError("Syntax errors in policy: a statement is no object.")
    unknown = sorted(set(body) - _ELEMENTS)
    if unknown:
        raise PolicyError(f"Syntax errors in policy: unknown element {unknown[0]} in a statement.")
    if body.get("Effect") not in ("Allow", "Deny"):
        raise PolicyError("Syntax errors in policy: Effect must be Allow or Deny.")
    for one, other in (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")):
        if one in body and other in body:
            raise PolicyError(f"Syntax errors in policy: {one} and {other} stand in one statement.")
    if "Action" not in body and "NotAction" not in body:
        raise PolicyError("Policy statement must contain actions.")
    return Statement(
        body["Effect"] == "Allow",
        str(body.get("Sid", "")),
        _principals(body["Principal"]) if "Principal" in body else None,
        _principals(body["NotPrincipal"]) if "NotPrincipal" in body else None,
        _texts(body, "Action"),
        _texts(body, "NotAction"),
        _texts(body, "Resource"),
        _texts(body, "NotResource"),
        _conditions(body.get("Condition", {})),
    )


def _texts(body: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = body.get(name, ())
    values = (value,) if isinstance(value, str) else value
    if not isinstance(values, (list, tuple)) or any(not isinstance(one, str) or not one for one in values):
        raise PolicyError(f"Syntax errors in policy: {name} must be a text or a list of texts.")
    if name in body and not values:
        raise PolicyError(f"Syntax errors in policy: {name} is empty.")
    return tuple(values)


def _principals(value: Any) -> dict[str, tuple[str, ...]]:
    if value == "*":
        return {"*": ("*",)}
    if not isinstance(value, Mapping) or not value:
        raise PolicyError("Invalid principal in policy.")
    for kind in value:
        if kind not in ("AWS", "Service", "Federated", "CanonicalUser"):
            raise PolicyError(f"Invalid principal in policy: {kind}")
    return {str(kind): _texts(value, str(kind)) for kind in value}


def _conditions(value: Any) -> tuple[Condition, ...]:
    if not isinstance(value, Mapping):
        raise PolicyError("Syntax errors in policy: Condition must be an object.")
    found: list[Condition] = []
    for operator, keys in value.items():
        if not isinstance(keys, Mapping):
            raise PolicyError(f"Syntax errors in policy: {operator} must hold condition keys.")
        for key, wanted in keys.items():
            values = wanted if isinstance(wanted, (list, tuple)) else [wanted]
            if any(isinstance(one, (Mapping, list)) or one is None for one in values):
                raise PolicyError(f"Syntax errors in policy: the values of {key} must be texts.")
            found.append((str(operator), str(key), tuple(_text(one) for one in values)))
    return tuple(found)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
