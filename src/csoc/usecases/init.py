"""Makes the repository of a new fleet: files in a folder, for a person to look at and commit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from csoc.clock import Ids
from csoc.errors import RejectedError, UnavailableError
from csoc.fleet.documents.base import API_GROUP
from csoc.fleet.documents.init import DEFAULT_STAGES, plan_init
from csoc.fleet.documents.schemas import schema_files
from csoc.usecases.ports import Ports


@dataclass(frozen=True, slots=True)
class Made:
    """files: paths that were written. renewed: those of them that are schemas which were there, of another version."""

    files: tuple[str, ...]
    renewed: tuple[str, ...] = ()


def init_fleet(ports: Ports, folder: Path, *, name: str = "", stages: Sequence[str] = DEFAULT_STAGES) -> Made:
    """Writes the files of a new fleet below the folder (made if absent).

    Nothing that exists is overwritten but csoc's own schemas for editors, which follow the version of csoc: in a
    folder that holds a fleet already these alone are renewed. Raises ConflictError (files would be overwritten),
    RejectedError, UnavailableError.
    """
    for part in (folder, *folder.parents):
        if part.exists() and not part.is_dir():
            raise RejectedError("This is not a folder", place=str(part), fix="Name a folder, new or existing")
    existing = [str(path.relative_to(folder)) for path in _files(folder)] if folder.is_dir() else []
    stale = tuple(
        path for path, content in schema_files().items() if path in existing and _differs(folder, path, content)
    )
    if stale and _is_fleet(folder):
        files = {path: content for path, content in schema_files().items() if path in stale or path not in existing}
    else:
        files = plan_init(name or folder.resolve().name, stages, ids=ports.ids, existing=existing)
    for path, content in files.items():
        if path not in existing:
            _write(folder / path, content)
        elif path in stale:
            _renew(folder / path, content, ports.ids)
    written = [path for path in files if path not in existing or path in stale]
    return Made(tuple(sorted(written)), stale)


def _is_fleet(folder: Path) -> bool:
    place = folder / "fleet.yaml"
    try:
        return place.is_file() and API_GROUP.encode() in place.read_bytes()
    except OSError:
        return False


def _differs(folder: Path, path: str, content: bytes) -> bool:
    place = folder / path
    if place.is_symlink() or not place.is_file():
        raise RejectedError("This is no file", place=str(place), fix="Remove it: csoc writes its schemas there")
    try:
        return place.read_bytes() != content
    except OSError as error:
        raise UnavailableError(f"The file cannot be read: {error.strerror}", place=str(place)) from error


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


def _renew(path: Path, content: bytes, ids: Ids) -> None:
    """The whole new content, or the old one."""
    beside = path.with_name(f".csoc-{ids()}")
    _write(beside, content)
    try:
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UnavailableError(f"The file cannot be written: {error.strerror}", place=str(path)) from error
