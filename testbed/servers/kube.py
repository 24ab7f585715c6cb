"""The Kubernetes API over HTTP with raw documents, as little as tests need to prepare and to look.

csoc's own adapter is never used for that: what is tested must not also be what looks.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx

FIELD_MANAGER = "testbed"
LOOK_AGAIN_SECONDS = 0.1
TIMEOUT_SECONDS = 60
MOST_STATE = 1500  # characters of an object's status in an error

Document = dict[str, Any]


class KubeError(Exception):
    """The API server refused; status is HTTP's, the text is the server's own."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


class KubeClient:
    """One identity at one API server."""

    def __init__(self, server: str, certificate: str, token: str) -> None:
        """certificate: of the authority that signed the server's, as PEM."""
        trust = ssl.create_default_context(cadata=certificate)
        self._http = httpx.Client(
            base_url=server,
            verify=trust,
            trust_env=False,
            timeout=TIMEOUT_SECONDS,
            headers={"Authorization": f"Bearer {token}"},
        )
        self._plurals: dict[str, dict[str, tuple[str, bool]]] = {}

    def request(
        self, method: str, path: str, body: object = None, *, content_type: str = "application/json", **query: str
    ) -> Any:
        """One request to a path ("/api/v1/namespaces"); the answer's JSON, or its text. Raises KubeError."""
        answer = self._http.request(
            method, path, json=body, params=query, headers={"Content-Type": content_type} if body is not None else {}
        )
        if answer.status_code >= 400:
            raise KubeError(answer.status_code, answer.text[:2000])
        return answer.json() if answer.headers.get("content-type", "").startswith("application/json") else answer.text

    def path(self, api_version: str, kind: str, namespace: str | None = None, name: str | None = None) -> str:
        """The path of a kind's objects or of one of them; the namespace is left out for kinds that have none."""
        root = "/api/" if "/" not in api_version else "/apis/"
        plural, namespaced = self._plural(root, api_version, kind)
        parts = [root + api_version]
        if namespaced and namespace is not None:
            parts.append(f"namespaces/{namespace}")
        return "/".join([*parts, plural, *([name] if name else [])])

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Document:
        """One object. Raises KubeError, 404 if it is not there."""
        found: Document = self.request("GET", self.path(api_version, kind, namespace, name))
        return found

    def list(self, api_version: str, kind: str, namespace: str | None = None, **query: str) -> list[Document]:
        """All objects of a kind, in one namespace or everywhere."""
        found: list[Document] = self.request("GET", self.path(api_version, kind, namespace), **query)["items"]
        return found

    def create(self, document: Document) -> Document:
        """A new object. Raises KubeError, 409 if it is there."""
        made: Document = self.request("POST", self._of(document, named=False), document)
        return made

    def apply(self, document: Document, **query: str) -> Document:
        """Server-side apply, taking over fields of other managers."""
        options = {"fieldManager": FIELD_MANAGER, "force": "true", **query}
        made: Document = self.request(
            "PATCH", self._of(document), document, content_type="application/apply-patch+yaml", **options
        )
        return made

    def merge(self, api_version: str, kind: str, name: str, change: Document, namespace: str | None = None) -> Document:
        """Changes fields of an object; None removes one."""
        path = self.path(api_version, kind, namespace, name)
        made: Document = self.request("PATCH", path, change, content_type="application/merge-patch+json")
        return made

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        """Asks for an object to be deleted; one that is not there is fine."""
        try:
            self.request("DELETE", self.path(api_version, kind, namespace, name))
        except KubeError as error:
            if error.status != 404:
                raise

    def install_definitions(self, documents: Iterable[Document], seconds: float = 60) -> None:
        """Applies CustomResourceDefinitions and waits until the server serves them."""
        applied = [self.apply(document) for document in documents]
        for definition in applied:
            name = definition["metadata"]["name"]
            self.wait_for(
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                name,
                lambda found: condition(found, "Established") == "True",
                seconds=seconds,
            )
        self._plurals.clear()

    def wait_for(
        self,
        api_version: str,
        kind: str,
        name: str,
        is_so: Callable[[Document], bool],
        *,
        namespace: str | None = None,
        seconds: float = 60,
    ) -> Document:
        """The object once it is as asked. Raises TimeoutError with its state otherwise."""
        deadline = time.monotonic() + seconds
        while True:
            found = self._get_or_none(api_version, kind, name, namespace)
            if found is not None and is_so(found):
                return found
            if time.monotonic() > deadline:
                state = "not there" if found is None else json.dumps(found.get("status"))[:MOST_STATE]
                raise TimeoutError(f"{kind} {name} is not as awaited after {seconds:.0f} s: {state}")
            time.sleep(LOOK_AGAIN_SECONDS)

    def is_ready(self) -> bool:
        """Whether the server answers that it is well."""
        try:
            return bool(self.request("GET", "/readyz") == "ok")
        except (httpx.TransportError, KubeError):
            return False

    def close(self) -> None:
        """Lets the connections go."""
        self._http.close()

    def _get_or_none(self, api_version: str, kind: str, name: str, namespace: str | None) -> Document | None:
        try:
            return self.get(api_version, kind, name, namespace)
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    def _of(self, document: Document, *, named: bool = True) -> str:
        metadata = document["metadata"]
        name = metadata["name"] if named else None
        return self.path(document["apiVersion"], document["kind"], metadata.get("namespace", "default"), name)

    def _plural(self, root: str, api_version: str, kind: str) -> tuple[str, bool]:
        known = self._plurals.get(api_version)
        if known is None or kind not in known:
            served = self.request("GET", root + api_version)["resources"]
            known = {row["kind"]: (row["name"], row["namespaced"]) for row in served if "/" not in row["name"]}
            self._plurals[api_version] = known
        if kind not in known:
            raise KubeError(404, f"the server has no {kind} of {api_version}")
        return known[kind]


def client_from(address: Mapping[str, Any], token: str | None = None) -> KubeClient:
    """A client of a cluster by its address; with another token than the administrator's if one is given."""
    certificate = Path(address["certificate"]).read_text(encoding="utf-8")
    return KubeClient(address["server"], certificate, token or address["admin_token"])


def condition(document: Document, kind: str) -> str | None:
    """The status of one of an object's conditions ("True"), or None."""
    conditions = document.get("status", {}).get("conditions") or []  # a new definition has null
    return next((str(row["status"]) for row in conditions if row["type"] == kind), None)
