"""The jq path expressions that people write into `jqPathExpressions`, so that what they name can be taken out.

A subset of jq: `.a.b`, `."a-b"`, `.["a"]`, `.a[0]`, `.a[]`, `.a[]?`, `.a?`, `..`, pipes, and `select(...)` with `==`,
`!=`, `contains(...)`, `startswith(...)`, `endswith(...)`, `not`, `and`, `or`. An expression outside of it is refused by
name; `test(...)` is, since its pattern comes from whoever wrote the Application.
Source: https://jqlang.org/manual/; Argo CD util/argo/normalizers/diff_normalizer.go (del(path) of the expression).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

Path = tuple[str | int, ...]
Stage = Callable[[Any, Path], Iterator[Path]]
_TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_$][\w-]*)|'
    r"(?P<op>==|!=|\.\.|[.\[\]|()?,]))"
)
_MOST_PATHS = 10_000
_MOST_LENGTH = 2_000


class JqError(ValueError):
    """An expression that this subset does not know."""


def paths(expression: str, document: Any) -> list[Path]:
    """The paths in a document that an expression names. Raises JqError."""
    if len(expression) > _MOST_LENGTH:
        raise JqError(f"the expression has more than {_MOST_LENGTH} characters")
    parser = _Parser(expression)
    stage = parser.pipe()
    parser.end()
    found: list[Path] = []
    for path in stage(document, ()):
        found.append(path)
        if len(found) > _MOST_PATHS:
            raise JqError(f"{expression}: names more than {_MOST_PATHS} places")
    return found


def get(document: Any, path: Path) -> Any:
    """What stands at a path; None if nothing does."""
    for step in path:
        if isinstance(document, dict) and isinstance(step, str):
            document = document.get(step)
        elif isinstance(document, list) and isinstance(step, int) and -len(document) <= step < len(document):
            document = document[step]
        else:
            return None
    return document


def remove(document: Any, found: list[Path]) -> None:
    """Takes the paths out of a document, the last ones of a list first."""

    def place(path: Path) -> list[tuple[bool, str]]:
        return [(isinstance(step, str), str(step).zfill(9)) for step in path]

    for path in sorted({one for one in found if one}, key=place, reverse=True):
        parent, step = get(document, path[:-1]), path[-1]
        if (isinstance(parent, dict) and step in parent) or (
            isinstance(parent, list) and isinstance(step, int) and -len(parent) <= step < len(parent)
        ):
            del parent[step]  # type: ignore[arg-type]


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                raise JqError(f"{text}: not understood from {text[position:].strip()[:20]!r} on")
            self._tokens.append((str(match.lastgroup), match.group(str(match.lastgroup))))
            position = match.end()
        self._at = 0

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise JqError(f"{self._text}: not understood from {self._tokens[self._at][1]!r} on")

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _kind(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _take(self, wanted: str = "") -> str:
        found = self._peek()
        if not found or (wanted and found != wanted):
            raise JqError(f"{self._text}: {wanted or 'more'} is missing")
        self._at += 1
        return found

    def pipe(self) -> Stage:
        stages = [self._term()]
        while self._peek() == "|":
            self._take()
            stages.append(self._term())

        def run(document: Any, path: Path) -> Iterator[Path]:
            current: Iterator[Path] = iter((path,))
            for stage in stages:
                current = _chained(document, current, stage)
            return current

        return run

    def _term(self) -> Stage:
        if self._peek() == "select":
            self._take()
            self._take("(")
            test = self._or()
            self._take(")")

            def chosen(document: Any, path: Path) -> Iterator[Path]:
                return iter((path,)) if test(get(document, path)) else iter(())

            return _then(chosen, self._path()) if self._peek() in (".", "[") else chosen
        if self._peek() == "(":
            self._take()
            inner = self.pipe()
            self._take(")")
            return inner
        if self._peek() == "..":
            self._take()
            return _everything
        if self._peek() != ".":
            raise JqError(f"{self._text}: {self._peek()!r} is not followed by this subset of jq")
        return self._path()

    def _path(self) -> Stage:
        steps: list[Stage] = []
        while self._peek() in (".", "["):
            if self._peek() == ".":
                self._take()
                if self._kind() in ("name", "string"):
                    steps.append(_member(_unquoted(self._take())))
            else:
                self._take("[")
                if self._peek() == "]":
                    steps.append(_items)
                elif self._kind() == "string":
                    steps.append(_member(_unquoted(self._take())))
                elif self._kind() == "number":
                    steps.append(_item(int(self._take())))
                else:
                    raise JqError(f"{self._text}: {self._peek()!r} in brackets is not followed by this subset of jq")
                self._take("]")
            if self._peek() == "?":
                self._take()

        def run(document: Any, path: Path) -> Iterator[Path]:
            current: Iterator[Path] = iter((path,))
            for step in steps:
                current = _chained(document, current, step)
            return current

        return run

    def _or(self) -> Callable[[Any], bool]:
        left = self._and()
        while self._peek() == "or":
            self._take()
            left = _either(left, self._and())
        return left

    def _and(self) -> Callable[[Any], bool]:
        left = self._compared()
        while self._peek() == "and":
            self._take()
            left = _both(left, self._compared())
        return left

    def _compared(self) -> Callable[[Any], bool]:
        stage = self._term()
        while self._peek() == "|":
            self._take()
            name = self._peek()
            if name == "not":
                self._take()
                return self._negated(_truth_of(stage))
            if name in ("contains", "startswith", "endswith"):
                self._take()
                self._take("(")
                wanted = self._literal()
                self._take(")")
                return self._negated(_function(name, stage, wanted), negate=False)
            stage = _then(stage, self._term())
        if self._peek() in ("==", "!="):
            equal = self._take() == "=="
            wanted = self._literal()
            return lambda value: (_first(stage, value) == wanted) == equal
        return _truth_of(stage)

    def _negated(self, test: Callable[[Any], bool], *, negate: bool = True) -> Callable[[Any], bool]:
        """A test, the other way round as often as `| not` follows."""
        while self._peek() == "|":
            self._take()
            self._take("not")
            negate = not negate
        return (lambda value: not test(value)) if negate else test

    def _literal(self) -> Any:
        kind, text = self._kind(), self._take()
        if kind == "string":
            return _unquoted(text)
        if kind == "number":
            return json.loads(text)
        if text in ("true", "false", "null"):
            return json.loads(text)
        raise JqError(f"{self._text}: {text!r} is not followed by this subset of jq")


def _chained(document: Any, found: Iterator[Path], stage: Stage) -> Iterator[Path]:
    for path in found:
        yield from stage(document, path)


def _then(before: Stage, after: Stage) -> Stage:
    return lambda document, path: _chained(document, before(document, path), after)


def _unquoted(text: str) -> str:
    return str(json.loads(text)) if text.startswith('"') else text


def _member(name: str) -> Stage:
    return lambda document, path: iter(((*path, name),)) if isinstance(get(document, path), dict) else iter(())


def _item(number: int) -> Stage:
    return lambda document, path: iter(((*path, number),)) if isinstance(get(document, path), list) else iter(())


def _items(document: Any, path: Path) -> Iterator[Path]:
    value = get(document, path)
    if isinstance(value, list):
        yield from ((*path, number) for number in range(len(value)))
    elif isinstance(value, dict):
        yield from ((*path, name) for name in value)


def _everything(document: Any, path: Path) -> Iterator[Path]:
    yield path
    for below in _items(document, path):
        yield from _everything(document, below)


def _first(stage: Stage, value: Any) -> Any:
    path = next(stage(value, ()), None)
    return None if path is None else get(value, path)


def _truth_of(stage: Stage) -> Callable[[Any], bool]:
    return lambda value: _first(stage, value) not in (None, False)


def _either(left: Callable[[Any], bool], right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: left(value) or right(value)


def _both(left: Callable[[Any], bool], right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: left(value) and right(value)


def _function(name: str, stage: Stage, wanted: Any) -> Callable[[Any], bool]:
    def run(value: Any) -> bool:
        found = _first(stage, value)
        if not isinstance(found, str) or not isinstance(wanted, str):
            return isinstance(found, list) and name == "contains" and wanted in found
        return {"contains": wanted in found, "startswith": found.startswith(wanted)}.get(name, found.endswith(wanted))

    return run
