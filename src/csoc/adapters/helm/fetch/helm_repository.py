"""Charts from a Helm repository: an index.yaml that lists versions, and archives beside it or elsewhere.

Indexes of large repositories have 20 MB, of which one chart needs a few kilobytes. An index as `helm repo index` writes
it is cut to that chart's lines before it is parsed; any other is parsed as a whole, within limits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from csoc.adapters.helm.fetch.downloads import Downloads
from csoc.adapters.helm.fetch.http import Http
from csoc.clock import Clock
from csoc.errors import NotFoundError, RejectedError, UnavailableError
from csoc.fleet import addresses
from csoc.fleet.charts import ChartRef
from csoc.fleet.versions import newest
from csoc.fleet.yaml import yamltext

INDEX_BYTES = 60_000_000
_INDEX_LIMITS = yamltext.Limits(size_bytes=INDEX_BYTES, depth=60, nodes=3_000_000, documents=1)
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A packed chart as it was fetched. resolved: the exact version; notes: what a reader must know about it."""

    content: bytes
    resolved: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """One version of a chart in an index. digest: sha256 as 64 hex digits, or "" if the index has none."""

    version: str
    url: str
    digest: str


class HelmRepository:
    """Fetches from Helm repositories. archive_bytes: how large a packed chart may be."""

    def __init__(self, http: Http, downloads: Downloads, clock: Clock, *, archive_bytes: int) -> None:
        self._http = http
        self._downloads = downloads
        self._clock = clock
        self._archive_bytes = archive_bytes
        self._since: datetime | None = None

    def expire(self) -> None:
        """Whatever the servers said up to this moment is asked for again."""
        self._since = self._clock()

    def fetch(self, ref: ChartRef) -> Fetched:
        """The newest version that the reference allows. Raises as `ChartSources.fetch`."""
        base = ref.repo_url.rstrip("/") + "/"
        releases, notes = self._releases(base, ref.chart)
        version = newest([release.version for release in releases], ref.revision)
        release = next((release for release in releases if release.version == version), None)
        if release is None:
            known = ", ".join(release.version for release in releases[:5])
            raise NotFoundError(
                f'No version of the chart {ref.chart} is "{ref.revision or "*"}"',
                place=addresses.shown(base),
                fix=f"The first versions in the index are {known}" if known else "The index lists none",
            )
        return Fetched(self._archive(base, urljoin(base, release.url), release.digest), release.version, notes)

    def _releases(self, base: str, chart: str) -> tuple[list[Release], tuple[str, ...]]:
        remembered = self._downloads.answer("index", base, chart)
        if remembered is not None and remembered.is_fresh(self._clock(), self._since):
            return _read_releases(remembered.value), ()
        try:
            index = self._http.get(urljoin(base, "index.yaml"), limit_bytes=INDEX_BYTES).content
        except UnavailableError as error:
            if remembered is None or remembered.is_expired(self._since):
                raise
            at = remembered.at.isoformat(timespec="minutes")
            return _read_releases(remembered.value), (
                f"The index could not be read ({error.cause}); this is as of {at}",
            )
        entries = _chart_entries(index, chart, base)
        self._downloads.keep_answer(entries, "index", base, chart)
        return _read_releases(entries), ()

    def _archive(self, base: str, url: str, digest: str) -> bytes:
        known = digest
        if not digest:
            remembered = self._downloads.answer("archive", base, url)
            fresh = remembered is not None and remembered.is_fresh(self._clock(), self._since)
            known = str(remembered.value) if remembered is not None and fresh else ""
        content = self._downloads.content(known, base) if known else None
        if content is not None:
            return content
        content = self._http.get(url, limit_bytes=self._archive_bytes).content
        found = self._downloads.keep_content(content, base)
        if digest and found != digest:
            raise RejectedError(
                f"The archive's digest is {found}, and the index says {digest}",
                place=addresses.shown(url),
                fix="The archive was changed after it was published, or on the way; do not use it",
            )
        if not digest:
            self._downloads.keep_answer(found, "archive", base, url)
        return content


def _chart_entries(index: bytes, chart: str, base: str) -> list[dict[str, Any]]:
    """version, url and digest of each version of the chart. Raises NotFoundError, RejectedError."""
    lines = _cut(index, chart)
    try:
        documents = yamltext.parse(lines if lines is not None else index, _INDEX_LIMITS)
    except yamltext.YamlError as error:
        raise RejectedError(f"The index of the repository is not readable: {error.cause}", place=base) from None
    data = documents[0].data if documents else None
    entries = data.get("entries") if isinstance(data, Mapping) else None
    if not isinstance(entries, Mapping):
        raise RejectedError("The repository's index.yaml has no entries", place=base, fix="Check the address")
    versions = entries.get(chart)
    if not isinstance(versions, Sequence) or isinstance(versions, str) or not versions:
        raise NotFoundError(f"The repository has no chart {chart}", place=base, fix="Check its name")
    found = []
    for entry in versions:
        urls = entry.get("urls") if isinstance(entry, Mapping) else None
        version = entry.get("version") if isinstance(entry, Mapping) else None
        if not isinstance(version, str) or not isinstance(urls, list) or not urls or not isinstance(urls[0], str):
            continue  # Helm skips what is not a legitimate entry
        digest = _DIGEST.fullmatch(str(entry.get("digest") or ""))
        found.append({"version": version, "url": urls[0], "digest": digest[1] if digest else ""})
    return found


def _read_releases(entries: Any) -> list[Release]:
    return [Release(str(entry["version"]), str(entry["url"]), str(entry["digest"])) for entry in entries]


def _cut(index: bytes, chart: str) -> bytes | None:
    """The index with this chart only, or None where its lines cannot be told apart without parsing: other than in block
    style with an indentation of two, or with anchors, which may stand anywhere."""
    start = re.search(rb"^entries:[ \t]*\n", index, re.MULTILINE)
    if start is None or re.search(rb": [&*][^\s\"']", index):
        return None
    name = re.escape(chart.encode())
    head = re.compile(rb"^  (?:%b|\"%b\"|'%b'):[ \t]*\n" % (name, name, name), re.MULTILINE).search(index, start.end())
    if head is None:
        return (
            b"entries: {}\n" if re.match(rb"(?:[ \t]*\n)*  [^\s#-]", index[start.end() : start.end() + 1_000]) else None
        )
    # The chart's own list items begin in the same column as its name, or deeper; the next name ends it.
    end = re.compile(rb"^(?:  ?[^\s#-]|[^\s#])", re.MULTILINE).search(index, head.end())
    return b"entries:\n" + index[head.start() : end.start() if end else len(index)]
