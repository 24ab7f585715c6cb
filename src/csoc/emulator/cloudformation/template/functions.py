"""Resolves intrinsic functions, as far as what they need is known.

A change set is made before resources exist: what only an apply can tell becomes UNKNOWN, and everything made of it as
well. Source: AWS CloudFormation User Guide, "Intrinsic function reference".
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from csoc.emulator.cloudformation.template.model import Template, TemplateError
from csoc.emulator.cloudformation.template.reading import text_of
from csoc.emulator.cloudformation.template.references import SUBSTITUTION

UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
_ABSENT = object()


class NotKnownYetError(Exception):
    """A value that only exists after an apply."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a template may refer to. parameters: values, lists for list types. ref, attribute: of resources; raise
    NotKnownYetError where the resource is not there yet, TemplateError where it has no such attribute. imported: an
    export's value; raises TemplateError. dynamic: what stands behind "{{resolve:...}}" (service, rest of the
    reference)."""

    template: Template
    parameters: Mapping[str, Any]
    account: str
    region: str
    stack_id: str
    stack_name: str
    zones: tuple[str, ...]
    ref: Callable[[str], str]
    attribute: Callable[[str, str], Any]
    imported: Callable[[str], str]
    dynamic: Callable[[str, str], str]
    notifications: tuple[str, ...] = ()
    known_conditions: dict[str, bool] = field(default_factory=dict)

    def condition(self, name: str) -> bool:
        """True if a condition of the template holds."""
        if name not in self.known_conditions:
            if name not in self.template.conditions:
                raise TemplateError(f"Template error: unresolved condition dependency {name} in Fn::If")
            self.known_conditions[name] = _truth(self, self.template.conditions[name])
        return self.known_conditions[name]


def resolve(scope: Scope, value: Any) -> Any:
    """The value with all functions resolved. Members that are AWS::NoValue are left out. Raises TemplateError, and
    NotKnownYetError if any part is not known."""
    resolved = _resolve(scope, value)
    return None if resolved is _ABSENT else resolved


def resolve_known(scope: Scope, value: Any) -> Any:
    """Like resolve, but texts that are not known yet are UNKNOWN and the rest is there: for change sets."""
    try:
        if isinstance(value, Mapping) and _function(value) is None:
            pairs = ((key, resolve_known(scope, inner)) for key, inner in value.items())
            return {key: inner for key, inner in pairs if inner is not None}
        if isinstance(value, (list, tuple)):
            return [inner for item in value if (inner := resolve_known(scope, item)) is not None]
        if isinstance(value, Mapping) and "Fn::If" in value:
            return resolve_known(scope, _chosen(scope, value["Fn::If"]))
        return resolve(scope, value)
    except NotKnownYetError:
        return UNKNOWN


def _function(value: Mapping[str, Any]) -> str | None:
    if len(value) != 1:
        return None
    name = next(iter(value))
    return (
        name
        if name == "Ref" or name.startswith("Fn::") or (name == "Condition" and isinstance(value[name], str))
        else None
    )


def _resolve(scope: Scope, value: Any) -> Any:
    if isinstance(value, Mapping):
        name = _function(value)
        if name is not None and name != "Condition":
            function = _FUNCTIONS.get(name)
            if function is None:
                raise TemplateError(f"Template error: the emulator does not know the function {name}")
            return function(scope, value[name])
        pairs = ((key, _resolve(scope, inner)) for key, inner in value.items())
        return {key: inner for key, inner in pairs if inner is not _ABSENT}
    if isinstance(value, (list, tuple)):
        return [inner for item in value if (inner := _resolve(scope, item)) is not _ABSENT]
    if isinstance(value, str) and "{{resolve:" in value:
        return _dynamic(scope, value)
    return value


def _dynamic(scope: Scope, text: str) -> str:
    """Dynamic references within a text, replaced one after the other."""
    head, found, rest = text.partition("{{resolve:")
    parts = [head]
    while found:
        inner, closed, rest = rest.partition("}}")
        if not closed:
            raise TemplateError(f"Template error: dynamic reference without an end in {text!r}")
        service, _, reference = inner.partition(":")
        parts.append(scope.dynamic(service, reference))
        head, found, rest = rest.partition("{{resolve:")
        parts.append(head)
    return "".join(parts)


def _ref(scope: Scope, name: Any) -> Any:
    pseudo = {
        "AWS::AccountId": scope.account,
        "AWS::NotificationARNs": list(scope.notifications),
        "AWS::NoValue": _ABSENT,
        "AWS::Partition": "aws",
        "AWS::Region": scope.region,
        "AWS::StackId": scope.stack_id,
        "AWS::StackName": scope.stack_name,
        "AWS::URLSuffix": "amazonaws.com",
    }
    if name in pseudo:
        return pseudo[name]
    if name in scope.parameters:
        return scope.parameters[name]
    if name not in scope.template.resources:
        raise TemplateError(f"Template format error: Unresolved resource dependencies [{name}]")
    return scope.ref(str(name))


def _get_att(scope: Scope, argument: Any) -> Any:
    parts = argument.split(".", 1) if isinstance(argument, str) else list(argument)
    if len(parts) != 2:
        raise TemplateError("Template error: every Fn::GetAtt object requires two non-empty parameters")
    return scope.attribute(str(parts[0]), text_of(_resolve(scope, parts[1])))


def _sub(scope: Scope, argument: Any) -> str:
    text, own = (argument[0], argument[1]) if isinstance(argument, (list, tuple)) else (argument, {})
    if not isinstance(text, str) or not isinstance(own, Mapping):
        raise TemplateError("Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments")
    values = {name: _resolve(scope, value) for name, value in own.items()}

    def put(match: Any) -> str:
        if match[1]:
            return f"${{{match[2]}}}"
        name = match[2].strip()
        if name in values:
            found = values[name]
        elif "." in name:
            found = _get_att(scope, name)
        else:
            found = _ref(scope, name)
        if isinstance(found, (list, dict)):
            raise TemplateError(f"Template error: Fn::Sub expects a text for {name}")
        return text_of(found)

    replaced: str = SUBSTITUTION.sub(put, text)
    return _dynamic(scope, replaced)


def _join(scope: Scope, argument: Any) -> str:
    if not isinstance(argument, (list, tuple)) or len(argument) != 2 or not isinstance(argument[0], str):
        raise TemplateError(
            "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list"
        )
    items = _resolve(scope, argument[1])
    if not isinstance(items, list):
        raise TemplateError("Template error: every Fn::Join object requires a list of strings to be joined")
    return _dynamic(scope, argument[0].join(text_of(item) for item in items))


def _select(scope: Scope, argument: Any) -> Any:
    if not isinstance(argument, (list, tuple)) or len(argument) != 2:
        raise TemplateError("Template error: Fn::Select requires two arguments")
    index, items = text_of(_resolve(scope, argument[0])), _resolve(scope, argument[1])
    if not isinstance(items, list):
        raise TemplateError("Template error: Fn::Select requires a list argument with two elements")
    if not index.isdecimal() or int(index) >= len(items):
        raise TemplateError(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
    return items[int(index)]


def _split(scope: Scope, argument: Any) -> list[str]:
    if not isinstance(argument, (list, tuple)) or len(argument) != 2:
        raise TemplateError("Template error: every Fn::Split object requires two parameters")
    return text_of(_resolve(scope, argument[1])).split(text_of(argument[0]))


def _find_in_map(scope: Scope, argument: Any) -> Any:
    parts = [text_of(_resolve(scope, part)) for part in argument[:3]]
    found: Any = scope.template.mappings
    for part in parts:
        if not isinstance(found, Mapping) or part not in found:
            if len(argument) == 4 and isinstance(argument[3], Mapping) and "DefaultValue" in argument[3]:
                return _resolve(scope, argument[3]["DefaultValue"])
            raise TemplateError(f"Template error: Unable to get mapping for {'::'.join(parts)}")
        found = found[part]
    return found


def _chosen(scope: Scope, argument: Any) -> Any:
    if not isinstance(argument, (list, tuple)) or len(argument) != 3:
        raise TemplateError("Template error: every Fn::If object requires three parameters")
    return argument[1] if scope.condition(str(argument[0])) else argument[2]


def _if(scope: Scope, argument: Any) -> Any:
    return _resolve(scope, _chosen(scope, argument))


def _get_azs(scope: Scope, argument: Any) -> list[str]:
    region = text_of(_resolve(scope, argument)) or scope.region
    if region != scope.region:
        raise TemplateError(f"Template error: Fn::GetAZs of another region ({region}) is not known here")
    return list(scope.zones)


def _base64(scope: Scope, argument: Any) -> str:
    return base64.b64encode(text_of(_resolve(scope, argument)).encode()).decode()


def _cidr(scope: Scope, argument: Any) -> list[str]:
    parts = [text_of(_resolve(scope, part)) for part in argument]
    bits = int(parts[2]) if len(parts) > 2 else 8
    count = int(parts[1])
    try:
        network = ipaddress.ip_network(parts[0])
        prefix = network.max_prefixlen - bits
        subnets = network.subnets(new_prefix=prefix)
        found = [str(next(subnets)) for _ in range(count)]
    except (ValueError, StopIteration, RuntimeError) as error:
        raise TemplateError(f"Template error: Fn::Cidr cannot cut {count} blocks out of {parts[0]}: {error}") from None
    return found


def _import(scope: Scope, argument: Any) -> str:
    return scope.imported(text_of(_resolve(scope, argument)))


def _truth(scope: Scope, value: Any) -> bool:
    if isinstance(value, Mapping) and len(value) == 1:
        name, argument = next(iter(value.items()))
        if name == "Condition":
            return scope.condition(str(argument))
        if name == "Fn::Not":
            return not _truth(scope, argument[0])
        if name == "Fn::And":
            return all(_truth(scope, item) for item in argument)
        if name == "Fn::Or":
            return any(_truth(scope, item) for item in argument)
        if name == "Fn::Equals":
            left, right = (_resolve(scope, item) for item in argument)
            return (text_of(left) == text_of(right)) if not isinstance(left, (list, dict)) else bool(left == right)
    raise TemplateError("Template error: every condition needs one of Fn::And, Fn::Equals, Fn::Not, Fn::Or, Condition")


_FUNCTIONS: Mapping[str, Callable[[Scope, Any], Any]] = {
    "Ref": _ref,
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAtt": _get_att,
    "Fn::GetAZs": _get_azs,
    "Fn::If": _if,
    "Fn::ImportValue": _import,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
}
