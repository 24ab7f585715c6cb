"""Reads fields out of parsed YAML that anybody may have written: each wrong type becomes a Problem, nothing raises.

An Application with one bad field is still an Application that runs (or fails to) somewhere; dropping it would hide it.
So every field has a value to go on with, and the Problem says what stands where and what Argo CD expects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from csoc.errors import CsocError
from csoc.fleet.argocd.model import Problem
from csoc.fleet.argocd.positions import At, Known
from csoc.fleet.location import Location
from csoc.fleet.repositories import Tree
from csoc.fleet.values import Path
from csoc.fleet.yaml.yamltext import YamlDocument

NOT_UNDERSTOOD = "not understood"
UNREADABLE = "unreadable file"
_BLOCK_STARTS = ("|", "|-", "|+")


class Place(Protocol):
    """Where an object stands, and where each path of it does."""

    def locate(self, path: Path = ()) -> Location:
        """The place of a path, or of its nearest written ancestor."""

    def text_line(self, path: Path) -> int:
        """The line on which the text of a literal block scalar begins; 0 if the value is not one."""


class FilePlace:
    """An object that a file holds literally. prefix leads from the document to the object (items of a List)."""

    def __init__(
        self,
        repository: str,
        commit: str,
        path: str,
        document: YamlDocument,
        *,
        prefix: Path = (),
        lines: Callable[[], list[str]] | None = None,
        known: Known | None = None,
    ) -> None:
        """lines: those of the file. known: positions that were found before, added to here."""
        self._whole = Location(repository, commit, path, document.line)
        self._document = document
        self._prefix = prefix
        self._lines = lines
        self._known: Known = {} if known is None else known

    def locate(self, path: Path = ()) -> Location:
        steps = (*self._prefix, *path)
        while steps:
            at = self._position(steps)
            if at is not None:
                return Location(self._whole.repository, self._whole.commit, self._whole.path, at[0], at[1])
            steps = steps[:-1]
        return self._whole

    def _position(self, steps: Path) -> At:
        key = (self._document.index, steps, "key")
        if key not in self._known:
            self._known[key] = self._document.position(steps)
        return self._known[key]

    def text_line(self, path: Path) -> int:
        key = (self._document.index, (*self._prefix, *path), "text")
        if key not in self._known:
            self._known[key] = (self._find_text_line(path), 1)
        found = self._known[key]
        return found[0] if found else 0

    def _find_text_line(self, path: Path) -> int:
        at = self._position((*self._prefix, *path))
        if at is None or self._lines is None:
            return 0
        lines = self._lines()
        if at[0] > len(lines):
            return 0
        after_key = lines[at[0] - 1].partition(":")[2].split(" #")[0].split()
        return at[0] + 1 if after_key and after_key[-1].rstrip("123456789") in _BLOCK_STARTS else 0


@dataclass(frozen=True, slots=True)
class FixedPlace:
    """An object that something generated: every path of it stands where the generator does."""

    location: Location

    def locate(self, path: Path = ()) -> Location:  # noqa: ARG002 - the same answer for every path
        return self.location

    def text_line(self, path: Path) -> int:  # noqa: ARG002 - generated text has no lines in a file
        return 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """One Kubernetes object with its place. index: of its document in the file, from 0."""

    data: Mapping[str, Any]
    place: Place
    index: int = 0

    @property
    def kind(self) -> str:
        value = self.data.get("kind")
        return value if isinstance(value, str) else ""

    @property
    def group(self) -> str:
        """The API group: "argoproj.io" of "argoproj.io/v1alpha1", "" of "v1"."""
        value = self.data.get("apiVersion")
        return value.rpartition("/")[0] if isinstance(value, str) else ""

    @property
    def location(self) -> Location:
        return self.place.locate(())


def manifests(
    repository: str,
    commit: str,
    path: str,
    documents: Sequence[YamlDocument],
    text: Callable[[], bytes] | None = None,
    known: Known | None = None,
) -> Iterator[Manifest]:
    """Every object of a file that has apiVersion and kind; the items of Lists instead of the Lists."""
    lines = None if text is None else cache(lambda: text().decode("utf-8", "replace").split("\n"))
    for document in documents:
        if not isinstance(document.data, Mapping):
            continue
        for prefix, data in _objects(document.data):
            place = FilePlace(repository, commit, path, document, prefix=prefix, lines=lines, known=known)
            yield Manifest(data, place, document.index)


def _objects(data: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    if not isinstance(data.get("kind"), str) or not isinstance(data.get("apiVersion"), str):
        return
    items = data.get("items")
    if not data["kind"].endswith("List") or not isinstance(items, list):
        yield (), data
        return
    for number, item in enumerate(items):
        if isinstance(item, Mapping) and isinstance(item.get("kind"), str):
            yield ("items", number), item


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping that is read field by field. what: for messages, e.g. 'Application "a"'."""

    data: Mapping[str, Any]
    path: Path
    place: Place
    problems: list[Problem]
    what: str

    def locate(self, *steps: str | int) -> Location:
        return self.place.locate((*self.path, *steps))

    def complain(self, steps: Path, expected: str, fix: str = "") -> None:
        """Adds a Problem: the field at the steps is not what Argo CD expects."""
        self.problems.append(
            Problem(
                NOT_UNDERSTOOD,
                f"{self.what}: {field_name((*self.path, *steps))} {expected}",
                self.place.locate((*self.path, *steps)),
                fix,
            )
        )

    def text(self, key: str) -> str:
        """A text field, "" if absent. A number or boolean is taken as text, with a Problem: the cluster refuses it."""
        value = self.data.get(key)
        if value is None or isinstance(value, str):
            return value or ""
        if isinstance(value, (bool, int, float)):
            self.complain((key,), f"must be text, but YAML reads it as {_kind_of(value)}", "Put it in quotes.")
            return str(value).lower() if isinstance(value, bool) else str(value)
        self.complain((key,), f"must be text, but is {_kind_of(value)}")
        return ""

    def flag(self, key: str, default: bool = False) -> bool:
        value = self.data.get(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.complain((key,), f"must be true or false, but is {_kind_of(value)}")
        return value.strip().lower() == "true" if isinstance(value, str) else default

    def mapping(self, key: str) -> Mapping[str, Any] | None:
        value = self.data.get(key)
        if value is None or isinstance(value, Mapping):
            return value
        self.complain((key,), f"must be a mapping, but is {_kind_of(value)}")
        return None

    def items(self, key: str) -> Sequence[Any]:
        value = self.data.get(key)
        if value is None or isinstance(value, list):
            return value or ()
        self.complain((key,), f"must be a list, but is {_kind_of(value)}")
        return ()

    def child(self, key: str) -> Fields | None:
        value = self.mapping(key)
        return None if value is None else Fields(value, (*self.path, key), self.place, self.problems, self.what)

    def children(self, key: str) -> list[Fields]:
        """The mappings of a list; anything else in it is a Problem."""
        found: list[Fields] = []
        for number, value in enumerate(self.items(key)):
            if isinstance(value, Mapping):
                found.append(Fields(value, (*self.path, key, number), self.place, self.problems, self.what))
            else:
                self.complain((key, number), f"must be a mapping, but is {_kind_of(value)}")
        return found

    def texts(self, key: str) -> list[tuple[str, int]]:
        """The texts of a list with their index; numbers and booleans as in `text`."""
        found: list[tuple[str, int]] = []
        for number, value in enumerate(self.items(key)):
            if isinstance(value, str):
                found.append((value, number))
            elif isinstance(value, (bool, int, float)):
                self.complain(
                    (key, number), f"must be text, but YAML reads it as {_kind_of(value)}", "Put it in quotes."
                )
                found.append((str(value), number))
            else:
                self.complain((key, number), f"must be text, but is {_kind_of(value)}")
        return found

    def text_map(self, key: str) -> dict[str, str]:
        """A mapping of texts (labels, annotations); values that are not texts are Problems and left out."""
        found: dict[str, str] = {}
        for name, value in (self.mapping(key) or {}).items():
            if isinstance(value, str):
                found[str(name)] = value
            elif value is not None:
                self.complain((key, name), f"must be text, but is {_kind_of(value)}", "Put it in quotes.")
        return found


def unreadable(tree: Tree, path: str, error: CsocError) -> Problem:
    """The Problem of a file that cannot be read, at the line that the parser stopped at."""
    place = Location(tree.repository, tree.commit, path, getattr(error, "line", 0), getattr(error, "column", 0))
    return Problem(UNREADABLE, error.cause, place, error.fix)


def field_name(path: Path) -> str:
    """A path as people write it: spec.sources[0].helm."""
    name = ""
    for step in path:
        name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else str(step)
    return name or "the document"


def _kind_of(value: Any) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", list: "a list", str: "text", type(None): "null"}
    if isinstance(value, Mapping):
        return "a mapping"
    return names.get(type(value), type(value).__name__)
