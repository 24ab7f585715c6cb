"""Regular expressions of hostile definitions: those of csoc.fleet.linearregex, with the server's words and limits.

The real server matches with Go's regexp, which never goes back, anywhere in the text. A pattern that Go reads and the
emulator does not is refused by name.
"""

from __future__ import annotations

from csoc.errors import RejectedError
from csoc.fleet import linearregex

_SYNTAX = linearregex.Syntax(re2=True, length=20_000, states=20_000, depth=100, remembered=2_000)
_MOST_STEPS = 3_000_000


class PatternError(ValueError):
    """What is wrong with a pattern, or too much about it; the text says it."""


class Pattern:
    """A pattern that was understood. Raises PatternError."""

    def __init__(self, text: str) -> None:
        try:
            self._pattern = linearregex.compile_pattern(text, _SYNTAX, anywhere=True)
        except linearregex.UnsupportedPatternError as error:
            raise PatternError(f"{error.fault.value} (the emulator does not take it: {error.cause})") from error
        except linearregex.PatternError as error:
            raise PatternError(error.fault.value) from error

    def found_in(self, text: str) -> bool:
        """Whether it matches somewhere in the text. Raises PatternError if that would take too long."""
        try:
            return self._pattern.matches(text, linearregex.Budget(left=_MOST_STEPS))
        except RejectedError as error:
            raise PatternError("the text is too long for the pattern: the emulator stops before its end") from error
