"""Regular expressions in time linear in the text, for patterns that a repository's authors wrote.

Python's `re` tries alternatives one after another, so that a pattern of twenty characters can keep it busy for years.
Here all alternatives advance together, character by character (Thompson's construction), and the sets of states met
are remembered. The syntax is RE2's (which Go's programs use), or the part of it that patterns for paths need; what is
not understood is refused, never guessed. A `Budget` bounds the work of many matches together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from csoc.errors import RejectedError
from csoc.fleet.linearregex.reading import PATHS, Fault, PatternError, Syntax, UnsupportedPatternError, read
from csoc.fleet.linearregex.tree import EVERY, Alt, Cat, Char, Edge, Node, Predicate, Repeat, literal

__all__ = [
    "PATHS",
    "Alt",
    "Budget",
    "Cat",
    "Char",
    "Edge",
    "Fault",
    "Node",
    "Pattern",
    "PatternError",
    "Repeat",
    "Syntax",
    "UnsupportedPatternError",
    "build",
    "compile_pattern",
    "literal",
]


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


_OUTSIDE, _NEWLINE, _WORD, _OTHER = range(4)
"""What stands on a side of an edge; outside of the text nothing does."""

_WORD_CHARS = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")


def _side(char: str) -> int:
    return _WORD if char in _WORD_CHARS else _NEWLINE if char == "\n" else _OTHER


def _stands(edge: Edge, behind: int, ahead: int | None) -> bool:
    """Whether an edge is between what was read and what comes; for sure, if what comes is not known (None)."""
    if edge is Edge.BEGIN:
        return behind == _OUTSIDE
    if edge is Edge.LINE_BEGIN:
        return behind in (_OUTSIDE, _NEWLINE)
    if ahead is None:
        return False
    if edge is Edge.END:
        return ahead == _OUTSIDE
    if edge is Edge.LINE_END:
        return ahead in (_OUTSIDE, _NEWLINE)
    return ((behind == _WORD) != (ahead == _WORD)) is (edge is Edge.WORD)


@dataclass(slots=True)
class _State:
    """accepts: takes a character, then goes to all of `then`. None: goes there at once (an edge only at its place)."""

    accepts: Predicate | None
    then: tuple[int, ...]
    edge: Edge | None = None


@dataclass(slots=True, eq=False)
class _Place:
    """How far all alternatives have come together. behind: the side that edges see; following: by the next character.

    settled: what the answer is, whatever follows; at_end: what it is if nothing does. None: not known yet.
    """

    states: frozenset[int]
    behind: int
    settled: bool | None
    at_end: bool | None = None
    following: dict[str, _Place] = field(default_factory=dict)


@dataclass(slots=True)
class Pattern:
    """A compiled expression. `matches` says whether it covers the whole text.

    Several threads may match with one: what they remember is the same, whoever comes first.
    """

    _states: list[_State]
    _start: int
    _looks_around: bool
    _anywhere: bool
    _remembers: int
    _places: dict[tuple[frozenset[int], int], _Place] = field(default_factory=dict, repr=False)
    _remembered: int = 0
    _first: _Place | None = None

    @property
    def size(self) -> int:
        """How many states it has."""
        return len(self._states)

    def matches(self, text: str, budget: Budget) -> bool:
        """Whether the whole text matches; for a pattern made to match anywhere, whether some part of it does.

        Raises RejectedError if the budget does not suffice.
        """
        if self._first is None:
            self._first = self._place(self._reach([self._start], budget, _OUTSIDE, None), _OUTSIDE)
        place = self._first
        for char in text:
            if place.settled is not None:
                return place.settled
            budget.left -= 1
            if budget.left < 0:
                budget.spend(0)
            following = place.following.get(char)
            place = self._advance(place, char, budget) if following is None else following
        if place.at_end is None:
            place.at_end = _MATCH in self._reach(place.states, budget, place.behind, _OUTSIDE)
        return place.at_end

    def _place(self, states: frozenset[int], behind: int) -> _Place:
        settled = False if not states else True if self._anywhere and _MATCH in states else None
        return _Place(states, behind, settled)

    def _advance(self, place: _Place, char: str, budget: Budget) -> _Place:
        """The place behind a character; remembered, if there is room."""
        present, behind = place.states, _OTHER
        if self._looks_around:
            behind = _side(char)
            present = self._reach(present, budget, place.behind, behind)
        budget.spend(len(present))
        targets: list[int] = []
        for index in present:
            state = self._states[index]
            if state.accepts is not None and state.accepts(char):
                targets.extend(state.then)
        states = self._reach(targets, budget, behind, None)
        following = self._places.get((states, behind))
        known = following is not None
        if following is None:
            following = self._place(states, behind)
        entries = 1 if known else len(states) + 2
        if self._remembered + entries <= self._remembers and budget.remember(entries):
            self._remembered += entries
            place.following[char] = self._places.setdefault((states, behind), following)
        return following

    def _reach(self, starts: Iterable[int], budget: Budget, behind: int, ahead: int | None) -> frozenset[int]:
        """Every state that can be reached without a character. Edges that wait for what comes stay in, until then."""
        seen: set[int] = set()
        queue = list(starts)
        while queue:
            index = queue.pop()
            if index in seen:
                continue
            seen.add(index)
            state = self._states[index]
            if state.accepts is None and (state.edge is None or _stands(state.edge, behind, ahead)):
                queue.extend(state.then)
        budget.spend(len(seen))
        return frozenset(seen)


_MATCH = 0


def build(node: Node, syntax: Syntax = PATHS, *, anywhere: bool = False) -> Pattern:
    """Compiles a tree; anywhere: to match any part of a text. Raises PatternError if it has too many states."""
    if anywhere:
        node = Cat((Repeat(EVERY, 0, None), node, Repeat(EVERY, 0, None)))
    builder = _Builder(syntax.states)
    start = builder.emit(node, _MATCH)
    return Pattern(builder.states, start, builder.looks_around, anywhere, syntax.remembered)


class _Builder:
    """Makes states from the end to the beginning."""

    def __init__(self, most: int) -> None:
        self.states = [_State(None, ())]  # _MATCH
        self.most = most
        self.looks_around = False

    def emit(self, node: Node, then: int) -> int:
        """Appends the states of a node that goes on to `then`; returns where it begins."""
        if isinstance(node, Char):
            return self.add(_State(node.accepts, (then,)))
        if isinstance(node, Cat):
            for part in reversed(node.parts):
                then = self.emit(part, then)
            return then
        if isinstance(node, Alt):
            return self.add(_State(None, tuple([self.emit(part, then) for part in node.parts])))
        if isinstance(node, Repeat):
            return self.emit_repeat(node, then)
        if node not in (Edge.BEGIN, Edge.END):
            self.looks_around = True
        return self.add(_State(None, (then,), node))

    def emit_repeat(self, node: Repeat, then: int) -> int:
        begin = then
        if node.most is None:
            begin = self.add(_State(None, ()))
            self.states[begin].then = (self.emit(node.part, begin), then)
        else:
            for _ in range(node.most - node.least):
                begin = self.add(_State(None, (self.emit(node.part, begin), then)))
        for _ in range(node.least):
            before, begin = begin, self.emit(node.part, begin)
            if begin == before:
                break  # the part is empty, and repeating nothing a thousand times a thousand times takes long
        return begin

    def add(self, state: _State) -> int:
        if len(self.states) >= self.most:
            cause = f"the pattern is too large (more than {self.most} states)"
            raise UnsupportedPatternError(Fault.TOO_LARGE, cause, fix="Simplify it")
        self.states.append(state)
        return len(self.states) - 1


def compile_pattern(text: str, syntax: Syntax = PATHS, *, anywhere: bool = False) -> Pattern:
    """Compiles an expression. Raises PatternError, with the position, for what is wrong or not understood here."""
    return build(read(text, syntax), syntax, anywhere=anywhere)
