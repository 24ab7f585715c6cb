"""Regular expressions in time linear in the text, for patterns that a repository's authors wrote.

Python's `re` tries alternatives one after another, so that a pattern of twenty characters can keep it busy for years.
Here all alternatives advance together, character by character (Thompson's construction), and the sets of states met
are remembered. The syntax is the part of RE2's (which Go's programs use) that patterns for paths need; what is not
understood is refused, never guessed. A `Budget` bounds the work of many matches together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from csoc.errors import RejectedError

MAX_PATTERN = 2_000
MAX_STATES = 5_000
_MAX_DEPTH = 50
_MAX_REPEAT = 1_000
_MAX_REMEMBERED = 20_000


class UnsupportedPatternError(RejectedError):
    """A pattern that other programs understand and this module does not, or that is too large for it."""


Predicate = Callable[[str], bool]


@dataclass(slots=True)
class Budget:
    """What a group of matches may take together. left: steps, some five million a second. memory: entries of sets of
    states that may be remembered; past that, matching goes on more slowly."""

    left: int = 50_000_000
    memory: int = 500_000

    def spend(self, steps: int) -> None:
        """Raises RejectedError once nothing is left."""
        self.left -= steps
        if self.left < 0:
            raise RejectedError("the patterns need too much time to match", fix="Simplify them, or ask for fewer files")

    def remember(self, entries: int) -> bool:
        """Whether that many entries may still be remembered; counts them if so."""
        if entries > self.memory:
            return False
        self.memory -= entries
        return True


@dataclass(frozen=True, slots=True)
class Char:
    """One character that satisfies the predicate."""

    accepts: Predicate


@dataclass(frozen=True, slots=True)
class Cat:
    """Parts one after another; none is the empty text."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alt:
    """One of the parts."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The part, from least to most times (None: without end)."""

    part: Node
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Edge:
    """The beginning of the text, or its end."""

    end: bool


Node = Char | Cat | Alt | Repeat | Edge

ANY = Char(lambda char: char != "\n")


def literal(text: str) -> Cat:
    """Exactly this text."""
    return Cat(tuple(Char(char.__eq__) for char in text))


@dataclass(slots=True)
class _State:
    """accepts: takes a character, then goes to all of `then`. None: goes there at once (an edge only at its place)."""

    accepts: Predicate | None
    then: tuple[int, ...]
    edge: Edge | None = None


@dataclass(slots=True)
class Pattern:
    """A compiled expression. `matches` says whether it covers the whole text."""

    _states: list[_State]
    _start: int
    _sets: dict[frozenset[int], dict[str, frozenset[int]]] = field(default_factory=dict, repr=False)
    _remembered: int = 0
    _first: frozenset[int] | None = None

    @property
    def size(self) -> int:
        """How many states it has."""
        return len(self._states)

    def matches(self, text: str, budget: Budget) -> bool:
        """Whether the whole text matches. Raises RejectedError if the budget does not suffice."""
        if self._first is None:
            self._first = self._reach([self._start], budget, begin=True)
        present = self._first
        for char in text:
            if not present:
                return False
            budget.spend(1)
            known = self._sets.get(present)
            following = known.get(char) if known else None
            if following is None:
                following = self._advance(present, char, budget)
                entries = len(following) + 1
                if self._remembered + entries <= _MAX_REMEMBERED and budget.remember(entries):
                    self._remembered += entries
                    self._sets.setdefault(present, {})[char] = following
            present = following
        return _MATCH in self._reach(present, budget, begin=not text, end=True)

    def _advance(self, present: frozenset[int], char: str, budget: Budget) -> frozenset[int]:
        budget.spend(len(present))
        targets: list[int] = []
        for index in present:
            state = self._states[index]
            if state.accepts is not None and state.accepts(char):
                targets.extend(state.then)
        return self._reach(targets, budget)

    def _reach(
        self, starts: Iterable[int], budget: Budget, *, begin: bool = False, end: bool = False
    ) -> frozenset[int]:
        """Every state that can be reached without a character. Edges for the end stay in, until the end."""
        seen: set[int] = set()
        queue = list(starts)
        while queue:
            index = queue.pop()
            if index in seen:
                continue
            seen.add(index)
            state = self._states[index]
            open_edge = state.edge is None or (end if state.edge.end else begin)
            if state.accepts is None and open_edge:
                queue.extend(state.then)
        budget.spend(len(seen))
        return frozenset(seen)


