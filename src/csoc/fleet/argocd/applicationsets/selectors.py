"""Kubernetes label selectors, without the limits on values that labels have (server URLs are matched too)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def matches(selector: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Whether labels fit matchLabels and matchExpressions; an empty selector fits everything, an unknown operator
    nothing."""
    wanted = selector.get("matchLabels")
    for key, value in wanted.items() if isinstance(wanted, Mapping) else ():
        if labels.get(key) != value:
            return False
    expressions = selector.get("matchExpressions")
    return all(_fits(item, labels) for item in (expressions if isinstance(expressions, list) else ()))


def _fits(expression: Any, labels: Mapping[str, Any]) -> bool:
    if not isinstance(expression, Mapping):
        return False
    key, operator = str(expression.get("key")), expression.get("operator")
    values = expression.get("values") or ()
    if operator == "In":
        return key in labels and labels[key] in values
    if operator == "NotIn":
        return key not in labels or labels[key] not in values
    if operator == "Exists":
        return key in labels
    return operator == "DoesNotExist" and key not in labels
