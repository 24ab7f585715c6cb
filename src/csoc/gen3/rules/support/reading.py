"""What many rules need to read a state safely: hostile shapes as empty ones, and whether manifests show everything."""

from __future__ import annotations

from collections.abc import Iterable

from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.state import EnvironmentState


def rendered(state: EnvironmentState) -> bool:
    """True if there are manifests of this environment, made from all of its values."""
    return state.rendering is not None and state.rendering.failure is None and values_complete(state)


def listed(names: Iterable[str], most: int = 6) -> str:
    """ "a, b and 3 more", in the order given, each name once."""
    unique = list(dict.fromkeys(names))
    if len(unique) > most:
        return f"{', '.join(unique[: most - 1])} and {len(unique) - most + 1} more"
    return ", ".join(unique)
