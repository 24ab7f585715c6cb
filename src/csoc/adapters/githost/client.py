"""HTTP to a host's interface, with everything in one place that a hostile or struggling host could get wrong.

A host may be slow, huge, limited or replaced by something else. Each request has a time limit and a limit on the size
of its answer, is repeated only where repeating cannot do anything twice, never follows a redirect to another host (the
credential would go along), and what the host says in an error is shortened and stripped of credentials before a
person reads it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

from csoc.clock import Clock, system_clock
from csoc.errors import ConflictError, CsocError, DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet import masking

_IDEMPOTENT = {"GET", "HEAD"}
_PASSING = {429, 502, 503, 504}
_REDIRECTS = {301, 302, 307, 308}
_MAX_REDIRECTS = 3
_USERINFO = re.compile(r"//[^/@\s]{1,200}@")
_NEXT_PAGE = re.compile(r'rel="?next"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client spends at most. wait_seconds: the longest pause before a repeated request; a host that wants
    a longer one is reported as unavailable, with the time."""

    connect_seconds: float = 5.0
    request_seconds: float = 30.0
    answer_bytes: int = 8 * 1024 * 1024
    attempts: int = 3
    wait_seconds: float = 10.0
    pages: int = 20
    page_size: int = 50


@dataclass(frozen=True, slots=True)
class Answer:
    """A host's answer: status, parsed JSON (None if the body is empty), headers in lower case, and its message."""

    status: int
    data: Any
    headers: Mapping[str, str]
    message: str