_MATCH = 0


def build(node: Node) -> Pattern:
    """Compiles a tree. Raises RejectedError if it has too many states."""
    states = [_State(None, ())]  # _MATCH
    start = _emit(node, _MATCH, states)
    return Pattern(states, start)


def _emit(node: Node, then: int, states: list[_State]) -> int:
    """Appends the states of a node that goes on to `then`; returns where it begins."""
    if isinstance(node, Cat):
        for part in reversed(node.parts):
            then = _emit(part, then, states)
        return then
    if isinstance(node, Alt):
        return _add(states, _State(None, tuple(_emit(part, then, states) for part in node.parts)))
    if isinstance(node, Repeat):
        return _emit_repeat(node, then, states)
    if isinstance(node, Edge):
        return _add(states, _State(None, (then,), node))
    return _add(states, _State(node.accepts, (then,)))


def _emit_repeat(node: Repeat, then: int, states: list[_State]) -> int:
    begin = then
    if node.most is None:
        begin = _add(states, _State(None, ()))
        states[begin].then = (_emit(node.part, begin, states), then)
    else:
        for _ in range(node.most - node.least):
            begin = _add(states, _State(None, (_emit(node.part, begin, states), then)))
    for _ in range(node.least):
        before, begin = begin, _emit(node.part, begin, states)
        if begin == before:
            break  # the part is empty, and repeating nothing a thousand times a thousand times takes long
    return begin


def _add(states: list[_State], state: _State) -> int:
    if len(states) >= MAX_STATES:
        raise UnsupportedPatternError(f"the pattern is too large (more than {MAX_STATES} states)", fix="Simplify it")
    states.append(state)
    return len(states) - 1


def compile_pattern(text: str) -> Pattern:
    """Compiles an expression. Raises RejectedError, with the position, for what is wrong or not understood here."""
    if len(text) > MAX_PATTERN:
        raise UnsupportedPatternError(f"the pattern is longer than {MAX_PATTERN} characters", fix="Shorten it")
    parser = _Parser(text)
    node = parser.alternatives(0)
    if parser.at < len(text):
        raise parser.wrong("a bracket is closed that was not opened")
    return build(node)


_CLASSES: dict[str, Predicate] = {
    "d": lambda char: "0" <= char <= "9",
    "w": lambda char: char.isascii() and (char.isalnum() or char == "_"),
    "s": lambda char: char in "\t\n\f\r ",
}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_NAMED: dict[str, Predicate] = {
    "alpha": lambda char: char.isascii() and char.isalpha(),
    "digit": _CLASSES["d"],
    "alnum": lambda char: char.isascii() and char.isalnum(),
    "upper": lambda char: char.isascii() and char.isupper(),
    "lower": lambda char: char.isascii() and char.islower(),
    "space": lambda char: char in "\t\n\v\f\r ",
    "word": _CLASSES["w"],
    "xdigit": lambda char: char in "0123456789abcdefABCDEF",
    "punct": lambda char: char.isascii() and char.isprintable() and not char.isalnum() and char != " ",
}


