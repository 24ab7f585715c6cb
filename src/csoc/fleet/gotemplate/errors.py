"""Why a template cannot be parsed or run."""

from __future__ import annotations

from csoc.errors import RejectedError


class TemplateError(RejectedError):
    """A template that Go refuses too. line: in the text, from 1; 0 if unknown."""

    def __init__(self, cause: str, *, line: int = 0) -> None:
        super().__init__(cause)
        self.line = line


class UnsupportedError(TemplateError):
    """A template that may well be right, and that only csoc's subset does not know."""
