"""The process that makes templates, as csoc sees it: started, asked within a time, and ended without mercy.

It runs CDK's library on Node.js, which is a lot of code of others, and it needs nothing but the document: so its
environment holds no credential, no proxy and no settings, and what it prints beside its answers is shown masked.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from csoc.errors import UnavailableError
from csoc.fleet import masking

_CHUNK = 1 << 16
_KEPT_ERROR_BYTES = 8_000
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
        self._errors = bytearray()
        self._rest = bytearray()
        environment = {"HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8", "TZ": "UTC"}
        if libraries is not None:
            environment["JSII_RUNTIME_PACKAGE_CACHE_ROOT"] = str(libraries)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - own interpreter, fixed arguments
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder,
                env=environment,
                close_fds=True,
                start_new_session=True,  # so that Node.js ends with it
                bufsize=0,
            )
        except OSError as error:
            raise UnavailableError(f"The process that makes templates cannot be started: {error}") from error
        self._in = cast("IO[bytes]", self._process.stdin)
        self._out = cast("IO[bytes]", self._process.stdout)
        self._err = cast("IO[bytes]", self._process.stderr)
        for pipe in (self._in, self._out, self._err):
            os.set_blocking(pipe.fileno(), False)
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
        return self._process.poll() is None

    def ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one request. Raises ChildEndedError, and then the process has ended."""
        return self._line(json.dumps(message).encode() + b"\n", self._limits.answer_seconds)

    def end(self) -> None:
        """Kills it with what it started, and releases the pipes. Safe to call twice."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for pipe in (self._in, self._out, self._err):
            with suppress(OSError):
                pipe.close()

    def _line(self, request: bytes, seconds: float) -> dict[str, Any]:
        try:
            message = json.loads(self._exchange(memoryview(request), time.monotonic() + seconds))
            if not isinstance(message, dict):
                raise ChildEndedError("its answer is none")
        except (ValueError, RecursionError):
            self.end()
            raise ChildEndedError("its answer is none") from None
        except BaseException:
            self.end()
            raise
        return message

    def _exchange(self, to_send: memoryview, deadline: float) -> bytes:
        answer = self._rest
        with selectors.DefaultSelector() as selector:
            selector.register(self._out, selectors.EVENT_READ)
            selector.register(self._err, selectors.EVENT_READ)
            if to_send:
                selector.register(self._in, selectors.EVENT_WRITE)
            while b"\n" not in answer:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise ChildEndedError("it took too long and was ended")
                for key, _ in selector.select(remaining):
                    if key.fileobj is self._in:
                        to_send = self._send(to_send)
                        if not to_send:
                            selector.unregister(self._in)
                    elif key.fileobj is self._err:
                        self._drain(selector)
                    else:
                        answer += self._receive()
                if len(answer) > self._limits.answer_bytes:
                    raise ChildEndedError(f"its answer is larger than {self._limits.answer_bytes:,} bytes")
        line, _, rest = bytes(answer).partition(b"\n")
        self._rest = bytearray(rest)
        return line

    def _send(self, to_send: memoryview) -> memoryview:
        try:
            return to_send[os.write(self._in.fileno(), to_send[:_CHUNK]) :]
        except BlockingIOError:
            return to_send
        except OSError:
            raise ChildEndedError(self._why_ended()) from None

    def _receive(self) -> bytes:
        try:
            content = os.read(self._out.fileno(), _CHUNK)
        except BlockingIOError:
            return b""
        if not content:
            raise ChildEndedError(self._why_ended())
        return content

    def _drain(self, selector: selectors.BaseSelector | None = None) -> bool:
        try:
            content = os.read(self._err.fileno(), _CHUNK)
        except OSError:
            return False
        if not content and selector is not None:
            selector.unregister(self._err)
        self._errors = (self._errors + content)[-_KEPT_ERROR_BYTES:]
        return bool(content)

    def _why_ended(self) -> str:
        """How it ended, with its last line, masked: a trace may quote what the document held."""
        try:
            code = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            return "it closed its output"
        while self._drain():
            pass
        lines = self._errors.decode("utf-8", "replace").strip().splitlines()
        last = "".join(char for char in masking.mask_text(lines[-1]) if char.isprintable())[:_SHOWN] if lines else ""
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        return f"it ended {how}{': ' if last else ''}{last}"
