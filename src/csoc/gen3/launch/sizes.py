"""How many copies of each service a size means. Machines, databases and search domains are sized elsewhere.

small has one of each, to try it. medium has two of what people wait for, so that a node may go. large has three at
least and grows with the load. Only charts whose autoscaler points at something that exists may grow (M13).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from csoc.fleet.documents.infrastructure import Size

_WAITED_FOR = (
    "arborist",
    "fence",
    "guppy",
    "indexd",
    "manifestservice",
    "metadata",
    "peregrine",
    "portal",
    "requestor",
    "revproxy",
    "sheepdog",
    "wts",
)
"""Services that several copies serve alike, and that people notice when they are away."""

_GROWING = ("arborist", "fence", "guppy", "indexd", "peregrine", "revproxy", "sheepdog")
_COPIES = {"small": 1, "medium": 2, "large": 3}
_MOST_COPIES = 10


def copies(size: Size, on: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Values by service."""
    running = set(on)
    number = _COPIES[size]
    found: dict[str, dict[str, Any]] = {}
    for name in _WAITED_FOR if number > 1 else ():
        if name not in running:
            continue
        found[name] = {"replicaCount": number}
        if size == "large" and name in _GROWING:
            found[name]["autoscaling"] = {"enabled": True, "minReplicas": number, "maxReplicas": _MOST_COPIES}
    return found


def everywhere(size: Size) -> dict[str, Any]:
    """Values below `global`."""
    several = _COPIES[size] > 1
    # Some charts have no minimum of their own, and a budget without one is refused.
    return {"pdb": several, "minAvailable": 1, "topologySpread": {"enabled": several}}
