"""What the chart at hand does, for rules about a habit or a flaw of the chart.

Such a habit belongs to some versions: the chart's makers mend it, and it was not there from the beginning. Manifests
show whether this version has it; the keys that its templates read show at least whether a setting means anything to it.
"""

from __future__ import annotations

import base64
import binascii

from csoc.fleet.shapes import mapping, text
from csoc.fleet.values import Path, as_path
from csoc.gen3.rules.support.workloads import name_of
from csoc.gen3.state import EnvironmentState


def may_read(state: EnvironmentState, path: str | Path) -> bool:
    """False if the chart at hand certainly reads nothing at, above or below the path; True where that is not known."""
    keys = state.chart_keys
    if keys is None or "*" in keys:
        return True
    steps = [str(step) for step in as_path(path)]
    above = (".".join(steps[:length]) for length in range(1, len(steps) + 1))
    whole = ".".join(steps)
    return whole in keys or any(f"{key}.*" in keys for key in above) or any(k.startswith(f"{whole}.") for k in keys)


def secret_content(state: EnvironmentState, name: str) -> dict[str, str] | None:
    """What a Secret among the manifests holds, decoded; None if there is no such Secret. What is no base64 or no UTF-8
    is left out."""
    found: dict[str, str] | None = None
    for item in state.objects("Secret"):
        if name_of(item.body) != name:
            continue
        found = {} if found is None else found
        for key, value in mapping(item.body.get("data")).items():
            plain = decoded(text(value))
            if plain is not None:
                found[str(key)] = plain
        found |= {str(key): text(value) for key, value in mapping(item.body.get("stringData")).items()}
    return found


def decoded(value: str) -> str | None:
    """The text that base64 stands for; None if it is none."""
    try:
        return base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
