"""A child process that is asked over its pipes: never blocked on, bounded, and ended without mercy.

What runs in it is a lot of code of others on input of others, and cannot be interrupted from inside. So whoever asks
keeps the time and kills. All pipes are non-blocking, and of what the child says on its standard error (which may be a
flood) only some is kept.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Literal, cast

_CHUNK = 1 << 18
_KEPT_ERROR_BYTES = 16_000
_END_SECONDS = 10


class LateError(Exception):
    """No whole answer came in time. The child is still there."""


class GoneError(Exception):
    """The child closed its pipes, so no answer comes any more."""


class ChildProcess:
    """A running child, for one thread at a time. keeps: which of its words on standard error."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        *,
        keeps: Literal["first", "last"],
    ) -> None:
        """Starts it, in a session of its own: an interrupt at the keyboard is the parent's to handle. folder: its
        working, home and temporary folder. environment: what it gets beside these. Raises OSError."""
        self._keeps = keeps
        self._errors = b""
        own = {"HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8", "TZ": "UTC"}
        self._process = subprocess.Popen(  # noqa: S603 - own interpreter, fixed arguments
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**own, **environment},
            close_fds=True,
            start_new_session=True,
            bufsize=0,
        )
        self._in = cast("IO[bytes]", self._process.stdin)
        self._out = cast("IO[bytes]", self._process.stdout)
        self._err = cast("IO[bytes]", self._process.stderr)
        for pipe in (self._in, self._out, self._err):
            os.set_blocking(pipe.fileno(), False)

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """True if it can be asked."""
        return self._process.poll() is None

    def exchange(self, request: bytes, seconds: float, wanted: Callable[[bytearray], int], rest: bytes = b"") -> bytes:
        """Sends a request and gives what comes back. wanted: how many bytes more may be read, by what came so far; 0
        once that is whole. rest: what came behind the answer before. Raises LateError, GoneError, and what `wanted`
        raises."""
        answer, to_send = bytearray(rest), memoryview(request)
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._out, selectors.EVENT_READ)
            selector.register(self._err, selectors.EVENT_READ)
            if to_send:
                selector.register(self._in, selectors.EVENT_WRITE)
            while missing := wanted(answer):
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise LateError
                for key, _ in selector.select(remaining):
                    if key.fileobj is self._in:
                        to_send = self._send(to_send)
                        if not to_send:
                            selector.unregister(self._in)
                    elif key.fileobj is self._err:
                        self._drain(selector)
                    else:
                        answer += self._receive(missing)
        return bytes(answer)

    def ended(self) -> int | None:
        """How it ended, as `subprocess` says it, and all that it said is known; None if it goes on without pipes."""
        try:
            code = self._process.wait(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:
            return None
        while self._drain():
            pass
        return code

    @property
    def words(self) -> str:
        """What was kept of its standard error. It may quote what it was given."""
        return self._errors.decode("utf-8", "replace").strip()

    def end(self) -> None:
        """Kills it with all that it started, if it lives, and releases the pipes. Safe to call twice."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for pipe in (self._in, self._out, self._err):
            with suppress(OSError):
                pipe.close()

    def _send(self, to_send: memoryview) -> memoryview:
        try:
            return to_send[os.write(self._in.fileno(), to_send[:_CHUNK]) :]
        except BlockingIOError:
            return to_send
        except OSError:
            raise GoneError from None

    def _receive(self, most: int) -> bytes:
        try:
            content = os.read(self._out.fileno(), min(_CHUNK, most))
        except BlockingIOError:
            return b""
        if not content:
            raise GoneError
        return content

    def _drain(self, selector: selectors.BaseSelector | None = None) -> bool:
        try:
            content = os.read(self._err.fileno(), _CHUNK)
        except OSError:
            return False
        if not content and selector is not None:
            selector.unregister(self._err)
        whole = self._errors + content
        self._errors = whole[:_KEPT_ERROR_BYTES] if self._keeps == "first" else whole[-_KEPT_ERROR_BYTES:]
        return bool(content)
