"""What a person asks to be changed, parsed: `fence.image.tag=2026.04`, a chart's revision, a key's new name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from csoc.errors import CsocError, RejectedError
from csoc.fleet import yamltext
from csoc.fleet.values import Path

_INDEX = re.compile(r"\[(\d+)\]")
# Values that Helm must get as text although they look like numbers, dates or booleans.
_TEXT_KEYS = frozenset(
    {"tag", "account", "accountId", "maintenanceMode", "tierAccessLimit", "port", "dispatcherJobNum"}
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to do in each environment.

    _TEXT_KEYS = frozenset({"tag", "account", "accountId", "maintenanceMode", "tierAccessLimit", "port"})
    """

    action: str
    path: Path = ()
    value: Any = None

    def __str__(self) -> str:
        name = dotted(self.path)
        words = {"remove": f"remove {name}", "rename": f"rename {name} to {self.value}"}
        if self.action == "chart":
            return f"chart revision {self.value}"
        return words.get(self.action, f"set {name}")


def dotted(path: Path) -> str:
    """A path as a person types it."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step.replace('.', chr(92) + '.')}" if text else str(step)
    return text


def parse_key(text: str) -> Path:
    """ "a.b[0].c" as ("a", "b", 0, "c"); a dot inside a key is written with a backslash before it.

    Raises RejectedError.
    """
    steps: list[str | int] = []
    for part in re.split(r"(?<!\\)\.", text):
        name = _INDEX.sub("", part).replace("\\.", ".")
        if not name or "[" in name:
            raise RejectedError(f"{text} is not a key", fix="Write it as service.setting, e.g. fence.image.tag")
        steps.append(name)
        steps += [int(index) for index in _INDEX.findall(part)]
    return tuple(steps)


def parse_assignment(text: str, *, as_text: bool = False) -> Operation:
    """ "KEY=VALUE" with VALUE read as YAML; text where `as_text` is set or the key always wants it (image tags, account
    ids: 2025.10 would become the number 2025.1). Raises RejectedError.
    """
    key, separator, written = text.partition("=")
    if not separator:
        raise RejectedError(f"{text} is not KEY=VALUE", fix="For example fence.image.tag=2026.04")
    path = parse_key(key)
    return Operation("set", path, typed(path, written, as_text=as_text))


def typed(path: Path, written: str, *, as_text: bool = False) -> Any:
    """What a value on the command line means for a key. Raises RejectedError if it is not YAML."""
    if as_text or path[-1] in _TEXT_KEYS:
        return written
    try:
        documents = yamltext.parse(written.encode())
    except CsocError as error:
        raise RejectedError(f"The value of {dotted(path)} is not YAML: {error.cause}", fix="Use --text") from error
    return documents[0].data if documents else None
