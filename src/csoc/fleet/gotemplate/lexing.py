"""Cuts a Go template into text and actions, and actions into tokens.

A closing "}}" inside a quoted text is no end, "{{-" and "-}}" swallow the space beside them, and comments are nothing:
the rules of Go's text/template/parse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from csoc.fleet.gotemplate.errors import TemplateError, UnsupportedError

_SPACE = " \t\r\n"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"[+-]?(0[xX][0-9a-fA-F]+|[0-9][0-9_]*(\.[0-9]*)?([eE][+-]?[0-9]+)?)")
_QUOTED = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


@dataclass(frozen=True, slots=True)
class Token:
    """kind: literal, field, variable, name, dot, or the sign itself. spaced: there is space before it."""

    kind: str
    value: Any = None
    spaced: bool = False


def chunks(text: str) -> tuple[tuple[int, str | tuple[Token, ...]], ...]:
    """Text and actions in order, each with its line from 1. Raises TemplateError, UnsupportedError."""
    found: list[tuple[int, str | tuple[Token, ...]]] = []
    at, line, trim = 0, 1, False
    while True:
        opened = text.find("{{", at)
        piece = text[at:] if opened < 0 else text[at:opened]
        shown = piece.lstrip(_SPACE) if trim else piece
        if opened >= 0 and text[opened + 2 : opened + 3] == "-" and text[opened + 3 : opened + 4] in tuple(_SPACE):
            shown = shown.rstrip(_SPACE)
        if shown:
            found.append((line, shown))
        line += piece.count("\n")
        if opened < 0:
            return tuple(found)
        tokens, at, trim = _action(text, opened, line)
        if tokens:
            found.append((line, tokens))
        line += text.count("\n", opened, at)


def _action(text: str, opened: int, line: int) -> tuple[tuple[Token, ...], int, bool]:
    """The tokens of the action that begins at a position, where it ends, and whether it trims what follows."""
    at = opened + 2
    if text[at : at + 1] == "-" and text[at + 1 : at + 2] in tuple(_SPACE):
        at += 2
    if text.startswith("/*", at):
        return _comment(text, at, line)
    tokens: list[Token] = []
    while True:
        start = at
        while at < len(text) and text[at] in _SPACE:
            at += 1
        spaced = at > start
        if at >= len(text):
            raise TemplateError("an action is not closed with }}", line=line)
        if text.startswith("}}", at):
            return tuple(tokens), at + 2, False
        if spaced and text.startswith("-}}", at):
            return tuple(tokens), at + 3, True
        token, at = _token(text, at, spaced, line)
        tokens.append(token)


def _comment(text: str, at: int, line: int) -> tuple[tuple[Token, ...], int, bool]:
    end = text.find("*/", at + 2)
    if end < 0:
        raise TemplateError("a comment is not closed", line=line)
    rest = text[end + 2 : end + 6]
    if rest.startswith("}}"):
        return (), end + 4, False
    if rest[:1] in tuple(_SPACE) and rest[1:4] == "-}}":
        return (), end + 6, True
    raise TemplateError("a comment must fill its action", line=line)


def _token(text: str, at: int, spaced: bool, line: int) -> tuple[Token, int]:
    character = text[at]
    if character in "|(),":
        return Token(character, spaced=spaced), at + 1
    if character in ":=":
        width = 2 if text.startswith(":=", at) else 1
        return Token(text[at : at + width], spaced=spaced), at + width
    if character in "\"`'":
        return _quoted(text, at, spaced, line)
    if character == ".":
        name = _NAME.match(text, at + 1)
        return (Token("field", name[0], spaced), name.end()) if name else (Token("dot", spaced=spaced), at + 1)
    if character == "$":
        name = _NAME.match(text, at + 1)
        return Token("variable", f"${name[0] if name else ''}", spaced), name.end() if name else at + 1
    number = _NUMBER.match(text, at)
    if number:
        return Token("literal", _number(number[0], line), spaced), number.end()
    name = _NAME.match(text, at)
    if name:
        return Token("name", name[0], spaced), name.end()
    raise TemplateError(f'unexpected "{character}" in an action', line=line)


def _number(text: str, line: int) -> int | float:
    try:
        if text.lstrip("+-")[:2] in ("0x", "0X"):
            return int(text, 16)
        return int(text) if text.lstrip("+-").isdigit() and len(text) < 20 else float(text)
    except ValueError:
        raise TemplateError(f"bad number {text[:40]}", line=line) from None


def _quoted(text: str, at: int, spaced: bool, line: int) -> tuple[Token, int]:
    if text[at] == "'":
        raise UnsupportedError("a character constant is not understood", line=line)
    if text[at] == "`":
        end = text.find("`", at + 1)
        if end < 0:
            raise TemplateError("a quoted text is not closed", line=line)
        return Token("literal", text[at + 1 : end], spaced), end + 1
    quoted = _QUOTED.match(text, at)
    if quoted is None:
        raise TemplateError("a quoted text is not closed", line=line)
    return Token("literal", _ESCAPE.sub(_unescape, quoted[1]), spaced), quoted.end()


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if code in _ESCAPES:
        return _ESCAPES[code]
    base, digits = (16, code[1:]) if code[0] in "xuU" and len(code) > 1 else (8, code)
    if len(code) > 1 and int(digits, base) <= 0x10FFFF:
        return chr(int(digits, base))
    raise TemplateError(f"unknown escape \\{code[0]}")
