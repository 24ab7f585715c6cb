"""Parses YAML files once for each content, and remembers the result between runs.

Parsing is most of the time that reading a fleet takes, and Git names equal bytes by equal ids, so what was parsed is
kept by blob: in memory for a run, in a `Cache` beyond it. Only data is kept; where it stands is worked out from the
bytes when a reader is to be shown it. Parsed values can be secret, which is why the cache's file is its owner's alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from csoc.errors import CsocError, UnavailableError
from csoc.fleet import gc_pause
from csoc.fleet.caching import Cache
from csoc.fleet.code_digest import code_digest
from csoc.fleet.repositories import Entry
from csoc.fleet.values import Path
from csoc.fleet.yaml import yamltext
from csoc.fleet.yaml.yamltext import YamlDocument

MARKERS = ("argoproj.io", "csoc.gen3.org")
"""Words that tell which files matter: those of Argo CD's objects and of csoc's documents."""

Read = Callable[[], bytes]
_Given = TypeVar("_Given")


def parser_version() -> str:
    """16 hex digits that change whenever the parser's code does, so that nobody has to remember to count up a version
    before the cache gives answers that this csoc would not."""
    return code_digest(__name__)


@dataclass(frozen=True, slots=True)
class FileError:
    """Why a file could not be read as YAML. line and column count from 1 (0: unknown). known: False where csoc could
    not look at it (network, time), which says nothing about the file."""

    cause: str
    line: int = 0
    column: int = 0
    fix: str = ""
    known: bool = True


@dataclass(frozen=True, slots=True)
class Parsed:
    """The documents of one content as (index, line, data), or the error."""

    documents: tuple[tuple[int, int, Any], ...] = ()
    error: FileError | None = None


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What reading may cost. file_bytes: of one file. total_bytes: of all files that one store parses."""

    file_bytes: int = 10_000_000
    total_bytes: int = 500_000_000


@dataclass(slots=True)
class _Batch:
    """What a call adds to the cache; written in parts, so that a large first reading is not held twice."""

    cache: Cache | None
    namespace: str
    items: dict[str, bytes] = field(default_factory=dict)

    def add(self, key: str, value: bytes) -> None:
        if self.cache is not None:
            self.items[key] = value
            if len(self.items) >= 2_000:
                self.write()

    def write(self) -> None:
        if self.cache is not None and self.items:
            self.cache.put_many(self.namespace, self.items)
            self.items = {}


class ParsedStore:
    """Parsed contents by blob id, shared by the snapshots of one run."""

    def __init__(self, cache: Cache | None = None, limits: ReadLimits | None = None) -> None:
        self.limits = limits or ReadLimits()
        self._cache = cache
        self._parsed: dict[str, Parsed] = {}
        self._remembered: dict[str, dict[str, Any]] = {}
        self._spent_bytes = 0

    def parse(self, files: Sequence[tuple[Entry, Read]]) -> dict[str, Parsed]:
        """By blob id; every file given is in the answer."""
        with gc_pause.paused():
            return self._parse_all(files)

    def _parse_all(self, files: Sequence[tuple[Entry, Read]]) -> dict[str, Parsed]:
        found: dict[str, Parsed] = {}
        missing: dict[str, tuple[Entry, Read]] = {}
        for entry, read in files:
            known = self._parsed.get(entry.blob)
            if known is None:
                missing[entry.blob] = (entry, read)
            else:
                found[entry.blob] = known
        namespace = f"yaml-{parser_version()}"
        cached = self._cache.get_many(namespace, missing) if self._cache is not None and missing else {}
        batch = _Batch(self._cache, namespace)
        for blob, (entry, read) in missing.items():
            parsed = _decode(cached[blob]) if blob in cached else None
            if parsed is None:
                parsed, content = self._parse(entry, read)
                if content is not None:
                    encoded = _encode(parsed, content)
                    if encoded is not None:
                        batch.add(blob, encoded)
            if parsed.error is None or parsed.error.known:
                self._parsed[blob] = parsed
            found[blob] = parsed
        batch.write()
        return found

    def mentions(self, word: str, files: Sequence[tuple[Entry, Read]]) -> dict[str, bool]:
        """By blob id: whether the bytes hold the word. True for what cannot be read."""
        small = {entry.blob: read for entry, read in files if entry.size_bytes <= self.limits.file_bytes}
        # The usual words are looked for together, since reading takes longer than looking.
        words = MARKERS if word in MARKERS else (word,)
        sought = [(each, each.encode("ascii")) for each in words]

        def look(read: Read) -> list[str]:
            content = read()
            return [each for each, encoded in sought if encoded in content]

        found = self.remembered(f"mentions-{parser_version()}-{' '.join(words)}", small, look)
        return {entry.blob: word in found.get(entry.blob, words) for entry, _ in files}

    def duplicates(
        self, files: Mapping[str, tuple[Sequence[YamlDocument], Read]]
    ) -> dict[str, list[tuple[int, Path, int]]]:
        """By blob id, for contents and their documents: keys that stand twice, as (index of the document, path, line of
        the later one)."""

        def look(given: tuple[Sequence[YamlDocument], Read]) -> list[tuple[int, Path, int]]:
            documents, read = given
            if not documents or _has_each_key_once(read(), documents):
                return []
            return [(document.index, path, line) for document in documents for path, line in document.duplicates()]

        found = self.remembered(f"duplicates-{parser_version()}", files, look)
        return {
            blob: [(index, tuple(path), line) for index, path, line in listed]
            for blob, listed in found.items()
            if listed
        }

    def remembered(self, name: str, work: Mapping[str, _Given], compute: Callable[[_Given], Any]) -> dict[str, Any]:
        """What was computed from contents, by blob id, kept in the cache as JSON. name: what it is, with a version.

        compute gets what work holds for the blob; where it raises a CsocError the blob is left out and asked again next
        time.
        """
        with gc_pause.paused():
            return self._remembered_all(name, work, compute)

    def _remembered_all(
        self, name: str, work: Mapping[str, _Given], compute: Callable[[_Given], Any]
    ) -> dict[str, Any]:
        known = self._remembered.setdefault(name, {})
        missing = [blob for blob in work if blob not in known]
        cached = self._cache.get_many(name, missing) if self._cache is not None and missing else {}
        batch = _Batch(self._cache, name)
        decoded: dict[bytes, Any] = {}  # most contents have one of a few answers
        for blob in missing:
            value = cached.get(blob)
            if value is not None:
                if value not in decoded:
                    decoded[value] = _decode_any(value)
                if decoded[value] is not _UNREADABLE:
                    known[blob] = decoded[value]
                    continue
            try:
                known[blob] = compute(work[blob])
            except CsocError:
                continue
            batch.add(blob, json.dumps(known[blob]).encode())
        batch.write()
        return {blob: known[blob] for blob in work if blob in known}

    def forget(self, blobs: Iterable[str]) -> None:
        """Frees what was parsed of these contents; it is parsed again if somebody asks."""
        for blob in blobs:
            self._parsed.pop(blob, None)
            for known in self._remembered.values():
                known.pop(blob, None)

    def _parse(self, entry: Entry, read: Read) -> tuple[Parsed, bytes | None]:
        """What the file holds, and its bytes if the answer depends on nothing else and may be cached."""
        limits = self.limits
        if entry.size_bytes > limits.file_bytes:
            cause = f"the file has {entry.size_bytes} bytes, more than the {limits.file_bytes} that csoc reads as YAML"
            return Parsed(error=FileError(cause)), None
        if self._spent_bytes + entry.size_bytes > limits.total_bytes:
            cause = f"the files before it have used up the {limits.total_bytes} bytes that csoc parses in one run"
            return Parsed(error=FileError(cause, known=False)), None
        self._spent_bytes += entry.size_bytes
        try:
            content = read()
        except UnavailableError as error:
            return Parsed(error=FileError(error.cause, fix=error.fix, known=False)), None
        except CsocError as error:
            return Parsed(error=FileError(error.cause, fix=error.fix)), None
        try:
            documents = yamltext.parse(content)
        except yamltext.YamlError as error:
            return Parsed(error=FileError(error.cause, error.line, error.column, error.fix)), content
        return Parsed(tuple((document.index, document.line, document.data) for document in documents)), content


