"""Reads a regular expression into a tree, by recursive descent.

There are two syntaxes. The small one is what patterns for paths need and the engines of hosts have in common; the
other is all of RE2's, as Go's regexp reads it. What a syntax does not have is refused, never guessed.
Sources: syntax.txt of github.com/google/re2; regexp/syntax/parse.go of Go 1.26.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from csoc.errors import RejectedError
from csoc.fleet.linearregex.charsets import (
    CATEGORIES,
    COMMON,
    PERL,
    POSIX,
    Named,
    Range,
    accepting,
    any_of,
    negated,
    whatever_its_case,
)
from csoc.fleet.linearregex.tree import EVERY, NO_NEWLINE, Alt, Cat, Char, Edge, Node, Predicate, Repeat

_MAX_REPEAT = 1_000


class Fault(Enum):
    """What is wrong with a pattern, in the words of RE2."""

    CLOSED = "unexpected )"
    NOT_CLOSED = "missing closing )"
    CLASS_NOT_CLOSED = "missing closing ]"
    RANGE = "invalid character class range"
    NOTHING_REPEATED = "missing argument to repetition operator"
    REPEATED_TWICE = "invalid nested repetition operator"
    COUNT = "invalid repeat count"
    GROUP = "invalid or unsupported Perl syntax"
    NAME = "invalid named capture"
    ESCAPE = "invalid escape sequence"
    LAST_BACKSLASH = "trailing backslash at end of expression"
    TOO_DEEP = "expression nests too deeply"
    TOO_LARGE = "expression too large"


class PatternError(RejectedError):
    """A pattern that cannot be used. fault: RE2's words for it; the cause says more."""

    def __init__(self, fault: Fault, cause: str, *, fix: str = "") -> None:
        super().__init__(cause, fix=fix)
        self.fault = fault


class UnsupportedPatternError(PatternError):
    """A pattern that other programs understand and this module does not, or that is too large for it."""


@dataclass(frozen=True, slots=True)
class Syntax:
    """What is understood. re2: all that RE2 does. length, states, depth: of the largest pattern. remembered: how much
    of the automaton a pattern keeps, in entries of some hundred bytes."""

    re2: bool = False
    length: int = 2_000
    states: int = 5_000
    depth: int = 50
    remembered: int = 20_000


PATHS = Syntax()
"""For patterns of paths, and of others whose engine is not known to be RE2."""

_REPEATS = ("*", "+", "?", "{")
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_EDGES = {"A": Edge.BEGIN, "z": Edge.END}
_WORD_EDGES = {"b": Edge.WORD, "B": Edge.NO_WORD}
_FLAGS = re.compile(r"([imsU]*)(-[imsU]+)?([:)])")
_NAME = re.compile(r"P?<[0-9A-Za-z_]+>")
_COUNT = re.compile(r"\{([0-9]+)(,([0-9]+)?)?\}")
_COUNT_OF_RE2 = re.compile(r"\{(0|[1-9][0-9]*)(,(0|[1-9][0-9]*)?)?\}")
_HEX = re.compile(r"[0-9A-Fa-f]{2}|\{0*([0-9A-Fa-f]{1,6})\}")
_OCTAL = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}")
_CATEGORY = re.compile(r"([A-Z])|\{(\^?)([A-Za-z_]+)\}")


def read(text: str, syntax: Syntax) -> Node:
    """The tree of an expression. Raises PatternError, with the position, for what is wrong or not understood here."""
    if len(text) > syntax.length:
        cause = f"the pattern is longer than {syntax.length} characters"
        raise UnsupportedPatternError(Fault.TOO_LARGE, cause, fix="Shorten it")
    parser = _Parser(text, syntax)
    node = parser.alternatives(0)
    if parser.at < len(text):
        raise parser.wrong(Fault.CLOSED, "a bracket is closed that was not opened")
    return node


