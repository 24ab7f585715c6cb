"""The functions of Go's templates and of sprig that ApplicationSets use in practice, as one visible table.

Left out on purpose: what depends on time, chance, the network or the machine, regular expressions (Go's are linear,
Python's are not), and what nobody was seen to write. A name that is not in the table is refused by name.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from csoc.errors import CsocError
from csoc.fleet.argocd.gotemplate.values import TemplateError, UnsupportedError, as_go, is_true, kind, shown
from csoc.fleet.yaml import yamltext

_MAX_TEXT = 1_000_000
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NOT_IN_NAMES = re.compile(r"[^-a-z0-9.]")
_VERB = re.compile(r"%([-+# 0]*)([0-9]*)(?:\.([0-9]*))?([a-zA-Z%])")


def call(name: str, arguments: Sequence[Any]) -> Any:
    """Calls a function by name. Raises UnsupportedError (unknown name), TemplateError (arguments that Go refuses)."""
    function = FUNCTIONS.get(name)
    if function is None:
        raise UnsupportedError(f'the function "{name}" is not understood')
    try:
        result = function(*arguments)
    except TypeError:
        raise TemplateError(f'"{name}" was given arguments of the wrong number or type') from None
    except (ValueError, IndexError, OverflowError, ZeroDivisionError) as error:
        raise TemplateError(f'"{name}": {error}') from None
    if isinstance(result, str) and len(result) > _MAX_TEXT:
        raise TemplateError(f'"{name}" makes more than {_MAX_TEXT} characters')
    return result


def sanitize_name(name: str) -> str:
    """Argo CD's `normalize`: a name that a DNS label can hold (at most 253 characters)."""
    return _NOT_IN_NAMES.sub("-", name.lower())[:253].strip("-.")


def _text(value: Any) -> str:
    """What Go wants as a string argument: a text, and nothing else."""
    if isinstance(value, str):
        return value
    raise TemplateError(f"wanted a text, got {'nothing' if value is None else kind(value)}")


def _plain(value: Any) -> str:
    """sprig's strval: any value as text; nothing as the empty text."""
    return shown(value, nothing="<nil>")


def _quote(*values: Any) -> str:
    return " ".join(_go_quoted(_plain(value)) for value in values if value is not None)


def _go_quoted(text: str) -> str:
    short = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b"}
    short |= {"\f": "\\f", "\v": "\\v"}
    parts = []
    for character in text:
        if character in short:
            parts.append(short[character])
        elif character.isprintable():
            parts.append(character)
        else:
            code = ord(character)
            parts.append(f"\\x{code:02x}" if code < 128 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}")
    return '"' + "".join(parts) + '"'


def _default(fallback: Any, *values: Any) -> Any:
    return values[0] if values and is_true(values[0]) else fallback


def _ternary(yes: Any, no: Any, condition: Any) -> Any:
    if isinstance(condition, bool):
        return yes if condition else no
    raise TemplateError(f"wanted true or false, got {'nothing' if condition is None else kind(condition)}")


def _print(*values: Any) -> str:
    """Go's Sprint: a space between two operands of which neither is a text."""
    parts: list[str] = []
    for at, value in enumerate(values):
        if at and not isinstance(value, str) and not isinstance(values[at - 1], str):
            parts.append(" ")
        parts.append(shown(value, nothing="<nil>"))
    return "".join(parts)


def _title(text: Any) -> str:
    """Go's strings.Title: the first letter of each word, a word being letters, digits and underscores."""
    parts: list[str] = []
    before = " "
    for character in _text(text):
        inside = before == "_" or before.isalnum() or (ord(before) > 127 and not before.isspace())
        parts.append(character if inside else character.upper())
        before = character
    return "".join(parts)


