"""Paths inside a tree: joined without ever leaving it, and told apart from what is behind a link or a submodule."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from csoc.fleet.repositories import Entry, EntryKind, Tree
from csoc.fleet.yaml import yamltext

ReadValues = Callable[[Tree, str], yamltext.YamlDocument]
"""Reads one file as values. Raises CsocError. Callers hand in a cached one."""


def read_values(tree: Tree, path: str) -> yamltext.YamlDocument:
    """The file's first document, as `helm -f` reads it, without a cache."""
    return yamltext.values_document(tree.read(path))


def inside(folder: str, path: str) -> str | None:
    """A path relative to a folder (or, with a leading slash, to the root), cleaned; None if it leaves the tree."""
    start = [] if path.startswith("/") else [part for part in folder.split("/") if part not in ("", ".")]
    steps = list(start)
    for part in path.split("/"):
        if part == "..":
            if not steps:
                return None
            steps.pop()
        elif part not in ("", "."):
            steps.append(part)
    return "/".join(steps)


def behind_link(entries: Mapping[str, Entry], path: str) -> Entry | None:
    """The link or submodule on the way to a path, or at it; else None. csoc lists them and never follows them."""
    at = 0
    while at >= 0:
        at = path.find("/", at + 1)
        entry = entries.get(path if at < 0 else path[:at])
        if entry is not None and entry.kind is not EntryKind.FILE:
            return entry
    return None