class _Parser:
    """Alternatives, sequences, repeated atoms. Flags hold until the end of their group."""

    def __init__(self, text: str, syntax: Syntax) -> None:
        self.text = text
        self.syntax = syntax
        self.re2 = syntax.re2
        self.at = 0
        self.flags: frozenset[str] = frozenset()

    def wrong(self, fault: Fault, cause: str) -> PatternError:
        return PatternError(fault, self.told(cause))

    def unsupported(self, fault: Fault, cause: str) -> PatternError:
        return UnsupportedPatternError(fault, self.told(cause))

    def unknown(self, fault: Fault, cause: str) -> PatternError:
        """What RE2 does not know, though others may."""
        return self.wrong(fault, cause) if self.re2 else self.unsupported(fault, cause)

    def told(self, cause: str) -> str:
        return f"the pattern cannot be used: {cause}, at character {self.at + 1}"

    def alternatives(self, depth: int) -> Node:
        if depth > self.syntax.depth:
            raise self.unsupported(Fault.TOO_DEEP, f"more than {self.syntax.depth} brackets inside each other")
        parts = [self.sequence(depth)]
        while self.take("|"):
            parts.append(self.sequence(depth))
        return parts[0] if len(parts) == 1 else Alt(tuple(parts))

    def sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            if self.re2 and self.take("\\Q"):
                parts.extend(self.quoted())
            elif (atom := self.atom(depth)) is not None:
                parts.append(atom)
            if parts and self.text.startswith(_REPEATS, self.at):
                # behind flags or an empty quotation it is that of what stands before
                parts.append(self.repeated(parts.pop()))
        return Cat(tuple(parts))

    def quoted(self) -> list[Node]:
        end = self.text.find("\\E", self.at)
        text = self.text[self.at : end if end >= 0 else len(self.text)]
        self.at += len(text) + (2 if end >= 0 else 0)
        return [self.char(char) for char in text]

    def repeated(self, node: Node) -> Node:
        bounds = self.bounds()
        if bounds is None:
            return node
        self.take("?")  # preferring the shortest match changes nothing about whether there is one
        if self.bounds() is not None:
            raise self.wrong(Fault.REPEATED_TWICE, "a repetition is repeated")
        found = Repeat(node, *bounds)
        if self.re2 and max(found.least, found.most or 0) > 1 and not _multiplies_to(found, _MAX_REPEAT):
            raise self.wrong(Fault.COUNT, f"repetitions inside each other come to more than {_MAX_REPEAT}")
        return found

    def bounds(self) -> tuple[int, int | None] | None:
        """The repetition that stands here, if one does."""
        for mark, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self.take(mark):
                return bounds
        if not self.text.startswith("{", self.at):
            return None
        found = (_COUNT_OF_RE2 if self.re2 else _COUNT).match(self.text, self.at)
        if found is None:
            return None  # a brace that is no repetition stands for itself
        self.at = found.end()
        low = _number(found[1])
        high = low if found[2] is None else _number(found[3]) if found[3] else None
        if max(low, high or 0) > _MAX_REPEAT or (high is not None and high < low):
            raise self.wrong(Fault.COUNT, f"a repetition must go from less to more, up to {_MAX_REPEAT}")
        return low, high

    def atom(self, depth: int) -> Node | None:
        """What stands here; None for flags, which match nothing themselves."""
        char = self.text[self.at]
        if char in "*+?" or (char == "{" and self.bounds() is not None):
            raise self.wrong(Fault.NOTHING_REPEATED, f'nothing stands before "{char}"')
        self.at += 1
        if char == "(":
            return self.group(depth)
        if char == "[":
            return Char(self.bracket())
        if char == "\\":
            return self.escape()
        if char == ".":
            return EVERY if "s" in self.flags else NO_NEWLINE
        if char == "^":
            return Edge.LINE_BEGIN if "m" in self.flags else Edge.BEGIN
        if char == "$":
            return Edge.LINE_END if "m" in self.flags else Edge.END
        return self.char(char)

    def char(self, char: str) -> Char:
        return Char(self.folded(char.__eq__))

    def folded(self, accepts: Predicate) -> Predicate:
        return whatever_its_case(accepts) if "i" in self.flags else accepts

    def group(self, depth: int) -> Node | None:
        outer = self.flags
        if self.take("?"):
            if not self.re2:
                self.named()
            elif not self.name_of_re2() and self.set_flags() == ")":
                return None
        node = self.alternatives(depth + 1)
        if not self.take(")"):
            raise self.wrong(Fault.NOT_CLOSED, "a bracket is not closed")
        self.flags = outer
        return node

    def named(self) -> None:
        if self.take(":"):
            return
        self.take("P")
        end = self.text.find(">", self.at)
        if not self.take("<") or not self.text[self.at : end].isidentifier():
            raise self.unsupported(Fault.GROUP, "flags and looking around are not supported")
        self.at = end + 1

    def name_of_re2(self) -> bool:
        if not self.text.startswith(("P<", "<"), self.at):
            return False
        found = _NAME.match(self.text, self.at)
        if found is None:
            raise self.wrong(Fault.NAME, "the name of a group has letters, digits and _")
        self.at = found.end()
        return True

    def set_flags(self) -> str:
        """Reads flags; gives what stands behind them: ":" for those of a group, ")" for the rest of the outer one."""
        found = _FLAGS.match(self.text, self.at)
        if found is None:
            raise self.wrong(Fault.GROUP, "there is no such group: looking around is not supported")
        self.at = found.end()
        self.flags = (self.flags | set(found[1])) - set(found[2] or "")
        return found[3]

    def escape(self) -> Node:
        edges = _EDGES | _WORD_EDGES if self.re2 else _EDGES
        edge = edges.get(self.text[self.at : self.at + 1])
        if edge is not None:
            self.at += 1
            return edge
        named = self.class_escape()
        return self.char(self.single()) if named is None else Char(self.of_named(named))

    def class_escape(self) -> Named | None:
        """The class behind a backslash, if it is one."""
        char = self.text[self.at : self.at + 1]
        if char.lower() in PERL:
            self.at += 1
            return Named(PERL[char.lower()], opposite=char.isupper())
        if self.re2 and char in ("p", "P"):
            return self.category()
        return None

    def category(self) -> Named:
        opposite = self.text[self.at] == "P"
        found = _CATEGORY.match(self.text, self.at + 1)
        name = (found[1] or found[3]) if found is not None else ""
        if found is None or name not in CATEGORIES:
            raise self.unsupported(Fault.RANGE, "of \\p only general categories are supported (\\pL, \\p{Lu})")
        self.at = found.end()
        return Named(categories=frozenset((name,)), opposite=opposite is not (found[2] == "^"))

    def of_named(self, named: Named) -> Predicate:
        """The cases of letters are put in before the opposite is taken."""
        found = self.folded(accepting(named.ranges, named.categories))
        return negated(found) if named.opposite else found

    def single(self) -> str:
        """The one character that stands behind a backslash, inside brackets or outside."""
        if self.at >= len(self.text):
            raise self.wrong(Fault.LAST_BACKSLASH, "nothing stands behind the last backslash")
        char = self.text[self.at]
        if char in _CONTROLS:
            self.at += 1
            return _CONTROLS[char]
        if self.re2:
            number = self.number()
            if number is not None:
                return number
            if not char.isascii():
                raise self.wrong(Fault.ESCAPE, f"\\{char} has no meaning")
        self.at += 1
        if char.isalnum():
            raise self.unknown(Fault.ESCAPE, f"\\{char} is not supported")
        return char

    def number(self) -> str | None:
        """The character that is written as its number, if it is."""
        if self.text.startswith("x", self.at):
            found = _HEX.match(self.text, self.at + 1)
            value = int(found[1] or found[0], 16) if found is not None else 0
            if found is None or value > 0x10FFFF:
                raise self.wrong(Fault.ESCAPE, "\\x needs two digits, or up to 10FFFF in braces")
        else:
            found = _OCTAL.match(self.text, self.at)
            if found is None:
                return None
            value = int(found[0], 8)
        self.at = found.end()
        return chr(value)

    def bracket(self) -> Predicate:
        negative = self.take("^")
        ranges: list[Range] = []
        categories: set[str] = set()
        opposites: dict[Named, Predicate] = {}
        first = True
        while first or not self.text.startswith("]", self.at):
            first = False
            if self.at >= len(self.text):
                raise self.unclosed()
            named = self.named_member()
            if named is None:
                ranges.append(self.range())
            elif named.opposite:
                opposites[named] = self.of_named(named)
            else:
                ranges += named.ranges
                categories |= named.categories
        self.at += 1
        one = any_of([self.folded(accepting(ranges, categories)), *opposites.values()])
        return negated(one) if negative else one

    def named_member(self) -> Named | None:
        """The class with a name that stands here in brackets, if one does."""
        if self.text.startswith("[:", self.at) and (not self.re2 or self.text.find(":]", self.at + 2) >= 0):
            return self.by_name()
        if not self.text.startswith("\\", self.at):
            return None
        self.at += 1
        named = self.class_escape()
        self.at -= named is None
        return named

    def range(self) -> Range:
        low = high = self.member()
        if self.text.startswith("-", self.at) and not self.text.startswith("-]", self.at):
            self.at += 1
            if self.at >= len(self.text):
                raise self.unclosed()
            high = self.member()
        if high < low:
            raise self.wrong(Fault.RANGE, "a range of characters goes backwards")
        return low, high

    def by_name(self) -> Named:
        end = self.text.find(":]", self.at + 2)
        name = self.text[self.at + 2 : end]
        opposite = self.re2 and name.startswith("^")
        known = POSIX if self.re2 else COMMON
        if end < 0 or name[opposite:] not in known:
            raise self.unknown(Fault.RANGE, "a class of characters that is not known")
        self.at = end + 2
        return Named(known[name[opposite:]], opposite=opposite)

    def member(self) -> str:
        """One character of a class, as it is or behind a backslash."""
        self.at += 1
        if self.text[self.at - 1] != "\\":
            return self.text[self.at - 1]
        if self.text[self.at : self.at + 1].lower() in PERL:
            raise self.wrong(Fault.ESCAPE, "a class of characters cannot end a range")
        return self.single()

    def unclosed(self) -> PatternError:
        return self.wrong(Fault.CLASS_NOT_CLOSED, "a square bracket is not closed")

    def take(self, mark: str) -> bool:
        if self.text.startswith(mark, self.at):
            self.at += len(mark)
            return True
        return False


def _number(digits: str) -> int:
    """Its value, or one that is too large as well."""
    return int(digits.lstrip("0")[:6] or "0")


def _multiplies_to(node: Node, most: int) -> bool:
    """Whether counted repetitions inside each other multiply to that many at most, as Go counts them."""
    if isinstance(node, Repeat):
        times = node.least if node.most is None else node.most
        return node.most == 0 or (times <= most and _multiplies_to(node.part, most // max(times, 1)))
    return not isinstance(node, Cat | Alt) or all(_multiplies_to(part, most) for part in node.parts)
