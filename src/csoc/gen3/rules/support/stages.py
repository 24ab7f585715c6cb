"""Which environments of a commons are tried before which; the rules about stages share it."""

from __future__ import annotations

from csoc.gen3.state import FleetState
from csoc.gen3.views import HELM, EnvironmentView

# Stages beside the way to production: what runs there is not what is promoted next.
_ASIDE = frozenset({"demo", "sandbox", "training"})


def nearest_lower(state: FleetState, view: EnvironmentView) -> list[EnvironmentView]:
    """The environments of the same commons in the nearest stage below this one that has any; a demonstration is none.

    Empty where the stage is unknown or not in the fleet's order, or the commons itself is not known.
    """
    stages = list(state.view.stages)
    if not view.stage.known or view.stage.value not in stages or not view.commons.known or view.system != HELM:
        return []
    for stage in reversed(stages[: stages.index(view.stage.value)]):
        found = [
            other
            for other in state.view.environments
            if other.stage.value == stage and other.commons.value == view.commons.value and other.system == HELM
        ]
        if found and stage not in _ASIDE:
            return found
    return []
