"""Whether two versions of a file can be joined without a person, worked out here.

Gitea says of a pull request only that it cannot be merged (yet), and neither host names the files of a conflict. For
the few files that both sides changed, the three versions are merged with the same algorithm that the hosts' git uses.
"""

from __future__ import annotations

import tempfile

import pygit2
from pygit2.enums import FileMode


def lines_conflict(ancestor: bytes | None, ours: bytes, theirs: bytes) -> bool:
    """Whether joining ours and theirs, made from ancestor (None: both added the file), leaves a conflict."""
    if theirs == ours or ancestor in {ours, theirs}:
        return False
    if any(b"\0" in content for content in (ancestor or b"", ours, theirs)):
        return True  # git does not join binary files
    with tempfile.TemporaryDirectory(prefix="csoc-merge-") as folder:
        repository = pygit2.init_repository(folder, bare=True)

        def entry(content: bytes) -> pygit2.IndexEntry:
            # pygit2 decodes the result as UTF-8, which any bytes become here without moving a line.
            blob = repository.create_blob(content.decode("latin-1").encode())
            return pygit2.IndexEntry("file", blob, FileMode.BLOB)

        base = None if ancestor is None else entry(ancestor)
        merged = repository.merge_file_from_index(base, entry(ours), entry(theirs))
        return not (isinstance(merged, str) or merged.automergeable)
