"""What a write must be, and what one that lost a race says: both sides of every path, so that a person can decide.

Every implementation of the port to repositories refuses the same and raises the same words, and none shows a secret.
"""

from __future__ import annotations

import bisect
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from csoc.errors import ConflictError, RejectedError
from csoc.fleet import masking, revisions
from csoc.fleet.repositories import CommitRequest
from csoc.fleet.values import look_up, walk
from csoc.fleet.yaml import yamltext

_DIFF_BYTES = 1_000_000
_DIFF_LINES = 40
_PATHS = 20
_SECRET = re.compile(r"\s*kind:\s*['\"]?Secret['\"]?\s*")
_PAIR = re.compile(r"(\s*(?:- +)?['\"]?([\w.-]+)['\"]?\s*[:=]\s+)(\S.*)")


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


_SHORTEST_SECRET = 4


def masked_diff(
    old: bytes, new: bytes, names: tuple[str, str] = ("expected", "found"), *, context: int = 1
) -> list[str]:
    """A unified diff of two contents that differ, for readers: secrets masked, control characters hidden, only line
    numbers where a Kubernetes Secret is among them. [] for what is no text. Takes seconds for tens of megabytes."""
    sides = [_lines(old), _lines(new)]
    if any(side is None for side in sides):
        return []
    before, after = (side or [] for side in sides)
    secret = any(_SECRET.match(line) for line in [*before, *after])
    if not secret:
        before, after = _masked(before, _secret_lines(old)), _masked(after, _secret_lines(new))
    lines = list(difflib.unified_diff(before, after, *names, n=context, lineterm=""))
    if secret:
        lines = [line for line in lines if line.startswith("@@")]
    return lines or ["(they differ only in what is masked, or in line ends)"]


def _masked(lines: list[str], secret: frozenset[int]) -> list[str]:
    # First as a whole, for what spans lines (keys in PEM), then by the key that stands in a line or above it.
    shown = [_masked_line(line) for line in masking.mask_text("\n".join(lines)).split("\n")]
    return [_hidden(line) if number in secret else line for number, line in enumerate(shown, start=1)]


def _hidden(line: str) -> str:
    start, colon, _ = line.partition(":")
    if colon:
        return f"{start}: {masking.MASK}"
    return line[: len(line) - len(line.lstrip())] + masking.MASK


def _secret_lines(content: bytes) -> frozenset[int]:
    """Lines of a YAML file that hold a part of a secret value: block scalars, `{name, value}` pairs and anchors show
    nothing of what they are in the line itself. Empty for what is not YAML."""
    try:
        documents = yamltext.parse(content)
    except yamltext.YamlError:
        return frozenset()
    hidden: set[int] = set()
    words: set[str] = set()
    for document in documents:
        masked = masking.mask_tree(document.data)
        leaves = [(path, value, document.position(path)) for path, value in walk(document.data)]
        lines = sorted({at[0] for _, _, at in leaves if at is not None})
        for path, value, at in leaves:
            if at is None or look_up(masked, path, masking.MASK) == value:
                continue
            number = bisect.bisect_right(lines, at[0])
            # The last value of a document may go on for long; what follows it is hidden with it.
            end = lines[number] if number < len(lines) else at[0] + str(value).count("\n") + 2
            hidden.update(range(at[0], max(end, at[0] + 1)))
            words |= {part for part in str(value).split("\n") if len(part) >= _SHORTEST_SECRET}
    if words:
        text = content.decode("utf-8", "replace").splitlines()
        hidden |= {number for number, line in enumerate(text, start=1) if any(word in line for word in words)}
    return frozenset(hidden)


def _masked_line(line: str) -> str:
    match = _PAIR.fullmatch(line)
    if not match:
        return line
    start, key, value = match.groups()
    return f"{start}{masking.MASK}" if masking.looks_secret((key,), value.strip("'\"")) else line


def _lines(content: bytes) -> list[str] | None:
    if b"\0" in content:
        return None
    text = content.decode(errors="replace")
    return ["".join(char if char.isprintable() else "?" for char in line) for line in text.splitlines()]
