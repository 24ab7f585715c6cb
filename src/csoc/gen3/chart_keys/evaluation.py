"""Which values a chart's templates read, found by running them on what values could be rather than on values.

Every expression is evaluated to the set of places in the values that it may stand for. A place whose content is
printed, passed on or looped over counts as read with everything below it; one that is only tested counts as read
itself. Both branches of every condition are taken. Wherever it is unclear what happens to a place, it counts as read
entirely: a reader is better served by a key too few in the list of dead keys than by one too many.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from csoc.fleet.gotemplate.errors import TemplateError
from csoc.fleet.gotemplate.parsing import Node, Operand, Pipe, parse
from csoc.gen3.chart_keys.functions import FUNCTIONS, make_dict
from csoc.gen3.chart_keys.places import (
    NOTHING,
    Atom,
    Dict,
    Items,
    Place,
    Ref,
    Root,
    Text,
    TooMuchError,
    Value,
    bounded,
)

MAX_STEPS = 2_000_000
_MAX_PATH = 40
_MAX_INCLUDE_DEPTH = 100
_VALUES = re.compile(r"\.Values((?:\.[^\W\d]\w*)+)")
_HASHES = frozenset({"sha256sum", "sha1sum", "sha512sum", "adler32sum"})


@dataclass(slots=True)
class _Scope:
    """Variables of a block, and the blocks around it. dot and root: what "." and "$" are."""

    dot: Value
    root: Value
    outer: _Scope | None = None
    variables: dict[str, Value] = field(default_factory=dict)

    def inner(self, dot: Value | None = None) -> _Scope:
        return _Scope(self.dot if dot is None else dot, self.root, self)

    def look_up(self, name: str) -> Value:
        if not name:
            return self.root
        scope: _Scope | None = self
        while scope:
            if name in scope.variables:
                return scope.variables[name]
            scope = scope.outer
        return NOTHING

    def assign(self, name: str, value: Value, *, declares: bool) -> bool:
        """Adds to what the variable may be; True if that changed something outside this block."""
        scope: _Scope | None = self
        while scope and not declares and name not in scope.variables:
            scope = scope.outer
        target = scope or self
        before = target.variables.get(name, NOTHING)
        target.variables[name] = before | value if not declares else value
        return target is not self and target.variables[name] != before


class Reads:
    """Runs templates and collects the places they read.

    exact: read as they are. below: read with everything below. defines: bodies of named templates; Helm has one name
    space for all charts, and which definition wins is not asked here: all are run.
    """

    def __init__(self, charts: Sequence[Place]) -> None:
        """charts: the places where the charts' values stand; () for the topmost."""
        self.exact: set[Place] = set()
        self.below: set[Place] = set()
        self.charts = frozenset(charts)
        self.defines: dict[str, list[Sequence[Node]]] = {}
        self._seen: set[tuple[int, Value]] = set()
        self._steps = 0
        self._hashing = False
        self._changed = False
        self._include_depth = 0

    # Templates

    def define(self, nodes: Sequence[Node]) -> None:
        """Remembers the named templates of a file."""
        for node in nodes:
            if node.kind in ("define", "block"):
                bodies = self.defines.setdefault(node.name, [])
                if not any(body is node.body for body in bodies):
                    bodies.append(node.body)
            self.define(node.body)
            self.define(node.otherwise)

    def run(self, nodes: Sequence[Node], chart: Place) -> None:
        """Runs a file of the chart. Raises TooMuchError."""
        dot: Value = frozenset({Root(chart)})
        self._nodes(nodes, _Scope(dot, dot))

    def run_text(self, text: str, chart: Place) -> None:
        """The same for text that may not be a template after all; then whatever names values counts as read."""
        try:
            self.run(parse(text), chart)
        except TemplateError:
            self.below |= {(*chart, *found.split(".")[1:]) for found in _VALUES.findall(text)}

    def include(self, name: Value, dot: Value) -> Value:
        bodies = [body for atom in name if isinstance(atom, Text) for body in self._bodies(atom)]
        if not any(isinstance(atom, Text) for atom in name):
            # The name comes from elsewhere, so that any template may be meant.
            self.consume(dot)
            self.below |= {atom.place for atom in dot if isinstance(atom, Root)}
        for body in bodies:
            key = (id(body), dot)
            if key in self._seen:
                continue
            self._seen.add(key)
            if self._include_depth >= _MAX_INCLUDE_DEPTH:
                raise TooMuchError
            self._include_depth += 1
            self._nodes(body, _Scope(dot, dot))
            self._include_depth -= 1
        return NOTHING

    def _bodies(self, name: Text) -> list[Sequence[Node]]:
        if not name.pattern:
            return self.defines.get(name.value, [])
        matches = re.compile(name.pattern).fullmatch
        return [body for known, bodies in self.defines.items() if matches(known) for body in bodies]

    # Blocks

    def _nodes(self, nodes: Sequence[Node], scope: _Scope) -> None:
        for node in nodes:
            self._step()
            handler = _NODES.get(node.kind)
            if handler:
                handler(self, node, scope)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise TooMuchError

    def _action(self, node: Node, scope: _Scope) -> None:
        if node.pipe:
            value = self._pipe(node.pipe, scope)
            if not node.pipe.variables:
                self.consume(value)

    def _if(self, node: Node, scope: _Scope) -> None:
        inner = scope.inner()
        if node.pipe:
            self.test(self._pipe(node.pipe, inner))
        self._nodes(node.body, inner.inner())
        self._nodes(node.otherwise, inner.inner())

    def _with(self, node: Node, scope: _Scope) -> None:
        inner = scope.inner()
        value = self._pipe(node.pipe, inner) if node.pipe else NOTHING
        self.test(value)
        self._nodes(node.body, inner.inner(value))
        self._nodes(node.otherwise, inner.inner())

    def _range(self, node: Node, scope: _Scope) -> None:
        inner = scope.inner()
        value = self._pipe(node.pipe, inner, bind=False) if node.pipe else NOTHING
        items = self.elements(value)
        if node.pipe and node.pipe.variables:
            inner.assign(node.pipe.variables[-1].removeprefix("$"), items, declares=node.pipe.declares)
        for _ in range(3):  # a variable that the body assigns may be read earlier in the next round
            self._changed = False
            self._nodes(node.body, inner.inner(items))
            if not self._changed:
                break
        self._nodes(node.otherwise, inner.inner())

    def _template(self, node: Node, scope: _Scope) -> None:
        dot = self._pipe(node.pipe, scope) if node.pipe else NOTHING
        self.include(frozenset({Text(node.name)}), dot)

    # Expressions

    def _pipe(self, pipe: Pipe, scope: _Scope, *, bind: bool = True) -> Value:
        self._step()
        hashing, self._hashing = self._hashing, self._hashing or _is_hash(pipe)
        value: Value | None = None
        for command in pipe.commands:
            value = self._command(command, scope, value)
        self._hashing = hashing
        if bind:
            for name in pipe.variables:
                self._changed |= scope.assign(name.removeprefix("$"), value or NOTHING, declares=pipe.declares)
        return value or NOTHING

    def _command(self, command: Sequence[Operand], scope: _Scope, piped: Value | None) -> Value:
        if not command:
            return piped or NOTHING
        first, *rest = command
        arguments = [self._operand(operand, scope) for operand in rest]
        if piped is not None:
            arguments.append(piped)
        if first.kind != "function":
            for argument in arguments:  # a method, or an error
                self.consume(argument)
            return self._operand(first, scope)
        if first.value == "set" and rest and rest[0].kind == "variable" and not rest[0].fields and len(arguments) == 3:
            value = self.put(arguments)
            self._changed |= scope.assign(_variable(rest[0]), value, declares=False) if _variable(rest[0]) else False
            return value
        return self._call(str(first.value), arguments)

    def _operand(self, operand: Operand, scope: _Scope) -> Value:
        self._step()
        if operand.kind == "dot":
            value = scope.dot
        elif operand.kind == "variable":
            value = scope.look_up(_variable(operand))
        elif operand.kind == "group" and operand.pipe:
            value = self._pipe(operand.pipe, scope)
        elif operand.kind == "literal":
            return frozenset({Text(operand.value)}) if isinstance(operand.value, str) else NOTHING
        elif operand.kind == "function":
            return self._call(str(operand.value), [])
        else:
            return NOTHING
        for name in operand.fields:
            value = self.entry(value, name)
        if operand.fields:
            self.test(value)
        return value

    def _call(self, name: str, arguments: list[Value]) -> Value:
        function = FUNCTIONS.get(name)
        if function:
            return function(self, arguments)
        for argument in arguments:
            self.consume(argument)
        return NOTHING

    # Places

    def entry(self, value: Value, name: str) -> Value:
        """What `.name` of the value may be."""
        found: set[Atom] = set()
        for atom in value:
            if isinstance(atom, Root):
                if name == "Values":
                    found.add(Ref(atom.place))
                elif name == "Subcharts":
                    found.add(Dict((("*", frozenset({Root((*atom.place, "*"))})),)))
            elif isinstance(atom, Ref):
                if len(atom.place) < _MAX_PATH:
                    found.add(Ref((*atom.place, name)))
                else:
                    self.below.add(atom.place)
            elif isinstance(atom, Dict):
                for key, item in atom.entries:
                    if key in (name, "*"):
                        found |= _named(item, name) if key == "*" else item
        return frozenset(found)

    def elements(self, value: Value) -> Value:
        """What an element may be. Lists and maps in the values are read whole."""
        found: set[Atom] = set()
        for atom in value:
            if isinstance(atom, Items):
                for item in atom.items:
                    found |= item
            elif isinstance(atom, Dict):
                for _, item in atom.entries:
                    found |= item
            else:
                self.consume(frozenset({atom}))
        return frozenset(found)

    def test(self, value: Value) -> None:
        """The value is asked for, and only whether it is there or what it is."""
        self.exact |= {atom.place for atom in value if isinstance(atom, Ref)}

    def consume(self, value: Value) -> None:
        """The value is used, with everything in it."""
        for atom in value:
            if isinstance(atom, Ref):
                # A checksum of all values restarts pods; it reads no setting.
                if not (self._hashing and atom.place in self.charts):
                    self.below.add(atom.place)
            elif isinstance(atom, Dict):
                for _, item in atom.entries:
                    self.consume(item)
            elif isinstance(atom, Items):
                for item in atom.items:
                    self.consume(item)

    def put(self, arguments: list[Value]) -> Value:
        self.consume(arguments[2])
        return bounded(arguments[0] | make_dict(self, arguments[1:]))


def _variable(operand: Operand) -> str:
    """A variable's name without its sign."""
    return str(operand.value).removeprefix("$")


def _is_hash(pipe: Pipe) -> bool:
    last = pipe.commands[-1]
    return bool(last) and last[0].kind == "function" and last[0].value in _HASHES


def _named(value: Value, name: str) -> Value:
    """Entries under an unknown key, now that it is known: a subchart's root gets its name."""
    return frozenset(
        Root((*atom.place[:-1], name)) if isinstance(atom, Root) and atom.place[-1:] == ("*",) else atom
        for atom in value
    )


_NODES: dict[str, Callable[[Reads, Node, _Scope], None]] = {
    "action": Reads._action,
    "if": Reads._if,
    "with": Reads._with,
    "range": Reads._range,
    "template": Reads._template,
    "block": Reads._template,
}
