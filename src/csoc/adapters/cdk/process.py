"""The process that makes templates, as csoc sees it: one line asked, one line answered.

It runs CDK's library on Node.js, which is a lot of code of others, and it needs nothing but the document: so its
environment holds no credential, no proxy and no settings, and what it prints beside its answers is shown masked.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csoc.adapters.child_process import ChildProcess, GoneError, LateError
from csoc.errors import UnavailableError
from csoc.fleet import masking

_CHUNK = 1 << 16
_SHOWN = 300
COMMAND = (sys.executable, "-I", "-m", "csoc_infra.service")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost. start_seconds: until the process is warm, which unpacks a library the first time."""

    start_seconds: float = 120.0
    answer_seconds: float = 60.0
    answer_bytes: int = 20_000_000


class ChildEndedError(Exception):
    """The process ended, or was ended, on a request. The text says why, for people."""


class Child:
    """A running process. Not for several threads at a time."""

    def __init__(
        self, folder: Path, limits: Limits, command: Sequence[str] = COMMAND, libraries: Path | None = None
    ) -> None:
        """Starts it and waits until it is warm. folder: an empty one. libraries: where CDK's library, which comes
        packed, is unpacked once for all processes; None: each unpacks it for itself. Raises UnavailableError."""
        self._limits = limits
        self._rest = b""
        environment = {"JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(libraries)} if libraries is not None else {}
        try:
            self._process = ChildProcess(command, folder, environment, keeps="last")
        except OSError as error:
            raise UnavailableError(f"The process that makes templates cannot be started: {error}") from error
        try:
            self._line(b"", limits.start_seconds)
        except ChildEndedError as ended:
            raise UnavailableError(
                f"The process that makes templates does not start: {ended}",
                fix="Check that csoc is installed with them: pip install 'csoc[aws]'",
            ) from None

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """True if it can be asked."""
        return self._process.alive

    def ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one request. Raises ChildEndedError, and then the process has ended."""
        return self._line(json.dumps(message).encode() + b"\n", self._limits.answer_seconds)

    def end(self) -> None:
        """Kills it with what it started. Safe to call twice."""
        self._process.end()

    def _line(self, request: bytes, seconds: float) -> dict[str, Any]:
        try:
            answer = self._process.exchange(request, seconds, self._wanted, self._rest)
            line, _, self._rest = answer.partition(b"\n")
            message = json.loads(line)
            if not isinstance(message, dict):
                raise ChildEndedError("its answer is none")
        except BaseException as error:
            why = self._why(error)
            self._process.end()
            if why:
                raise ChildEndedError(why) from None
            raise
        return message

    def _wanted(self, answer: bytearray) -> int:
        if len(answer) > self._limits.answer_bytes:
            raise ChildEndedError(f"its answer is larger than {self._limits.answer_bytes:,} bytes")
        return 0 if b"\n" in answer else _CHUNK

    def _why(self, error: BaseException) -> str:
        """Why there is no answer; "" for what is no fault of the process."""
        if isinstance(error, LateError):
            return "it took too long and was ended"
        if isinstance(error, GoneError):
            return self._why_ended()
        return "its answer is none" if isinstance(error, (ValueError, RecursionError)) else ""

    def _why_ended(self) -> str:
        """How it ended, with its last line, masked: a trace may quote what the document held."""
        code = self._process.ended()
        if code is None:
            return "it closed its output"
        lines = self._process.words.splitlines()
        last = "".join(char for char in masking.mask_text(lines[-1]) if char.isprintable())[:_SHOWN] if lines else ""
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        return f"it ended {how}{': ' if last else ''}{last}"
