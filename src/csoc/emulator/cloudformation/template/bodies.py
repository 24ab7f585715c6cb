"""Text of a template becomes data: JSON, or YAML with short tags, within limits.

A template comes from whoever may call the API. libyaml's composer recurses in C, so depth is looked at before anything
is built, and aliases are counted out, since a few lines of them can stand for billions of values. Numbers are bounded,
since whoever takes one may turn it into text again, and finite, since JSON has no others.

Source of the form of refusals: the messages of ValidateTemplate, which name the language and where in the text it is
not well-formed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import yaml

from csoc.emulator.cloudformation.template.model import TemplateError, text_of

_DEEPEST = 60
_MOST_VALUES = 300_000
_MOST_CHARACTERS = 4 * 1_048_576
_MOST_DIGITS = 100
_TOO_DEEP = f"Template format error: the template is nested deeper than {_DEEPEST} levels, which the emulator takes"

_TOO_LONG = f"A number has more than {_MOST_DIGITS} digits, which the emulator takes"
_JSON_BEGINS = re.compile(r'\s*\{\s*["}]')
# For a text that JSON's decoder has read up to what is looked for, so that strings have an end.
_STRING = r'"(?:[^"\\]|\\.)*"'
_JSON_TOKEN = re.compile(
    rf'(?P<key>{_STRING})(?=\s*:)|{_STRING}|(?P<open>[{{\[])|(?P<close>[}}\]])|(?P<word>[^\s{{}}\[\],:"]+)'
)


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
            raise _malformed(f"Duplicate key {key}", key_node.start_mark)
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


def _number(loader: _Loader, node: yaml.ScalarNode) -> int | float:
    if len(node.value) > _MOST_DIGITS:
        raise _malformed(_TOO_LONG, node.start_mark)
    try:
        whole = node.tag == "tag:yaml.org,2002:int"
        found: int | float = loader.construct_yaml_int(node) if whole else loader.construct_yaml_float(node)
        finite = math.isfinite(found)
    except (ValueError, LookupError, OverflowError):
        raise _malformed(f"{node.value} is no number", node.start_mark) from None
    if not finite:
        raise _malformed(f"{node.value} is no number that JSON has", node.start_mark)
    return found


_Loader.add_constructor("tag:yaml.org,2002:int", _number)
_Loader.add_constructor("tag:yaml.org,2002:float", _number)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_multi_constructor("!", _tagged)


def parse_body(text: str) -> Mapping[str, Any]:
    """The data of a template's text. Raises TemplateError with AWS's message."""
    data, problem = _from_json(text) if text.lstrip().startswith("{") else (None, None)
    if data is None:
        try:
            data = _from_yaml(text)
        except TemplateError as error:
            raise problem or error from None
    _within_limits(data)
    if not isinstance(data, Mapping):
        raise TemplateError("Template format error: unsupported structure.")
    return data


def _from_json(text: str) -> tuple[Any, TemplateError | None]:
    """The data; None if it is no JSON, which may be YAML all the same, with what to say if that is not so either."""
    try:
        found = json.loads(
            text, object_pairs_hook=_pairs, parse_constant=_no_number, parse_int=_whole, parse_float=_fraction
        )
    except _WrongJsonError:
        raise _wrong_json(text) from None
    except json.JSONDecodeError as error:
        where = f" (line {error.lineno}, column {error.colno})"
        meant = _JSON_BEGINS.match(text) is not None
        return None, TemplateError(f"Template format error: JSON not well-formed.{where}") if meant else None
    except RecursionError:
        return None, None
    return found, None


class _WrongJsonError(Exception):
    """The decoder found what JSON forbids and does not tell where."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _WrongJsonError
    return found


def _no_number(text: str) -> Any:
    raise _WrongJsonError(text)


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise _WrongJsonError
    return int(text)


def _fraction(text: str) -> float:
    found = float(text)
    if len(text) > _MOST_DIGITS or not math.isfinite(found):
        raise _WrongJsonError
    return found


def _wrong_json(text: str) -> TemplateError:
    """The first key that stands twice, or number that is none, of a text that the decoder refused for it."""
    open_keys: list[set[str]] = []
    for token in _JSON_TOKEN.finditer(text):
        problem = ""
        if token["open"]:
            open_keys.append(set())
        elif token["close"]:
            open_keys.pop()
        elif token["key"]:
            key = json.loads(token["key"])
            problem = f"Duplicate key {key}" if key in open_keys[-1] else ""
            open_keys[-1].add(key)
        elif token["word"]:
            problem = _number_problem(token["word"])
        if problem:
            place = token.start()
            line, column = text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place)
            return TemplateError(
                f"Template format error: JSON not well-formed. {problem} (line {line}, column {column})"
            )
    return TemplateError("Template format error: JSON not well-formed.")


def _number_problem(word: str) -> str:
    if word in ("true", "false", "null"):
        return ""
    if word.lstrip("-") not in ("NaN", "Infinity"):
        if len(word) > _MOST_DIGITS:
            return _TOO_LONG
        if math.isfinite(float(word)):
            return ""
    return f"{word} is no number that JSON has"


def _malformed(detail: str, mark: yaml.Mark) -> TemplateError:
    where = f"(line {mark.line + 1}, column {mark.column + 1})"
    return TemplateError(f"Template format error: YAML not well-formed. {detail} {where}")


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
    """Counts values and their text, each as often as it stands somewhere, and levels; also through aliases to
    itself."""
    left, characters = _MOST_VALUES, _MOST_CHARACTERS
    waiting = [(data, 0)]
    while waiting:
        value, depth = waiting.pop()
        left -= 1
        if depth > _DEEPEST:
            raise TemplateError(_TOO_DEEP)
        if isinstance(value, Mapping):
            characters -= sum(map(len, value))
            waiting += ((inner, depth + 1) for inner in value.values())
        elif isinstance(value, (list, tuple)):
            waiting += ((inner, depth + 1) for inner in value)
        elif isinstance(value, str):
            characters -= len(value)
        if left < 0:
            raise TemplateError(f"Template format error: the template stands for more than {_MOST_VALUES} values")
        if characters < 0:
            raise TemplateError(
                f"Template format error: the template stands for more than {_MOST_CHARACTERS} characters"
            )
