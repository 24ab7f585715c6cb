"""What an ExternalSecret names, read from the provider of its store: `data` and `dataFrom.extract`, with `property`,
`version` and decoding of base64. A generator, `find` or rewrite is refused by name.

Source: External Secrets 1.3.2, pkg/controllers/externalsecret/externalsecret_controller_secret.go.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.controllers.secret_stores import request_of, usable
from csoc.emulator.kubernetes.controllers.secrets_operator import COMPONENT
from csoc.emulator.kubernetes.controllers.settings import SecretError, SecretRequest
from csoc.emulator.kubernetes.objects.parts import (
    namespace_of,
)
from csoc.emulator.kubernetes.store import Object


def read(cluster: Cluster, body: Object) -> dict[str, bytes]:
    spec = body["spec"]
    kept = (spec.get("target") or {}).get("deletionPolicy", "Retain") == "Retain"
    found: dict[str, bytes] = {}
    for number, source in enumerate(spec.get("dataFrom") or ()):
        try:
            found |= _extracted(cluster, body, source)
        except SecretError as error:
            if error.missing and not kept:
                text = f"secret does not exist at provider using spec.dataFrom[{number}]"
                cluster.event(body, "MissingProviderSecret", text, COMPONENT)
                continue
            why = f"error processing spec.dataFrom[{number}].extract, err: {error.message}"
            raise SecretError(why) from error
    for number, entry in enumerate(spec.get("data") or ()):
        remote = entry.get("remoteRef") or {}
        try:
            found[str(entry["secretKey"])] = _value(cluster, body, entry.get("sourceRef"), remote)
        except SecretError as error:
            if error.missing and not kept:
                text = f"secret does not exist at provider using spec.dataFrom[{number}] (key={remote.get('key')})"
                cluster.event(body, "MissingProviderSecret", text, COMPONENT)
                continue
            why = f"error processing spec.data[{number}] (key: {remote.get('key')}), err: {error.message}"
            raise SecretError(why) from error
    return found


def _text(cluster: Cluster, body: Object, source: Mapping[str, Any] | None, remote: Mapping[str, Any]) -> str:
    reference = (source or {}).get("storeRef") or body["spec"].get("secretStoreRef") or {}
    request = request_of(cluster, usable(cluster, body, reference), namespace_of(body))
    reader = cluster.settings.secrets
    assert reader is not None  # noqa: S101 - works() checked
    key, version = str(remote.get("key", "")), str(remote.get("version") or "")
    asked = SecretRequest(
        request.provider, request.options, request.service_account, request.role, key, version, request.namespace,
        request.access_key,
    )  # fmt: skip
    return reader.read(cluster.name, asked)


def _value(cluster: Cluster, body: Object, source: Mapping[str, Any] | None, remote: Mapping[str, Any]) -> bytes:
    text = _text(cluster, body, source, remote)
    path = str(remote.get("property") or "")
    if path:
        text = _property(text, path, str(remote.get("key")))
    return _decoded(text.encode(), remote)


def _property(text: str, path: str, key: str) -> str:
    """A member of a secret that is JSON; dots go deeper unless the name itself has them."""
    try:
        value: Any = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, Mapping) and path in value:
        value = value[path]
    else:
        for part in path.split("."):
            if not isinstance(value, Mapping) or part not in value:
                raise SecretError(f"key {path} does not exist in secret {key}")
            value = value[part]
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _decoded(data: bytes, remote: Mapping[str, Any]) -> bytes:
    if remote.get("decodingStrategy") in ("Base64", "Auto"):
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error as error:
            if remote.get("decodingStrategy") == "Base64":
                why = f"error applying decoding strategy Base64 to data: illegal base64 data ({error})"
                raise SecretError(why) from error
    return data


def _extracted(cluster: Cluster, body: Object, source: Mapping[str, Any]) -> dict[str, bytes]:
    remote = source.get("extract")
    if not remote or source.get("rewrite"):
        named = ", ".join(sorted(name for name in source if name != "extract"))
        raise SecretError(f"this simulated cluster follows extract alone, not {named}")
    text = _text(cluster, body, source.get("sourceRef"), remote)
    if remote.get("property"):
        text = _property(text, str(remote["property"]), str(remote.get("key")))
    try:
        found = json.loads(text)
    except ValueError as error:
        raise SecretError(f"unable to unmarshal secret {remote.get('key')}: {error}") from error
    if not isinstance(found, Mapping):
        raise SecretError(f"unable to unmarshal secret {remote.get('key')}: it is no object")
    values = {name: item if isinstance(item, str) else json.dumps(item) for name, item in found.items()}
    return {name: _decoded(item.encode(), remote) for name, item in values.items()}
