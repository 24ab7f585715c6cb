"""Go templates as a tree, for questions that a rendering cannot answer: which values would any branch read?

Only what matters to that question is kept: actions, blocks and expressions. Text between them is dropped. The grammar
is that of Go's text/template (https://pkg.go.dev/text/template), without its checks: what Helm would refuse may pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_DEPTH = 60  # nested blocks or parentheses


class TemplateSyntaxError(Exception):
    """The text is not a template that this parser understands."""


@dataclass(slots=True)
class Operand:
    """kind: "dot", "var" (text: its name without $), "paren", "ident", "string" or "literal"; chain: the fields after
    it. A leading field such as .Values is a dot with a chain."""

    kind: str
    text: str = ""
    chain: tuple[str, ...] = ()
    pipe: Pipe | None = None


@dataclass(slots=True)
class Pipe:
    """A pipeline of commands, each a list of operands; declares or assigns variables first."""

    commands: list[list[Operand]]
    variables: tuple[str, ...] = ()
    declares: bool = False


@dataclass(slots=True)
class Node:
    """kind: "action", "if", "with", "range", "template", "define" or "block". name: of the template that "template",
    "define" and "block" are about. body and otherwise: what is inside, what is behind {{else}}."""

    kind: str
    pipe: Pipe | None = None
    name: str = ""
    body: list[Node] = field(default_factory=list)
    otherwise: list[Node] = field(default_factory=list)


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>"(?:\\.|[^"\\])*"|`[^`]*`)
    | (?P<char>'(?:\\.|[^'\\])*')
    | (?P<var>\$\w*)(?P<varchain>(?:\.\w+)*)
    | (?P<close>\))(?P<closechain>(?:\.\w+)*)
    | (?P<field>(?:\.[^\W\d]\w*)+)
    | (?P<dot>\.)(?![\w])
    | (?P<number>[-+]?(?:\d|\.\d)[\w.]*)
    | (?P<ident>[^\W\d]\w*)
    | (?P<sign>:=|=|\(|\||,)
    )""",
    re.VERBOSE,
)
_END = re.compile(r"\s*-?\}\}")
_COMMENT = re.compile(r"-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
_COMMENT_BEGINS = re.compile(r"-?\s*/\*")
_PLAIN_KEYWORDS = frozenset({"break", "continue"})

Token = tuple[str, str, tuple[str, ...]]


def _actions(text: str) -> Iterator[list[Token]]:
    """The tokens of each action, in order."""
    position = 0
    while (start := text.find("{{", position)) >= 0:
        position = start + 2
        comment = _COMMENT.match(text, position)
        if comment:
            position = comment.end()
            continue
        if _COMMENT_BEGINS.match(text, position):
            raise TemplateSyntaxError("a comment that is not closed")
        if text.startswith("-", position) and text[position + 1 : position + 2].isspace():
            position += 1
        tokens: list[Token] = []
        while not (end := _END.match(text, position)):
            match = _TOKEN.match(text, position)
            if not match:
                raise TemplateSyntaxError(f"unexpected text at {text[position : position + 20]!r}")
            tokens.append(_token(match))
            position = match.end()
        position = end.end()
        if tokens:
            yield tokens


def _token(match: re.Match[str]) -> Token:
    kind = match.lastgroup or ""
    if match["var"] is not None:
        return "var", match["var"][1:], _chain(match["varchain"])
    if match["close"] is not None:
        return "close", ")", _chain(match["closechain"])
    if kind == "field":
        return "field", "", _chain(match["field"])
    if kind == "string":
        raw = match["string"]
        return "string", raw[1:-1] if raw[0] == "`" else re.sub(r"\\(.)", r"\1", raw[1:-1]), ()
    if kind in ("char", "number"):
        return "literal", match[kind], ()
    return kind, match[kind], ()


def _chain(text: str) -> tuple[str, ...]:
    return tuple(text.split(".")[1:])


class _Expression:
    """Reads one pipeline from the tokens of an action."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self, ahead: int = 0) -> Token:
        index = self.at + ahead
        return self.tokens[index] if index < len(self.tokens) else ("end", "", ())

    def pipe(self, depth: int = 0) -> Pipe:
        if depth > MAX_DEPTH:
            raise TemplateSyntaxError("parentheses nested too deeply")
        variables, declares = self.variables()
        commands: list[list[Operand]] = [[]]
        while (token := self.peek())[0] not in ("end", "close"):
            self.at += 1
            if token[:2] == ("sign", "|"):
                commands.append([])
            elif token[:2] == ("sign", "("):
                inner = self.pipe(depth + 1)
                closing = self.peek()
                if closing[0] != "close":
                    raise TemplateSyntaxError("a parenthesis that is not closed")
                self.at += 1
                commands[-1].append(Operand("paren", chain=closing[2], pipe=inner))
            elif token[0] == "sign":
                raise TemplateSyntaxError(f"unexpected {token[1]}")
            else:
                kind = {"field": "dot"}.get(token[0], token[0])
                commands[-1].append(Operand(kind, token[1], token[2]))
        return Pipe(commands, variables, declares)

    def variables(self) -> tuple[tuple[str, ...], bool]:
        """The "$a, $b :=" or "$a =" that a pipeline may begin with."""
        names: list[str] = []
        ahead = 0
        while self.peek(ahead)[0] == "var" and not self.peek(ahead)[2]:
            names.append(self.peek(ahead)[1])
            following = self.peek(ahead + 1)[:2]
            if following in (("sign", ":="), ("sign", "=")):
                self.at += ahead + 2
                return tuple(names), following[1] == ":="
            if following != ("sign", ","):
                break
            ahead += 2
        return (), False


def _pipe(tokens: list[Token]) -> Pipe | None:
    if not tokens:
        return None
    expression = _Expression(tokens)
    made = expression.pipe()
    if expression.at < len(tokens):
        raise TemplateSyntaxError("a parenthesis too many")
    return made


@dataclass(slots=True)
class _Open:
    """A block that is not closed yet. closes: how many blocks one {{end}} closes, more than one after "else if"."""

    node: Node
    target: list[Node]
    closes: int = 1


def parse(text: str) -> list[Node]:
    """The tree of a template. Raises TemplateSyntaxError."""
    top: list[Node] = []
    stack: list[_Open] = []
    for tokens in _actions(text):
        keyword = tokens[0][1] if tokens[0][0] == "ident" else ""
        here = stack[-1].target if stack else top
        if keyword in ("if", "with", "range"):
            node = Node(keyword, _pipe(tokens[1:]))
            here.append(node)
            stack.append(_Open(node, node.body))
        elif keyword in ("define", "block") and len(tokens) > 1:
            node = Node(keyword, _pipe(tokens[2:]), tokens[1][1])
            here.append(node)
            stack.append(_Open(node, node.body))
        elif keyword == "else":
            _else(stack, tokens[1:])
        elif keyword == "end":
            if not stack:
                raise TemplateSyntaxError("an end without a beginning")
            for _ in range(stack[-1].closes):
                stack.pop()
        elif keyword == "template" and len(tokens) > 1:
            here.append(Node("template", _pipe(tokens[2:]), tokens[1][1]))
        elif keyword not in _PLAIN_KEYWORDS:
            here.append(Node("action", _pipe(tokens)))
        if len(stack) > MAX_DEPTH:
            raise TemplateSyntaxError("blocks nested too deeply")
    if stack:
        raise TemplateSyntaxError("a block that is not closed")
    return top


def _else(stack: list[_Open], tokens: list[Token]) -> None:
    """{{else}}, {{else if}} and {{else with}}; the latter two open a block that the same {{end}} closes."""
    if not stack:
        raise TemplateSyntaxError("an else without a beginning")
    block = stack[-1]
    block.target = block.node.otherwise
    if tokens:
        node = Node(tokens[0][1], _pipe(tokens[1:]))
        block.target.append(node)
        stack.append(_Open(node, node.body, block.closes + 1))
