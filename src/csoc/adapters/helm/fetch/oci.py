"""Charts from an OCI registry: a manifest under a tag, and the chart as a blob of it; digests decide what is right.

Only what charts need of the distribution specification is here: tags, manifest, blob, and anonymous or basic tokens by
the challenge that a registry gives (opencontainers/distribution-spec; distribution.github.io, token authentication).
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from csoc.adapters.helm.fetch.downloads import Downloads, digest_of
from csoc.adapters.helm.fetch.helm_repository import Fetched
from csoc.adapters.helm.fetch.http import Answer, Http
from csoc.clock import Clock
from csoc.errors import DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet.charts import ChartRef
from csoc.fleet.versions import is_exact, newest

_JSON_BYTES = 4_000_000
_PAGES = 50
_MANIFESTS = "application/vnd.oci.image.manifest.v1+json"
_CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_NAME = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')
# The registry that "docker.io" means answers under another name.
_REAL_HOSTS = {"docker.io": "registry-1.docker.io"}


class OciRegistry:
    """Fetches from registries. archive_bytes: how large a packed chart may be."""

    def __init__(self, http: Http, downloads: Downloads, clock: Clock, *, archive_bytes: int) -> None:
        self._http = http
        self._downloads = downloads
        self._clock = clock
        self._archive_bytes = archive_bytes
        self._since: datetime | None = None

    def expire(self) -> None:
        """Whatever the registries said up to this moment is asked for again; a digest stays what it names."""
        self._since = self._clock()

    def fetch(self, ref: ChartRef) -> Fetched:
        """The newest version that the reference allows, or the manifest "sha256:..." that it names.

        Raises as `ChartSources.fetch`.
        """
        repository = _Repository(self._http, ref)
        version = ref.revision
        if not (is_exact(version) or _DIGEST.fullmatch(version)):
            version = self._newest(repository, ref)
        digest = self._layer(repository, version)
        content = self._downloads.content(digest, repository.base)
        if content is None:
            content = repository.get(f"blobs/sha256:{digest}", self._archive_bytes).content
            if digest_of(content) != digest:
                raise RejectedError(
                    "The chart's digest is not the one that its manifest names",
                    place=repository.place,
                    fix="It was changed on the way; do not use it",
                )
            self._downloads.keep_content(content, repository.base)
        return Fetched(content, version)

    def _newest(self, repository: _Repository, ref: ChartRef) -> str:
        remembered = self._downloads.answer("tags", repository.base)
        if remembered is not None and remembered.is_fresh(self._clock(), self._since):
            tags = [str(tag) for tag in remembered.value]
        else:
            tags = repository.tags()
            self._downloads.keep_answer(tags, "tags", repository.base)
        # A tag cannot hold "+", so Helm writes "_" for it.
        version = newest([tag.replace("_", "+") for tag in tags], ref.revision)
        if version is None:
            raise NotFoundError(f'No tag is "{ref.revision or "*"}"', place=repository.place)
        return version

    def _layer(self, repository: _Repository, version: str) -> str:
        remembered = self._downloads.answer("layer", repository.base, version)
        by_digest = _DIGEST.fullmatch(version)
        if remembered is not None and (by_digest or remembered.is_fresh(self._clock(), self._since)):
            return str(remembered.value)
        reference = version.replace("+", "_")
        answer = repository.get(f"manifests/{reference}", _JSON_BYTES, accept=_MANIFESTS)
        if by_digest and digest_of(answer.content) != by_digest[1]:
            raise RejectedError("The manifest's digest is not the one that was asked for", place=repository.place)
        manifest = _json(answer, repository.place)
        layers = manifest.get("layers")
        for layer in layers if isinstance(layers, list) else []:
            if isinstance(layer, dict) and layer.get("mediaType") == _CHART:
                digest = _DIGEST.fullmatch(str(layer.get("digest")))
                if digest is None:
                    break
                self._downloads.keep_answer(digest[1], "layer", repository.base, version)
                return digest[1]
        raise RejectedError("What the registry has there is not a Helm chart", place=repository.place)


class _Repository:
    """One repository of a registry. Remembers the token for it."""

    def __init__(self, http: Http, ref: ChartRef) -> None:
        host, _, path = ref.repo_url.removeprefix("oci://").strip("/").partition("/")
        name = "/".join(part for part in (path, ref.chart) if part)
        host = _REAL_HOSTS.get(host, host)
        self.place = f"oci://{host}/{name}"
        if not host or "@" in host or _NAME.fullmatch(name) is None:
            raise RejectedError("This is not the name of a repository in a registry", place=self.place)
        # As other clients do: encryption everywhere but to a registry on this machine.
        local = host.partition(":")[0] in ("localhost", "127.0.0.1")
        scheme = "http" if local else "https"
        self.base = f"{scheme}://{host}/v2/{name}/"
        self._known_as = f"{scheme}://{host}/{name}"
        self._scope = f"repository:{name}:pull"
        self._http = http
        self._token = ""

    def get(self, path: str, limit_bytes: int, *, accept: str = "*/*") -> Answer:
        """A GET below the repository; answers one challenge for a token."""
        url = urljoin(self.base, path)
        expect = frozenset({200}) if self._token else frozenset({200, 401})
        answer = self._http.get(
            url,
            limit_bytes=limit_bytes,
            headers={"accept": accept},
            bearer=self._token,
            known_as=self._known_as,
            expect=expect,
        )
        if answer.status == 401:
            self._token = self._new_token(answer.headers.get("www-authenticate", ""))
            return self.get(path, limit_bytes, accept=accept)
        return answer

    def tags(self) -> list[str]:
        """Every tag. Raises as `get`."""
        tags: list[str] = []
        path = "tags/list"
        for _ in range(_PAGES):
            answer = self.get(path, _JSON_BYTES)
            found = _json(answer, self.place).get("tags")
            tags += [tag for tag in found if isinstance(tag, str)] if isinstance(found, list) else []
            following = _NEXT.search(answer.headers.get("link", ""))
            if following is None:
                return tags
            path = urljoin(urljoin(self.base, path), following[1])
            if urlsplit(path).netloc != urlsplit(self.base).netloc:
                raise UnavailableError("The registry continues its list of tags on another host", place=self.place)
        raise RejectedError(f"The registry's list of tags has more than {_PAGES} pages", place=self.place)

    def _new_token(self, challenge: str) -> str:
        scheme, _, rest = challenge.partition(" ")
        parameters = dict(_PARAMETER.findall(rest))
        realm = parameters.get("realm", "")
        if scheme.lower() != "bearer" or not realm:
            raise DeniedError(
                "The registry asks for a credential",
                place=self.place,
                fix="Add one for this address to the settings of csoc",
            )
        query = {"service": parameters.get("service", ""), "scope": self._scope}
        url = f"{realm}{'&' if '?' in realm else '?'}{urlencode({key: value for key, value in query.items() if value})}"
        answer = _json(self._http.get(url, limit_bytes=_JSON_BYTES, known_as=self._known_as), self.place)
        token = answer.get("token") or answer.get("access_token")
        if not isinstance(token, str) or not token.isprintable() or not token.isascii():
            raise UnavailableError("The registry gives no token", place=self.place)
        return token


def _json(answer: Answer, place: str) -> dict[str, Any]:
    try:
        data = json.loads(answer.content)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise UnavailableError("The registry's answer is not JSON", place=place)
    return data
