"""HTTP for charts: every address asked for first, every answer bounded, credentials for their own prefix and no other.

Addresses come from repositories, and servers may send a client on to anywhere. So redirects are followed here, by
hand: each hop passes the same gate as the first address, and gets the credential that the settings name for that
address, if any. The gate sees scheme, host and port, since that is what decides whom csoc speaks to.

A server that sends a byte now and then is within every time-out of the client, so each request runs in a thread of its
own, which is left behind when time is up.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx

from csoc.adapters.unreached import Unreached
from csoc.errors import DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet import addresses

Allowed = Callable[[str], None]
"""Raises DeniedError (or UnavailableError) if csoc may not contact this origin ("https://host:port/")."""

Basic = Callable[[str], tuple[str, str] | None]
"""User and password for a URL, from the settings, or None."""

Peer = Callable[[str, str], None]
"""Raises DeniedError if the IP address that an origin turned out to be is not one to talk to."""

_REDIRECTS = 5


def gate(policy: addresses.Policy, resolve: addresses.Resolve) -> tuple[Allowed, Peer]:
    """What decides whom csoc speaks to, by its settings: before a connection, and once the peer is known."""

    def allowed(origin: str) -> None:
        addresses.check(addresses.parse(origin), policy, resolve, trusted=False)

    def peer(origin: str, ip: str) -> None:
        address = addresses.parse(origin)
        if resolve(address.host, address.effective_port):  # otherwise a proxy looks it up, and is the peer
            addresses.check(address, policy, lambda host, port: [ip], trusted=False)  # noqa: ARG005

    return allowed, peer


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered. status: 200, or what the caller said that it expects. url: where it came from at last."""

    url: str
    status: int
    headers: Mapping[str, str]
    content: bytes


class _TooSlowError(UnavailableError):
    """Time was up while the server was answering."""


@dataclass(frozen=True, slots=True)
class _Request:
    """One hop of a GET. deadline: on the monotonic clock; expect: statuses whose content is wanted."""

    url: str
    limit_bytes: int
    headers: Mapping[str, str]
    deadline: float
    expect: frozenset[int]


