"""What did somebody mean who wrote a key that the chart does not read?

Most such keys are right ones at the wrong level, in another spelling, or from the system before Helm. A suggestion that
is wrong costs more trust than none, so each must be a key that the chart does read, and two equally good ones are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from csoc.fleet.values import Path
from csoc.gen3 import catalogue

# Whole paths, as the older manifests, their migration script or another version of the chart have them.
_MOVED: Mapping[str, str] = {
    "awshelper": "global.awshelper_container_image",
    "dicom-viewer": "ohif-viewer",
    "etl.mappings": "etl.etlMapping.mappings",
    "etl.spark": "etl.image.spark",
    "etl.tube": "etl.image.tube",
    "fence.projects": "fence.usersync.projects",
    "hatchery.json": "hatchery.hatchery.json",
    "spark": "etl.image.spark",
    "tube": "etl.image.tube",
}
# Last names, below the same parent.
_RENAMED: Mapping[str, tuple[str, ...]] = {
    "replicas": ("replicaCount",),
    "replica_count": ("replicaCount",),
    "targetCPUUtilizationPercentage": ("averageCPUValue",),
    "targetMemoryUtilizationPercentage": ("averageMemoryValue",),
    "imageTag": ("image.tag",),
    "dbRestore": ("..dbRestore",),
}
# Names that stand at so many places that standing elsewhere says nothing.
_COMMON = frozenset(
    (
        "annotations",
        "args",
        "command",
        "create",
        "enabled",
        "env",
        "externalSecrets",
        "host",
        "image",
        "key",
        "labels",
        "limits",
        "name",
        "password",
        "path",
        "port",
        "repository",
        "requests",
        "resources",
        "secrets",
        "tag",
        "type",
        "url",
        "username",
        "value",
        "version",
    )
)
_FARTHEST = 2  # edits between a slip and another word


def nearest(key_path: str | Path, keys: frozenset[str]) -> str | None:
    """The key that was probably meant, as a dotted path; None if nothing is near. keys: as `chart_keys` gives them."""
    path = key_path if isinstance(key_path, str) else ".".join(map(str, key_path))
    names = _names(keys)
    for guess in _guesses(path, names):
        if guess != path and guess in names:
            return guess
    return None


@lru_cache(maxsize=16)
def _names(keys: frozenset[str]) -> frozenset[str]:
    """Every key and every path on the way to one."""
    found = set()
    for key in keys:
        steps = key.removesuffix(".*").split(".")
        found |= {".".join(steps[:end]) for end in range(1, len(steps) + 1)}
    return frozenset(found - {"*"})


def _guesses(path: str, names: frozenset[str]) -> Iterable[str]:
    """Candidates, the most certain first."""
    parent, _, last = path.rpartition(".")
    for old, new in _MOVED.items():
        if path == old or path.startswith(f"{old}."):
            rest = path.removeprefix(old)
            yield new + rest
            yield new
    for renamed in _RENAMED.get(last, ()):
        above = parent.rpartition(".")[0]
        yield f"{above}.{renamed[2:]}" if renamed.startswith("..") else _below(parent, renamed)
    yield from _one(_same_letters(parent, last, names))
    if not parent:
        service = catalogue.load().get(path)
        if service and service.name != path:
            yield service.name
    if last not in _COMMON:
        yield from _elsewhere(path, last, names)
    yield from _one(_slips(parent, last, names))


def _below(parent: str, name: str) -> str:
    return f"{parent}.{name}" if parent else name


def _one(found: list[str]) -> list[str]:
    return found if len(found) == 1 else []


def _siblings(parent: str, names: frozenset[str]) -> list[str]:
    return [name for name in names if name.rpartition(".")[0] == parent]


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _same_letters(parent: str, last: str, names: frozenset[str]) -> list[str]:
    """Siblings that differ in case, hyphens and underscores only."""
    return [name for name in _siblings(parent, names) if _plain(name.rpartition(".")[2]) == _plain(last)]


def _elsewhere(path: str, last: str, names: frozenset[str]) -> list[str]:
    """The same name at another level of the same chart, or among the globals; the level that is least far away."""
    top = path.split(".")[0]
    same = [name for name in names if name.rpartition(".")[2] == last and name.split(".")[0] == top]
    near = sorted(same, key=lambda name: (_distance_of_levels(path, name), name))
    if near and _distance_of_levels(path, near[0]) <= _FARTHEST:
        ties = [name for name in near if _distance_of_levels(path, name) == _distance_of_levels(path, near[0])]
        return _one(ties)
    depth = path.count(".")
    if depth > 1:
        return []
    return _one(_same_letters("global", last, names)) or _one([name for name in same if depth == 0])


def _distance_of_levels(one: str, other: str) -> int:
    """How many parents have to be added or taken away to get from one place to the other."""
    left, right = one.split(".")[:-1], other.split(".")[:-1]
    shared = 0
    while shared < min(len(left), len(right)) and left[shared] == right[shared]:
        shared += 1
    return len(left) + len(right) - 2 * shared


def _slips(parent: str, last: str, names: frozenset[str]) -> list[str]:
    """Siblings within a slip of the keyboard: at most two edits, fewer in short names; the nearest ones."""
    allowed = min(_FARTHEST, len(last) // 4)
    found = [(_edits(name.rpartition(".")[2], last, allowed), name) for name in _siblings(parent, names)]
    near = [(edits, name) for edits, name in found if 0 < edits <= allowed]
    best = min((edits for edits, _ in near), default=0)
    return [name for edits, name in near if edits == best]


def _edits(one: str, other: str, most: int) -> int:
    """Edits (insert, remove, replace, swap neighbours) between two names, or most + 1 if more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        two_before, before = before, row
        row = [i]
        for j, right in enumerate(other, 1):
            cost = min(before[j] + 1, row[-1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                cost = min(cost, two_before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]