@dataclass(slots=True)
class HostClient:
    """Requests to one host's interface. token is asked for before each request, since some live only for an hour.

    scheme: the word before the token in the Authorization header. wait and elapsed are the machine's unless a test
    hands in others.
    """

    api_url: str
    token: Callable[[], str] = field(repr=False)
    scheme: str = "token"
    headers: Mapping[str, str] = field(default_factory=dict)
    clock: Clock = system_clock
    wait: Callable[[float], None] = time.sleep
    elapsed: Callable[[], float] = time.monotonic
    limits: Limits = field(default_factory=Limits)
    transport: httpx.BaseTransport | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """Host and port, for errors."""
        return urlsplit(self.api_url).netloc.rpartition("@")[2]

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        accept: Collection[int] = (),
        secrets: Sequence[str] = (),
    ) -> Answer:
        """One request. Statuses in `accept` are returned besides 2xx; all others raise one of csoc's errors.

        secrets: values in the body that a message must not repeat.
        """
        token = self._token()
        url = self.api_url.rstrip("/") + path
        attempt = 0
        while True:
            attempt += 1
            answer = self._once(method, url, params, body, token, secrets)
            if 200 <= answer.status < 300 or answer.status in accept:
                return answer
            pause = _pause(answer, self.clock(), attempt)
            again = answer.status in _PASSING and method in _IDEMPOTENT and attempt < self.limits.attempts
            if again and pause <= self.limits.wait_seconds:
                self.wait(pause)
                continue
            raise self.error(answer)

    def get(self, path: str, **params: str | int) -> Any:
        """The parsed answer to a GET."""
        return self.request("GET", path, params=params).data

    def get_all(self, path: str, *, key: str = "", size_parameter: str = "limit", **params: str | int) -> list[Any]:
        """Every element of a paged list (below `key` if the answer is an object).

        Raises UnavailableError if there are more pages than the limit: a part must not pass for the whole.
        """
        found: list[Any] = []
        first: dict[str, str | int] = {**params, size_parameter: self.limits.page_size}
        query: Mapping[str, str | int] = {**first, "page": 1}
        for page in range(1, self.limits.pages + 1):
            answer = self.request("GET", path, params=query)
            elements = answer.data.get(key) if key and isinstance(answer.data, dict) else answer.data
            if elements is None:
                elements = []
            if not isinstance(elements, list):
                raise UnavailableError("the host's answer is not the list that was asked for", place=self.host)
            found.extend(elements)
            if not elements or not _has_more(answer, key, len(found)):
                return found
            # What the host says of its next page wins; where it says nothing, pages are counted.
            query = _next_query(answer) or {**first, "page": page + 1}
        raise UnavailableError(
            f"the host has more than {len(found)} of these, and csoc reads no further",
            place=f"{self.host}{path}",
            fix="Close what is no longer needed",
        )

    def error(self, answer: Answer) -> CsocError:
        """The error that an answer means, with the host's own message."""
        said = f": {answer.message}" if answer.message else ""
        if _limited(answer):
            at = self.clock() + timedelta(seconds=_pause(answer, self.clock(), 1))
            return UnavailableError(
                f"{self.host} limits the number of requests{said}",
                place=self.host,
                fix=f"Try again after {at:%Y-%m-%dT%H:%M:%SZ}",
            )
        if answer.status == HTTPStatus.UNAUTHORIZED:
            fix = "Check the credential that csoc's settings name for this host"
            return DeniedError(f"the host refuses the credential{said}", place=self.host, fix=fix)
        if answer.status == HTTPStatus.FORBIDDEN:
            wanted = clean(answer.headers.get("x-accepted-github-permissions", ""), ())
            fix = "Give the credential the right to do this" + (f" (one of: {wanted})" if wanted else "")
            return DeniedError(f"the host refuses this{said}", place=self.host, fix=fix)
        if answer.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            fix = "Check the name, and that the credential may see it"
            return NotFoundError(f"the host finds nothing there{said}", place=self.host, fix=fix)
        if answer.status in {HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED, HTTPStatus.METHOD_NOT_ALLOWED}:
            return ConflictError(f"the host refuses this in the present state{said}", place=self.host)
        if answer.status == HTTPStatus.LOCKED:
            return DeniedError(f"the repository is archived or locked{said}", place=self.host)
        if 400 <= answer.status < 500:
            return RejectedError(f"the host finds the request wrong ({answer.status}){said}", place=self.host)
        return UnavailableError(f"the host answered {answer.status}{said}", place=self.host, fix="Try again later")

    def _token(self) -> str:
        token = self.token()
        if not token.isascii() or any(char <= " " or char == "\x7f" for char in token):
            # httpx would repeat the whole header in its own error.
            raise DeniedError(
                "the credential for this host holds characters that no token has",
                place=self.host,
                fix="Check the credential that csoc's settings name for this host",
            )
        return token

    def _once(
        self,
        method: str,
        url: str,
        params: Mapping[str, str | int] | None,
        body: Mapping[str, Any] | None,
        token: str,
        secrets: Sequence[str],
    ) -> Answer:
        # Compressed, a few bytes could become many before they are counted.
        plain = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "csoc"}
        headers = {**plain, **self.headers}
        if token:
            headers["Authorization"] = f"{self.scheme} {token}"
        timeout = httpx.Timeout(self.limits.request_seconds, connect=self.limits.connect_seconds)
        try:
            with httpx.Client(timeout=timeout, transport=self.transport, follow_redirects=False) as client:
                for _ in range(_MAX_REDIRECTS + 1):
                    with client.stream(method, url, params=params, json=body, headers=headers) as response:
                        if response.status_code in _REDIRECTS and "location" in response.headers:
                            url, params = self._redirect(method, url, response), None
                            continue
                        content = self._content(response)
                        return _answer(response, content, [token, *secrets])
        except httpx.TimeoutException as error:
            raise UnavailableError("the host did not answer in time", place=self.host, fix="Try again later") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            cause = f"the host cannot be reached ({type(error).__name__})"
            raise UnavailableError(cause, place=self.host, fix="Check the address and the network") from error
        raise UnavailableError("the host redirects in a circle", place=self.host)

    def _redirect(self, method: str, url: str, response: httpx.Response) -> str:
        target = urljoin(url, response.headers["location"])
        if urlsplit(target)[:2] != urlsplit(url)[:2]:
            raise DeniedError(
                f"the host redirects to {_shorten(urlsplit(target).netloc.rpartition('@')[2])}, which csoc does not "
                "follow",
                place=self.host,
                fix="Correct the host's API address in csoc's settings",
            )
        if method not in _IDEMPOTENT and response.status_code in {301, 302}:
            raise UnavailableError(
                "the host redirects a change, so that it may have moved",
                place=self.host,
                fix="Correct the repository's address",
            )
        return target

    def _content(self, response: httpx.Response) -> bytes:
        """The body within the limits. The time limit of httpx is for each chunk; this one is for the whole."""
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise UnavailableError("the host compresses its answer, unasked", place=self.host)
        until = self.elapsed() + self.limits.request_seconds
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes():
            size += len(part)
            if size > self.limits.answer_bytes:
                cause = f"the host's answer is larger than {self.limits.answer_bytes} bytes"
                raise UnavailableError(cause, place=self.host)
            if self.elapsed() > until:
                raise UnavailableError("the host answers too slowly", place=self.host, fix="Try again later")
            parts.append(part)
        return b"".join(parts)


