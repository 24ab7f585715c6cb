"""One rendering child as its parent sees it: started, asked within limits, and ended without mercy.

An endless template cannot be interrupted from inside, so the parent keeps the time and kills. It never blocks on the
child: all pipes are non-blocking, what comes is bounded before it is read, and what the child says on its standard
error (which may be a flood) is drained and only its end kept.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from csoc.adapters.helm.render import frames
from csoc.errors import UnavailableError

_START_SECONDS = 120.0
_CHUNK = 1 << 18
_KEPT_ERROR_BYTES = 16_000
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
        self._errors = bytearray()
        environment = {
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            # A soft limit for Go's collector, so that it works harder before it meets the hard one.
            "GOMEMLIMIT": str(limits.memory_bytes * 2 // 3),
        }
        try:
            self._process = subprocess.Popen(  # noqa: S603 - own interpreter, fixed arguments
                [sys.executable, "-I", "-m", "csoc.adapters.helm.render.child", str(limits.memory_bytes)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder,
                env=environment,
                close_fds=True,
                start_new_session=True,  # an interrupt at the keyboard is the parent's to handle
                bufsize=0,
            )
        except OSError as error:
            raise UnavailableError(f"The process for rendering cannot be started: {error}") from error
        self._in = cast("IO[bytes]", self._process.stdin)
        self._out = cast("IO[bytes]", self._process.stdout)
        self._err = cast("IO[bytes]", self._process.stderr)
        for pipe in (self._in, self._out, self._err):
            os.set_blocking(pipe.fileno(), False)
        try:
            hello = self._exchange(b"", _START_SECONDS, _HELLO_BYTES)
        except LimitReachedError as reached:
            raise UnavailableError(
                f"Helm's engine does not start: {reached} {self._last_words()}".strip(),
                fix="Check that the package helm-python-sdk has a wheel for this machine",
            ) from None
        self.version = str(hello["version"])
        self.sandbox: Mapping[str, str] = hello["sandbox"]

    @property
    def alive(self) -> bool:
        """True if it can be asked."""
        return self._process.poll() is None

    def ask(self, message: Mapping[str, Any], attachment: bytes = b"") -> dict[str, Any]:
        """The answer to one request. Raises LimitReachedError, and then the child has ended."""
        frame = frames.encode(message, attachment)
        # The answer holds the values as well as the objects, and JSON escapes make both longer.
        return self._exchange(frame, self._limits.wall_seconds, 3 * self._limits.output_bytes)

    def end(self) -> None:
        """Kills it, if it lives, and releases the pipes. Safe to call twice."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
        for pipe in (self._in, self._out, self._err):
            with suppress(OSError):
                pipe.close()

    def _exchange(self, frame: bytes, seconds: float, answer_bytes: int) -> dict[str, Any]:
        try:
            return self._transfer(memoryview(frame), time.monotonic() + seconds, answer_bytes)
        except BaseException:
            self.end()
            raise

    def _transfer(self, to_send: memoryview, deadline: float, answer_bytes: int) -> dict[str, Any]:
        answer, wanted = bytearray(), frames.HEADER.size
        text_length = -1
        with selectors.DefaultSelector() as selector:
            selector.register(self._out, selectors.EVENT_READ)
            selector.register(self._err, selectors.EVENT_READ)
            if to_send:
                selector.register(self._in, selectors.EVENT_WRITE)
            while len(answer) < wanted:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise LimitReachedError("Rendering took too long and was ended.")
                for key, _ in selector.select(remaining):
                    if key.fileobj is self._in:
                        to_send = self._send(to_send)
                        if not to_send:
                            selector.unregister(self._in)
                    elif key.fileobj is self._err:
                        self._drain(selector)
                    else:
                        answer += self._receive(wanted - len(answer))
                if text_length < 0 and len(answer) >= frames.HEADER.size:
                    text_length, extra = frames.lengths(bytes(answer[: frames.HEADER.size]))
                    wanted += text_length + extra
                    if wanted > answer_bytes:
                        raise LimitReachedError(f"The output is larger than {answer_bytes:,} bytes.")
        try:
            message = json.loads(answer[frames.HEADER.size : frames.HEADER.size + text_length])
        except (ValueError, RecursionError):
            raise LimitReachedError("The output is not what Helm's engine gives.") from None
        if not isinstance(message, dict):
            raise LimitReachedError("The output is not what Helm's engine gives.")
        return message

    def _send(self, to_send: memoryview) -> memoryview:
        try:
            return to_send[os.write(self._in.fileno(), to_send[:_CHUNK]) :]
        except BlockingIOError:
            return to_send
        except OSError:
            raise LimitReachedError(self._why_ended()) from None

    def _receive(self, wanted: int) -> bytes:
        try:
            content = os.read(self._out.fileno(), min(_CHUNK, wanted))
        except BlockingIOError:
            return b""
        if not content:
            raise LimitReachedError(self._why_ended())
        return content

    def _drain(self, selector: selectors.BaseSelector | None = None) -> bool:
        try:
            content = os.read(self._err.fileno(), _CHUNK)
        except OSError:
            return False
        if not content and selector is not None:
            selector.unregister(self._err)
        if len(self._errors) < _KEPT_ERROR_BYTES:  # the first words say why; traces of all threads follow
            self._errors += content[: _KEPT_ERROR_BYTES - len(self._errors)]
        return bool(content)

    def _why_ended(self) -> str:
        try:
            code = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            return "Helm's engine closed its output."
        while self._drain():
            pass
        words = self._errors.decode("utf-8", "replace")
        if code == -signal.SIGXCPU:
            return f"Rendering needs more than {self._limits.cpu_seconds} seconds of processor time."
        # Go gives a stack a gigabyte before it speaks of an overflow, so memory usually ends a recursion.
        signs = ("out of memory", "cannot allocate memory", "MemoryError", "stack overflow", "exceeds", "mmap")
        if code == -signal.SIGKILL or any(sign in words for sign in signs):
            return f"Rendering needs more than {self._limits.memory_bytes // 1_000_000} MB of memory."
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        return f"Helm's engine ended {how} on this input."

    def _last_words(self) -> str:
        lines = self._errors.decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:300] if lines else ""
