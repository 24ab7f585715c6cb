"""What Helm's template functions do with places in the values, as far as they do more than use their arguments.

Source: https://helm.sh/docs/chart_template_guide/function_list. A function that is missing here counts as using
everything that it is given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from csoc.gen3.chart_keys.places import NOTHING, Atom, Dict, Items, Place, Root, Text, Value, bounded


class Reads(Protocol):
    """What a function may do to the evaluation that calls it (`evaluation.Reads`)."""

    def test(self, value: Value) -> None:
        """The value is asked for, and only whether it is there or what it is."""

    def consume(self, value: Value) -> None:
        """The value is used with everything below it."""

    def entry(self, value: Value, name: str) -> Value:
        """What stands under a key."""

    def elements(self, value: Value) -> Value:
        """What stands under every key or in every item."""

    def put(self, arguments: list[Value]) -> Value:
        """A mapping of the template is written to."""

    def include(self, name: Value, dot: Value) -> Value:
        """A named template runs."""

    def run_text(self, text: str, chart: Place) -> None:
        """A text runs as a template of a chart."""


Function = Callable[["Reads", list[Value]], Value]


def _texts(value: Value) -> list[str]:
    return [atom.value for atom in value if isinstance(atom, Text) and not atom.pattern]


def _union(_: Reads, arguments: list[Value]) -> Value:
    return bounded(frozenset[Atom]().union(*arguments))


def _tested(reads: Reads, arguments: list[Value]) -> Value:
    for argument in arguments:
        reads.test(argument)
    return NOTHING


def _tested_union(reads: Reads, arguments: list[Value]) -> Value:
    _tested(reads, arguments)
    return _union(reads, arguments)


def _passed_on(reads: Reads, arguments: list[Value]) -> Value:
    """toYaml and its like: everything is used, and comes out again."""
    for argument in arguments:
        reads.consume(argument)
    return _union(reads, arguments)


def make_dict(_: Reads, arguments: list[Value]) -> Value:
    pairs = zip(arguments[::2], arguments[1::2], strict=False)
    return frozenset({Dict(tuple(((_texts(key) or ["*"])[0], item) for key, item in pairs))})


def _list(_: Reads, arguments: list[Value]) -> Value:
    return frozenset({Items(tuple(arguments))})


def _steps(reads: Reads, value: Value, keys: Sequence[Value]) -> Value:
    """The value behind the keys, one after the other; read whole where a key is not known."""
    for key in keys:
        names = _texts(key)
        if not names:
            lists = [item for atom in value if isinstance(atom, Items) for item in atom.items]
            reads.consume(frozenset(atom for atom in value if not isinstance(atom, Items)))
            value = _union(reads, lists)
        else:
            value = _union(reads, [reads.entry(value, name) for name in names])
    reads.test(value)
    return value


def _get(reads: Reads, arguments: list[Value]) -> Value:
    return _steps(reads, arguments[0], arguments[1:]) if arguments else NOTHING


def _dig(reads: Reads, arguments: list[Value]) -> Value:
    if len(arguments) < 3:
        return NOTHING
    *keys, default, value = arguments
    return bounded(_steps(reads, value, keys) | default)


def _pluck(reads: Reads, arguments: list[Value]) -> Value:
    for value in arguments[1:]:
        reads.consume(_steps(reads, value, arguments[:1]))
    return NOTHING


def _pick(reads: Reads, arguments: list[Value]) -> Value:
    keys = [name for key in arguments[1:] for name in _texts(key)]
    if not arguments or len(keys) < len(arguments) - 1:
        return _passed_on(reads, arguments)
    return frozenset({Dict(tuple((name, reads.entry(arguments[0], name)) for name in keys))})


def _first(_: Reads, arguments: list[Value]) -> Value:
    return arguments[0] if arguments else NOTHING


def _ternary(reads: Reads, arguments: list[Value]) -> Value:
    reads.test(arguments[2] if len(arguments) > 2 else NOTHING)
    return _union(reads, arguments[:2])


def _element(reads: Reads, arguments: list[Value]) -> Value:
    return _union(reads, [reads.elements(argument) for argument in arguments])


def _printf(reads: Reads, arguments: list[Value]) -> Value:
    """A name that is put together matches every template that it could be."""
    for argument in arguments:
        reads.consume(argument)
    formats = _texts(arguments[0]) if arguments else []
    if not formats:
        return NOTHING
    known = [(_texts(argument) or [""])[0] for argument in arguments[1:]]
    parts = re.split(r"%[-+#0-9.]*[a-zA-Z]", formats[0])
    filled = [re.escape(text) if text else ".*" for text in known[: len(parts) - 1]]
    filled += [".*"] * (len(parts) - 1 - len(filled))
    pattern = "".join(re.escape(part) + hole for part, hole in zip(parts, [*filled, ""], strict=True))
    return frozenset({Text(formats[0], pattern)})


def _print(reads: Reads, arguments: list[Value]) -> Value:
    for argument in arguments:
        reads.consume(argument)
    pattern = "".join(re.escape(_texts(argument)[0]) if _texts(argument) else ".*" for argument in arguments)
    return frozenset({Text("", pattern)})


def _include(reads: Reads, arguments: list[Value]) -> Value:
    return reads.include(arguments[0], arguments[1] if len(arguments) > 1 else NOTHING) if arguments else NOTHING


def _tpl(reads: Reads, arguments: list[Value]) -> Value:
    if arguments:
        reads.consume(arguments[0])
        for text in _texts(arguments[0]):
            for atom in arguments[1] if len(arguments) > 1 else NOTHING:
                if isinstance(atom, Root):
                    reads.run_text(text, atom.place)
    return NOTHING


def _functions() -> Iterator[tuple[str, Function]]:
    groups: tuple[tuple[str, Function], ...] = (
        ("not empty len kindIs typeIs kindOf typeOf typeIsLike", _tested),
        ("and or coalesce default", _tested_union),
        ("merge mustMerge mergeOverwrite mustMergeOverwrite deepCopy mustDeepCopy", _union),
        ("toYaml toYamlPretty toJson mustToJson toPrettyJson mustToPrettyJson toRawJson mustToRawJson", _passed_on),
        ("fromYaml fromJson mustFromJson fromYamlArray fromJsonArray required quote squote toString", _passed_on),
        ("dict", make_dict),
        ("list tuple", _list),
        ("get index hasKey", _get),
        ("dig", _dig),
        ("pluck", _pluck),
        ("pick", _pick),
        ("omit unset", _first),
        ("set", lambda reads, arguments: reads.put(arguments) if len(arguments) == 3 else NOTHING),
        ("ternary", _ternary),
        ("first last mustFirst mustLast rest initial uniq concat append prepend reverse compact without", _element),
        ("printf", _printf),
        ("print", _print),
        ("include", _include),
        ("tpl", _tpl),
    )
    for names, function in groups:
        for name in names.split():
            yield name, function


FUNCTIONS: dict[str, Function] = dict(_functions())