class _Parser:
    """Recursive descent over RE2's syntax: alternatives, sequences, repeated atoms."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def wrong(self, cause: str) -> RejectedError:
        return RejectedError(f"the pattern cannot be used: {cause}, at character {self.at + 1}")

    def unsupported(self, cause: str) -> UnsupportedPatternError:
        return UnsupportedPatternError(f"the pattern cannot be used: {cause}, at character {self.at + 1}")

    def alternatives(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise self.unsupported(f"more than {_MAX_DEPTH} brackets inside each other")
        parts = [self.sequence(depth)]
        while self.take("|"):
            parts.append(self.sequence(depth))
        return parts[0] if len(parts) == 1 else Alt(tuple(parts))

    def sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self.repeated(self.atom(depth)))
        return Cat(tuple(parts))

    def repeated(self, node: Node) -> Node:
        bounds = self.bounds()
        if bounds is None:
            return node
        self.take("?")  # preferring the shortest match changes nothing about whether there is one
        if self.bounds() is not None:
            raise self.wrong("a repetition is repeated")
        return Repeat(node, *bounds)

    def bounds(self) -> tuple[int, int | None] | None:
        """The repetition that stands here, if one does."""
        for mark, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self.take(mark):
                return bounds
        if not self.text.startswith("{", self.at):
            return None
        end = self.text.find("}", self.at)
        least, comma, most = self.text[self.at + 1 : end if end > 0 else self.at + 1].partition(",")
        if not least.isdecimal() or (most and not most.isdecimal()) or not (least + most).isascii():
            return None  # a brace that is no repetition stands for itself
        self.at = end + 1
        low = int(least[:6])
        high = (int(most[:6]) if most else None) if comma else low
        if max(low, high or 0) > _MAX_REPEAT or (high is not None and high < low):
            raise self.wrong(f"a repetition must go from less to more, up to {_MAX_REPEAT}")
        return low, high

    def atom(self, depth: int) -> Node:
        char = self.text[self.at]
        if char in "*+?":
            raise self.wrong(f'nothing stands before "{char}"')
        self.at += 1
        if char == "(":
            return self.group(depth)
        if char == "[":
            return Char(self.bracket())
        if char == "\\":
            return self.escape()
        if char == ".":
            return ANY
        if char in "^$":
            return Edge(end=char == "$")
        return Char(char.__eq__)

    def group(self, depth: int) -> Node:
        if self.take("?") and not self.take(":"):
            self.take("P")
            end = self.text.find(">", self.at)
            if not self.take("<") or not self.text[self.at : end].isidentifier():
                raise self.unsupported("flags and looking around are not supported")
            self.at = end + 1
        node = self.alternatives(depth + 1)
        if not self.take(")"):
            raise self.wrong("a bracket is not closed")
        return node

    def escape(self) -> Node:
        if self.take("A"):
            return Edge(end=False)
        if self.take("z"):
            return Edge(end=True)
        return Char(self.escaped())

    def escaped(self) -> Predicate:
        """What stands behind a backslash, inside brackets or outside."""
        if self.at >= len(self.text):
            raise self.wrong("nothing stands behind the last backslash")
        char = self.text[self.at]
        self.at += 1
        if char in _CONTROLS:
            return _CONTROLS[char].__eq__
        if char in _CLASSES:
            return _CLASSES[char]
        if char.lower() in _CLASSES:
            return _negated(_CLASSES[char.lower()])
        if char.isalnum():
            raise self.unsupported(f"\\{char} is not supported")
        return char.__eq__

    def bracket(self) -> Predicate:
        negative = self.take("^")
        choices: list[Predicate] = []
        while choices == [] or not self.text.startswith("]", self.at):
            if self.at >= len(self.text):
                raise self.wrong("a square bracket is not closed")
            choices.append(self.choice())
        self.at += 1
        one = _any_of(choices)
        return _negated(one) if negative else one

    def choice(self) -> Predicate:
        if self.text.startswith("[:", self.at):
            end = self.text.find(":]", self.at)
            name = self.text[self.at + 2 : end]
            if end < 0 or name not in _NAMED:
                raise self.unsupported("a class of characters that is not known")
            self.at = end + 2
            return _NAMED[name]
        low, single = self.member()
        if single is None or not self.text.startswith("-", self.at) or self.text.startswith("-]", self.at):
            return low
        self.at += 1
        if self.at >= len(self.text):
            raise self.wrong("a square bracket is not closed")
        _, last = self.member()
        if last is None or last < single:
            raise self.wrong("a range of characters goes backwards")
        return _between(single, last)

    def member(self) -> tuple[Predicate, str | None]:
        """One member of a class: its predicate, and the character if it is a single one."""
        char = self.text[self.at]
        self.at += 1
        if char != "\\":
            return char.__eq__, char
        escaped = self.text[self.at : self.at + 1]
        single = _CONTROLS.get(escaped, escaped if not escaped.isalnum() else None)
        return self.escaped(), single

    def take(self, mark: str) -> bool:
        if self.text.startswith(mark, self.at):
            self.at += len(mark)
            return True
        return False


def _negated(accepts: Predicate) -> Predicate:
    return lambda char: not accepts(char)


def _any_of(choices: Sequence[Predicate]) -> Predicate:
    fixed = tuple(choices)
    return lambda char: any(accepts(char) for accepts in fixed)


def _between(low: str, high: str) -> Predicate:
    return lambda char: low <= char <= high
