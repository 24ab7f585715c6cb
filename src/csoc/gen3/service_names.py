"""The service that was meant, where somebody typed a name that is none."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from csoc.gen3 import catalogue

_MOST = 3


def nearest_services(name: str, known: Iterable[str]) -> str:
    """A sentence with the names that are nearest, or where to find them all. An alias names its service."""
    service = catalogue.load().get(name)
    if service is not None and service.name != name:
        return f"Its name is {service.name}"
    near = difflib.get_close_matches(name.lower(), sorted(set(known)), n=_MOST, cutoff=0.5)
    return f"Did you mean {', '.join(near)}?" if near else "`csoc fleet matrix` lists those that run"
