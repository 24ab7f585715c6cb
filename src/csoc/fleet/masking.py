"""Hides what looks secret before it can reach a reader: one place for pages, findings, errors and logs.

Masking errs on the side of hiding in values, and never hides names (of keys, secrets, files), since those are what a
reader acts on.
"""

from __future__ import annotations

MASK = "***"


def masked(path: tuple[str | int, ...], value: object) -> str:
    """A value for readers: one line, shortened, masked where key or content look secret."""
    raise NotImplementedError
