"""What a value of somebody else's document is taken for: a mapping, a list or a text, or an empty one of its kind.

Whoever reads a manifest or values walks through them step by step, and each step may have another type than it should.
Taking that for "nothing there" is right where the shape as such is another check's matter; where it is not, ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The mappings in a list; [] for anything else."""
    return [item for item in items(value) if isinstance(item, Mapping)]


def items(value: object) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    """The value if it is text, else ""."""
    return value if isinstance(value, str) else ""
