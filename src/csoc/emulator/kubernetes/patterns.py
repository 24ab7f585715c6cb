"""Regular expressions of hostile definitions, in time that grows with the text alone.

The real server matches with Go's regexp, which never goes back; Python's re does, and a pattern like (a+)+$ would keep
the process busy for years. So patterns are read here as RE2 has them and run as automata, all states at once.
Source: the syntax of github.com/google/re2, and its limits (a repetition of 1000, depth of nesting).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

_MOST_REPEATED, _DEEPEST, _LARGEST = 1000, 100, 20_000
_MOST_STEPS = 3_000_000
_CHAR, _SPLIT, _AT, _MATCH = range(4)
_POSIX = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7F", "blank": r"\t ", "cntrl": r"\x00-\x1F\x7F",
    "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~", "space": r"\t\n\v\f\r ",
    "upper": "A-Z", "word": "0-9A-Za-z_", "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_PERL = {
    "d": "[0-9]", "D": "[^0-9]", "w": "[0-9A-Za-z_]", "W": "[^0-9A-Za-z_]", "s": r"[\t\n\f\r ]", "S": r"[^\t\n\f\r ]",
}  # fmt: skip
_ESCAPES = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}
_QUOTED = re.compile(r"\\Q(.*?)(?:\\E|\Z)|\\.", re.DOTALL)
_WORD = re.compile("[0-9A-Za-z_]")

Test = Callable[[str], bool]


class PatternError(ValueError):
    """What is wrong with a pattern, or too much about it; the text says it."""


@dataclass(frozen=True, slots=True)
class _Node:
    """kind: "char" (test), "cat", "alt" (parts), "rep" (part, low, high; -1: no end), "at" (name)."""

    kind: str
    test: Test | None = None
    parts: tuple[_Node, ...] = ()
    low: int = 0
    high: int = 0
    name: str = ""


_EMPTY = _Node("cat")


class Pattern:
    """A pattern that was understood. Raises PatternError."""

    def __init__(self, text: str) -> None:
        self._program: list[tuple[int, Test | str | None, int, int]] = [(_MATCH, None, 0, 0)]
        self._start = self._emit(_Parser(text).whole(), 0)

    def found_in(self, text: str) -> bool:
        """Whether it matches somewhere in the text. Raises PatternError if that would take too long."""
        active: set[int] = set()
        steps = 0
        for at in range(len(text) + 1):
            closed = self._closed([*active, self._start], text, at)
            if 0 in closed:
                return True
            steps += len(closed)
            if steps > _MOST_STEPS:
                raise PatternError("the text is too long for the pattern: the emulator does not try it to the end")
            if at == len(text):
                return False
            char = text[at]
            active = {
                follows
                for kind, test, follows, _ in map(self._program.__getitem__, closed)
                if kind == _CHAR and callable(test) and test(char)
            }
        return False

    def _closed(self, states: Iterable[int], text: str, at: int) -> set[int]:
        """The states with all that are reached from them without a character."""
        seen: set[int] = set()
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            if state in seen:
                continue
            seen.add(state)
            kind, name, first, second = self._program[state]
            if kind == _SPLIT:
                waiting += (first, second)
            elif kind == _AT and _stands(str(name), text, at):
                waiting.append(first)
        return seen

    def _put(self, kind: int, what: Test | str | None, first: int, second: int = 0) -> int:
        if len(self._program) >= _LARGEST:
            raise PatternError("expression too large")
        self._program.append((kind, what, first, second))
        return len(self._program) - 1

    def _emit(self, node: _Node, after: int) -> int:
        """Writes a node that goes on at `after`; gives where it begins."""
        if node.kind == "char":
            return self._put(_CHAR, node.test, after)
        if node.kind == "at":
            return self._put(_AT, node.name, after)
        if node.kind == "cat":
            for part in reversed(node.parts):
                after = self._emit(part, after)
            return after
        if node.kind == "alt":
            begins = [self._emit(part, after) for part in node.parts]
            found = begins.pop()
            for one in reversed(begins):
                found = self._put(_SPLIT, None, one, found)
            return found
        return self._repeated(node, after)

    def _repeated(self, node: _Node, after: int) -> int:
        part = node.parts[0]
        if node.high < 0:
            loop = self._put(_SPLIT, None, 0, after)
            self._program[loop] = (_SPLIT, None, self._emit(part, loop), after)
            found = loop
        else:
            found = after
            for _ in range(node.high - node.low):
                found = self._put(_SPLIT, None, self._emit(part, found), after)
        for _ in range(node.low):
            found = self._emit(part, found)
        return found


def _stands(name: str, text: str, at: int) -> bool:
    """Whether an assertion holds between two characters."""
    if name in ("A", "z"):
        return at == (0 if name == "A" else len(text))
    if name == "^":
        return at == 0 or text[at - 1] == "\n"
    if name == "$":
        return at == len(text) or text[at] == "\n"
    before = at > 0 and _WORD.match(text[at - 1]) is not None
    behind = at < len(text) and _WORD.match(text[at]) is not None
    return (before != behind) is (name == "b")


class _Parser:
    """Reads a pattern. Flags hold until the end of their group."""

    def __init__(self, text: str) -> None:
        self._text = _QUOTED.sub(lambda found: found[0] if found[1] is None else re.escape(found[1]), text)
        self._at = 0
        self._depth = 0
        self._flags: frozenset[str] = frozenset()

    def whole(self) -> _Node:
        found = self._alternatives()
        if self._at < len(self._text):
            raise PatternError("unexpected )")
        return found

    def _take(self, wanted: str) -> bool:
        if self._text.startswith(wanted, self._at):
            self._at += len(wanted)
            return True
        return False

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise PatternError("it ends too early")
        self._at += 1
        return self._text[self._at - 1]

    def _alternatives(self) -> _Node:
        parts = [self._sequence()]
        while self._take("|"):
            parts.append(self._sequence())
        return parts[0] if len(parts) == 1 else _Node("alt", parts=tuple(parts))

    def _sequence(self) -> _Node:
        parts: list[_Node] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            parts.append(self._repeats(self._one()))
        return _Node("cat", parts=tuple(parts))

    def _repeats(self, node: _Node) -> _Node:
        found = self._count()
        if found is None:
            return node
        self._take("?")
        if self._count() is not None:
            raise PatternError("invalid nested repetition operator")
        low, high = found
        if low > _MOST_REPEATED or high > _MOST_REPEATED or (0 <= high < low):
            raise PatternError("invalid repeat count")
        return _Node("rep", parts=(node,), low=low, high=high)

    def _count(self) -> tuple[int, int] | None:
        for sign, found in (("*", (0, -1)), ("+", (1, -1)), ("?", (0, 1))):
            if self._take(sign):
                return found
        match = re.compile(r"\{(\d{1,6})(,(\d{0,6}))?\}").match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        low = int(match[1])
        return low, (low if match[2] is None else int(match[3]) if match[3] else -1)

    def _one(self) -> _Node:
        char = self._next()
        if char == "(":
            return self._group()
        if char == "[":
            return self._class()
        if char == ".":
            newlines = "s" in self._flags
            return _Node("char", test=lambda one: newlines or one != "\n")
        if char == "^":
            return _Node("at", name="^" if "m" in self._flags else "A")
        if char == "$":
            return _Node("at", name="$" if "m" in self._flags else "z")
        if char in "*+?":
            raise PatternError(f"missing argument to repetition operator: {char}")
        return self._escape() if char == "\\" else self._literal(char)

    def _literal(self, char: str) -> _Node:
        if "i" in self._flags:
            folded = char.casefold()
            return _Node("char", test=lambda one: one.casefold() == folded)
        return _Node("char", test=char.__eq__)

    def _group(self) -> _Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise PatternError("expression nests too deeply")
        flags = self._flags
        if self._take("?"):
            match = re.compile(r"P?<[A-Za-z_][0-9A-Za-z_]*>|([imsU]*)(-[imsU]+)?([:)])").match(self._text, self._at)
            if match is None:
                raise PatternError("invalid or unsupported Perl syntax")
            self._at = match.end()
            self._flags = (flags | set(match[1] or "")) - set(match[2] or "")
            if match[3] == ")":  # flags for the rest of the group that this stands in
                self._depth -= 1
                return _EMPTY
        found = self._alternatives()
        if not self._take(")"):
            raise PatternError("missing closing )")
        self._flags = flags
        self._depth -= 1
        return found

    def _escape(self) -> _Node:
        char = self._next()
        if char in "bBAz":
            return _Node("at", name=char)
        if char in _PERL:
            return self._of_class(_PERL[char])
        if char in "pP":
            return self._of_property(negated=char == "P")
        return self._literal(self._escaped(char))

    def _escaped(self, char: str) -> str:
        """The character that an escape stands for."""
        if char in _ESCAPES:
            return _ESCAPES[char]
        if char == "x":
            match = re.compile(r"[0-9A-Fa-f]{2}|\{[0-9A-Fa-f]{1,6}\}").match(self._text, self._at)
            if match is None or int(match[0].strip("{}"), 16) > 0x10FFFF:
                raise PatternError("invalid escape sequence: \\x")
            self._at = match.end()
            return chr(int(match[0].strip("{}"), 16))
        if char.isascii() and char.isalnum():
            raise PatternError(f"invalid escape sequence: \\{char}")
        return char

    def _of_property(self, *, negated: bool) -> _Node:
        match = re.compile(r"[A-Z]|\{(\^?)([A-Z][a-z]?)\}").match(self._text, self._at)
        if match is None:
            raise PatternError("of \\p the emulator knows general categories alone (\\pL, \\p{Lu})")
        self._at = match.end()
        wanted = match[2] or match[0]
        negated = negated is not bool(match[1])
        return _Node("char", test=lambda one: unicodedata.category(one).startswith(wanted) is not negated)

    def _class(self) -> _Node:
        """A class, handed to re once its parts are known to be what RE2 has as well: it matches one character only."""
        parts = ["[", "^"] if self._take("^") else ["["]
        first = True
        while first or not self._take("]"):
            first = False
            posix = re.compile(r"\[:(\^?)(\w+):\]").match(self._text, self._at)
            if posix is not None:
                if posix[2] not in _POSIX or posix[1]:
                    raise PatternError(f"invalid character class range: {posix[0][:40]}")
                self._at = posix.end()
                parts.append(_POSIX[posix[2]])
                continue
            char = self._next()
            if char == "-":
                parts.append("-" if self._at < len(self._text) and self._text[self._at] != "]" and len(parts) > 1 and
                             parts[-1] not in ("[", "^") else "\\-")  # fmt: skip
            elif char == "\\":
                parts.append(self._escape_in_class())
            else:
                parts.append(re.escape(char))
        return self._of_class("".join([*parts, "]"]))

    def _escape_in_class(self) -> str:
        char = self._next()
        if char in "dws":
            return _PERL[char][1:-1]
        if char in "DWSpP":
            raise PatternError(f"the emulator takes no \\{char} in a class: write the class that is meant")
        return re.escape(self._escaped(char))

    def _of_class(self, text: str) -> _Node:
        try:
            made = re.compile(text, re.IGNORECASE if "i" in self._flags else 0)
        except re.error as error:
            raise PatternError(f"invalid character class: {error}") from error

        @lru_cache(maxsize=256)
        def test(char: str) -> bool:
            return made.match(char) is not None

        return _Node("char", test=test)
