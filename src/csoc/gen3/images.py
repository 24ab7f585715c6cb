"""What the tag of an image says: a version that can be compared, a fixed content, or a name that moves.

A registry lets anybody push another image under the same tag. A version is moved by nobody in practice; a branch's tag
is moved by every push, since Gen3's builds name images after branches ("master", "feat_es-7").
"""

from __future__ import annotations

import re

_MONTHLY = re.compile(r"(20\d{2})\.(\d{1,2})(?:\.(\d+))?")
_SEMVER = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")

# Tags that are pushed again and again, whatever the image.
_MOVING = frozenset(
    (
        *("master", "main", "trunk", "head", "latest", "develop", "development", "dev", "edge", "nightly", "stable"),
        *("prod", "production", "prd", "staging", "stage", "stg", "qa", "test", "testing", "release", "snapshot"),
        *("integration", "unstable", "next", "current", "preprod", "demo", "beta", "alpha", "rc", "canary"),
    )
)
# How names of branches begin; a tag has "_" for the branch's "/". After the second kind a number may count builds.
_BRANCH = re.compile(
    r"(?:feat|features?|fix|bugfix|hotfix|chore|refactor|revert|docs|dependabot|renovate|spike|poc|wip)[_/-].+"
    r"|(?:tests?|dev|develop|qa|update|upgrade|bug|perf|style|experiment|integration)[_/-].*[a-z].*"
    r"|integration20\d{4}",
    re.IGNORECASE,
)
_DATED = re.compile(r"(?<!\d)20\d{2}[-_.]?[01]\d[-_.]?[0-3]\d(?!\d)")
_DOTTED = re.compile(r"(?<![\d.])v?\d+\.\d+")
_COMMIT = re.compile(r"(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{7,40}")
_VERSION_WORD = re.compile(r"v?\d.*", re.IGNORECASE)


def version_key(tag: str) -> tuple[str, tuple[int, ...]] | None:
    """A tag as something to compare within its kind: monthly releases ("2026.04") and versions ("2.1.0"); None for
    branches and anything else."""
    monthly = _MONTHLY.fullmatch(tag)
    if monthly:
        return "monthly", tuple(int(part or 0) for part in monthly.groups())
    version = _SEMVER.fullmatch(tag)
    if version:
        return "version", tuple(int(part or 0) for part in version.groups())
    return None


def newer(one: str, other: str) -> bool:
    """True if one tag is newer than another of the same kind; False where that cannot be said."""
    first, second = version_key(one), version_key(other)
    return first is not None and second is not None and first[0] == second[0] and first[1] > second[1]


def months_between(older: str, later: str) -> int:
    """Months from one monthly release to a later one; 0 where either is no monthly release, or it is not later."""
    first, second = _MONTHLY.fullmatch(older), _MONTHLY.fullmatch(later)
    if not first or not second:
        return 0
    count = 12 * (int(second[1]) - int(first[1])) + int(second[2]) - int(first[2])
    return max(count, 0)


def is_moving(tag: str) -> bool:
    """True if the next push to a branch, or the next release, is likely to move the tag.

    A digest, a commit, a date or a dotted version in the tag says that it was made once; so does any word that begins
    with a digit, unless the tag begins like a branch's name. An empty tag is not judged.
    """
    if not tag or "@" in tag:
        return False
    if tag.lower() in _MOVING:
        return True
    words = re.split(r"[-_./+]", tag)
    if any(_COMMIT.fullmatch(word) for word in words) or _DATED.search(tag) or _DOTTED.search(tag):
        return False
    return bool(_BRANCH.fullmatch(tag)) or not any(_VERSION_WORD.fullmatch(word) for word in words)


def split_image(name: str) -> tuple[str, str]:
    """ "host:5000/a/b:tag@digest" as ("host:5000/a/b", "tag@digest"); the tag is "" where there is none."""
    plain, at, digest = name.partition("@")
    head, colon, tag = plain.rpartition(":")
    if not colon or "/" in tag:
        return plain, f"@{digest}" if at else ""
    return head, f"{tag}@{digest}" if at else tag
