"""Fetches data dictionaries from the web, through the same gate as charts, and keeps them on disk.

A dictionary's address comes from a repository, so it passes the policy for addresses before anything is sent, and what
comes back is bounded. The folder where the Gen3 maintainers publish theirs is allowed without being in the settings:
the folder and not the host, which is the whole world's.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from csoc.adapters.git import system_resolve
from csoc.adapters.helm.fetch.downloads import Downloads, Remembered
from csoc.adapters.helm.fetch.http import Allowed, Http, Peer, gate
from csoc.clock import Clock, system_clock
from csoc.config import Settings
from csoc.errors import CsocError, DeniedError, RejectedError, UnavailableError
from csoc.fleet import addresses
from csoc.fleet.addresses import Policy
from csoc.gen3.data_model.dictionary import SIZE_BYTES, Dictionary, parse

PUBLISHED = "https://s3.amazonaws.com/dictionary-artifacts/"
VERSION_FRESH = timedelta(days=30)  # a published version is not changed, but it can be withdrawn
BRANCH_FRESH = timedelta(hours=1)
AWAY = timedelta(minutes=1)  # how long a host that did not answer is not asked again
_VERSION = re.compile(r"v?\d+(\.\d+)+([-+].+)?|[0-9a-f]{40}")
_REMEMBERED = 32
_URL_LENGTH = 2_000


class WebDictionaries:
    """`gen3.dictionaries.Dictionaries` over https. Dictionaries in use stay in memory, others on disk."""

    def __init__(
        self,
        *,
        cache_dir: Path,
        allowed: Allowed,
        published_allowed: Allowed | None = None,
        peer: Peer | None = None,
        clock: Clock = system_clock,
        connect_seconds: float = 10.0,
        total_seconds: float = 60.0,
    ) -> None:
        """allowed: raises for origins that csoc may not contact; published_allowed: the same for addresses below
        `PUBLISHED`. peer: for IP addresses that they turn out to be."""
        self._clock = clock
        self._downloads = Downloads(cache_dir / "dictionaries", clock)
        self._http, self._published = (
            Http(who, lambda _: None, peer=peer, connect_seconds=connect_seconds, total_seconds=total_seconds)
            for who in (allowed, published_allowed or allowed)
        )
        self._recent: OrderedDict[str, Dictionary] = OrderedDict()  # by digest
        self._away: dict[str, tuple[CsocError, datetime]] = {}  # by origin
        self._lock = threading.Lock()

    @classmethod
    def from_settings(
        cls, settings: Settings, *, resolve: addresses.Resolve = system_resolve, clock: Clock = system_clock
    ) -> Self:
        """With the hosts, limits and cache folder of csoc's settings."""
        policy = Policy.of(settings)
        allowed, _ = gate(policy, resolve)
        host = urlsplit(PUBLISHED).hostname or ""
        published, peer = gate(replace(policy, hosts=policy.hosts | {host}), resolve)
        return cls(
            cache_dir=settings.cache_dir,
            allowed=allowed,
            published_allowed=published,
            peer=peer,
            clock=clock,
            connect_seconds=settings.limits.connect_seconds,
            total_seconds=min(settings.limits.fetch_seconds, 60.0),
        )

    def close(self) -> None:
        """Releases connections."""
        self._http.close()
        self._published.close()

    def fetch(self, url: str) -> Dictionary:
        """See the port."""
        origin = _origin(url)
        with self._lock:
            remembered = self._downloads.answer("dictionary", url)
            kept = self._kept(remembered, url)
            fresh = VERSION_FRESH if _is_version(url) else BRANCH_FRESH
            if remembered is not None and kept is not None and remembered.age(self._clock()) < fresh:
                return kept
            try:
                content = self._get(url, origin)
            except UnavailableError as error:
                if remembered is None or kept is None:
                    raise
                at = remembered.at.isoformat(timespec="minutes")
                return kept.noted(f"it is as of {at}, since {_lower(error.cause)}", error.fix)
            found = parse(content, place=addresses.shown(url))
            self._downloads.keep_content(content)
            self._downloads.keep_answer(found.digest, "dictionary", url)
            return self._remember(found)

    def _get(self, url: str, origin: str) -> bytes:
        away = self._away.get(origin)
        if away is not None and self._clock() - away[1] < AWAY:
            raise UnavailableError(away[0].cause, place=addresses.shown(url), fix=away[0].fix)
        http = self._published if _is_published(url) else self._http
        try:
            answer = http.get(url, limit_bytes=SIZE_BYTES, expect=frozenset({200, 401, 403}))
        except UnavailableError as error:
            self._away[origin] = (error, self._clock())
            raise
        if answer.status != 200:
            raise DeniedError(
                f"The server refuses ({answer.status}), as buckets do also for what is not there",
                place=addresses.shown(url),
                fix="Open the address in a browser: everybody must be able to read it",
            )
        return answer.content

    def _kept(self, remembered: Remembered | None, url: str) -> Dictionary | None:
        """The copy that an answer names, if it is still there and whole."""
        digest = remembered.value if remembered is not None else None
        if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{64}", digest):
            return None
        if digest in self._recent:
            self._recent.move_to_end(digest)
            return self._recent[digest]
        content = self._downloads.content(digest)
        if content is None:
            return None
        try:
            return self._remember(parse(content, place=addresses.shown(url)))
        except RejectedError:  # kept by a csoc that allowed more
            return None

    def _remember(self, found: Dictionary) -> Dictionary:
        self._recent[found.digest] = found
        self._recent.move_to_end(found.digest)
        while len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)
        return found


def _origin(url: str) -> str:
    """Scheme, host and port; refuses what is not an address of the web."""
    try:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        raise RejectedError("This is not an address that can be asked", place=addresses.shown(url)) from None
    if parts.scheme not in ("https", "http") or not parts.netloc or len(url) > _URL_LENGTH:
        raise DeniedError(
            "A data dictionary is only fetched by https",
            place=addresses.shown(url),
            fix="Write global.dictionaryUrl as https://.../schema.json",
        )
    return origin


def _is_published(url: str) -> bool:
    """True for addresses inside the maintainers' folder; one that leads out of it again is not inside."""
    steps = [unquote(unquote(step)) for step in urlsplit(url).path.split("/")]
    return url.startswith(PUBLISHED) and not any(step in (".", "..") or "/" in step or "\\" in step for step in steps)


def _is_version(url: str) -> bool:
    """True if a folder of the URL is named after a version or a commit, so that what it holds stays."""
    return any(_VERSION.fullmatch(part) for part in urlsplit(url).path.split("/"))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
