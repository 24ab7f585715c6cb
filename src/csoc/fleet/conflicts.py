"""What a write must be, and what one that lost a race says: both sides of every path, so that a person can decide.

Every implementation of the port to repositories refuses the same and raises the same words, and none shows a secret.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from csoc.errors import ConflictError, RejectedError
from csoc.fleet import masking, revisions
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


def check_request(request: CommitRequest) -> None:
    """Refuses a request that no repository could take. Raises RejectedError."""
    revisions.check_branch(request.branch)
    if not request.changes:
        raise RejectedError("There is nothing to commit", place=request.branch)
    paths = [revisions.check_path(change.path) for change in request.changes]
    if len(set(paths)) != len(paths):
        raise RejectedError("A path is changed twice in one commit", place=request.branch)
    if request.at.tzinfo is None:
        raise RejectedError("The time of the commit has no time zone", place=request.branch)


def expected_blobs(request: CommitRequest) -> dict[str, str | None]:
    """Everything that must still hold on the branch: path to blob (None: absent), for what is written and read."""
    return {**request.read, **{change.path: change.expected_blob for change in request.changes}}


def differing(expected: Mapping[str, str | None], found: Mapping[str, str | None]) -> list[str]:
    """Paths of `expected` whose blob in `found` is another (a path that `found` does not hold is absent)."""
    return sorted(path for path, blob in expected.items() if found.get(path) != blob)


def conflict(branch: str, differences: Sequence[Difference]) -> ConflictError:
    """The error, with each path's expected and found blob and a short, masked difference of their text."""
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
    """Where the two differ: lines, masked; only line numbers where a whole document is secret."""
    if difference.expected is None or difference.found is None:
        return []
    if max(len(difference.expected), len(difference.found)) > _DIFF_BYTES:
        return []
    lines = masked_diff(difference.expected, difference.found)
    return lines[:_DIFF_LINES] + ([f"({len(lines) - _DIFF_LINES} more lines)"] if len(lines) > _DIFF_LINES else [])


def masked_diff(
    old: bytes, new: bytes, names: tuple[str, str] = ("expected", "found"), *, context: int = 1
) -> list[str]:
    """A unified diff of two contents that differ, for readers: secrets masked, control characters hidden. Only the
    places, and how many lines, where a Kubernetes Secret is among them or one is no YAML, since nothing tells then what
    of it is secret. [] for what is no text. Takes seconds for tens of megabytes."""
    sides = [_text_of(old), _text_of(new)]
    if sides[0] is None or sides[1] is None:
        return []
    files = [masking.mask_file(text) for text in sides if text is not None]
    if any(file is None or file.manifest for file in files):
        return _places_only(_lines(sides[0]), _lines(sides[1]), names)
    words = {word for file in files if file is not None for word in file.words}
    before, after = (_lines(masking.hide_words(file.text, words)) for file in files if file is not None)
    lines = list(difflib.unified_diff(before, after, *names, n=context, lineterm=""))
    return lines or ["(they differ only in what is masked, or in line ends)"]


def _places_only(before: list[str], after: list[str], names: tuple[str, str]) -> list[str]:
    lines = list(difflib.unified_diff(before, after, *names, n=0, lineterm=""))[2:]
    places = [line for line in lines if line.startswith("@@")]
    gone, come = (sum(line.startswith(sign) for line in lines) for sign in "-+")
    return [*places, f"({gone} lines removed, {come} added; their text is not shown, since secrets may stand in it)"]


def _text_of(content: bytes) -> str | None:
    return None if b"\0" in content else content.decode("utf-8-sig", errors="replace")


def _lines(text: str) -> list[str]:
    return ["".join(char if char.isprintable() else "?" for char in line) for line in text.splitlines()]
