"""Makes a Git repository of a folder's files: for the demo, whose fleet has to be one before anybody commits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pygit2

from csoc.errors import ConflictError, UnavailableError

_BRANCH = "main"


def found_repository(folder: Path, message: str, *, name: str, email: str, tags: Sequence[str] = ()) -> str:
    """One commit of everything in the folder, on main, with tags. Gives the commit. name, email: who commits, from here
    on too.

    Raises ConflictError if it is a repository already, UnavailableError if it cannot be written.
    """
    if (folder / ".git").exists():
        raise ConflictError("The folder is a Git repository already", place=str(folder), fix="Name another one")
    try:
        made = pygit2.init_repository(str(folder), initial_head=_BRANCH)
        made.config["user.name"] = name
        made.config["user.email"] = email
        made.index.add_all()
        made.index.write()
        who = pygit2.Signature(name, email)
        commit = made.create_commit(f"refs/heads/{_BRANCH}", who, who, message, made.index.write_tree(), [])
        for tag in tags:
            made.references.create(f"refs/tags/{tag}", commit)
    except (OSError, pygit2.GitError) as error:
        raise UnavailableError(f"The repository cannot be made: {error}", place=str(folder)) from error
    return str(commit)
