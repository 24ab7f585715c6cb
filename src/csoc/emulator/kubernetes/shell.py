"""What the emulator reads of a shell's command line: one command with its words.

Nothing is run, so nothing may look as if it had been: what only a shell can do is refused by its name.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Sequence

_SHELLS = ("sh", "bash", "ash", "dash")
_READS_STDIN = ("-i", "-l", "-s")
# Longest first: `&&` is not two of `&`.
_MARKS = ("&&", "||", "<<", ">>", "$(", "${", ";", "|", "&", "<", ">", "(", ")", "$", "`", "*", "?", "[", "\n")
_MARKS_IN_QUOTES = ("$(", "${", "$", "`")
_MARKS_AT_WORDS = ("#", "~")
# fmt: off
_WORDS = frozenset({
    "!", ".", ":", "alias", "break", "case", "cd", "command", "continue", "do", "done", "elif", "else", "eval", "exec",
    "exit", "export", "fi", "for", "function", "if", "read", "return", "select", "set", "shift", "source", "test",
    "then", "time", "trap", "type", "ulimit", "umask", "unset", "until", "wait", "while", "{", "}",
})
# fmt: on


class ShellError(ValueError):
    """A command line that only a shell can run."""


def is_shell(command: Sequence[str]) -> bool:
    """Whether a command is a shell that reads its commands from stdin."""
    return _is_named_so(command) and all(one in _READS_STDIN for one in command[1:])


def words_of(command: Sequence[str], stdin: bytes) -> list[str]:
    """The command that is meant: itself, or the one that a shell is given as `-c TEXT` or on stdin.

    Raises ShellError.
    """
    if not _is_named_so(command):
        return list(command)
    if is_shell(command):
        return _words(stdin.decode("utf-8", "replace"))
    options = [one for one in command[1:-1] if one.startswith("-") and not one.startswith("--")]
    if len(options) != len(command) - 2 or not options or not options[-1].endswith("c"):
        raise ShellError("the emulator takes `sh -c TEXT` and commands on stdin, and nothing else of a shell")
    return _words(command[-1])


def _is_named_so(command: Sequence[str]) -> bool:
    return bool(command) and posixpath.basename(command[0]) in _SHELLS


def _words(text: str) -> list[str]:
    text = text.strip()
    mark = _first_mark(text)
    if mark:
        shown = "a second line" if mark == "\n" else f"`{mark}`"
        raise ShellError(f"the emulator runs one plain command and knows no {shown}")
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ShellError(f"syntax error: {error}") from error
    if words and (words[0] in _WORDS or "=" in words[0]):
        raise ShellError(f"the emulator runs one plain command and knows no `{words[0].partition('=')[0][:50]}`")
    return words


def _first_mark(text: str) -> str:
    """The first thing that means more to a shell than itself; "" if there is none."""
    quote, at = "", 0
    while at < len(text):
        char = text[at]
        marks = {"": _MARKS, '"': _MARKS_IN_QUOTES, "'": ()}[quote]
        if char == "\\" and quote != "'":
            if quote and text[at + 1 : at + 2] in _MARKS_IN_QUOTES:
                return text[at : at + 2]  # the library keeps this backslash, a shell does not
            at += 2
            continue
        if char == quote:
            quote = ""
        elif char in "\"'" and not quote:
            quote = char
        elif found := next((one for one in marks if text.startswith(one, at)), ""):
            return found
        elif not quote and char in _MARKS_AT_WORDS and (at == 0 or text[at - 1].isspace()):
            return char
        at += 1
    return ""
