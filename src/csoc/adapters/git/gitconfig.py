"""A repository's own configuration, read without doing anything that it says.

Whoever is handed a folder with a `.git` in it is handed that configuration as well. Git and libgit2 open whatever file
an `include` in it names, and wait for ever if that is a pipe. So it is read here first, as text.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path

from csoc.errors import RejectedError

_MOST_BYTES = 1_000_000
_DEEPEST = 5
_SECTION = re.compile(r"\[\s*([A-Za-z0-9.-]+)(?:\s+\"((?:[^\"\\]|\\.)*)\")?\s*\]")
_KEY = re.compile(r"([A-Za-z][A-Za-z0-9-]*)\s*(?:=(.*))?$")
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b", '"': '"', "\\": "\\"}
# What libgit2 opens in a repository; a pipe in place of one of them would never be read to its end.
_OPENED = ("HEAD", "config", "config.worktree", "commondir", "gitdir", "index", "packed-refs", "shallow")
_OPENED_BELOW = ("info/exclude", "info/attributes", "info/grafts", "objects/info/alternates", "logs/HEAD")


def entries(path: Path) -> list[tuple[str, str]]:
    """Keys ("user.name", "branch.main.remote") and values of one file, in its order. Includes are not followed; what
    cannot be read or is no configuration is left out.

    Raises RejectedError if it is no regular file, or larger than a configuration is.
    """
    try:
        _check_regular(path)
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return []
    found: list[tuple[str, str]] = []
    prefix = ""
    for line in re.sub(r"\\\r?\n", "", text).splitlines():
        rest = line.strip().removeprefix("\ufeff")
        section = _SECTION.match(rest)
        if section:
            name, below = section[1].lower(), section[2]
            prefix = f"{name}."
            if below is not None:
                prefix += re.sub(r"\\(.)", r"\1", below) + "."
            rest = rest[section.end() :].strip()
        key = _KEY.match(rest)
        if key and prefix:
            found.append((prefix + key[1].lower(), "true" if key[2] is None else _value(key[2].strip())))
    return found


def check(folder: Path) -> None:
    """Refuses a repository whose opening would wait for a pipe or a device. folder: its top, or its bare self.

    Raises RejectedError.
    """
    inside = folder / ".git"
    if inside.is_file():
        _check_regular(inside)
        text = inside.read_text(errors="replace").strip()
        inside = (folder / text.removeprefix("gitdir:").strip()).absolute()
    elif not inside.is_dir():
        inside = folder
    places = [inside]
    if (inside / "commondir").is_file():
        places.append((inside / (inside / "commondir").read_text(errors="replace").strip()).absolute())
    for place in places:
        for name in (*_OPENED, *_OPENED_BELOW):
            _check_regular(place / name)
        for name in ("config", "config.worktree"):
            _check_includes(place / name, 0)


def _check_includes(path: Path, depth: int) -> None:
    for key, value in entries(path):
        if key == "include.path" or (key.startswith("includeif.") and key.endswith(".path")):
            named = path.parent / Path(value).expanduser()
            _check_regular(named)
            if depth < _DEEPEST:
                _check_includes(named, depth + 1)


def _check_regular(path: Path) -> None:
    """Raises RejectedError for what is there and no regular file, or is larger than any of them is, the index apart."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(found.st_mode):
        raise RejectedError(
            "This belongs to a repository's own files or is included by them, and is no regular file",
            place=str(path),
            fix="Remove it, or the include from the repository's configuration",
        )
    if found.st_size > _MOST_BYTES and path.name.startswith("config"):
        raise RejectedError(f"A repository's configuration has at most {_MOST_BYTES} bytes", place=str(path))


def _value(text: str) -> str:
    """A value as Git reads it: quotes go, escapes count, a comment outside of quotes ends it."""
    found = ""
    quoted = False
    kept = 0
    signs = iter(text)
    for sign in signs:
        if sign == '"':
            quoted = not quoted
            continue
        if sign in "#;" and not quoted:
            break
        found += _ESCAPES.get(next(signs, ""), "") if sign == "\\" else sign
        if quoted or not sign.isspace():
            kept = len(found)
    return found[:kept]
