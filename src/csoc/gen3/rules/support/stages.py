"""Which environments of a commons are tried before which; the rules about stages share it."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

from csoc.gen3.state import FleetState
from csoc.gen3.views import HELM, EnvironmentView

# Stages beside the way to production: what runs there is not what is promoted next.
_ASIDE = frozenset({"demo", "sandbox", "training"})


class Ladder:
    """The environments of a fleet by commons and stage, worked out once: a fleet has thousands, and each one asks."""

    def __init__(self, state: FleetState) -> None:
        self._height = {stage: number for number, stage in reversed(list(enumerate(state.view.stages)))}
        self._rungs: dict[str, dict[int, list[EnvironmentView]]] = defaultdict(lambda: defaultdict(list))
        for view in state.view.environments:
            height = self._height.get(view.stage.value)
            if height is not None and view.stage.value not in _ASIDE and view.system == HELM:
                self._rungs[view.commons.value][height].append(view)
        self._heights = {commons: sorted(rungs) for commons, rungs in self._rungs.items()}

    def nearest_lower(self, view: EnvironmentView) -> Sequence[EnvironmentView]:
        """The environments of the same commons in the nearest stage below this one that has any; a demonstration is
        none.

        Empty where the stage is unknown or not in the fleet's order, or the commons itself is not known.
        """
        height, heights = self._height.get(view.stage.value), self._heights.get(view.commons.value)
        if not view.stage.known or height is None or not view.commons.known or view.system != HELM or not heights:
            return ()
        below = bisect_left(heights, height)
        return self._rungs[view.commons.value][heights[below - 1]] if below else ()
