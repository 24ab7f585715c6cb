"""How much intrinsic functions may make.

A few hundred bytes of nested functions can stand for terabytes of text, so that lengths are counted before a text is
built. "CloudFormation quotas" of the AWS CloudFormation User Guide bounds templates (1 MB) and values of parameters
(4,096 bytes), not what functions make of them: the figures here are the emulator's own, far beyond what services take.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from csoc.emulator.cloudformation.template.model import TemplateError

LONGEST_TEXT = 1_048_576
"""The characters that one text may have."""
MOST_CHARACTERS = 4 * LONGEST_TEXT
"""What all functions of one resource's properties, or of all outputs, may make together; steps between count."""
_ITEM = 16
"""What a member of a list or map counts besides its text, since an empty one takes memory too."""

_STACK_CHARACTERS = 4 * MOST_CHARACTERS
"""What the properties of all resources of a stack may be together."""
_SMALL_CHARACTERS = 65_536


class TooLargeError(TemplateError):
    """A function would make more than there is room for. The path to it grows as the error leaves lists and maps."""

    def __init__(self, most: int, what: str) -> None:
        super().__init__(most, what)
        self._limit = f"{what} of more than {most} characters, the most that the emulator makes"
        self._path: list[str] = []
        self._whole = False

    def within(self, key: Any) -> None:
        """The error left a member of this name or number."""
        if not self._whole:
            self._path.insert(0, str(key))

    def at(self, place: str) -> None:
        """The path so far is one within this place of the template, and whole with it: a condition that a resource
        asks for is no part of the resource."""
        self.within(place)
        self._whole = True

    def __str__(self) -> str:
        where = "/".join(self._path)
        return f"Template error: the functions{f' at [/{where}]' if where else ''} would make {self._limit}"


@contextmanager
def placed(place: str) -> Iterator[None]:
    """What is too large in here is told to be at this place of the template."""
    try:
        yield
    except TooLargeError as error:
        if place:
            error.at(place)
        raise


class Room:
    """What is left for one value and everything in it."""

    __slots__ = ("_left", "_most", "_what")

    def __init__(self, most: int = MOST_CHARACTERS, what: str = "values") -> None:
        self._left = self._most = most
        self._what = what

    @staticmethod
    def fits(length: int) -> None:
        """Raises TooLargeError if no text may be as long as this."""
        if length > LONGEST_TEXT:
            raise TooLargeError(LONGEST_TEXT, "a text")

    def take(self, length: int, items: int = 1) -> None:
        """Raises TooLargeError if there is no room for so many characters in so many items."""
        self._left -= length + _ITEM * items
        if self._left < 0:
            raise TooLargeError(self._most, self._what)

    def take_value(self, value: Any) -> None:
        """The same for a value that is there already. It is only looked at as far as there is room for it."""
        waiting = [value]
        while waiting:
            found = waiting.pop()
            self.take(len(found) if isinstance(found, str) else 0)
            if isinstance(found, Mapping):
                for key, inner in found.items():
                    self.take(len(key))
                    waiting.append(inner)
            elif isinstance(found, (list, tuple)):
                waiting += found


def check_together(value: Any, others: Iterable[Any]) -> None:
    """Raises TooLargeError if the properties of one resource have no place beside those of the stack's others. Small
    ones are not added up: 500 resources, the most that a stack has, are not much of them."""
    small = Room(_SMALL_CHARACTERS)
    try:
        small.take_value(value)
    except TooLargeError:
        room = Room(_STACK_CHARACTERS, "properties of all resources of the stack")
        for found in (value, *others):
            room.take_value(found)