def _strings(value: Any) -> list[str]:
    """sprig's strslice: the items as texts, without nothing; a single value as a list of one."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value if item is not None]
    return [] if value is None else [_plain(value)]


def _index(value: Any, *steps: Any) -> Any:
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(_text(step))
        elif isinstance(value, (list, tuple, str)):
            at = _exact(step)
            if not 0 <= at < len(value):
                raise TemplateError(f"index out of range: {at}")
            value = ord(value[at]) if isinstance(value, str) else value[at]
        else:
            raise TemplateError("index of a value that has none")
    return value


def _int(value: Any) -> int:
    """sprig's toInt64: whatever can be a number, and 0 for the rest."""
    if isinstance(value, (bool, int, float)):
        return int(value) if not isinstance(value, float) or math.isfinite(value) else 0
    text = value if isinstance(value, str) and len(value) < 40 else ""
    return int(text) if _INTEGER.fullmatch(text) else 0


def _exact(value: Any) -> int:
    """What Go wants as an int argument: an int, and neither a float64 nor a text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TemplateError(f"wanted an int, got {'nothing' if value is None else kind(value)}")


def _eq(first: Any, *others: Any) -> bool:
    if not others:
        raise TemplateError("missing argument for comparison")
    return any(_equal(first, other) for other in others)


def _equal(first: Any, second: Any) -> bool:
    if first is None or second is None:
        return first is None and second is None
    if kind(first) != kind(second) or kind(first) == "other":
        raise TemplateError(f"incompatible types for comparison: {kind(first)} and {kind(second)}")
    return bool(first == second)


def _less(first: Any, second: Any) -> bool:
    if kind(first) != kind(second) or kind(first) in ("other", "bool"):
        raise TemplateError(f"incompatible types for comparison: {kind(first)} and {kind(second)}")
    return bool(first < second)


def _len(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, (list, tuple, Mapping)):
        return len(value)
    raise TemplateError("len of a value that has none")


def _printf(pattern: str, *arguments: Any) -> str:
    left = list(arguments)
    parts: list[str] = []
    at = 0
    for match in _VERB.finditer(_text(pattern)):
        parts += [pattern[at : match.start()], _formatted(match, left)]
        at = match.end()
    if left or "%" in pattern[at:]:
        raise TemplateError("printf: its verbs and arguments do not fit")
    return "".join(parts) + pattern[at:]


def _formatted(match: re.Match[str], left: list[Any]) -> str:
    flags, width, precision, verb = match.groups()
    if verb == "%":
        return "%"
    if not left:
        raise TemplateError("printf: fewer arguments than verbs")
    if len(width) > 3 or len(precision or "") > 3:
        raise TemplateError("printf: a width over 999")
    value = left.pop(0)
    if verb == "s" or verb == "v":
        text = shown(value, nothing="%!s(<nil>)" if verb == "s" else "<nil>")
    elif verb == "q" and isinstance(value, str):
        text = _go_quoted(value)
    elif verb in "dx" and isinstance(value, int) and not isinstance(value, bool):
        text = format(value, verb)
    elif verb == "f" and isinstance(value, float):
        text = format(value, f".{int(precision or 6)}f")
    elif verb == "t" and isinstance(value, bool):
        text = shown(value)
    else:
        raise UnsupportedError(f"printf: %{verb} of a {kind(value)} is not understood")
    if "-" in flags:
        return text.ljust(int(width or 0))
    return text.rjust(int(width or 0), "0" if "0" in flags and verb in "dfx" else " ")


def _list(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return list(value)
    raise TemplateError("wanted a list")


def _mapping(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping) or value is None:
        return value or {}
    raise TemplateError("wanted a mapping")


def _dict(*pairs: Any) -> dict[str, Any]:
    return {_plain(pairs[at]): pairs[at + 1] if at + 1 < len(pairs) else "" for at in range(0, len(pairs), 2)}


def _dig(*arguments: Any) -> Any:
    if len(arguments) < 3:
        raise TemplateError("dig needs a key, a default and a mapping")
    *keys, fallback, value = arguments
    for key in keys:
        if _text(key) not in _mapping(value):
            return fallback
        value = value[key]
    return value


def _sub_text(start: Any, end: Any, text: Any) -> str:
    first, last, whole = _exact(start), _exact(end), _text(text)
    if first < 0:
        return whole[: max(last, 0)]
    if last < 0 or last > len(whole):
        return whole[first:]
    return whole[first:last]


def _trunc(length: Any, text: Any) -> str:
    count, whole = _exact(length), _text(text)
    return whole[count:] if count < 0 and len(whole) + count > 0 else whole[:count] if count >= 0 else whole


def _repeat(count: Any, text: Any) -> str:
    if _exact(count) * len(_text(text)) > _MAX_TEXT or _exact(count) < 0:
        raise TemplateError(f"repeat makes less than nothing or more than {_MAX_TEXT} characters")
    return _text(text) * _exact(count)


def _split_list(separator: Any, text: Any) -> list[str]:
    return _text(text).split(_text(separator)) if _text(separator) else list(_text(text))


def _replace(old: Any, new: Any, text: Any) -> str:
    before, after, whole = _text(old), _text(new), _text(text)
    if whole.count(before) * len(after) > _MAX_TEXT:
        raise TemplateError(f"replace makes more than {_MAX_TEXT} characters")
    return whole.replace(before, after)


def _join(separator: Any, values: Any) -> str:
    return _text(separator).join(_strings(values))


def _divided(first: Any, second: Any) -> int:
    quotient = abs(_int(first)) // abs(_int(second))
    return quotient if (_int(first) < 0) == (_int(second) < 0) else -quotient


def _first(values: Any) -> Any:
    return _list(values)[0] if _list(values) else None


def _last(values: Any) -> Any:
    return _list(values)[-1] if _list(values) else None


def _decoded(text: Any) -> str:
    try:
        return base64.b64decode(_text(text), validate=True).decode()
    except (binascii.Error, ValueError):
        raise UnsupportedError("b64dec of what is not base64 of a text is not understood") from None


def _indent(width: Any, text: Any) -> str:
    if not 0 <= _exact(width) <= 1000:
        raise TemplateError("indent by less than nothing or more than 1000")
    space = " " * _exact(width)
    if len(space) * (_text(text).count("\n") + 1) > _MAX_TEXT:
        raise TemplateError(f"indent makes more than {_MAX_TEXT} characters")
    return space + _text(text).replace("\n", "\n" + space)


def _uniq(values: Any) -> list[Any]:
    if len(_list(values)) > 1000:
        raise TemplateError("uniq of more than 1000 items")
    found: list[Any] = []
    for value in _list(values):
        if value not in found:
            found.append(value)
    return found


def _fail(message: Any) -> Any:
    raise TemplateError(f"the template refuses: {_text(message)}")


def _to_json(value: Any) -> str:
    text = json.dumps(_json_ready(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _json_ready(value: Any) -> Any:
    """Whole floats as integers, as Go writes a float64 in JSON."""
    if isinstance(value, float) and math.isfinite(value) and value == int(value) and abs(value) < 1e21:
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): _json_ready(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_ready(item) for item in value]
    return value


def _to_yaml(value: Any) -> str:
    text = yaml.safe_dump(_json_ready(value), default_flow_style=False, sort_keys=True, allow_unicode=True)
    return text.removesuffix("...\n").rstrip("\n")


def _from_json(text: Any) -> Any:
    try:
        return as_go(json.loads(_text(text)))
    except (ValueError, RecursionError):
        return None


def _from_yaml(text: Any) -> Any:
    try:
        documents = yamltext.parse(_text(text).encode())
    except CsocError as error:
        raise TemplateError(f"not YAML: {error.cause}") from None
    return as_go(documents[0].data) if documents else {}


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    # Go's own
    "eq": _eq,
    "ge": lambda first, second: not _less(first, second),
    "gt": lambda first, second: not _less(first, second) and not _equal(first, second),
    "index": _index,
    "le": lambda first, second: _less(first, second) or _equal(first, second),
    "len": _len,
    "lt": _less,
    "ne": lambda first, second: not _equal(first, second),
    "not": lambda value: not is_true(value),
    "print": _print,
    "printf": _printf,
    # sprig: choosing
    "coalesce": lambda *values: next((value for value in values if is_true(value)), None),
    "default": _default,
    "dig": _dig,
    "empty": lambda value: not is_true(value),
    "fail": _fail,
    "ternary": _ternary,
    # sprig: text
    "b64dec": _decoded,
    "b64enc": lambda text: base64.b64encode(_text(text).encode()).decode(),
    "cat": lambda *values: " ".join(_plain(value) for value in values if value is not None),
    "contains": lambda part, text: _text(part) in _text(text),
    "hasPrefix": lambda part, text: _text(text).startswith(_text(part)),
    "hasSuffix": lambda part, text: _text(text).endswith(_text(part)),
    "indent": _indent,
    "lower": lambda text: _text(text).lower(),
    "nindent": lambda width, text: "\n" + _indent(width, text),
    "nospace": lambda text: "".join(_text(text).split()),
    "quote": _quote,
    "repeat": _repeat,
    "replace": _replace,
    "sha1sum": lambda text: hashlib.sha1(_text(text).encode(), usedforsecurity=False).hexdigest(),
    "sha256sum": lambda text: hashlib.sha256(_text(text).encode()).hexdigest(),
    "squote": lambda *values: " ".join(f"'{_plain(value)}'" for value in values if value is not None),
    "substr": _sub_text,
    "title": _title,
    "toString": _plain,
    "trim": lambda text: _text(text).strip(),
    "trimAll": lambda characters, text: _text(text).strip(_text(characters)),
    "trimPrefix": lambda part, text: _text(text).removeprefix(_text(part)),
    "trimSuffix": lambda part, text: _text(text).removesuffix(_text(part)),
    "trunc": _trunc,
    "upper": lambda text: _text(text).upper(),
    # sprig: lists and mappings
    "compact": lambda values: [value for value in _list(values) if is_true(value)],
    "dict": _dict,
    "first": _first,
    "get": lambda mapping, key: _mapping(mapping).get(_text(key), ""),
    "has": lambda value, values: values is not None and value in _list(values),
    "hasKey": lambda mapping, key: _text(key) in _mapping(mapping),
    "initial": lambda values: _list(values)[:-1],
    "join": _join,
    "keys": lambda *mappings: sorted(key for mapping in mappings for key in _mapping(mapping)),
    "last": _last,
    "list": lambda *values: list(values),
    "rest": lambda values: _list(values)[1:],
    "reverse": lambda values: _list(values)[::-1],
    "sortAlpha": lambda values: sorted(_strings(values)) if values is not None else ["<nil>"],
    "splitList": _split_list,
    "uniq": _uniq,
    # sprig: numbers
    "add": lambda *values: sum(map(_int, values)),
    "add1": lambda value: _int(value) + 1,
    "div": _divided,
    "int": _int,
    "int64": _int,
    "max": lambda *values: max(map(_int, values)),
    "min": lambda *values: min(map(_int, values)),
    "mod": lambda first, second: int(math.fmod(_int(first), _int(second))),
    "mul": lambda *values: math.prod(max(-(2**63), min(2**63, _int(value))) for value in values[:8]),
    "sub": lambda first, second: _int(first) - _int(second),
    # sprig and Argo CD: formats
    "fromJson": _from_json,
    "fromYaml": _from_yaml,
    "fromYamlArray": _from_yaml,
    "normalize": lambda text: sanitize_name(_text(text)),
    "toJson": _to_json,
    "toYaml": _to_yaml,
}
