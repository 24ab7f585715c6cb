"""A cluster over the network, by the official client's transport, with raw dictionaries.

The official client's models are slow and leak, and its dynamic client keeps discovery in a shared temporary file; what
is taken from it is what is hard: credentials of every kind, their renewal, TLS and proxies.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from kubernetes.client.api_client import ApiClient
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from csoc.adapters.kube.failures import from_answer
from csoc.adapters.kube.kinds import Kinds, namespace_of, segment
from csoc.clusters.client import (
    EVERYWHERE,
    Access,
    Allowed,
    Applying,
    Change,
    Deletion,
    Discovered,
    ExpiredError,
    LogQuery,
    Object,
    Page,
    Resource,
    Where,
)
from csoc.errors import CsocError, DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet.masking import mask_text
from csoc.fleet.shapes import mapping, mappings, text

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 60.0
_LARGEST_ANSWER_BYTES = 512 * 1024 * 1024
_PAGE = 500
# Of one list in all its pages: a million objects, as large together as a list in one answer may be.
_MOST_PAGES = 2_000
_LARGEST_LOG_BYTES = 8 * 1024 * 1024
_LARGEST_ERROR_BYTES = 1_000_000
# A store takes objects of 1.5 MB (etcd, --max-request-bytes); a line of a watch is one of them.
_LARGEST_EVENT_BYTES = 16 * 1024 * 1024
_LIST_TRIES = 3
# The API server's answer for the log of a pod without a node (registry/core/pod/strategy.go, LogLocation).
_NO_CONTENT = 204
_METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1,application/json"


class KubeClient:
    """One cluster, as one identity. name: what errors call it. See csoc.clusters.client.ClusterClient."""

    def __init__(self, api: ApiClient, name: str) -> None:
        self._api = api
        self._name = name
        self._kinds = Kinds(lambda path, accept: self._json("GET", path, accept=accept), name)

    def version(self) -> str:
        return str(self._json("GET", "/version").get("gitVersion", ""))

    def discover(self) -> Discovered:
        return self._kinds.discover()

    def resource(self, api_version: str, kind: str) -> Resource:
        return self._kinds.resource(api_version, kind)

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Object:
        return self._json("GET", self._kinds.path(self.resource(api_version, kind), namespace, name))

    def page(
        self,
        api_version: str,
        kind: str,
        where: Where = EVERYWHERE,
        *,
        limit: int = _PAGE,
        rest: str = "",
        metadata_only: bool = False,
    ) -> Page:
        return self._page(api_version, kind, where, limit, rest, metadata_only)[0]

    def _page(
        self, api_version: str, kind: str, where: Where, limit: int, rest: str, metadata_only: bool
    ) -> tuple[Page, int]:
        """A page, and how many bytes it came in."""
        query = _query(where) | {"limit": str(limit)} | ({"continue": rest} if rest else {})
        path = self._kinds.path(self.resource(api_version, kind), where.namespace)
        accept = _METADATA.format("List") if metadata_only else "application/json"
        response = self._send("GET", path, query, accept=accept, expires=True)
        answer = self._whole(response, path, _LARGEST_ANSWER_BYTES)
        body = self._parsed(answer, path)
        about = mapping(body.get("metadata"))
        found = tuple({"apiVersion": api_version, "kind": kind, **item} for item in mappings(body.get("items")))
        page = Page(
            found,
            str(about.get("resourceVersion", "")),
            str(about.get("continue") or ""),
            about.get("remainingItemCount"),
        )
        return page, len(answer)

    def list_all(
        self, api_version: str, kind: str, where: Where = EVERYWHERE, *, metadata_only: bool = False
    ) -> tuple[list[Object], str]:
        for _ in range(_LIST_TRIES):
            try:
                return self._pages(api_version, kind, where, metadata_only)
            except ExpiredError:
                continue
        raise UnavailableError(
            f"The list of {kind} changes faster than it can be read", place=self._name, fix="Try again in a moment"
        )

    def _pages(self, api_version: str, kind: str, where: Where, metadata_only: bool) -> tuple[list[Object], str]:
        """All pages from the first to the last, or an error: a server that always has another one is not followed."""
        found: list[Object] = []
        rest, seen, size = "", set[str](), 0
        for _ in range(_MOST_PAGES):
            page, read = self._page(api_version, kind, where, _PAGE, rest, metadata_only)
            found += page.items
            rest, size = page.rest, size + read
            if not rest:
                return found, page.version
            if rest in seen:
                raise UnavailableError(
                    f"The list of {kind} does not end: a page is continued by one that was read already",
                    place=self._name,
                    fix="Look at what answers at this address: an API server does not do that",
                )
            if size > _LARGEST_ANSWER_BYTES:
                break
            seen.add(rest)
        raise UnavailableError(
            f"The list of {kind} is larger than {_MOST_PAGES} pages or {_LARGEST_ANSWER_BYTES} bytes",
            place=self._name,
            fix="Ask for less: one namespace, a label, or metadata only",
        )

    def watch(
        self,
        api_version: str,
        kind: str,
        version: str,
        where: Where = EVERYWHERE,
        *,
        seconds: float = 300,
        metadata_only: bool = False,
    ) -> Iterator[Change]:
        query = _query(where) | {
            "watch": "true",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(max(1, int(seconds))),
        }
        path = self._kinds.path(self.resource(api_version, kind), where.namespace)
        accept = _METADATA.format("") if metadata_only else "application/json"
        response = self._send("GET", path, query, accept=accept, read_seconds=seconds + _READ_SECONDS, expires=True)
        try:
            for line in self._lines(response, path):
                event = self._parsed(line, path)
                kind_of_event, body = event.get("type"), event.get("object")
                if kind_of_event == "ERROR" and isinstance(body, dict):
                    code = body.get("code")
                    status = code if isinstance(code, int) else 500
                    raise from_answer(status, json.dumps(body).encode(), self._place(path))
                if kind_of_event in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK") and isinstance(body, dict):
                    yield Change(str(kind_of_event), body)
        finally:
            response.close()
            response.release_conn()

    def apply(self, body: Object, how: Applying = Applying()) -> Object:  # noqa: B008 - immutable
        query = {"fieldManager": how.manager, "fieldValidation": "Strict"}
        query |= {"force": "true"} if how.force else {}
        query |= {"dryRun": "All"} if how.dry_run else {}
        return self._json("PATCH", self._kinds.path_of(body), query, body, content="application/apply-patch+yaml")

    def create(self, body: Object, *, dry_run: bool = False) -> Object:
        resource = self._kinds.resource_of(body)
        query = {"fieldManager": "csoc", "fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})
        return self._json("POST", self._kinds.path(resource, namespace_of(body)), query, body)

    def replace(self, body: Object) -> Object:
        return self._json("PUT", self._kinds.path_of(body), {"fieldManager": "csoc"}, body)

    def merge(
        self, api_version: str, kind: str, name: str, patch: Object, namespace: str = "", part: str = ""
    ) -> Object:
        path = self._kinds.path(self.resource(api_version, kind), namespace, name) + (
            f"/{segment(part)}" if part else ""
        )
        return self._json("PATCH", path, {"fieldManager": "csoc"}, patch, content="application/merge-patch+json")

    def delete(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str = "",
        how: Deletion = Deletion(),  # noqa: B008
    ) -> bool:
        policy = "Orphan" if how.orphan else "Foreground" if how.foreground else "Background"
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy}
        options |= {"preconditions": {"uid": how.uid}} if how.uid else {}
        options |= {"gracePeriodSeconds": how.grace_seconds} if how.grace_seconds is not None else {}
        options |= {"dryRun": ["All"]} if how.dry_run else {}
        try:
            self._json("DELETE", self._kinds.path(self.resource(api_version, kind), namespace, name), {}, options)
        except NotFoundError:
            return False
        return True

    def logs(self, pod: str, namespace: str, query: LogQuery = LogQuery()) -> list[str]:  # noqa: B008
        asked = {"container": query.container} if query.container else {}
        asked |= {"tailLines": str(query.tail)} if query.tail is not None else {}
        asked |= {"sinceSeconds": str(query.since_seconds)} if query.since_seconds is not None else {}
        asked |= {"previous": "true"} if query.previous else {}
        asked |= {"timestamps": "true"} if query.timestamps else {}
        asked["limitBytes"] = str(_LARGEST_LOG_BYTES)
        path = f"/api/v1/namespaces/{segment(namespace)}/pods/{segment(pod)}/log"
        response = self._send("GET", path, asked, accept="*/*")
        written = self._whole(response, path, _LARGEST_LOG_BYTES + 1).decode("utf-8", "replace")
        if response.status == _NO_CONTENT:
            raise RejectedError(
                f"The pod {pod} is not started yet: no node has taken it",
                place=self._place(path),
                fix="Look at its events for why",
            )
        # Not splitlines, for which a line also ends at a form feed and at a separator of Unicode's.
        return [line.removesuffix("\r") for line in written.removesuffix("\n").split("\n")] if written else []

    def may(self, access: Access) -> Allowed:
        attributes = {
            "verb": access.verb,
            "group": access.group,
            "resource": access.resource,
            "subresource": access.subresource,
            "namespace": access.namespace,
            "name": access.name,
        }
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
        }
        answer = self._json("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {}, body)
        status = mapping(answer.get("status"))
        return Allowed(status.get("allowed") is True, text(status.get("reason")))

    def close(self) -> None:
        self._api.close()

    # How it talks

    def _json(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        *,
        accept: str = "application/json",
        content: str = "application/json",
        expires: bool = False,
    ) -> Object:
        response = self._send(method, path, query or {}, body, accept=accept, content=content, expires=expires)
        return self._parsed(self._whole(response, path, _LARGEST_ANSWER_BYTES), path)

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Object | None = None,
        *,
        accept: str = "application/json",
        content: str = "application/json",
        read_seconds: float = _READ_SECONDS,
        expires: bool = False,
    ) -> Any:
        """A response whose body was not read yet. Raises csoc's errors; ExpiredError only for what can be begun again,
        a list or a watch."""
        headers = {"Accept": accept, "User-Agent": "csoc", "Accept-Encoding": "gzip"}
        if body is not None:
            headers["Content-Type"] = content
        asked: list[tuple[str, str]] = list(query.items())
        sent = None if body is None else json.dumps(body).encode()
        try:
            self._api.update_params_for_auth(headers, asked, ["BearerToken"], path, method, body)
            address = self._api.configuration.host.rstrip("/") + path + (f"?{urlencode(asked)}" if asked else "")
            response = self._api.rest_client.pool_manager.request(
                method,
                address,
                body=sent,
                headers=headers,
                timeout=_timeout(read_seconds),
                preload_content=False,
                redirect=False,
                retries=False,
            )
        except (HTTPError, ApiException, OSError) as error:
            raise self._unreachable(path, error) from None
        except ValueError:
            # The transport's own words hold the credential.
            raise DeniedError(
                "The credential holds characters that cannot be sent, such as a line break",
                place=self._name,
                fix="Give it again, on one line",
            ) from None
        if not 200 <= response.status < 300:
            retry_after = response.headers.get("Retry-After", "")
            said = self._whole(response, path, _LARGEST_ERROR_BYTES)
            failure = from_answer(response.status, said, self._place(path), retry_after=retry_after)
            if isinstance(failure, ExpiredError) and not expires:
                raise UnavailableError(f"The cluster says that this is gone: {failure}", place=self._place(path))
            raise failure
        return response

    def _whole(self, response: Any, path: str, most: int) -> bytes:
        try:
            body = response.read(most, decode_content=True)
            if len(body) >= most and response.read(1):
                response.close()  # what is left must not be taken for the next answer
                raise UnavailableError(f"The answer is larger than {most} bytes", place=self._place(path))
        except (HTTPError, OSError) as error:
            raise self._unreachable(path, error) from None
        finally:
            response.release_conn()
        return bytes(body)

    def _lines(self, response: Any, path: str) -> Iterator[bytes]:
        kept = b""
        try:
            for piece in response.stream(65_536, decode_content=True):
                kept += piece
                *lines, kept = kept.split(b"\n")
                yield from (line for line in lines if line.strip())
                if len(kept) > _LARGEST_EVENT_BYTES:
                    raise UnavailableError(
                        f"An event is larger than {_LARGEST_EVENT_BYTES} bytes", place=self._place(path)
                    )
        except (HTTPError, OSError) as error:
            raise self._unreachable(path, error) from None

    def _parsed(self, body: bytes, path: str) -> Object:
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise UnavailableError("The answer is not what a cluster says", place=self._place(path))
        return found

    def _unreachable(self, path: str, error: Exception) -> CsocError:
        cause = " ".join(mask_text(str(error)).split())[:500]
        return UnavailableError(
            f"The cluster cannot be reached: {cause}",
            place=self._place(path),
            fix="Look at the network and the address",
        )

    def _place(self, path: str) -> str:
        return f"{self._name} {path}"


def _timeout(read_seconds: float) -> Any:
    from urllib3 import Timeout

    return Timeout(connect=_CONNECT_SECONDS, read=read_seconds)


def _query(where: Where) -> dict[str, str]:
    found = {"labelSelector": where.labels, "fieldSelector": where.fields}
    return {
        key: ",".join(f"{name}={value}" for name, value in sorted(wanted.items()))
        for key, wanted in found.items()
        if wanted
    }
