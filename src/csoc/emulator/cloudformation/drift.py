"""How a resource differs from what its stack made of it.

Only what the template sets is compared, and of that only what the service tells: CloudFormation compares neither
defaults nor write-only properties. The order of a list counts unless the schema says that it does not, and a list of
attributes may have some that AWS adds. Source: User Guide, "Detect unmanaged configuration changes to stacks and
resources"; API reference, PropertyDifference; CloudFormation CLI User Guide, "Resource type schema", insertionOrder and
arrayType.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from csoc.emulator.cloudformation.schemas import ListKind, Schemas, same
from csoc.emulator.cloudformation.template.model import text_of

_DYNAMIC = "{{resolve:"

Kinds = Callable[[str], ListKind]
"""What the list at a path ("/Rules/0/Ports") is."""


def compared(schemas: Schemas, type_name: str, properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties that can be compared with what is there."""
    found: Any = properties
    for path in schemas.untold(type_name):
        found = _without(found, path)
    return found if isinstance(found, Mapping) else {}


def drifted(
    schemas: Schemas, type_name: str, properties: Mapping[str, Any], live: Mapping[str, Any], tags: Mapping[str, str]
) -> tuple[list[dict[str, str]], dict[str, Any]] | None:
    """The differences, and the live properties that were compared; None if there is nothing to compare. tags: of the
    stack, which the resource carries besides its own."""
    expected = compared(schemas, type_name, properties)
    told = {name: value for name, value in live.items() if name in expected}
    if not live or (expected and not told):
        return None
    actual = _own_tags(told, tags)
    shown = {name: value for name, value in expected.items() if name in told}
    return differences(shown, actual, lambda path: schemas.list_kind(type_name, tuple(path.split("/")[1:]))), actual


def _own_tags(live: Mapping[str, Any], stack_tags: Mapping[str, str]) -> dict[str, Any]:
    """Live properties without the tags that a resource has from its stack."""
    tags = live.get("Tags")
    if not isinstance(tags, list):
        return dict(live)
    kept = [
        tag
        for tag in tags
        if not isinstance(tag, Mapping)
        or not (str(tag.get("Key", "")).startswith("aws:") or stack_tags.get(str(tag.get("Key"))) == tag.get("Value"))
    ]
    return {**live, "Tags": kept}


def differences(
    expected: Mapping[str, Any], actual: Mapping[str, Any], kinds: Kinds = lambda _: ListKind.SET
) -> list[dict[str, str]]:
    """Differences as DescribeStackResourceDrifts tells them, by path."""
    return list(_differences(expected, actual, "", kinds))


def _differences(expected: Any, actual: Any, path: str, kinds: Kinds) -> Iterator[dict[str, str]]:
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for name, value in expected.items():
            if name in actual:
                yield from _differences(value, actual[name], f"{path}/{name}", kinds)
            elif not _empty(value):
                yield _difference(f"{path}/{name}", "REMOVE", value, None)
    elif isinstance(expected, list) and isinstance(actual, list):
        yield from _of_lists(expected, actual, path, kinds)
    elif not (isinstance(expected, str) and _DYNAMIC in expected) and not _same(expected, actual):
        yield _difference(path, "NOT_EQUAL", expected, actual)


def _of_lists(expected: list[Any], actual: list[Any], path: str, kinds: Kinds) -> Iterator[dict[str, str]]:
    """Items that one side has and the other has not, wherever they stand; or which stand elsewhere."""
    kind = kinds(path)
    if len(expected) == len(actual) and kind is ListKind.SEQUENCE:
        for number, (item, other) in enumerate(zip(expected, actual, strict=True)):
            yield from _differences(item, other, f"{path}/{number}", kinds)
        return
    left = list(actual)
    missing = []
    for number, item in enumerate(expected):
        match = next((other for other in left if _like(item, other, path, kinds)), None)
        if match is None:
            missing.append((number, item))
        else:
            left.remove(match)
    for number, item in missing:
        yield _difference(f"{path}/{number}", "REMOVE", item, None)
    for other in left if kind is not ListKind.ATTRIBUTES else ():
        yield _difference(f"{path}/{actual.index(other)}", "ADD", None, other)


def _like(expected: Any, actual: Any, path: str, kinds: Kinds) -> bool:
    """True if an item is what it should be; a map may say more than it was given."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        return next(_differences(expected, actual, f"{path}/0", kinds), None) is None
    return _same(expected, actual)


def _same(expected: Any, actual: Any) -> bool:
    """Equal as CloudFormation means it: texts of policies by what they say, all scalars as texts."""
    if isinstance(expected, str) and isinstance(actual, (Mapping, list)):
        return same(_parsed(expected), actual)
    if isinstance(actual, str) and isinstance(expected, (Mapping, list)):
        return same(expected, _parsed(actual))
    return same(expected, actual)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _empty(value: Any) -> bool:
    return value in ("", [], {})


def _difference(path: str, kind: str, expected: Any, actual: Any) -> dict[str, str]:
    return {
        "PropertyPath": path,
        "ExpectedValue": _text(expected),
        "ActualValue": _text(actual),
        "DifferenceType": kind,
    }


def _text(value: Any) -> str:
    if value is None:
        return "null"
    return json.dumps(value, sort_keys=True) if isinstance(value, (Mapping, list)) else text_of(value)


def _without(value: Any, path: tuple[str, ...]) -> Any:
    if not path:
        return value
    if path[0] == "*" or (isinstance(value, list) and not path[0].isdecimal()):
        rest = path[1:] if path[0] == "*" else path
        return [_without(item, rest) for item in value] if isinstance(value, list) else value
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    kept = {name: inner for name, inner in value.items() if name != path[0]}
    return kept if len(path) == 1 else {**kept, path[0]: _without(value[path[0]], path[1:])}
