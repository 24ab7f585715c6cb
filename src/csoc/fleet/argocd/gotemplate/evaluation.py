"""The part of Go's text/template that ApplicationSets use, as a small interpreter with limits.

Argo CD renders every string of an ApplicationSet with `goTemplate: true` as a template with sprig's functions. Most use
fields, `index`, `default` and a handful of text functions, which are here; whatever else is written is refused by name,
so that a Problem can say which line was not understood, or another renderer (Helm's engine) can be asked.

Numbers in parameters are Go's float64, as in Argo CD: 3 prints as 3, and 1234567 as 1.234567e+06.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from csoc.fleet.argocd.gotemplate import functions
from csoc.fleet.argocd.gotemplate.lexing import Token, chunks
from csoc.fleet.argocd.gotemplate.values import TemplateError, UnsupportedError, is_true, shown

_MAX_STEPS = 200_000
_MAX_OUTPUT = 1_000_000
_MAX_DEPTH = 40


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


@dataclass(frozen=True, slots=True)
class _Node:
    """One node. kind: text, action, if, range, with. line counts from 1."""

    kind: str
    line: int
    text: str = ""
    pipe: _Pipe | None = None
    body: tuple[_Node, ...] = ()
    otherwise: tuple[_Node, ...] = ()


@dataclass(frozen=True, slots=True)
class _Pipe:
    """variables := (or =) command | command. A command is a list of operands."""

    commands: tuple[tuple[_Operand, ...], ...]
    variables: tuple[str, ...] = ()
    declares: bool = True


@dataclass(frozen=True, slots=True)
class _Operand:
    """kind: literal, dot, variable, function, group (in parentheses); fields are looked up in what it gives."""

    kind: str
    value: Any = None
    fields: tuple[str, ...] = ()
    pipe: _Pipe | None = None


@lru_cache(maxsize=2048)
def _parsed(text: str) -> tuple[_Node, ...]:
    return _Parser(chunks(text)).nodes()


class _Parser:
    def __init__(self, parts: Sequence[tuple[int, str | tuple[Token, ...]]]) -> None:
        self._parts = parts
        self._at = 0
        self._depth = 0

    def nodes(self) -> tuple[_Node, ...]:
        found, end = self._until(())
        if end:
            raise TemplateError(f"unexpected {{{{{end[0].value}}}}}", line=self._parts[self._at - 1][0])
        return found

    def _until(self, ends: Sequence[str]) -> tuple[tuple[_Node, ...], tuple[Token, ...]]:
        """Nodes up to an action that begins with one of `ends` (or with else, end), and that action."""
        found: list[_Node] = []
        while self._at < len(self._parts):
            line, part = self._parts[self._at]
            self._at += 1
            if isinstance(part, str):
                found.append(_Node("text", line, text=part))
                continue
            word = part[0].value if part and part[0].kind == "name" else ""
            if word in ("else", "end"):
                return tuple(found), part
            if word in ("if", "range", "with"):
                found.append(self._block(line, str(word), part[1:]))
            elif word in ("define", "template", "block", "break", "continue"):
                raise UnsupportedError(f"{{{{{word}}}}} is not understood", line=line)
            elif part:
                found.append(_Node("action", line, pipe=_pipe(part, line)))
        if ends:
            line = self._parts[-1][0] if self._parts else 1
            raise TemplateError(f"{{{{{ends[0]}}}}} has no {{{{end}}}}", line=line)
        return tuple(found), ()

    def _block(self, line: int, kind: str, tokens: tuple[Token, ...]) -> _Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise TemplateError(f"blocks are nested deeper than {_MAX_DEPTH}", line=line)
        pipe = _pipe(tokens, line)
        body, end = self._until((kind,))
        otherwise: tuple[_Node, ...] = ()
        if end[0].value == "else":
            rest = end[1:]
            if rest and rest[0].value in ("if", "with"):
                otherwise = (self._block(self._parts[self._at - 1][0], str(rest[0].value), rest[1:]),)
                self._depth -= 1
                return _Node(kind, line, pipe=pipe, body=body, otherwise=otherwise)
            otherwise, end = self._until((kind,))
            if end[0].value != "end":
                raise TemplateError("two {{else}} in one block", line=line)
        self._depth -= 1
        return _Node(kind, line, pipe=pipe, body=body, otherwise=otherwise)


def _pipe(tokens: Sequence[Token], line: int, depth: int = 0) -> _Pipe:
    """Parses one pipeline; every token must belong to it."""
    if depth > _MAX_DEPTH:
        raise TemplateError("parentheses are nested too deeply", line=line)
    variables: list[str] = []
    declares = True
    ends = [at for at, token in enumerate(tokens) if token.kind in (":=", "=")]
    if ends:
        declares = tokens[ends[0]].kind == ":="
        variables = [str(token.value) for token in tokens[: ends[0]] if token.kind == "variable"]
        if not variables or any(token.kind not in ("variable", ",") for token in tokens[: ends[0]]):
            raise TemplateError("only a variable can stand before := or =", line=line)
        tokens = tokens[ends[0] + 1 :]
    commands: list[list[_Operand]] = [[]]
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.kind == "|":
            commands.append([])
            at += 1
        elif token.kind == "(":
            close = _closing(tokens, at, line)
            inner = _pipe(tokens[at + 1 : close], line, depth + 1)
            fields, at = _fields(tokens, close + 1)
            commands[-1].append(_Operand("group", fields=fields, pipe=inner))
        else:
            operand, at = _operand(tokens, at, line)
            commands[-1].append(operand)
    if any(not command for command in commands):
        raise TemplateError("an empty command", line=line)
    return _Pipe(tuple(tuple(command) for command in commands), tuple(variables), declares)


def _closing(tokens: Sequence[Token], opened: int, line: int) -> int:
    depth = 0
    for at in range(opened, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[at].kind, 0)
        if depth == 0:
            return at
    raise TemplateError("a parenthesis is not closed", line=line)


def _fields(tokens: Sequence[Token], at: int) -> tuple[tuple[str, ...], int]:
    """Field names that follow immediately (no space between)."""
    found: list[str] = []
    while at < len(tokens) and tokens[at].kind == "field" and not tokens[at].spaced:
        found.append(str(tokens[at].value))
        at += 1
    return tuple(found), at


def _operand(tokens: Sequence[Token], at: int, line: int) -> tuple[_Operand, int]:
    token = tokens[at]
    if token.kind == "literal":
        return _Operand("literal", token.value), at + 1
    if token.kind == "field":
        fields, after = _fields(tokens, at + 1)
        return _Operand("dot", fields=(str(token.value), *fields)), after
    if token.kind == "dot":
        return _Operand("dot"), at + 1
    if token.kind == "variable":
        fields, after = _fields(tokens, at + 1)
        return _Operand("variable", token.value, fields), after
    if token.kind == "name":
        words = {"true": True, "false": False, "nil": None}
        if token.value in words:
            return _Operand("literal", words[str(token.value)]), at + 1
        return _Operand("function", token.value), at + 1
    raise TemplateError(f"unexpected {token.kind}", line=line)


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

    def body(self, nodes: Sequence[_Node], dot: Any) -> None:
        mark = len(self._variables)
        for node in nodes:
            self._line = node.line
            self._spend()
            if node.kind == "text":
                self._write(node.text)
            else:
                self._node(node, dot)
        del self._variables[mark:]

    def _node(self, node: _Node, dot: Any) -> None:
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

    def _range(self, node: _Node, dot: Any) -> None:
        assert node.pipe is not None  # noqa: S101 - see _node
        mark = len(self._variables)
        value = self._evaluate(_Pipe(node.pipe.commands), dot)
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

    def _evaluate(self, pipe: _Pipe, dot: Any) -> Any:
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

    def _command(self, command: Sequence[_Operand], dot: Any, piped: list[Any]) -> Any:
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

    def _short_circuit(self, name: str, operands: Sequence[_Operand], dot: Any, piped: list[Any]) -> Any:
        value: Any = None
        for operand in operands:
            value = self._operand(operand, dot)
            if is_true(value) == (name == "or"):
                return value
        return piped[0] if piped else value

    def _operand(self, operand: _Operand, dot: Any) -> Any:
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
