"""How Go prints, compares and judges the values of a template, and the errors of rendering one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from csoc.fleet.gotemplate.errors import TemplateError as TemplateError
from csoc.fleet.gotemplate.errors import UnsupportedError as UnsupportedError


def as_go(value: Any) -> Any:
    """A parsed YAML or JSON value as Go holds it in a map of any: every number is a float64."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return float(value) if abs(value) < 10**300 else math.inf
    if isinstance(value, Mapping):
        return {str(key): as_go(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_go(item) for item in value]
    return value


def shown(value: Any, *, nothing: str = "<no value>") -> str:
    """A value as a template prints it (fmt's %v)."""
    if value is None:
        return nothing
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, Mapping):
        items = " ".join(f"{key}:{shown(value[key], nothing='<nil>')}" for key in sorted(value, key=str))
        return f"map[{items}]"
    if isinstance(value, (list, tuple)):
        return "[" + " ".join(shown(item, nothing="<nil>") for item in value) + "]"
    return str(value)


def _float(value: float) -> str:
    """fmt's %v of a float64: the shortest digits, with an exponent from 1e+06 on and below 1e-04."""
    if math.isinf(value) or math.isnan(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    decimal = Decimal(repr(value))
    exponent = decimal.adjusted()
    digits = "".join(map(str, decimal.as_tuple().digits)).rstrip("0") or "0"
    sign = "-" if value < 0 else ""
    if exponent < -4 or exponent >= 6:
        mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
        return f"{sign}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    text = format(decimal, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_true(value: Any) -> bool:
    """Whether `if` takes a value for true: everything but nothing, false, zero, and what is empty."""
    return bool(value)


def kind(value: Any) -> str:
    """Go's basic kind, for comparisons."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float"
    return "string" if isinstance(value, str) else "other"
