"""What was fetched for charts, kept on disk: content by its digest for ever, answers to questions for minutes.

Content is checked against its digest each time it is read, so that a damaged file is only a reason to fetch again. It
is kept for the origin that it came from: who names the digest of somebody else's chart must have it to get it.
Whoever loses the folder loses time. Reading and writing never fail; a full disk means that nothing is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from csoc.clock import Clock

_ANSWER_BYTES = 20_000_000
FRESH = timedelta(minutes=5)
"""How long an answer serves without being asked for again."""


def digest_of(content: bytes) -> str:
    """sha256 as 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer that was written down, and when."""

    value: Any
    at: datetime

    def age(self, now: datetime) -> timedelta:
        """How old it is; never negative, whatever clocks did meanwhile."""
        return max(now - self.at, timedelta())

    def is_fresh(self, now: datetime, since: datetime | None) -> bool:
        """True if nobody needs to ask again. since: what is no newer is to be asked for in any case."""
        return self.age(now) < FRESH and not self.is_expired(since)

    def is_expired(self, since: datetime | None) -> bool:
        """True if it is no newer than `since`."""
        return since is not None and self.at <= since


class Downloads:
    """A folder of its own below csoc's cache folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def content(self, digest: str, origin: str = "") -> bytes | None:
        """The bytes with this sha256 that came from an origin, or None."""
        path = self._content_path(digest, origin)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        _mark_used(path)
        return content if digest_of(content) == digest else None

    def keep_content(self, content: bytes, origin: str = "") -> str:
        """Keeps bytes; returns their sha256."""
        digest = digest_of(content)
        self._write(self._content_path(digest, origin), content)
        return digest

    def answer(self, *question: str) -> Remembered | None:
        """What was answered to a question, however long ago, or None."""
        path = self._answer_path(question)
        try:
            with path.open("rb") as file:
                data = json.loads(file.read(_ANSWER_BYTES))
            if data["question"] != list(question):
                return None
            _mark_used(path)
            return Remembered(data["value"], datetime.fromisoformat(data["at"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def keep_answer(self, value: Any, *question: str) -> None:
        """Keeps an answer (JSON), with the present time."""
        data = {"question": list(question), "at": self._clock().isoformat(), "value": value}
        self._write(self._answer_path(question), json.dumps(data).encode())

    def _content_path(self, digest: str, origin: str) -> Path:
        return self._folder / "content" / digest_of(origin.encode())[:16] / digest

    def _answer_path(self, question: tuple[str, ...]) -> Path:
        return self._folder / "answers" / f"{digest_of(json.dumps(question).encode())}.json"

    def _write(self, path: Path, content: bytes) -> None:
        """All or nothing, readable by the user alone: what is fetched with a credential is not for everybody."""
        with suppress(OSError):
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            for folder in (self._folder, *reversed(path.relative_to(self._folder).parents[:-1])):
                (self._folder / folder).mkdir(mode=0o700, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                Path(name).replace(path)
            except BaseException:
                with suppress(OSError):
                    Path(name).unlink()
                raise


def _mark_used(path: Path) -> None:
    """So that what is used is not what is removed when the cache grows too large."""
    with suppress(OSError):
        os.utime(path)
