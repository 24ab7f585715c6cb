"""What a write that lost a race says: both sides of every path, so that a person can decide.

Every implementation of the port to repositories raises the same words, and none of them shows a secret.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from csoc.errors import ConflictError
from csoc.fleet.repositories import CommitRequest

_DIFF_BYTES = 1_000_000
_DIFF_LINES = 40
_PATHS = 20


@dataclass(frozen=True, slots=True)
class Difference:
    """A path that is not what the change was made on. Blobs are ids (None: absent); contents None if not known."""

    path: str
    expected_blob: str | None
    found_blob: str | None
    expected: bytes | None = None
    found: bytes | None = None


def expected_blobs(request: CommitRequest) -> dict[str, str | None]:
    """Everything that must still hold on the branch: path to blob (None: absent), for what is written and read."""
    return {**request.read, **{change.path: change.expected_blob for change in request.changes}}


def differing(expected: Mapping[str, str | None], found: Mapping[str, str | None]) -> list[str]:
    """Paths of `expected` whose blob in `found` is another (a path that `found` does not hold is absent)."""
    return sorted(path for path, blob in expected.items() if found.get(path) != blob)


def conflict(branch: str, differences: Sequence[Difference]) -> ConflictError:
    """The error, with each path's expected and found blob and where their text differs."""
    texts = [_text(difference) for difference in differences[:_PATHS]]
    if len(differences) > _PATHS:
        texts.append(f"and {len(differences) - _PATHS} more")
    return ConflictError(
        f'{len(differences)} {"file has" if len(differences) == 1 else "files have"} changed on the branch "{branch}"'
        " since the change was made:\n" + "\n".join(texts) + "\n",
        place=branch,
        fix="Read the branch again and make the change on what it holds now",
    )


def _text(difference: Difference) -> str:
    head = f"{difference.path}: expected {_short(difference.expected_blob)}, found {_short(difference.found_blob)}"
    lines = _diff(difference)
    return "\n".join([head, *lines])


def _short(blob: str | None) -> str:
    return blob[:10] if blob else "no file"


def _diff(difference: Difference) -> list[str]:
    """Where the two differ, as line numbers."""
    old, new = _lines(difference.expected), _lines(difference.found)
    if old is None or new is None:
        return []
    lines = [line for line in difflib.unified_diff(old, new, n=0, lineterm="") if line.startswith("@@")]
    return lines[:_DIFF_LINES] + ([f"({len(lines) - _DIFF_LINES} more)"] if len(lines) > _DIFF_LINES else [])


def _lines(content: bytes | None) -> list[str] | None:
    if content is None or len(content) > _DIFF_BYTES or b"\0" in content:
        return None
    return content.decode(errors="replace").splitlines()
