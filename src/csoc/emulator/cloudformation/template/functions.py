"""Resolves intrinsic functions, as far as what they need is known.

A change set is made before resources exist: what only an apply can tell becomes UNKNOWN, and everything made of it as
well. Secrets are not resolved here: references to them stay as they are written until a service is called with them.
Whatever a function makes is counted against a Room, texts before they are built.
Source: AWS CloudFormation User Guide, "Intrinsic function reference", "Dynamic references".
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from csoc.emulator.cloudformation.template.model import Template, TemplateError, text_of
from csoc.emulator.cloudformation.template.references import SUBSTITUTION, conditions_of_condition, function_of
from csoc.emulator.cloudformation.template.room import Room, TooLargeError, placed

UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
HIDDEN = "****"
_ABSENT = object()
_DYNAMIC = "{{resolve:"
_MOST_CIDRS = 256
_LONGEST_INDEX = 9
# Dynamic references whose values CloudFormation neither keeps nor compares.
_LATE = frozenset({"secretsmanager", "ssm-secure"})


class NotKnownYetError(Exception):
    """A value that only exists after an apply."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a template may refer to. parameters: values, lists for list types. ref, attribute: of resources; raise
    NotKnownYetError where the resource is not there yet, TemplateError where it has no such attribute. imported: an
    export's value; raises TemplateError. dynamic: what stands behind "{{resolve:...}}" (service, rest of the
    reference). room: what functions may still make; resolving a value has its own."""

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
    room: Room = field(default_factory=Room)

    def condition(self, name: str) -> bool:
        """True if a condition of the template holds."""
        known, waiting = self.known_conditions, [name]
        # One after the other: a template may have a row of conditions that is longer than Python recurses.
        while waiting:
            current = waiting[-1]
            if current not in known and current not in self.template.conditions:
                raise TemplateError(f"Template error: unresolved condition dependency {current} in Fn::If")
            body = self.template.conditions.get(current)
            needed = (
                () if current in known else [other for other in conditions_of_condition(body) if other not in known]
            )
            waiting += needed
            if not needed:
                waiting.pop()
            if not needed and current not in known:
                with placed(f"Conditions/{current}"):
                    known[current] = _truth(self, body)
        return known[name]


def resolve(scope: Scope, value: Any, place: str = "", room: Room | None = None) -> Any:
    """The value with all functions resolved. Members that are AWS::NoValue are left out. place: of the value in the
    template, for errors. room: that several values have together, else each has its own. Raises TemplateError,
    TooLargeError of it, and NotKnownYetError if any part is not known."""
    with placed(place):
        resolved = _resolve(replace(scope, room=room or Room()), value)
    return None if resolved is _ABSENT else resolved


def resolve_known(scope: Scope, value: Any, place: str = "") -> Any:
    """Like resolve, but texts that are not known yet are UNKNOWN and the rest is there: for change sets."""
    with placed(place):
        resolved = _known(replace(scope, room=Room()), value)
    return None if resolved is _ABSENT else resolved


def _known(scope: Scope, value: Any) -> Any:
    name = function_of(value)
    if name is None and isinstance(value, (Mapping, list, tuple)):
        return _members(value, lambda inner: _known(scope, inner))
    try:
        if name == "Fn::If":
            return _known(scope, _chosen(scope, value[name]))
        return _resolve(scope, value)
    except NotKnownYetError:
        return UNKNOWN


def _members(value: Any, resolved: Callable[[Any], Any]) -> Any:
    """A map or list with its members resolved; what is too large is told with the way to it."""
    pairs: Any = value.items() if isinstance(value, Mapping) else enumerate(value)

    def found() -> Iterator[tuple[Any, Any]]:
        for key, inner in pairs:
            try:
                member = resolved(inner)
            except TooLargeError as error:
                # No context manager here: this is done for every member of every resource.
                error.within(key)
                raise
            if member is not _ABSENT:
                yield key, member

    return dict(found()) if isinstance(value, Mapping) else [member for _, member in found()]


def resolve_late(dynamic: Callable[[str, str], str], value: Any) -> Any:
    """A resolved value with its references to secrets replaced: only for the call that needs them. Raises what dynamic
    raises, and TooLargeError."""
    room = Room()

    def late(inner: Any) -> Any:
        if isinstance(inner, (Mapping, list)):
            return _members(inner, late)
        return _put_dynamic(inner, dynamic, room) if isinstance(inner, str) and _DYNAMIC in inner else inner

    return late(value)


def _resolve(scope: Scope, value: Any) -> Any:
    name = function_of(value)
    if name is not None:
        function = _FUNCTIONS.get(name)
        if function is None:
            raise TemplateError(f"Template error: {name} cannot stand here")
        made = function(scope, value[name])
        scope.room.take_value(made)
        return made
    if isinstance(value, (Mapping, list, tuple)):
        return _members(value, lambda inner: _resolve(scope, inner))
    return _dynamic(scope, value) if isinstance(value, str) else value


def _dynamic(scope: Scope, text: str) -> str:
    def early(service: str, reference: str) -> str:
        if service in _LATE:
            return f"{_DYNAMIC}{service}:{reference}}}}}"
        return scope.dynamic(service, reference)

    # One that has no end may be a part of a text that is joined from several: CDK writes them so.
    return _put_dynamic(text, early, scope.room, parts_of=True) if _DYNAMIC in text else text


def _put_dynamic(text: str, dynamic: Callable[[str, str], str], room: Room, *, parts_of: bool = False) -> str:
    """Dynamic references within a text, replaced one after the other; what they give is not looked at again. parts_of:
    the text may be a part of a longer one, so that a reference without an end is left as it is."""
    head, found, rest = text.partition(_DYNAMIC)
    parts, length = [head], len(head)
    while found:
        inner, closed, rest = rest.partition("}}")
        if not closed and parts_of:
            parts.append(f"{_DYNAMIC}{inner}")
            break
        if not closed:
            raise TemplateError("Template error: a dynamic reference has no end: }} is missing")
        service, _, reference = inner.partition(":")
        put = dynamic(service, reference)
        head, found, rest = rest.partition(_DYNAMIC)
        parts += (put, head)
        length += len(put) + len(head)
        room.fits(length)
        room.take(len(put) + len(head))
    return "".join(parts)


def _scalar(scope: Scope, value: Any, where: str) -> str:
    """A value that has to be one text."""
    found = _resolve(scope, value)
    if isinstance(found, (list, Mapping)) or found is _ABSENT or found is None:
        raise TemplateError(f"Template error: {where} expects a string, and got {_kind(found)}")
    return text_of(found)


def _kind(value: Any) -> str:
    return "a list" if isinstance(value, list) else "a map" if isinstance(value, Mapping) else "no value"


def _several(argument: Any, least: int, most: int, words: str) -> list[Any]:
    if not isinstance(argument, (list, tuple)) or not least <= len(argument) <= most:
        raise TemplateError(f"Template error: {words}")
    return list(argument)


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
    if not isinstance(name, str):
        raise TemplateError("Template error: every Ref object must have a single String value.")
    if name in pseudo:
        return pseudo[name]
    if name in scope.parameters:
        return scope.parameters[name]
    if name not in scope.template.resources:
        raise TemplateError(f"Template format error: Unresolved resource dependencies [{name}]")
    return scope.ref(name)


def _get_att(scope: Scope, argument: Any) -> Any:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    words = "every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute"
    resource, attribute = _several(parts, 2, 2, words)
    if not isinstance(resource, str):
        raise TemplateError(f"Template error: {words}")
    return scope.attribute(resource, _scalar(scope, attribute, "Fn::GetAtt"))


def _sub(scope: Scope, argument: Any) -> str:
    text, own = (argument[0], argument[1]) if isinstance(argument, (list, tuple)) else (argument, {})
    values = {name: _scalar(scope, value, "Fn::Sub") for name, value in own.items()}
    length = len(text)

    def put(match: Any) -> str:
        nonlocal length
        name = match[2]
        if match[1]:
            found = f"${{{name}}}"
        elif name in values:
            found = values[name]
        else:
            found = _scalar(scope, {"Fn::GetAtt": name} if "." in name else {"Ref": name}, f"Fn::Sub of {name}")
        length += len(found) - len(match[0])
        scope.room.fits(length)
        return found

    replaced: str = SUBSTITUTION.sub(put, text)
    return _dynamic(scope, replaced)


def _join(scope: Scope, argument: Any) -> str:
    words = (
        "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined "
        "or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
    )
    delimiter, items = _several(argument, 2, 2, words)
    found = _resolve(scope, items)
    if not isinstance(delimiter, str) or not isinstance(found, list):
        raise TemplateError(f"Template error: {words}")
    texts = [_scalar(scope, item, "Fn::Join") for item in found]
    scope.room.fits(sum(map(len, texts)) + len(delimiter) * max(len(texts) - 1, 0))
    return _dynamic(scope, delimiter.join(texts))


def _select(scope: Scope, argument: Any) -> Any:
    words = "Fn::Select requires a list argument with two elements: an integer index and a list"
    where, source = _several(argument, 2, 2, words)
    index, items = _scalar(scope, where, "Fn::Select"), _resolve(scope, source)
    if not isinstance(items, list):
        raise TemplateError(f"Template error: {words}")
    whole = index.isascii() and index.isdecimal() and len(index) <= _LONGEST_INDEX
    if not whole or int(index) >= len(items):
        raise TemplateError(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
    return items[int(index)]


def _split(scope: Scope, argument: Any) -> list[str]:
    words = "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split"
    delimiter, source = _several(argument, 2, 2, words)
    if not isinstance(delimiter, str) or not delimiter:
        raise TemplateError(f"Template error: {words}")
    text = _scalar(scope, source, "Fn::Split")
    scope.room.take(len(text), text.count(delimiter) + 1)
    return text.split(delimiter)


def _find_in_map(scope: Scope, argument: Any) -> Any:
    words = "every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return"
    parts = [_scalar(scope, part, "Fn::FindInMap") for part in _several(argument, 3, 3, words)]
    found: Any = scope.template.mappings
    for part in parts:
        if not isinstance(found, Mapping) or part not in found:
            raise TemplateError(f"Template error: Unable to get mapping for {'::'.join(parts)}")
        found = found[part]
    return found


def _chosen(scope: Scope, argument: Any) -> Any:
    condition, yes, no = _several(argument, 3, 3, "every Fn::If object requires three parameters")
    return yes if scope.condition(text_of(condition)) else no


def _if(scope: Scope, argument: Any) -> Any:
    return _resolve(scope, _chosen(scope, argument))


def _get_azs(scope: Scope, argument: Any) -> list[str]:
    region = _scalar(scope, argument, "Fn::GetAZs") or scope.region
    if region != scope.region:
        raise TemplateError(
            f"Template error: the emulator knows Fn::GetAZs of the stack's region only, not of {region}"
        )
    return list(scope.zones)


def _base64(scope: Scope, argument: Any) -> str:
    content = _scalar(scope, argument, "Fn::Base64").encode()
    scope.room.fits(-(-len(content) // 3) * 4)
    return base64.b64encode(content).decode()


def _cidr(scope: Scope, argument: Any) -> list[str]:
    words = "every Fn::Cidr object requires two or three parameters: ipBlock, count, cidrBits"
    parts = [_scalar(scope, part, "Fn::Cidr") for part in _several(argument, 2, 3, words)]
    try:
        bits = int(parts[2]) if len(parts) > 2 else 8
        count = int(parts[1])
        network = ipaddress.ip_network(parts[0])
        if not 1 <= count <= _MOST_CIDRS:
            raise ValueError(f"count is from 1 to {_MOST_CIDRS}")
        subnets = network.subnets(new_prefix=network.max_prefixlen - bits)
        found = [str(block) for _, block in zip(range(count), subnets, strict=False)]
        if len(found) < count:
            raise ValueError(f"there are only {len(found)}")
    except ValueError as error:
        raise TemplateError(
            f"Template error: Fn::Cidr cannot cut {parts[1]} blocks out of {parts[0]}: {error}"
        ) from None
    return found


def _import(scope: Scope, argument: Any) -> str:
    return scope.imported(_scalar(scope, argument, "Fn::ImportValue"))


def _truth(scope: Scope, value: Any) -> bool:
    if isinstance(value, Mapping) and len(value) == 1:
        name, argument = next(iter(value.items()))
        if name == "Condition":
            return scope.condition(text_of(argument))
        if name == "Fn::Not":
            return not _truth(scope, _several(argument, 1, 1, "Fn::Not requires a list argument with one element")[0])
        if name in ("Fn::And", "Fn::Or"):
            words = f"every {name} object requires a list of at least 2 and at most 10 boolean parameters."
            found = [_truth(scope, item) for item in _several(argument, 2, 10, words)]
            return all(found) if name == "Fn::And" else any(found)
        if name == "Fn::Equals":
            left, right = (
                _resolve(scope, item)
                for item in _several(argument, 2, 2, "every Fn::Equals object requires a list of 2 string parameters.")
            )
            if isinstance(left, (list, Mapping)) or isinstance(right, (list, Mapping)):
                return bool(left == right)
            return text_of(left) == text_of(right)
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
