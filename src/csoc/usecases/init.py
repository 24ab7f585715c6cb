"""Makes the repository of a new fleet: files in a folder, for a person to look at and commit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from csoc.errors import RejectedError, UnavailableError
from csoc.fleet.documents.init import DEFAULT_STAGES, plan_init
from csoc.usecases.ports import Ports


def init_fleet(ports: Ports, folder: Path, *, name: str = "", stages: Sequence[str] = DEFAULT_STAGES) -> list[str]:
    """Writes the files of a new fleet below the folder (made if absent) and returns their paths.

    Nothing that exists is overwritten. Raises ConflictError (files would be), RejectedError, UnavailableError.
    """
    if folder.exists() and not folder.is_dir():
        raise RejectedError("This is not a folder", place=str(folder), fix="Name a folder, new or existing")
    existing = [str(path.relative_to(folder)) for path in _files(folder)] if folder.is_dir() else []
    files = plan_init(name or folder.resolve().name, stages, ids=ports.ids, existing=existing)
    for path, content in files.items():
        _write(folder / path, content)
    return sorted(files)


def _files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for top, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        found += [Path(top, name) for name in names]
    return found


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise UnavailableError(f"The file cannot be written: {error.strerror}", place=str(path)) from error
