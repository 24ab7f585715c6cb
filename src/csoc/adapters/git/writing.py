"""Builds a commit from changes, on whatever commit is the branch's head by now, and never on anything that differs.

Only the folders on the way to a changed file are written anew, so the size of the repository does not matter.
"""

from __future__ import annotations

from datetime import UTC

import pygit2
from pygit2.enums import FileMode

from csoc.adapters.git.tree import Objects
from csoc.errors import NotFoundError, RejectedError
from csoc.fleet import conflicts
from csoc.fleet.repositories import CommitRequest

_DIFF_BYTES = 1_000_000


def check_expected(objects: Objects, head: str, request: CommitRequest) -> None:
    """Raises ConflictError if something that the change writes or has read is different at `head`."""
    tree = objects.tree_of(head)
    expected = conflicts.expected_blobs(request)
    found = {path: entry[0] if (entry := objects.blob_at(tree, path)) else None for path in expected}
    differing = conflicts.differing(expected, found)
    if differing:
        differences = [
            conflicts.Difference(
                path, expected[path], found[path], _content(objects, expected[path]), _content(objects, found[path])
            )
            for path in differing
        ]
        raise conflicts.conflict(request.branch, differences)


def build(objects: Objects, parent: str, request: CommitRequest) -> str:
    """Writes blobs, trees and the commit on top of `parent`; moves no branch. Returns the commit's id.

    Raises RejectedError (a path that is a folder, a link or a submodule, or lies below a file; no change at all).
    """
    repository = objects.repository
    base = objects.tree_of(parent)
    root: dict[str, object] = {}
    for change in request.changes:
        _refuse_other_kinds(objects, base, change.path)
        blob = None if change.content is None else repository.create_blob(change.content)
        _put(root, change.path.split("/"), blob, change.path)
    tree = _write(repository, repository.get(base), root, "")
    if str(tree) == base:
        raise RejectedError("The commit would change nothing", place=request.branch)
    signature = _signature(request)
    message = request.message if request.message.endswith("\n") else f"{request.message}\n"
    commit = repository.create_commit(None, signature, signature, message, tree, [pygit2.Oid(hex=parent)])
    return str(commit)


def _put(node: dict[str, object], parts: list[str], blob: pygit2.Oid | None, path: str) -> None:
    *folders, name = parts
    for folder in folders:
        below = node.setdefault(folder, {})
        if not isinstance(below, dict):
            raise RejectedError("A path of the commit lies below a file of the commit", place=path)
        node = below
    if name in node:
        raise RejectedError("A path of the commit is a folder of the commit", place=path)
    node[name] = blob


def _write(
    repository: pygit2.Repository, tree: pygit2.Object | None, changes: dict[str, object], prefix: str
) -> pygit2.Oid:
    builder = repository.TreeBuilder(tree) if isinstance(tree, pygit2.Tree) else repository.TreeBuilder()
    for name, change in changes.items():
        present = builder.get(name)
        if isinstance(change, dict):
            if present is not None and not isinstance(present, pygit2.Tree):
                raise RejectedError("A path of the commit lies below a file", place=f"{prefix}{name}")
            below = _write(repository, present, change, f"{prefix}{name}/")
            # Git keeps no empty folders.
            if len(repository[below]) == 0:  # type: ignore[arg-type]
                if present is not None:
                    builder.remove(name)
            else:
                builder.insert(name, below, FileMode.TREE)
        elif isinstance(present, pygit2.Tree):
            raise RejectedError("A path of the commit is a folder", place=f"{prefix}{name}")
        elif isinstance(change, pygit2.Oid):
            builder.insert(name, change, present.filemode if present is not None else FileMode.BLOB)
        elif present is not None:
            builder.remove(name)
    return builder.write()


def _refuse_other_kinds(objects: Objects, tree: str, path: str) -> None:
    found = objects.blob_at(tree, path)
    if found is not None and found[1] & 0o170000 != 0o100000:
        raise RejectedError("A link or a submodule is never written to", place=path)


def _content(objects: Objects, blob: str | None) -> bytes | None:
    if blob is None:
        return b""
    try:
        return objects.read(blob, _DIFF_BYTES, blob)
    except (NotFoundError, RejectedError):
        return None


def _signature(request: CommitRequest) -> pygit2.Signature:
    for text in (request.author_name, request.author_email):
        if not text.strip() or not text.isprintable() or "<" in text or ">" in text:
            raise RejectedError(
                "The author's name or mail address is empty or not plain text",
                fix="Set [author] in the settings of csoc, or user.name and user.email in Git's",
            )
    at = request.at.astimezone(UTC)
    return pygit2.Signature(request.author_name, request.author_email, int(at.timestamp()), 0, "utf-8")
