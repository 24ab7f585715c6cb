"""Text of a template becomes data: JSON, or YAML with short tags, within limits.

A template comes from whoever may call the API. libyaml's composer recurses in C, so depth is looked at before anything
is built, and aliases are counted out, since a few lines of them can stand for billions of values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from csoc.emulator.cloudformation.template.model import TemplateError, text_of

_DEEPEST = 60
_MOST_VALUES = 300_000
_TOO_DEEP = f"Template format error: the template is nested deeper than {_DEEPEST} levels, which the emulator takes"


class _Loader(yaml.CSafeLoader):
    """YAML as CloudFormation takes it: dates stay texts, keys stand once, short tags are functions."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise TemplateError("Template format error: YAML not well-formed. A key has to be a text")
        key = text_of(loader.construct_object(key_node, deep=True))
        if key in found:
            raise _twice(key)
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def _tagged(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = _mapping(loader, node)  # type: ignore[arg-type]
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_multi_constructor("!", _tagged)


def parse_body(text: str) -> Mapping[str, Any]:
    """The data of a template's text. Raises TemplateError with AWS's message."""
    data = _from_json(text) if text.lstrip().startswith("{") else None
    if data is None:
        data = _from_yaml(text)
    _within_limits(data)
    if not isinstance(data, Mapping):
        raise TemplateError("Template format error: unsupported structure.")
    return data


def _from_json(text: str) -> Any:
    """None if it is no JSON; it may be YAML all the same."""
    try:
        return json.loads(text, object_pairs_hook=_pairs)
    except (ValueError, RecursionError):
        return None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _twice(next(key for key in keys if keys.count(key) > 1))
    return found


def _twice(key: str) -> TemplateError:
    return TemplateError(f"Template format error: JSON not well-formed. Duplicate key {key}")


def _from_yaml(text: str) -> Any:
    try:
        _not_too_deep(text)
        return yaml.load(text, _Loader)  # noqa: S506 - a safe loader with our tags
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise TemplateError(f"Template format error: YAML not well-formed.{where}") from None
    except (ValueError, OverflowError, RecursionError) as error:
        # Scalars with a tag that they do not fit ("!!int x"), and characters that YAML does not have.
        raise TemplateError(f"Template format error: YAML not well-formed. {type(error).__name__}") from None


def _not_too_deep(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise TemplateError(_TOO_DEEP)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _within_limits(data: Any) -> None:
    """Counts values, each as often as it stands somewhere, and levels; also through aliases to itself."""
    left = _MOST_VALUES
    waiting = [(data, 0)]
    while waiting:
        value, depth = waiting.pop()
        left -= 1
        if depth > _DEEPEST:
            raise TemplateError(_TOO_DEEP)
        if left < 0:
            raise TemplateError(f"Template format error: the template stands for more than {_MOST_VALUES} values")
        if isinstance(value, Mapping):
            waiting += ((inner, depth + 1) for inner in value.values())
        elif isinstance(value, (list, tuple)):
            waiting += ((inner, depth + 1) for inner in value)
