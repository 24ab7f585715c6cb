"""Condition operators. What is not known here never lets anybody in: an Allow does not match, a Deny does.

Source: "IAM JSON policy elements: Condition operators" and "Set operators for multi-valued context keys", AWS IAM User
Guide.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from csoc.emulator.iam.matching import arn_matches, like, literal

Context = Mapping[str, str | Sequence[str]]
"""Condition keys in lower case, with their values; several for keys such as aws:TagKeys."""
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_LITERALS = {"*": "*", "?": "?", "$": "$"}


class UnknownConditionError(Exception):
    """The operator or the key is not known to the emulator."""


def holds(
    operator: str, key: str, values: Sequence[str], context: Context, known: frozenset[str], *, variables: bool
) -> bool:
    """True if one line of a Condition element holds. known: keys (lower case; ending in "/" for those with a name
    behind) that the emulator can fill in for this call. variables: whether ${...} is replaced.

    Raises UnknownConditionError for an operator or a key that nobody here can judge.
    """
    name = key.lower()
    if name not in known and not _has_known_prefix(name, known):
        raise UnknownConditionError(f"condition key {key}")
    quantifier, _, rest = operator.rpartition(":")
    if_exists = rest.endswith("IfExists")
    base = rest.removesuffix("IfExists")
    if base == "Null" and not quantifier and not if_exists:
        return any((name not in context) == _truth(value) for value in values)
    compare = _OPERATORS.get(base)
    if compare is None or quantifier not in ("", "ForAllValues", "ForAnyValue"):
        raise UnknownConditionError(f"condition operator {operator}")
    if name not in context:
        # A key that is absent satisfies negated operators, IfExists and ForAllValues, and nothing else.
        return if_exists or quantifier == "ForAllValues" or (not quantifier and base in _NEGATED)
    wanted = list(values)
    if variables:
        negated = base in _NEGATED
        wanted = [replaced(value, context, pattern=base in _PATTERNS, needed=negated) for value in values]
    _check_values(base, wanted)
    given = context[name]
    present = [given] if isinstance(given, str) else list(given)
    if quantifier == "ForAllValues":
        return all(_any_or_none(base, compare, value, wanted) for value in present)
    if quantifier == "ForAnyValue":
        return any(_any_or_none(base, compare, value, wanted) for value in present)
    return any(_any_or_none(base, compare, value, wanted) for value in present)


def _any_or_none(base: str, compare: Compare, value: str, wanted: Sequence[str]) -> bool:
    """Several wanted values are alternatives; for negated operators none of them may match."""
    if base in _NEGATED:
        return all(compare(value, one) for one in wanted)
    return any(compare(value, one) for one in wanted)


def _has_known_prefix(name: str, known: frozenset[str]) -> bool:
    for end in ("/", ":"):
        at = name.find(end)
        while at >= 0:
            if name[: at + 1] in known:
                return True
            at = name.find(end, at + 1)
    return False


def _truth(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise UnknownConditionError(f"value {value} of the condition operator Null")
    return value.lower() == "true"


def _check_values(base: str, wanted: Sequence[str]) -> None:
    """Raises UnknownConditionError for a value that the operator cannot compare with: nothing equals it, so a negated
    operator would hold for everybody."""
    for value in wanted:
        bad = (
            (base.startswith("Numeric") and _number(value) != _number(value))
            or (base.startswith("Date") and _time(value) != _time(value))
            or (base == "Bool" and value.lower() not in ("true", "false"))
            or (base.endswith("IpAddress") and not _is_network(value))
        )
        if bad:
            raise UnknownConditionError(f"value {value} of the condition operator {base}")


def replaced(text: str, context: Context, *, pattern: bool = True, needed: bool = False) -> str:
    """A text with its policy variables: ${key}, ${key, 'default'}. pattern: the text has wildcards, which values never
    add to. A variable that is absent leaves a text that nothing equals; needed: it raises UnknownConditionError
    instead, where "unequal" would let in."""

    def put(match: re.Match[str]) -> str:
        name, comma, default = match[1].partition(",")
        if name in _LITERALS:
            return literal(_LITERALS[name]) if pattern else _LITERALS[name]
        found = context.get(name.strip().lower())
        if not isinstance(found, str):
            if not comma:
                if needed:
                    raise UnknownConditionError(f"policy variable {match[0]} for this caller")
                return "\0absent"
            found = default.strip().removeprefix("'").removesuffix("'")
        return literal(found) if pattern else found

    return _VARIABLE.sub(put, text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _time(text: str) -> float:
    try:
        if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
            return float(text)
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return float("nan")
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _in_network(address: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _same_bytes(value: str, wanted: str) -> bool:
    try:
        return base64.b64decode(value, validate=True) == base64.b64decode(wanted, validate=True)
    except binascii.Error:
        return False


Compare = Callable[[str, str], bool]
_OPERATORS: Mapping[str, Compare] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringNotEquals": lambda value, wanted: value != wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringNotEqualsIgnoreCase": lambda value, wanted: value.lower() != wanted.lower(),
    "StringLike": lambda value, wanted: like(wanted, value),
    "StringNotLike": lambda value, wanted: not like(wanted, value),
    "NumericEquals": lambda value, wanted: _number(value) == _number(wanted),
    "NumericNotEquals": lambda value, wanted: _number(value) != _number(wanted),
    "NumericLessThan": lambda value, wanted: _number(value) < _number(wanted),
    "NumericLessThanEquals": lambda value, wanted: _number(value) <= _number(wanted),
    "NumericGreaterThan": lambda value, wanted: _number(value) > _number(wanted),
    "NumericGreaterThanEquals": lambda value, wanted: _number(value) >= _number(wanted),
    "DateEquals": lambda value, wanted: _time(value) == _time(wanted),
    "DateNotEquals": lambda value, wanted: _time(value) != _time(wanted),
    "DateLessThan": lambda value, wanted: _time(value) < _time(wanted),
    "DateLessThanEquals": lambda value, wanted: _time(value) <= _time(wanted),
    "DateGreaterThan": lambda value, wanted: _time(value) > _time(wanted),
    "DateGreaterThanEquals": lambda value, wanted: _time(value) >= _time(wanted),
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "BinaryEquals": _same_bytes,
    "IpAddress": _in_network,
    "NotIpAddress": lambda value, wanted: not _in_network(value, wanted),
    "ArnEquals": lambda value, wanted: arn_matches(wanted, value),
    "ArnLike": lambda value, wanted: arn_matches(wanted, value),
    "ArnNotEquals": lambda value, wanted: not arn_matches(wanted, value),
    "ArnNotLike": lambda value, wanted: not arn_matches(wanted, value),
}
_NEGATED = frozenset(name for name in _OPERATORS if "Not" in name)
_PATTERNS = frozenset(name for name in _OPERATORS if "Like" in name or name.startswith("Arn"))
