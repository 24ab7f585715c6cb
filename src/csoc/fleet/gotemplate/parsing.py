"""Templates of Go's text/template as a tree: texts, actions, blocks and expressions.

What a function or a method is, and whether a field exists, is the matter of whoever runs or reads the tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from csoc.fleet.gotemplate.errors import TemplateError
from csoc.fleet.gotemplate.lexing import Token, chunks

MAX_DEPTH = 60  # nested blocks or parentheses


@dataclass(frozen=True, slots=True)
class Node:
    """One node. kind: text, action, if, range, with, define, block, template, break, continue. line counts from 1.
    text: of a text; name: of the template that define, block and template are about."""

    kind: str
    line: int
    text: str = ""
    name: str = ""
    pipe: Pipe | None = None
    body: tuple[Node, ...] = ()
    otherwise: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipe:
    """variables := (or =) command | command. A command is a list of operands."""

    commands: tuple[tuple[Operand, ...], ...]
    variables: tuple[str, ...] = ()
    declares: bool = True


@dataclass(frozen=True, slots=True)
class Operand:
    """kind: literal, dot, variable, function, group (in parentheses); fields are looked up in what it gives."""

    kind: str
    value: Any = None
    fields: tuple[str, ...] = ()
    pipe: Pipe | None = None


def parse(text: str) -> tuple[Node, ...]:
    """The nodes of a template. Raises TemplateError, UnsupportedError."""
    return _Parser(chunks(text)).nodes()


class _Parser:
    def __init__(self, parts: Sequence[tuple[int, str | tuple[Token, ...]]]) -> None:
        self._parts = parts
        self._at = 0
        self._depth = 0

    def nodes(self) -> tuple[Node, ...]:
        found, end = self._until(())
        if end:
            raise TemplateError(f"unexpected {{{{{end[0].value}}}}}", line=self._parts[self._at - 1][0])
        return found

    def _until(self, ends: Sequence[str]) -> tuple[tuple[Node, ...], tuple[Token, ...]]:
        """Nodes up to an action that begins with one of `ends` (or with else, end), and that action."""
        found: list[Node] = []
        while self._at < len(self._parts):
            line, part = self._parts[self._at]
            self._at += 1
            if isinstance(part, str):
                found.append(Node("text", line, text=part))
                continue
            word = part[0].value if part and part[0].kind == "name" else ""
            if word in ("else", "end"):
                return tuple(found), part
            if word in ("if", "range", "with"):
                found.append(self._block(line, str(word), part[1:]))
            elif word in ("define", "template", "block"):
                found.append(self._named(line, str(word), part[1:]))
            elif word in ("break", "continue"):
                found.append(Node(str(word), line))
            elif part:
                found.append(Node("action", line, pipe=_pipe(part, line)))
        if ends:
            line = self._parts[-1][0] if self._parts else 1
            raise TemplateError(f"{{{{{ends[0]}}}}} has no {{{{end}}}}", line=line)
        return tuple(found), ()

    def _named(self, line: int, kind: str, tokens: tuple[Token, ...]) -> Node:
        if not tokens or tokens[0].kind != "literal" or not isinstance(tokens[0].value, str):
            raise TemplateError(f"{{{{{kind}}}}} without a name in quotes", line=line)
        pipe = _pipe(tokens[1:], line) if len(tokens) > 1 else None
        body: tuple[Node, ...] = ()
        if kind != "template":
            self._deeper(line)
            body, end = self._until((kind,))
            if end[0].value != "end":
                raise TemplateError(f"{{{{else}}}} in {{{{{kind}}}}}", line=line)
            self._depth -= 1
        return Node(kind, line, name=tokens[0].value, pipe=pipe, body=body)

    def _deeper(self, line: int) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise TemplateError(f"blocks are nested deeper than {MAX_DEPTH}", line=line)

    def _block(self, line: int, kind: str, tokens: tuple[Token, ...]) -> Node:
        self._deeper(line)
        pipe = _pipe(tokens, line)
        body, end = self._until((kind,))
        otherwise: tuple[Node, ...] = ()
        if end[0].value == "else":
            rest = end[1:]
            if rest and rest[0].value in ("if", "with"):
                otherwise = (self._block(self._parts[self._at - 1][0], str(rest[0].value), rest[1:]),)
                self._depth -= 1
                return Node(kind, line, pipe=pipe, body=body, otherwise=otherwise)
            otherwise, end = self._until((kind,))
            if end[0].value != "end":
                raise TemplateError("two {{else}} in one block", line=line)
        self._depth -= 1
        return Node(kind, line, pipe=pipe, body=body, otherwise=otherwise)


def _pipe(tokens: Sequence[Token], line: int, depth: int = 0) -> Pipe:
    """Parses one pipeline; every token must belong to it."""
    if depth > MAX_DEPTH:
        raise TemplateError("parentheses are nested too deeply", line=line)
    variables: list[str] = []
    declares = True
    ends = _declarations(tokens)
    if ends:
        declares = tokens[ends[0]].kind == ":="
        variables = [str(token.value) for token in tokens[: ends[0]] if token.kind == "variable"]
        if not variables or any(token.kind not in ("variable", ",") for token in tokens[: ends[0]]):
            raise TemplateError("only a variable can stand before := or =", line=line)
        tokens = tokens[ends[0] + 1 :]
    commands: list[list[Operand]] = [[]]
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
            commands[-1].append(Operand("group", fields=fields, pipe=inner))
        else:
            operand, at = _operand(tokens, at, line)
            commands[-1].append(operand)
    if any(not command for command in commands):
        raise TemplateError("an empty command", line=line)
    return Pipe(tuple(tuple(command) for command in commands), tuple(variables), declares)


def _declarations(tokens: Sequence[Token]) -> list[int]:
    """Where := and = stand, outside of parentheses, which are pipelines of their own."""
    found, depth = [], 0
    for at, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.kind, 0)
        if depth == 0 and token.kind in (":=", "="):
            found.append(at)
    return found


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


def _operand(tokens: Sequence[Token], at: int, line: int) -> tuple[Operand, int]:
    token = tokens[at]
    if token.kind == "literal":
        return Operand("literal", token.value), at + 1
    if token.kind == "field":
        fields, after = _fields(tokens, at + 1)
        return Operand("dot", fields=(str(token.value), *fields)), after
    if token.kind == "dot":
        return Operand("dot"), at + 1
    if token.kind == "variable":
        fields, after = _fields(tokens, at + 1)
        return Operand("variable", token.value, fields), after
    if token.kind == "name":
        words = {"true": True, "false": False, "nil": None}
        if token.value in words:
            return Operand("literal", words[str(token.value)]), at + 1
        return Operand("function", token.value), at + 1
    raise TemplateError(f"unexpected {token.kind}", line=line)
