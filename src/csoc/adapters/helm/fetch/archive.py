"""From whatever a chart comes in (archive, folder, folder in Git) to plain files: path inside the chart to bytes.

Everything after this module deals with regular files below one folder. Links are resolved here if they stay inside
the chart (Helm does so, and real charts have them) and refused if they do not; devices, strange names and bombs are
refused by name. Vendored dependency archives in charts/ are unpacked, so that limits hold for what is inside too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from csoc.adapters.helm.fetch import links, tar
from csoc.adapters.helm.fetch.ignore import Ignore
from csoc.errors import RejectedError

Files = dict[str, bytes]
_NESTED_ARCHIVES = 8
_LONGEST_PATH = 1_000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_VENDORED = re.compile(r"charts/[^/._][^/]*\.tgz")


@dataclass(frozen=True, slots=True)
class Member:
    """One path of a chart folder. kind: "file", "link" or what else it is, for messages. read: a file's bytes, or
    where a link leads; called only for what is not ignored."""

    path: str
    kind: str
    size_bytes: int
    read: Callable[[], bytes]


def read_archive(content: bytes, limits: tar.Limits | None = None) -> Files:
    """Files of a packed chart (.tgz), vendored archives unpacked.

    Raises RejectedError naming the entry: a path or link that leaves the chart, a device, over the limits, no chart.
    """
    limits = limits or tar.Limits()
    budget = Budget(limits)
    return _unpacked(content, limits, budget, depth=0)


def read_members(members: Iterable[Member], limits: tar.Limits | None = None) -> Files:
    """Files of a chart folder as Helm loads it: .helmignore honoured, links inside the chart followed, vendored
    archives unpacked. Raises as `read_archive`."""
    limits = limits or tar.Limits()
    budget = Budget(limits)
    found: dict[str, Member] = {}
    for member in members:
        _check_path(member.path, member.path)
        found[member.path] = member
        if len(found) > limits.files:
            raise RejectedError(f"The chart has more than {limits.files:,} files")
    ignore = Ignore(found[".helmignore"].read() if _is_file(found.get(".helmignore")) else b"")
    kept = {path: member for path, member in found.items() if not ignore.leaves_out(path)}
    targets = {path: _target(path, member) for path, member in kept.items() if member.kind == "link"}
    files: Files = {}
    for path, source in links.resolved(kept.keys() - targets.keys(), targets, limits.files).items():
        if ignore.leaves_out(path):
            continue
        member = kept[source]
        if member.kind != "file":
            raise RejectedError(f"A chart must not hold a {member.kind}", place=path)
        if member.size_bytes > limits.file_bytes:
            raise RejectedError(f"The file is larger than {limits.file_bytes:,} bytes, Helm's limit", place=path)
        files[path] = budget.take(path, member.read().removeprefix(_BYTE_ORDER_MARK))
    return _with_unpacked_charts(files, limits, budget, depth=0)


class Budget:
    """Counts files and bytes over everything that ends up in one chart."""

    def __init__(self, limits: tar.Limits) -> None:
        self._limits = limits
        self._files = 0
        self._bytes = 0

    def take(self, path: str, content: bytes) -> bytes:
        """The content itself. Raises RejectedError once there is too much."""
        self._files += 1
        self._bytes += len(content)
        if self._files > self._limits.files:
            raise RejectedError(f"The chart has more than {self._limits.files:,} files", place=path)
        if self._bytes > self._limits.total_bytes:
            raise RejectedError(f"The chart holds more than {self._limits.total_bytes:,} bytes", place=path)
        return content


def _is_file(member: Member | None) -> bool:
    return member is not None and member.kind == "file" and member.size_bytes < 1_000_000


def _target(path: str, member: Member) -> str:
    if member.size_bytes > _LONGEST_PATH:
        raise RejectedError("A symbolic link leads to an impossibly long name", place=path)
    try:
        written = member.read().decode()
    except UnicodeDecodeError:
        raise RejectedError("A symbolic link leads to a name that is not UTF-8 text", place=path) from None
    return links.target(path, written)


def _unpacked(content: bytes, limits: tar.Limits, budget: Budget, depth: int) -> Files:
    found: Files = {}
    targets: dict[str, str] = {}
    for entry in tar.entries(content, limits):
        if entry.kind == "folder":
            continue
        path = _inner_path(entry.name)
        found.pop(path, None)
        targets.pop(path, None)  # of two entries with one name the later one counts
        if entry.kind == "file":
            found[path] = budget.take(path, entry.content.removeprefix(_BYTE_ORDER_MARK))
        elif entry.kind == "symbolic link":
            targets[path] = links.target(path, entry.target)
        elif entry.kind == "hard link":
            targets[path] = links.target(path, _inner_path(entry.target), hard=True)
        else:
            raise RejectedError(f"A chart must not hold a {entry.kind}", place=entry.name)
    sources = links.resolved(found.keys(), targets, limits.files)
    files = {path: found[source] for path, source in sources.items()}
    for path in files.keys() & targets.keys():
        budget.take(path, files[path])
    return _with_unpacked_charts(files, limits, budget, depth)


def _with_unpacked_charts(files: Files, limits: tar.Limits, budget: Budget, depth: int) -> Files:
    """The same, with charts/x.tgz as charts/x/..., which Helm reads alike."""
    packed = [path for path in files if _VENDORED.fullmatch(path)]
    for path in packed:
        if depth >= _NESTED_ARCHIVES:
            raise RejectedError("Charts are packed in charts too many times", place=path)
        content = files.pop(path)
        try:
            inner = _unpacked(content, limits, budget, depth + 1)
        except RejectedError as error:
            raise RejectedError(error.cause, place=f"{path}: {error.place}".rstrip(": "), fix=error.fix) from None
        folder = path.removesuffix(".tgz")
        files |= {f"{folder}/{name}": data for name, data in inner.items()}
    if "Chart.yaml" not in files:
        raise RejectedError("There is no Chart.yaml, so this is not a chart")
    return files


def _inner_path(name: str) -> str:
    """A name of the archive without the chart's folder in front. Raises RejectedError for what leaves the chart."""
    _check_path(name, name)
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if len(parts) < 2:
        raise RejectedError("A file of the archive stands outside the chart's folder", place=name)
    return "/".join(parts[1:])


def _check_path(path: str, place: str) -> None:
    """Refuses what is not a plain relative path on every system: absolute, "..", drives, backslashes, controls."""
    parts = path.split("/")
    drive = len(parts[0]) == 2 and parts[0][1] == ":"
    if not path or path.startswith("/") or ".." in parts or "\\" in path or drive or len(path) > _LONGEST_PATH:
        raise RejectedError("A path of the chart leads out of it, or is none", place=place[:200])
    if any(ord(char) < 32 or char == "\x7f" for char in path):
        raise RejectedError("A path of the chart holds control characters", place=repr(place[:200]))
