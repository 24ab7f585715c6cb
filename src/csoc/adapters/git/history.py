"""Who changed a file, and where two lines of history parted.

Looking at every commit's difference would read every folder of every commit; following one path reads one folder a
level, and most of those are the same from commit to commit.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pygit2

from csoc.adapters.git.tree import Objects
from csoc.fleet.repositories import CommitInfo, co_authors

_COMMITS = 200_000
_SUBJECT = 300


def changes(objects: Objects, commit: str, path: str, limit: int) -> Sequence[tuple[CommitInfo, str | None]]:
    """Commits reachable from `commit` that changed the path, newest first, with the blob afterwards (None: removed).

    As `git log` does, a merge that took one side's file whole is left out together with the other side.
    """
    repository = objects.repository
    blobs = _Blobs(objects, path)
    start = repository.get(commit)
    if not isinstance(start, pygit2.Commit):
        return []
    found: list[tuple[CommitInfo, str | None]] = []
    seen = {start.id}
    queue: list[tuple[int, int, pygit2.Commit]] = [(-start.commit_time, 0, start)]
    while queue and len(found) < limit and len(seen) < _COMMITS:
        present = heapq.heappop(queue)[2]
        blob = blobs.at(present)
        # A parent that is not there ends the history: the clone is shallow.
        parents = [parent for oid in present.parent_ids if isinstance(parent := repository.get(oid), pygit2.Commit)]
        same = next((parent for parent in parents if blobs.at(parent) == blob), None)
        if same is None and (parents or blob is not None):
            before = tuple(blobs.at(parent) for parent in parents)
            found.append((replace(info(present), before=before), blob))
        for parent in parents if same is None else [same]:
            if parent.id not in seen:
                seen.add(parent.id)
                heapq.heappush(queue, (-parent.commit_time, len(seen), parent))
    return found


def info(commit: pygit2.Commit) -> CommitInfo:
    """A commit for readers. The author is what Git says, which proves nothing."""
    author = commit.author
    message = commit.raw_message.decode(errors="replace")
    subject = next((line.strip() for line in message.splitlines() if line.strip()), "")
    try:
        at = datetime.fromtimestamp(commit.commit_time, UTC)
    except (ValueError, OverflowError, OSError):
        at = datetime.fromtimestamp(0, UTC)
    name = author.raw_name.decode(errors="replace")
    mail = author.raw_email.decode(errors="replace")
    others = tuple(_printable(one) for one in co_authors(message))
    return CommitInfo(str(commit.id), _printable(f"{name} <{mail}>"), at, _printable(subject), co_authors=others)


class _Blobs:
    """The blob at one path in many commits. Remembers what each folder on the way holds."""

    def __init__(self, objects: Objects, path: str) -> None:
        self._objects = objects
        self._path = path
        self._by_tree: dict[pygit2.Oid, str | None] = {}
        self._folders: dict[tuple[int, bytes], tuple[int, bytes] | None] = {}

    def at(self, commit: pygit2.Commit) -> str | None:
        tree = commit.tree_id
        if tree not in self._by_tree:
            found = self._objects.blob_at(str(tree), self._path, self._folders)
            self._by_tree[tree] = found[0] if found else None
        return self._by_tree[tree]


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)[:_SUBJECT]