class Http:
    """Gets things. connect_seconds: until a server answers; total_seconds: for one thing, redirects included.
    unreached: remembers who did not answer; None if each call is to try."""

    def __init__(
        self,
        allowed: Allowed,
        basic: Basic,
        *,
        peer: Peer | None = None,
        connect_seconds: float = 10.0,
        total_seconds: float = 300.0,
        unreached: Unreached | None = None,
    ) -> None:
        self._allowed = allowed
        self._peer = peer
        self._basic = basic
        self._total_seconds = total_seconds
        self._unreached = unreached
        self._connect_seconds = connect_seconds
        self._made: httpx.Client | None = None
        self._making = threading.Lock()

    def close(self) -> None:
        """Releases connections."""
        if self._made is not None:
            self._made.close()

    @property
    def _client(self) -> httpx.Client:
        """Made when it is first needed: most commands fetch nothing, and reading the machine's authorities takes longer
        than many of them."""
        with self._making:
            if self._made is None:
                self._made = httpx.Client(
                    timeout=httpx.Timeout(self._connect_seconds, read=max(self._connect_seconds, 30.0)),
                    follow_redirects=False,
                    headers={"user-agent": "csoc", "accept-encoding": "gzip"},
                )
            return self._made

    def get(
        self,
        url: str,
        *,
        limit_bytes: int,
        headers: Mapping[str, str] | None = None,
        bearer: str = "",
        known_as: str = "",
        expect: frozenset[int] = frozenset({200}),
    ) -> Answer:
        """The answer of a GET. bearer: a token for the first host; it takes the place of the settings' credential.
        known_as: the address under which the settings may have a credential for this, if it is not the URL itself.

        Raises DeniedError (not allowed, or refused by the server), NotFoundError, UnavailableError (network, time, the
        server's own trouble), RejectedError (too large, not an http address).
        """
        deadline = time.monotonic() + self._total_seconds
        first = _origin(url)
        for _ in range(_REDIRECTS + 1):
            origin = _origin(url)
            self._admit(origin, url)
            sent = dict(headers or {})
            if bearer and origin == first:
                sent["authorization"] = f"Bearer {bearer}"
            elif basic := self._basic(known_as if known_as and _origin(known_as) == origin else url):
                pair = base64.b64encode(":".join(basic).encode()).decode()
                sent["authorization"] = f"Basic {pair}"
            answer = self._in_time(_Request(url, limit_bytes, sent, deadline, expect))
            if answer.status not in (301, 302, 303, 307, 308):
                return answer
            if "location" not in answer.headers:
                raise UnavailableError("The server redirects to nowhere", place=_shown(url))
            target = urljoin(url, answer.headers["location"])
            if origin.startswith("https:") and not target.startswith("https:"):
                raise DeniedError("The server redirects to an address without encryption", place=_shown(target))
            url = target
        raise UnavailableError("The server redirects without end", place=_shown(url))

    def _admit(self, origin: str, url: str) -> None:
        if self._unreached is not None:
            self._unreached.check(origin, url)
        try:
            self._allowed(origin)
        except UnavailableError as error:  # the name could not be looked up
            self._note(origin, error)
            raise

    def _note(self, origin: str, error: UnavailableError, url: str = "") -> None:
        """Remembers an origin that was not reached; with a URL, that this thing of it came too slowly."""
        if self._unreached is not None and url:
            self._unreached.note_slow(origin, url, error)
        elif self._unreached is not None:
            self._unreached.note(origin, error)

    def _in_time(self, request: _Request) -> Answer:
        """The answer, or an error when time is up, whatever the server does."""
        answers: list[Answer] = []
        errors: list[BaseException] = []

        def work() -> None:
            try:
                answers.append(self._once(request))
            except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
                errors.append(error)

        origin = _origin(request.url)
        thread = threading.Thread(target=work, daemon=True, name=f"csoc download {origin}")
        with self._unreached.timed(origin) if self._unreached is not None else nullcontext():
            thread.start()
            thread.join(max(0.0, request.deadline - time.monotonic()))
        if answers:
            return answers[0]
        error = errors[0] if errors else _TooSlowError("The server sends too slowly", place=_shown(request.url))
        if isinstance(error, _TooSlowError):
            self._note(origin, error, request.url)
        raise error

    def _once(self, request: _Request) -> Answer:
        url = request.url
        try:
            with self._client.stream("GET", url, headers=request.headers) as response:
                self._check_peer(url, response)
                status = response.status_code
                if status in request.expect:
                    content = _bounded(response, request)
                elif response.is_redirect:
                    content = b""
                else:
                    raise _refusal(status, url)
                return Answer(url, status, dict(response.headers), content)
        except httpx.TimeoutException:
            error = UnavailableError("The server does not answer in time", place=_shown(url))
            self._note(_origin(url), error)
            raise error from None
        except httpx.HTTPError as cause:
            error = UnavailableError(f"The server cannot be reached: {_words(cause)}", place=_shown(url))
            if isinstance(cause, httpx.ConnectError):
                self._note(_origin(url), error)
            raise error from None
        except (httpx.InvalidURL, UnicodeError, ValueError):
            raise RejectedError("This is not an address that can be asked", place=_shown(url)) from None

    def _check_peer(self, url: str, response: httpx.Response) -> None:
        """A name may mean another address now than when it was asked for; what was contacted is what counts."""
        stream = response.extensions.get("network_stream")
        peer = stream.get_extra_info("server_addr") if stream is not None else None
        if self._peer is not None and isinstance(peer, tuple) and peer:
            self._peer(_origin(url), str(peer[0]))


def _bounded(response: httpx.Response, request: _Request) -> bytes:
    parts, size = [], 0
    for part in response.iter_bytes(1 << 16):
        size += len(part)
        if size > request.limit_bytes:
            raise RejectedError(f"The server sends more than {request.limit_bytes:,} bytes", place=_shown(request.url))
        if time.monotonic() > request.deadline:
            raise _TooSlowError("The server sends too slowly", place=_shown(request.url))
        parts.append(part)
    return b"".join(parts)


def _refusal(status: int, url: str) -> Exception:
    place = _shown(url)
    if status in (401, 403):
        return DeniedError(
            f"The server refuses ({status})",
            place=place,
            fix="Add a credential for this address to the settings of csoc, or check the one that is there",
        )
    if status in (404, 410):
        return NotFoundError("The server has nothing at this address", place=place)
    return UnavailableError(f"The server answers {status}", place=place)


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise RejectedError("This is not an address that can be asked", place=_shown(url)) from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise DeniedError("Charts are only fetched by https", place=_shown(url))
    if parts.username is not None or parts.password is not None:
        raise RejectedError("An address must not hold a user or a password", place=_shown(url))
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port}/" if port else f"{parts.scheme}://{host}/"


def _shown(url: str) -> str:
    # What follows "?" is often a signature that opens the door.
    return addresses.shown(url.partition("?")[0])


def _words(error: Exception) -> str:
    return str(error)[:200] or type(error).__name__
