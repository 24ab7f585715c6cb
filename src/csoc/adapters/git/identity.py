"""Who commits, where nobody was named: as Git decides it, and else what csoc's settings say.

In a checkout it is Git's order: the environment, the repository's configuration, the person's own. A commit to a
repository elsewhere has no checkout, so there the settings come before the person's own configuration.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import pygit2
from pygit2.enums import ConfigLevel

from csoc.adapters.git import gitconfig
from csoc.config import Settings
from csoc.errors import RejectedError

_FIELDS = ("name", "email")


def author_of(
    settings: Settings,
    environ: Mapping[str, str] | None = None,
    *,
    repository: pygit2.Repository | None = None,
    places: Iterable[Path] = (),
) -> tuple[str, str]:
    """Name and mail address for commits. repository: the checkout that is committed to; places: the folders that hold
    its configuration, the more specific last. Raises RejectedError if nothing names them.
    """
    environ = os.environ if environ is None else environ
    given = {field: environ.get(f"GIT_AUTHOR_{field.upper()}", "") for field in _FIELDS}
    ours = {"name": settings.author.name, "email": settings.author.email}
    persons = _of_the_person(repository)
    order = [given, ours, persons] if repository is None else [given, _of_the_repository(places), persons, ours]
    name, mail = (next((source[field] for source in order if source.get(field)), "") for field in _FIELDS)
    if not name or not mail:
        raise RejectedError(
            "Nobody is named as the author of the commit",
            fix="Set [author] name and email in the settings of csoc, or user.name and user.email in Git's",
        )
    return name, mail


def _of_the_repository(places: Iterable[Path]) -> dict[str, str]:
    """What the repository's own files say, without what they include: anyone may have written them."""
    found = [
        entry for place in places for name in ("config", "config.worktree") for entry in gitconfig.entries(place / name)
    ]
    return _chosen(found)


def _of_the_person(repository: pygit2.Repository | None) -> dict[str, str]:
    """What the person's own configuration and the machine's say. With a repository, their conditions ("includeIf") are
    those of its place."""
    found: list[tuple[str, str]] = []
    if repository is not None:
        levels = sorted(
            ((entry.level, entry.name, entry.value or "") for entry in repository.config), key=lambda entry: entry[0]
        )
        return _chosen((name, value) for level, name, value in levels if level < ConfigLevel.LOCAL)
    for find in (pygit2.Config.get_system_config, pygit2.Config.get_xdg_config, pygit2.Config.get_global_config):
        try:
            found += [(entry.name, entry.value or "") for entry in find()]
        except (OSError, KeyError, pygit2.GitError):
            continue
    return _chosen(found)


def _chosen(entries: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The last value of each counts; "author" stands above "user", whose commits they are besides."""
    known = dict(entries)
    return {field: known.get(f"author.{field}") or known.get(f"user.{field}") or "" for field in _FIELDS}