def _answer(response: httpx.Response, content: bytes, secrets: Sequence[str]) -> Answer:
    """Parses a body. A good status with a body that is not JSON is not the interface that was asked for."""
    host = response.url.netloc.decode("ascii", "replace").rpartition("@")[2]
    headers = {name.lower(): value for name, value in response.headers.items()}
    data: Any = None
    if content.strip():
        try:
            data = json.loads(content)
        except (ValueError, RecursionError) as error:
            if response.is_success:
                raise UnavailableError(
                    "the host's answer is not JSON, so this is not the interface that csoc expects",
                    place=host,
                    fix="Check the host's API address in csoc's settings",
                ) from error
    return Answer(response.status_code, data, headers, clean(_message(data), secrets))


def _message(data: Any) -> str:
    """What the host says about an error, from the shapes of both hosts."""
    if not isinstance(data, dict):
        return ""
    words = [data["message"]] if isinstance(data.get("message"), str) else []
    details = data.get("errors")
    if isinstance(details, str):
        details = [details]
    for detail in details[:5] if isinstance(details, list) else []:
        if isinstance(detail, str):
            words.append(detail)
        elif isinstance(detail, dict):
            said = detail.get("message")
            words.append(said if isinstance(said, str) else f"{detail.get('field')} {detail.get('code')}")
    return "; ".join(words)


def clean(text: str, secrets: Sequence[str]) -> str:
    """Text from a host for people: one line, shortened, without the given secrets and whatever looks like one."""
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, masking.MASK)
    return _shorten(masking.mask_text(_USERINFO.sub(f"//{masking.MASK}@", text[:2000])))


def _shorten(text: str, limit: int = 240) -> str:
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _limited(answer: Answer) -> bool:
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    if answer.status != HTTPStatus.FORBIDDEN:
        return False
    exhausted = answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers
    # Older Enterprise Servers call their secondary limit "abuse detection".
    return exhausted or any(words in answer.message.lower() for words in ("rate limit", "abuse detection"))


def _pause(answer: Answer, now: datetime, attempt: int) -> float:
    """Seconds to wait before asking again, by what the host says; else a minute if limited, else 1, 2, 4."""
    after = answer.headers.get("retry-after", "").strip()
    if after.isdecimal() and len(after) < 8:
        return float(after)
    if after:
        try:
            return max(0.0, (parsedate_to_datetime(after) - now).total_seconds())
        except (ValueError, TypeError):
            pass  # a date that is none says nothing; the next header may
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal() and len(reset) < 12:
        return max(0.0, float(reset) - now.timestamp())
    return 60.0 if _limited(answer) else float(2 ** (attempt - 1))


def _next_query(answer: Answer) -> dict[str, str | int]:
    """The parameters of the next page that the Link header names; empty if it names none. Only these are taken: the
    host, and the path that was asked for, stay."""
    for link in answer.headers.get("link", "").split(","):
        address, _, relation = link.strip().partition(">")
        if _NEXT_PAGE.search(relation):
            return dict(parse_qsl(urlsplit(address.removeprefix("<")).query))
    return {}


def _has_more(answer: Answer, key: str, found: int) -> bool:
    """Whether another page follows: by the Link header, else by the total that the host names."""
    if "link" in answer.headers:
        return bool(_NEXT_PAGE.search(answer.headers["link"]))
    total = answer.headers.get("x-total-count", "")
    if total.isdecimal():
        return found < int(total[:9])
    if key and isinstance(answer.data.get("total_count"), int):
        return found < int(answer.data["total_count"])
    return False
