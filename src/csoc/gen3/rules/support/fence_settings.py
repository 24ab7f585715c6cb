"""Fence's configuration as it reaches fence, as far as Git shows it.

The chart hands fence two files, and fence's start merges them: the secret one (fence.FENCE_CONFIG with the chart's
defaults, or a whole file in Secrets Manager) over the public one (fence.FENCE_CONFIG_PUBLIC). Where the secret file is
kept outside Git, only the public part is known, and the secret one may overrule it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from csoc.fleet.shapes import mapping
from csoc.fleet.values import Path, look_up, merge_mappings
from csoc.gen3.rules.support.certainty import made_by_helm, on
from csoc.gen3.state import EnvironmentState

SECRET: Path = ("fence", "FENCE_CONFIG")
PUBLIC: Path = ("fence", "FENCE_CONFIG_PUBLIC")


@dataclass(frozen=True, slots=True)
class FenceSettings:
    """whole: the secret part is made from values too, so that `data` is all there is."""

    state: EnvironmentState
    data: Mapping[str, Any]
    whole: bool

    def get(self, *steps: str) -> Any:
        """The value at a path of fence's configuration; None if absent or null."""
        return look_up(self.data, steps)

    def path(self, *steps: str) -> Path:
        """The values path that decides about a setting: what is written in the secret part, else in the public one."""
        secret, public = (*SECRET, *steps), (*PUBLIC, *steps)
        if self.whole and (self.state.written(secret) or not self.state.written(public)):
            return secret
        return public

    def written(self, *steps: str) -> bool:
        """True if the environment itself writes the setting where it counts."""
        return self.state.written(self.path(*steps))


def fence_settings(state: EnvironmentState) -> FenceSettings | None:
    """None if fence is off."""
    if not on(state, "fence"):
        return None
    public = mapping(state.get(PUBLIC))
    if not made_by_helm(state, "fence", "fence-config"):
        return FenceSettings(state, public, whole=False)
    return FenceSettings(state, merge_mappings(public, mapping(state.get(SECRET))), whole=True)
