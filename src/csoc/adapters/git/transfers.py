"""Everything that goes over a network to a Git server: bounded in time and bytes, and with errors in csoc's words.

libgit2 can be asked to stop only while it calls back, and a server that sends one byte a minute keeps it from doing so.
Each transfer therefore runs in a thread of its own: when time is up the caller goes on with an UnavailableError, and
the thread ends at its next callback or time-out. A server that was not reached is not asked again until `forget`.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import pygit2
from pygit2.enums import CredentialType

from csoc.adapters.git.credentials import Credentials, GitCredential
from csoc.adapters.unreached import Unreached
from csoc.config import Limits
from csoc.errors import CsocError, DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet import addresses
from csoc.fleet.addresses import Address

T = TypeVar("T")

_REMARKS_LENGTH = 2_000
# How libgit2 and the libraries below it say that there was no connection, or that it went dead.
_NO_CONNECTION = ("failed to connect", "could not connect", "failed to resolve", "timed out", "timeout")


class Callbacks(pygit2.RemoteCallbacks):
    """What libgit2 asks while it transfers. `refused` and `remarks` are what a server said to a push."""

    def __init__(self, address: Address, credentials: Credentials, limits: Limits, *, trusted: bool) -> None:
        super().__init__()
        self.address = address
        self.deadline = time.monotonic() + limits.fetch_seconds
        self.refused: dict[str, str] = {}
        self.remarks = ""
        self.expected_head: str | None = None
        self._book = credentials
        self._limits = limits
        self._trusted = trusted
        self._asked = 0

    def check_time(self) -> None:
        """Raises UnavailableError when time is up."""
        if time.monotonic() > self.deadline:
            raise _too_slow(self.address, self._limits.fetch_seconds)

    def credentials(self, url: str, username_from_url: str | None, allowed_types: CredentialType) -> GitCredential:  # type: ignore[override]  # noqa: ARG002
        """What to show; only ever to the host that was asked for, and each only once."""
        self.check_time()
        asking = addresses.parse(url)
        if (asking.scheme, asking.host, asking.effective_port) != (
            self.address.scheme,
            self.address.host,
            self.address.effective_port,
        ):
            raise DeniedError("Another host asks for the credential", place=addresses.shown(url))
        if not (self.address.scheme == "ssh" and allowed_types == CredentialType.USERNAME):
            self._asked += 1
        if self._asked > 1:
            raise DeniedError(
                "The server refuses the credential",
                place=self.address.url,
                fix="Check it, and what it may do, in the settings",
            )
        return self._book.answer(self.address, allowed_types, trusted=self._trusted)

    def certificate_check(self, certificate: None, valid: bool, host: bytes) -> bool:  # noqa: ARG002
        """Only what the system's certificates, or the known hosts of SSH, say is right.

        Left alone, pygit2 accepts every SSH host key.
        """
        if not valid and self.address.scheme == "ssh":
            raise DeniedError(
                f"The SSH key of {self.address.authority} is not among the known hosts",
                place=self.address.url,
                fix="Connect to it once with ssh, compare the key, and accept it",
            )
        return bool(valid)

    def sideband_progress(self, string: str) -> None:
        """What the server remarks; kept for the message if it refuses."""
        self.check_time()
        self.remarks = (self.remarks + string)[-_REMARKS_LENGTH:]

    def transfer_progress(self, stats: pygit2.remotes.TransferProgress) -> None:
        """Stops what takes too long or brings too much."""
        self.check_time()
        if stats.received_bytes > self._limits.fetch_bytes:
            raise RejectedError(
                f"The repository sends more than {self._limits.fetch_bytes} bytes",
                place=self.address.url,
                fix="Raise limits.fetch_bytes in the settings if it is really that large",
            )

    def push_transfer_progress(self, objects_pushed: int, total_objects: int, bytes_pushed: int) -> None:  # noqa: ARG002
        """Stops what takes too long."""
        self.check_time()

    def push_negotiation(self, updates: Sequence[pygit2.remotes.PushUpdate]) -> None:
        """Stops a push whose branch is not where it was when the commit was built."""
        self.check_time()
        for update in updates:
            if str(update.src) != (self.expected_head or "0" * 40):
                raise MovedError

    def push_update_reference(self, refname: str, message: str | None) -> None:
        """Keeps what the server says to each branch."""
        if message is not None:
            self.refused[refname] = message


class MovedError(Exception):
    """The branch on the server is not where it was; the push can be built anew."""


class TooSlowError(UnavailableError):
    """Time was up while the server was answering."""


class Transfers:
    """Runs transfers. One for each set of clones, since it remembers which hosts hang."""

    def __init__(self, credentials: Credentials, limits: Limits) -> None:
        self._credentials = credentials
        self._limits = limits
        self._hanging: dict[str, threading.Thread] = {}
        self._unreached = Unreached(limits.fetch_seconds)
        self._lock = threading.Lock()
        # One byte must come within this time; the deadline of the whole transfer is the thread's.
        milliseconds = max(1, int(limits.connect_seconds * 1000))
        pygit2.settings.server_connect_timeout = milliseconds
        pygit2.settings.server_timeout = milliseconds

    def callbacks(self, address: Address, *, trusted: bool) -> Callbacks:
        """Callbacks for one transfer, whose time begins now."""
        return Callbacks(address, self._credentials, self._limits, trusted=trusted)

    def forget(self) -> None:
        """Servers that were not reached may be asked again."""
        self._unreached.forget()

    def run(self, address: Address, work: Callable[[], T]) -> T:
        """Runs the work in a thread and waits for it, at most `limits.fetch_seconds`.

        Raises what the work raises, in csoc's words, and UnavailableError when time is up, or at once for a server that
        was not reached before.
        """
        origin = f"{address.scheme}://{address.host}:{address.effective_port}"
        self._unreached.check(origin, address.url)
        try:
            with self._unreached.timed(origin):
                return self._run(address, work)
        except TooSlowError as error:
            self._unreached.note_slow(origin, address.url, error)
            raise
        except UnavailableError as error:
            if any(words in error.cause.lower() for words in _NO_CONNECTION):
                self._unreached.note(origin, error)
            raise

    def _run(self, address: Address, work: Callable[[], T]) -> T:
        with self._lock:
            stuck = self._hanging.get(address.authority)
            if stuck is not None and stuck.is_alive():
                raise UnavailableError(
                    f"{address.authority} has not finished an earlier answer", place=address.url, fix="Try again later"
                )
        running = _Running(work)
        thread = threading.Thread(target=running, daemon=True, name=f"csoc transfer {address.authority}")
        thread.start()
        # A moment more than the callbacks get, so that a transfer which can stop by itself says why.
        thread.join(self._limits.fetch_seconds + min(1.0, self._limits.fetch_seconds))
        if thread.is_alive():
            with self._lock:
                self._hanging[address.authority] = thread
            raise _too_slow(address, self._limits.fetch_seconds)
        if running.error is not None:
            if isinstance(running.error, pygit2.GitError):
                raise translate(running.error, address) from running.error
            raise running.error
        return running.result[0]


class _Running(Generic[T]):
    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self.result: list[T] = []
        self.error: BaseException | None = None

    def __call__(self) -> None:
        try:
            self.result.append(self._work())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
            self.error = error


def translate(error: Exception, address: Address) -> CsocError:
    """libgit2's error in csoc's words. Its texts hold addresses and no credentials, since URLs hold none."""
    text = clean(str(error)) or type(error).__name__
    low = text.lower()
    place = address.url
    # Only in these words is a number a status: it may also be part of a port.
    match = re.search(r"status code:? (\d{3})", low)
    status = match[1] if match else ""
    if status == "404" or "repository not found" in low or "does not exist" in low or "not appear to be a git" in low:
        return NotFoundError(
            f"There is no such repository, or no right to see it: {text}",
            place=place,
            fix="Check the address, and the credential for it in the settings",
        )
    if "redirect" in low:
        return DeniedError(
            "The server sends to another address, which csoc does not follow",
            place=place,
            fix="Use the address where the repository is now",
        )
    if status in ("401", "403") or any(
        word in low for word in ("authenticat", "credential", "permission denied", "not authorized")
    ):
        return DeniedError(f"The server refuses: {text}", place=place, fix="Check the credential in the settings")
    if "certificate" in low or "hostkey" in low:
        return DeniedError(
            f"The server cannot prove who it is: {text}", place=place, fix="Check its certificate, and this machine's"
        )
    return UnavailableError(f"The server could not be read: {text}", place=place, fix="Check the network; try again")


def clean(text: str) -> str:
    """What a server said, as one short line without control characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= 300 else f"{line[:300]}..."


def _too_slow(address: Address, seconds: float) -> TooSlowError:
    return TooSlowError(
        f"The server took more than {seconds:g} seconds",
        place=address.url,
        fix="Try again, or raise limits.fetch_seconds in the settings",
    )
