"""A template as an estimate reads it: resources that are there, and values as far as they are known before anything
exists.

Templates come from csoc itself, and from stacks in accounts, where somebody may have written anything. So a text that
is no template is refused, and a value that cannot be known is `UNKNOWN`, never a guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from csoc.errors import RejectedError

_DEEPEST = 40
_LONGEST = 4_000_000
_MOST_RESOURCES = 500  # CloudFormation's own limit
_LARGEST_NUMBER = Decimal(10) ** 7
_LONGEST_TEXT = 5_000  # CloudFormation takes values of parameters up to 4096 bytes
_FROM_SSM = "AWS::SSM::Parameter::Value"
_VARIABLE = re.compile(r"\$\{([^}!]{1,255})\}")


class Unknown:
    """A value that only AWS knows, or that this module does not work out."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True)
class Reference:
    """A resource that is named. attribute: "" for Ref."""

    resource: str
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """there: whether its condition holds; None if that is not known. kept: what stays if it is removed."""

    id: str
    type: str
    properties: Any
    there: bool | None
    kept: str


class Template:
    """See the module. parameters: known values, over the template's own defaults."""

    def __init__(self, body: Mapping[str, Any], parameters: Mapping[str, str], region: str) -> None:
        self._mappings = _section(body, "Mappings")
        self._conditions = _section(body, "Conditions")
        self._parameters = {**_defaults(_section(body, "Parameters")), **parameters, "AWS::Region": region}
        found = body.get("Resources")
        if not isinstance(found, Mapping):
            raise RejectedError("The template has no resources", fix="It needs a part Resources")
        if len(found) > _MOST_RESOURCES:
            raise RejectedError(
                f"The template has {len(found)} resources", fix=f"CloudFormation takes {_MOST_RESOURCES}"
            )
        self._judged: dict[str, bool | None] = {}
        self._raw = found
        self.resources = {str(name): self._resource(str(name), one) for name, one in found.items()}

    def of_type(self, kind: str) -> list[Resource]:
        """Resources of a type that are there, or may be."""
        return [one for one in self.resources.values() if one.type == kind and one.there is not False]

    def value(self, start: Any, *path: str | int) -> Any:
        """What stands at a path, resolved: a plain value, a Reference, None if nothing does, or UNKNOWN."""
        found = self.resolve(start)
        for part in path:
            if found is UNKNOWN or found is None:
                return found
            if isinstance(part, int):
                found = found[part] if isinstance(found, list) and len(found) > part else None
            else:
                found = found.get(part) if isinstance(found, Mapping) else None
            found = self.resolve(found)
        return found

    def number(self, start: Any, *path: str | int) -> Decimal | None:
        """An amount at a path; None if it is unknown, absent, or no amount that anything could have."""
        return as_number(self.value(start, *path))

    def text(self, start: Any, *path: str | int) -> str:
        """A text at a path; "" if there is none that is known."""
        found = self.value(start, *path)
        return found if isinstance(found, str) else ""

    def items(self, start: Any, *path: str | int) -> list[Any] | None:
        """The items of a list at a path, resolved; None if it is no list that is known."""
        found = self.value(start, *path)
        return [self.resolve(one) for one in found] if isinstance(found, list) else None

    def named(self, start: Any, *path: str | int) -> Resource | None:
        """The resource of this template that a path refers to."""
        found = self.value(start, *path)
        return self.resources.get(found.resource) if isinstance(found, Reference) else None

    def resolve(self, value: Any, depth: int = 0) -> Any:
        """A value with its outermost functions worked out."""
        if not isinstance(value, Mapping) or len(value) != 1 or depth > _DEEPEST:
            return UNKNOWN if depth > _DEEPEST else value
        ((function, given),) = value.items()
        match function:
            case "Ref":
                return self._ref(given)
            case "Fn::GetAtt":
                return self._attribute(given)
            case "Fn::If":
                return self._if(given, depth)
            case "Fn::Join":
                return self._join(given, depth)
            case "Fn::Sub":
                return self._sub(given)
            case "Fn::Split":
                return self._split(given, depth)
            case "Fn::Select":
                return self._select(given, depth)
            case "Fn::FindInMap":
                return self._in_map(given, depth)
        return UNKNOWN if str(function).startswith("Fn::") else value

    def holds(self, condition: Any, depth: int = 0) -> bool | None:
        """Whether a condition holds, by name or written out; None if that is not known."""
        if depth > _DEEPEST:
            return None
        if isinstance(condition, str):
            return self._named_condition(condition, depth)
        if not isinstance(condition, Mapping) or len(condition) != 1:
            return None
        ((function, given),) = condition.items()
        if function == "Condition":
            return self.holds(given, depth + 1)
        if function == "Fn::Equals" and isinstance(given, list) and len(given) == 2:
            return self._equal(*(self.resolve(one, depth + 1) for one in given))
        if not isinstance(given, list):
            return None
        parts = [self.holds(one, depth + 1) for one in given]
        if function == "Fn::Not" and len(parts) == 1:
            return None if parts[0] is None else not parts[0]
        if function == "Fn::And":
            return False if False in parts else None if None in parts else True
        if function == "Fn::Or":
            return True if True in parts else None if None in parts else False
        return None

    def _named_condition(self, name: str, depth: int) -> bool | None:
        if name not in self._judged:
            self._judged[name] = None  # what one says that leads to itself
            self._judged[name] = self.holds(self._conditions.get(name) or {}, depth + 1)
        return self._judged[name]

    @staticmethod
    def _equal(left: Any, right: Any) -> bool | None:
        plain = (str, int, float)
        return str(left) == str(right) if isinstance(left, plain) and isinstance(right, plain) else None

    def _resource(self, name: str, raw: Any) -> Resource:
        if not isinstance(raw, Mapping):
            return Resource(name, "", {}, True, "")
        condition = raw.get("Condition")
        there = True if condition is None else self.holds(condition if isinstance(condition, str) else None)
        kept = raw.get("DeletionPolicy")
        return Resource(
            name, str(raw.get("Type", "")), raw.get("Properties") or {}, there, kept if isinstance(kept, str) else ""
        )

    def _ref(self, given: Any) -> Any:
        if given == "AWS::NoValue":
            return None
        if not isinstance(given, str):
            return UNKNOWN
        if given in self._parameters:
            value = self._parameters[given]
            return UNKNOWN if isinstance(value, str) and len(value) > _LONGEST_TEXT else value
        return Reference(given) if given in self._raw else UNKNOWN

    def _attribute(self, given: Any) -> Any:
        parts = given.split(".", 1) if isinstance(given, str) else given
        if isinstance(parts, list) and parts and isinstance(parts[0], str) and parts[0] in self._raw:
            return Reference(parts[0], ".".join(str(one) for one in parts[1:]))
        return UNKNOWN

    def _if(self, given: Any, depth: int) -> Any:
        if not isinstance(given, list) or len(given) != 3:
            return UNKNOWN
        holds = self.holds(given[0] if isinstance(given[0], str) else None)
        return UNKNOWN if holds is None else self.resolve(given[1] if holds else given[2], depth + 1)

    def _join(self, given: Any, depth: int) -> Any:
        if not isinstance(given, list) or len(given) != 2 or not isinstance(given[0], str):
            return UNKNOWN
        parts = self.resolve(given[1], depth + 1)
        if not isinstance(parts, list):
            return UNKNOWN
        texts = [self.resolve(one, depth + 1) for one in parts]
        known = [one for one in texts if isinstance(one, str)]
        too_long = sum(len(one) + len(given[0]) for one in known) > _LONGEST_TEXT
        return given[0].join(known) if len(known) == len(texts) and not too_long else UNKNOWN

    def _sub(self, given: Any) -> Any:
        if not isinstance(given, str):
            return UNKNOWN
        texts = {name: self._ref(name) for name in _VARIABLE.findall(given)}
        if not all(isinstance(one, str) for one in texts.values()) or len(given) > _LONGEST_TEXT:
            return UNKNOWN
        made = _VARIABLE.sub(lambda found: str(texts[found[1]]), given).replace("${!", "${")
        return made if len(made) <= _LONGEST_TEXT else UNKNOWN

    def _split(self, given: Any, depth: int) -> Any:
        if not isinstance(given, list) or len(given) != 2 or not isinstance(given[0], str) or not given[0]:
            return UNKNOWN
        text = self.resolve(given[1], depth + 1)
        return text.split(given[0]) if isinstance(text, str) else UNKNOWN

    def _select(self, given: Any, depth: int) -> Any:
        if not isinstance(given, list) or len(given) != 2:
            return UNKNOWN
        number, items = as_number(given[0]), self.resolve(given[1], depth + 1)
        if number is None or not isinstance(items, list) or not 0 <= int(number) < len(items):
            return UNKNOWN
        return self.resolve(items[int(number)], depth + 1)

    def _in_map(self, given: Any, depth: int) -> Any:
        found: Any = self._mappings
        for part in given if isinstance(given, list) and len(given) == 3 else [None]:
            key = self.resolve(part, depth + 1)
            found = found.get(key, UNKNOWN) if isinstance(found, Mapping) and isinstance(key, str) else UNKNOWN
        return found


def read(text: str, parameters: Mapping[str, str], region: str) -> Template:
    """A template's text. Raises RejectedError: it is no template in JSON."""
    if len(text) > _LONGEST:
        raise RejectedError(f"The template has {len(text)} characters", fix="CloudFormation takes a million bytes")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RejectedError("The template is not JSON", fix="csoc's layers are; make it anew with csoc plan") from error
    if not isinstance(body, Mapping):
        raise RejectedError("The template is no object", fix="csoc's layers are; make it anew with csoc plan")
    return Template(body, parameters, region)


def as_number(value: Any) -> Decimal | None:
    """An amount that something in a template could have; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or len(str(value)[:40]) == 40:
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 <= number <= _LARGEST_NUMBER else None


def _defaults(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Values of parameters that are texts of their own, and not names of texts that only AWS has."""
    return {
        name: one["Default"]
        for name, one in parameters.items()
        if isinstance(one, Mapping) and "Default" in one and not str(one.get("Type", "")).startswith(_FROM_SSM)
    }


def _section(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = body.get(name)
    return found if isinstance(found, Mapping) else {}
