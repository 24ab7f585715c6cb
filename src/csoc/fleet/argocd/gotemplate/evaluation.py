"""The part of Go's text/template that ApplicationSets use, as a small interpreter with limits.

Argo CD renders every string of an ApplicationSet with `goTemplate: true` as a template with sprig's functions. Most use
fields, `index`, `default` and a handful of text functions, which are here; whatever else is written is refused by name,
so that a Problem can say which line was not understood, or another renderer (Helm's engine) can be asked.

Numbers in parameters are Go's float64, as in Argo CD: 3 prints as 3, and 1234567 as 1.234567e+06.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

from csoc.fleet.argocd.gotemplate import functions
from csoc.fleet.argocd.gotemplate.values import TemplateError, UnsupportedError, is_true, shown
from csoc.fleet.gotemplate.parsing import Node, Operand, Pipe, parse

_MAX_STEPS = 200_000
_MAX_OUTPUT = 1_000_000
_RUN = frozenset({"text", "action", "if", "range", "with"})


class TemplateRenderer(Protocol):
    """Renders one text of an ApplicationSet."""

    def render(self, text: str, params: Mapping[str, Any], options: Sequence[str] = ()) -> str:
        """The text with parameters put in. options: goTemplateOptions, e.g. "missingkey=error". Raises CsocError."""


class SubsetRenderer:
    """`TemplateRenderer` with what this module knows."""

    def render(self, text: str, params: Mapping[str, Any], options: Sequence[str] = ()) -> str:
        """See the port. Raises TemplateError (Argo CD fails too), UnsupportedError (only csoc does not know it)."""
        if "{{" not in text:
            return text
        run = _Run(params, strict="missingkey=error" in options)
        run.body(_parsed(text), params)
        return "".join(run.out)


@lru_cache(maxsize=2048)
def _parsed(text: str) -> tuple[Node, ...]:
    nodes = parse(text)
    _refuse(nodes)
    return nodes


def _refuse(nodes: Sequence[Node]) -> None:
    """Raises UnsupportedError for the first node that this module does not run."""
    for node in nodes:
        if node.kind not in _RUN:
            raise UnsupportedError(f"{{{{{node.kind}}}}} is not understood", line=node.line)
        _refuse(node.body)
        _refuse(node.otherwise)


def _weight(value: Any) -> int:
    """What handling a value costs, in steps."""
    return len(value) // 50 if isinstance(value, (str, list, Mapping)) else 0


class _Run:
    """One execution: the output, the variables in scope, and what is left of the budget."""

    def __init__(self, root: Any, *, strict: bool) -> None:
        self.out: list[str] = []
        self._size = 0
        self._steps = 0
        self._strict = strict
        self._variables: list[tuple[str, Any]] = [("$", root)]
        self._line = 1

    def body(self, nodes: Sequence[Node], dot: Any) -> None:
        mark = len(self._variables)
        for node in nodes:
            self._line = node.line
            self._spend()
            if node.kind == "text":
                self._write(node.text)
            else:
                self._node(node, dot)
        del self._variables[mark:]

    def _node(self, node: Node, dot: Any) -> None:
        assert node.pipe is not None  # noqa: S101 - every node but text has one
        if node.kind == "range":
            self._range(node, dot)
            return
        mark = len(self._variables)
        value = self._evaluate(node.pipe, dot)
        if node.kind == "action":
            if not node.pipe.variables:
                self._write(shown(value))
            return
        if is_true(value):
            self.body(node.body, value if node.kind == "with" else dot)
        else:
            self.body(node.otherwise, dot)
        del self._variables[mark:]

    def _range(self, node: Node, dot: Any) -> None:
        assert node.pipe is not None  # noqa: S101 - see _node
        mark = len(self._variables)
        value = self._evaluate(Pipe(node.pipe.commands), dot)
        if isinstance(value, Mapping):
            items = [(key, value[key]) for key in sorted(value, key=str)]
        elif isinstance(value, (list, tuple)):
            items = list(enumerate(value))
        elif isinstance(value, int) and not isinstance(value, bool) and len(node.pipe.variables) < 2:
            self._spend(max(value, 0))
            items = [(number, number) for number in range(value)]
        elif value is None:
            items = []
        else:
            raise TemplateError("range needs a list or a mapping", line=node.line)
        for key, item in items:
            names = node.pipe.variables
            if len(names) == 2:
                self._variables += [(names[0], key), (names[1], item)]
            elif names:
                self._variables.append((names[0], item))
            self.body(node.body, item)
            del self._variables[mark:]
        if not items:
            self.body(node.otherwise, dot)

    def _evaluate(self, pipe: Pipe, dot: Any) -> Any:
        self._spend()
        value: Any = None
        for number, command in enumerate(pipe.commands):
            value = self._command(command, dot, [value] if number else [])
        for name in pipe.variables[:1]:
            self._assign(name, value, declares=pipe.declares)
        return value

    def _assign(self, name: str, value: Any, *, declares: bool) -> None:
        if declares:
            self._variables.append((name, value))
            return
        for at in range(len(self._variables) - 1, -1, -1):
            if self._variables[at][0] == name:
                self._variables[at] = (name, value)
                return
        raise TemplateError(f"undefined variable {name}", line=self._line)

    def _command(self, command: Sequence[Operand], dot: Any, piped: list[Any]) -> Any:
        first, rest = command[0], command[1:]
        if first.kind != "function":
            if first.kind == "literal" and first.value is None:
                raise TemplateError("nil is not a command", line=self._line)
            if rest or piped:
                raise TemplateError("a value that is no function was given arguments", line=self._line)
            return self._operand(first, dot)
        name = str(first.value)
        if name in ("and", "or"):
            return self._short_circuit(name, rest, dot, piped)
        arguments = [self._operand(operand, dot) for operand in rest] + piped
        self._spend(sum(map(_weight, arguments)))
        try:
            value = functions.call(name, arguments)
            self._spend(_weight(value))
            return value
        except TemplateError as error:
            raise type(error)(error.cause, line=self._line) from None

    def _short_circuit(self, name: str, operands: Sequence[Operand], dot: Any, piped: list[Any]) -> Any:
        value: Any = None
        for operand in operands:
            value = self._operand(operand, dot)
            if is_true(value) == (name == "or"):
                return value
        return piped[0] if piped else value

    def _operand(self, operand: Operand, dot: Any) -> Any:
        self._spend()
        if operand.kind == "literal":
            return operand.value
        if operand.kind == "function":
            return self._command((operand,), dot, [])
        if operand.kind == "group":
            assert operand.pipe is not None  # noqa: S101 - a group is a pipeline
            value = self._evaluate(operand.pipe, dot)
        elif operand.kind == "variable":
            value = self._variable(str(operand.value))
        else:
            value = dot
        for name in operand.fields:
            value = self._field(value, name)
        return value

    def _variable(self, name: str) -> Any:
        for known, value in reversed(self._variables):
            if known == name:
                return value
        raise TemplateError(f"undefined variable {name}", line=self._line)

    def _field(self, value: Any, name: str) -> Any:
        if isinstance(value, Mapping):
            if name in value:
                return value[name]
            if self._strict:
                raise TemplateError(f'there is no parameter "{name}", and missingkey=error is set', line=self._line)
            return None
        if value is None and not self._strict:
            return None
        what = "nothing" if value is None else "a value that has no fields"
        raise TemplateError(f'".{name}" is taken of {what}', line=self._line)

    def _write(self, text: str) -> None:
        self._size += len(text)
        if self._size > _MAX_OUTPUT:
            raise TemplateError(f"the template prints more than {_MAX_OUTPUT} characters", line=self._line)
        self._spend(_weight(text))
        self.out.append(text)

    def _spend(self, steps: int = 1) -> None:
        self._steps += steps
        if self._steps > _MAX_STEPS:
            raise TemplateError(f"the template takes more than {_MAX_STEPS} steps", line=self._line)
