"""What a person asks to be changed, parsed: `fence.image.tag=2026.04`, a chart's revision, a key's new name.

A value is read as YAML, since that is what stands in the files; but what is text there stays text, character by
character: 2026.10 as a number would be 2026.1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from csoc.errors import CsocError, RejectedError
from csoc.fleet.masking import MASK, masked
from csoc.fleet.values import Path
from csoc.fleet.yaml import yamltext

_SPECIAL = frozenset(".[]=\\")
_INDEX = re.compile(r"\[(\d{1,6})\]")
# Values that the chart must get as text although they look like numbers, dates or booleans.
_TEXT_KEYS = frozenset({"tag", "account", "accountId", "accountNumber", "maintenanceMode", "dispatcherJobNum"})
_DATABASE_PARENTS = frozenset({"postgres", "master", "dbCreds"})


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to do in each environment.

    action: "set" (path, value), "remove" (path), "rename" (path; value is the new last part), "chart" (value is the new
    revision). written: the value as it was typed, for where text stands now. service: the one whose image it chooses,
    where it was asked for so. hidden: what stands around the value says that it is a secret, which its path does not.
    """

    action: str
    path: Path = ()
    value: Any = None
    written: str = ""
    service: str = field(default="", compare=False)
    hidden: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        name = dotted(self.path)
        if self.action == "chart":
            return f"set the chart's revision to {self.value}"
        if self.action == "remove":
            return f"remove {name}"
        if self.action == "rename":
            return f"rename {name} to {self.value}"
        return f"set {name} to {MASK if self.hidden else masked(self.path, self.value)}"

    def replacing(self, old: Any) -> Any:
        """The value as it goes where `old` stands: what is text there stays text."""
        if isinstance(old, str) and isinstance(self.value, (bool, int, float)):
            return self.written
        return self.value


def dotted(path: Path) -> str:
    """A path as a person types it; `parse_key` reads it back."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
            continue
        escaped = "".join(f"\\{char}" if char in _SPECIAL else char for char in step)
        text += f".{escaped}" if text else escaped
    return f"\\{text}" if text.startswith("-") else text  # or it would be an option


def parse_key(text: str) -> Path:
    """ "a.b[0].c" as ("a", "b", 0, "c"). A backslash takes the next character as it is, for keys that hold a dot, a
    bracket or an equals sign. Raises RejectedError.
    """
    steps: list[str | int] = []
    for part in _split(text, "."):
        name, indices = _name_and_indices(part, text)
        steps += [name, *indices]
    return tuple(steps)


def _name_and_indices(part: str, text: str) -> tuple[str, list[int]]:
    pieces = _split(part, "[")
    name = _unescaped(pieces[0])
    rest = part[len(pieces[0]) :]
    if not name or (rest and not re.fullmatch(r"(?:\[\d{1,6}\])+", rest)) or len(_split(pieces[0], "]")) > 1:
        raise RejectedError(f"{text} is not a key", fix="Write it as service.setting, e.g. fence.image.tag")
    return name, [int(index) for index in _INDEX.findall(rest)]


def _split(text: str, sign: str, most: int = -1) -> list[str]:
    """Splits at signs that no backslash stands before; backslashes stay."""
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        if text[at] == sign and most != 0:
            parts.append(text[start:at])
            start, most = at + 1, most - 1
        at += 1
    return [*parts, text[start:]]


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def is_assignment(text: str) -> bool:
    """True for KEY=VALUE, False for a name."""
    return len(_split(text, "=", 1)) == 2


def parse_assignment(text: str, *, as_text: bool = False) -> Operation:
    """ "KEY=VALUE" with VALUE read as YAML; text where `as_text` is set or the key always wants it (image tags, account
    ids). Nothing after the sign is the empty text, as for Helm. Raises RejectedError.
    """
    key, *rest = _split(text, "=", 1)
    if not rest:
        raise RejectedError(f"{text} is not KEY=VALUE", fix="For example fence.image.tag=2026.04")
    path, written = parse_key(key), rest[0]
    return Operation("set", path, typed(path, written, as_text=as_text), written)


def typed(path: Path, written: str, *, as_text: bool = False) -> Any:
    """What a value on the command line means for a key. Raises RejectedError if it is not YAML."""
    if as_text or not written or always_text(path):
        return written
    try:
        documents = yamltext.parse(written.encode())
    except CsocError as error:
        raise RejectedError(f"The value of {dotted(path)} is not YAML: {error.cause}", fix="Use --text") from error
    except UnicodeEncodeError:
        raise RejectedError(f"The value of {dotted(path)} is not text", fix="Type it in UTF-8") from None
    if len(documents) > 1:
        raise RejectedError(f"The value of {dotted(path)} is several YAML documents", fix="Use --text")
    return documents[0].data if documents else None


def always_text(path: Path) -> bool:
    """True for keys whose value the chart must get as text."""
    last = path[-1]
    if last == "port":
        return any(step in _DATABASE_PARENTS for step in path[:-1])
    return last in _TEXT_KEYS


def parse_image(text: str) -> Operation:
    """ "SERVICE=TAG": the tag of a service's image. Raises RejectedError."""
    service, *tag = _split(text, "=", 1)
    if not service or not tag or not tag[0]:
        raise RejectedError(f"{text} is not SERVICE=TAG", fix="For example fence=2026.04")
    path = parse_key(service)
    return Operation("set", (*path, "image", "tag"), tag[0], tag[0], str(path[0]))


def parse_rename(text: str) -> Operation:
    """ "OLD=NEW": NEW is a last part, or a whole key in the same place. Raises RejectedError."""
    old, *new = _split(text, "=", 1)
    if not new:
        raise RejectedError(f"{text} is not OLD=NEW", fix="For example fence.replicas=replicaCount")
    before, after = parse_key(old), parse_key(new[0])
    if isinstance(before[-1], int) or isinstance(after[-1], int):
        raise RejectedError(f"{text}: an item of a list has no name")
    if len(after) > 1 and after[:-1] != before[:-1]:
        raise RejectedError(f"{text}: the key keeps its place, only its last part can change")
    if after[-1] == before[-1]:
        raise RejectedError(f"{text}: the two names are the same")
    return Operation("rename", before, after[-1])


def check_operations(operations: Sequence[Operation]) -> None:
    """Raises RejectedError where two of them contradict each other."""
    seen: dict[tuple[str, Path], Operation] = {}
    for operation in operations:
        kind = "chart" if operation.action == "chart" else "value"
        other = seen.setdefault((kind, operation.path), operation)
        if other != operation:
            raise RejectedError(f"{other}, and {operation}: only one of them can be", fix="Leave one out")
