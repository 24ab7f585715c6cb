"""A change as the command that makes it: for reviewers to see how it was made, and to make it again on a newer head.

It stands in the text of the pull request. Anyone who may edit that text may change it, so it is only ever read for a
person who then sees the whole effect before anything is proposed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from csoc.errors import RejectedError
from csoc.fleet.markdown import taken_apart
from csoc.fleet.masking import looks_secret
from csoc.usecases.change.operations import (
    Operation,
    dotted,
    is_assignment,
    parse_assignment,
    parse_key,
    parse_rename,
    typed,
)

PROGRAM = "csoc fleet set"
# Alone in a fence, or indented, as earlier versions wrote it.
_LINE = re.compile(r"^(?: {4}|(?:`{3,})sh\n)(csoc fleet set .*)$", re.MULTILINE)
_HIDDEN = "***"
_MOST = 20_000


def command_line(environments: Sequence[str], operations: Sequence[Operation]) -> str:
    """One line for a shell. Secrets in it are hidden, so that it cannot be used again then. "" if a name or value is
    not one line of text: half a command would be worse than none."""
    words: list[str] = []
    sets = [operation for operation in operations if operation.action == "set"]
    as_text = any(_needs_text(operation) for operation in sets)
    for operation in operations:
        if operation.action == "set":
            hidden = looks_secret(operation.path, operation.value) is not None
            words.append(f"{dotted(operation.path)}={_HIDDEN if hidden else operation.written}")
        elif operation.action == "remove":
            words += ["--unset", dotted(operation.path)]
        elif operation.action == "rename":
            words += ["--rename", f"{dotted(operation.path)}={dotted((str(operation.value),))}"]
        else:
            words += ["--chart-revision", str(operation.value)]
    words = [*environments, *words, *(["--text"] if as_text else [])]
    if not all(word.isprintable() for word in words):
        return ""
    return " ".join([PROGRAM, *map(_quoted, words)])


def _quoted(word: str) -> str:
    """The word for a shell. Where a Git host would find someone to call or something to do in it, its quotes end and
    begin again: the shell reads the same (@''team), and the host nothing."""
    parts = taken_apart(word)
    if len(parts) == 1 and shlex.quote(word) == word:
        return word
    return "'" + "''".join(part.replace("'", "'\\''") for part in parts) + "'"


def _needs_text(operation: Operation) -> bool:
    try:
        return bool(typed(operation.path, operation.written) != operation.value)
    except RejectedError:
        return True


def read_command(text: str) -> tuple[list[str], list[Operation]]:
    """Environments and operations of the command in a text of `command_line`. Raises RejectedError if there is none, or
    none that can be used."""
    found = _LINE.findall(text.replace("\r\n", "\n"))
    if len(found) != 1 or len(found[0]) > _MOST:
        raise RejectedError(
            "Its text does not hold the command that made it", fix="Run `csoc fleet set` again, and close this one"
        )
    try:
        words = shlex.split(found[0])[len(PROGRAM.split()) :]
    except ValueError:
        raise RejectedError("The command in its text is cut", fix="Run `csoc fleet set` again") from None
    return _parsed(words)


def _parsed(words: Sequence[str]) -> tuple[list[str], list[Operation]]:
    if any(f"={_HIDDEN}" in word for word in words):
        raise RejectedError("The command in its text has a hidden value", fix="Run `csoc fleet set` again with it")
    as_text = "--text" in words
    environments: list[str] = []
    operations: list[Operation] = []
    rest = iter(word for word in words if word != "--text")
    for word in rest:
        if word in ("--unset", "--rename", "--chart-revision"):
            operations.append(_option(word, next(rest, "")))
        elif word.startswith("-"):
            raise RejectedError(f"The command in its text has the option {word[:40]}, which csoc did not write there")
        elif is_assignment(word):
            operations.append(parse_assignment(word, as_text=as_text))
        else:
            environments.append(word)
    if not environments or not operations:
        raise RejectedError("The command in its text is not complete", fix="Run `csoc fleet set` again")
    return environments, operations


def _option(name: str, value: str) -> Operation:
    if not value:
        raise RejectedError(f"The command in its text has no value for {name}")
    if name == "--unset":
        return Operation("remove", parse_key(value))
    if name == "--rename":
        return parse_rename(value)
    return Operation("chart", (), value)