def _encode(parsed: Parsed, content: bytes) -> bytes | None:
    """As JSON, or None where that is much larger than the file, because aliases would be written out."""
    if parsed.error is not None:
        error = parsed.error
        return json.dumps({"error": [error.cause, error.line, error.column, error.fix]}).encode()
    if b"*" in content and b"&" in content and not _is_small(parsed.documents, 4 * len(content) + 10_000):
        return None
    return json.dumps({"documents": parsed.documents}, separators=(",", ":")).encode()


def _is_small(data: Any, budget: int) -> bool:
    """Whether data, written out, stays about below a number of characters. Stops as soon as it does not."""
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
            budget -= sum(map(len, value))
        elif isinstance(value, (list, tuple)):
            waiting.extend(value)
        elif isinstance(value, str):
            budget -= len(value)
        budget -= 4
        if budget < 0:
            return False
    return True


_UNREADABLE = object()


def _decode_any(value: bytes) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return _UNREADABLE


# A line with a key, in YAML without braces, block scalars, anchors, tags and quotes; a "#" after a space is a comment.
_KEY_LINE = re.compile(rb"^(?:[^#\n]|(?<=[^\s])#)*?:(?=[ \t\r\n]|$)", re.MULTILINE)
_COMMENT = re.compile(rb"(?:^|(?<=[ ]))#.*$", re.MULTILINE)
_QUOTED_END = re.compile(rb'"[^"\\\n]*"[ ]*$', re.MULTILINE)
# The last two are line breaks to YAML 1.1 and to nobody else.
_MORE_THAN_LINES = re.compile(rb"[{|>&*!?'\"\t\r]|\xc2\x85|\xe2\x80[\xa8\xa9]")


def _has_each_key_once(content: bytes, documents: Sequence[YamlDocument]) -> bool:
    """True if a file of plain lines has as many keys as its data, so that none was lost to a later one. A shortcut:
    False means that somebody has to look, which takes ten times as long."""
    plain = _QUOTED_END.sub(b"", _COMMENT.sub(b"", content))
    return not _MORE_THAN_LINES.search(plain) and len(_KEY_LINE.findall(plain)) == sum(
        _count_keys(document.data) for document in documents
    )


def _count_keys(data: Any) -> int:
    if isinstance(data, dict):
        return len(data) + sum(_count_keys(value) for value in data.values() if isinstance(value, (dict, list)))
    return sum(_count_keys(value) for value in data if isinstance(value, (dict, list))) if isinstance(data, list) else 0


def _decode(value: bytes) -> Parsed | None:
    """What was cached, or None if it is not what this module writes."""
    try:
        data = json.loads(value)
        if "error" in data:
            cause, line, column, fix = data["error"]
            return Parsed(error=FileError(str(cause), int(line), int(column), str(fix)))
        return Parsed(tuple((int(index), int(line), held) for index, line, held in data["documents"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
