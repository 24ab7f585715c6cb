"""One rendering child as its parent sees it: started, asked within limits, and told apart by how it ends.

An endless template cannot be interrupted from inside, so the parent keeps the time and kills; and what comes is bounded
before it is read.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csoc.adapters.child_process import ChildProcess, GoneError, LateError
from csoc.adapters.helm.render import frames
from csoc.errors import UnavailableError

_START_SECONDS = 120.0
_HELLO_BYTES = 100_000


class LimitReachedError(Exception):
    """The child was ended, or ended itself, on a request. The text says why, for people."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one rendering may cost. wall_seconds counts waiting for the processor too."""

    wall_seconds: float = 90.0
    cpu_seconds: int = 30
    memory_bytes: int = 600_000_000
    output_bytes: int = 50_000_000
    values_bytes: int = 20_000_000


class Child:
    """A running child. version: the engine's name. sandbox: each layer, "on" or why not."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        """Starts it and waits until it is ready. folder: an empty one. Raises UnavailableError."""
        self._limits = limits
        command = (sys.executable, "-I", "-m", "csoc.adapters.helm.render.child", str(limits.memory_bytes))
        # A soft limit for Go's collector, so that it works harder before it meets the hard one.
        environment = {"GOMEMLIMIT": str(limits.memory_bytes * 2 // 3)}
        try:
            # The first words say why; traces of all threads follow.
            self._process = ChildProcess(command, folder, environment, keeps="first")
        except OSError as error:
            raise UnavailableError(f"The process for rendering cannot be started: {error}") from error
        try:
            hello = self._exchange(b"", _START_SECONDS, _HELLO_BYTES)
        except LimitReachedError as reached:
            lines = self._process.words.splitlines()
            raise UnavailableError(
                f"Helm's engine does not start: {reached} {lines[-1][:300] if lines else ''}".strip(),
                fix="Check that the package helm-python-sdk has a wheel for this machine",
            ) from None
        self.version = str(hello["version"])
        self.sandbox: Mapping[str, str] = hello["sandbox"]

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """True if it can be asked."""
        return self._process.alive

    def ask(self, message: Mapping[str, Any], attachment: bytes = b"") -> dict[str, Any]:
        """The answer to one request. Raises LimitReachedError, and then the child has ended."""
        frame = frames.encode(message, attachment)
        # The answer holds the values as well as the objects, and JSON escapes make both longer.
        return self._exchange(frame, self._limits.wall_seconds, 3 * self._limits.output_bytes)

    def end(self) -> None:
        """Kills it, if it lives. Safe to call twice."""
        self._process.end()

    def _exchange(self, frame: bytes, seconds: float, answer_bytes: int) -> dict[str, Any]:
        try:
            return _message(self._process.exchange(frame, seconds, lambda answer: _wanted(answer, answer_bytes)))
        except BaseException as error:
            why = self._why(error)
            self._process.end()
            if why:
                raise LimitReachedError(why) from None
            raise

    def _why(self, error: BaseException) -> str:
        """Why there is no answer; "" for what is no fault of the child."""
        if isinstance(error, LateError):
            return "Rendering took too long and was ended."
        return self._why_ended() if isinstance(error, GoneError) else ""

    def _why_ended(self) -> str:
        code = self._process.ended()
        if code is None:
            return "Helm's engine closed its output."
        if code == -signal.SIGXCPU:
            return f"Rendering needs more than {self._limits.cpu_seconds} seconds of processor time."
        # Go gives a stack a gigabyte before it speaks of an overflow, so memory usually ends a recursion.
        signs = ("out of memory", "cannot allocate memory", "MemoryError", "stack overflow", "exceeds", "mmap")
        if code == -signal.SIGKILL or any(sign in self._process.words for sign in signs):
            return f"Rendering needs more than {self._limits.memory_bytes // 1_000_000} MB of memory."
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        return f"Helm's engine ended {how} on this input."


def _wanted(answer: bytearray, most: int) -> int:
    """How much of a frame is missing. Raises LimitReachedError, before it is read, if the whole is too large."""
    if len(answer) < frames.HEADER.size:
        return frames.HEADER.size - len(answer)
    whole = frames.HEADER.size + sum(frames.lengths(bytes(answer[: frames.HEADER.size])))
    if whole > most:
        raise LimitReachedError(f"The output is larger than {most:,} bytes.")
    return whole - len(answer)


def _message(answer: bytes) -> dict[str, Any]:
    text_length, _ = frames.lengths(answer[: frames.HEADER.size])
    try:
        message = json.loads(answer[frames.HEADER.size : frames.HEADER.size + text_length])
    except (ValueError, RecursionError):
        raise LimitReachedError("The output is not what Helm's engine gives.") from None
    if not isinstance(message, dict):
        raise LimitReachedError("The output is not what Helm's engine gives.")
    return message
