"""Patches that a rule may offer: only where the value stands in a file of its own under the very path that was read.

Inline values and parameters stand inside an Application, and a wrapping chart puts the Gen3 chart's values below a key
of its own; there the path in the document is another one, and an edit at the wrong place is worse than none.
"""

from __future__ import annotations

from csoc.fleet.values import Path, as_path
from csoc.gen3.findings import Patch
from csoc.gen3.state import EnvironmentState


def set_value(state: EnvironmentState, path: str | Path, value: object) -> tuple[Patch, ...]:
    """One patch that sets the value where it is written, or none."""
    path = as_path(path)
    location = state.values.origin(path)
    inside = {state.view.application.location.path}
    if state.view.source.location is not None:
        inside.add(state.view.source.location.path)
    if location is None or state.view.wrapper or not state.written(path) or location.path in inside:
        return ()
    return (Patch(location, 0, path, "set", value),)
