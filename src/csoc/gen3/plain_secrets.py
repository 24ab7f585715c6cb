"""Finds secrets that stand in a repository in plain text: in values, and as manifests of kind Secret.

base64 hides nothing, so a manifest is judged by what it decodes to. What External Secrets, Sealed Secrets or
SOPS keep there is no secret, nor is what another tool fills in later.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

from csoc.fleet.masking import looks_secret, secrettext
from csoc.fleet.snapshot import ParsedFile
from csoc.fleet.values import Path, look_up, walk
from csoc.gen3.views import PlainSecret

# Reasons of `looks_secret` for keys that open an account or a machine by themselves.
_KEYS_OF_MACHINES = frozenset(
    {"a private key", "an AWS access key", "a Google API key", "a connection string with its key"}
)
_VARIABLE = re.compile(r"\$[A-Za-z_]\w*")
_NAMES_OF_CLOUD_KEYS = ("secretaccesskey", "accesskeysecret", "serviceaccountkey", "storageaccountkey")


def opens_much(key: str, reason: str) -> bool:
    """True if a secret of this key, found for this reason, is a private key or a cloud's access key."""
    plain = "".join(char for char in key.lower() if char.isalnum())
    return reason in _KEYS_OF_MACHINES or plain.endswith(_NAMES_OF_CLOUD_KEYS)


def secrets_in(data: Any) -> Iterator[tuple[Path, str, bool]]:
    """Every secret in values: its path, why it is one, and whether it opens much. The value of an entry of name and
    value, as in a container's environment, is judged by that name."""
    for path, value in walk(data):
        judged = path
        if path and path[-1] == "value":
            name = look_up(data, (*path[:-1], "name"))
            judged = (*path[:-1], name) if isinstance(name, str) else path
        reason = looks_secret(judged, value)
        if reason and not _names_variables(value):
            key = next((step for step in reversed(judged) if isinstance(step, str)), "")
            yield path, reason, opens_much(key, reason)


def _names_variables(value: Any) -> bool:
    """True for a text whose secrets are all variables that something fills in ("$indexdPassword", in the chart's own
    sower job). They are hidden from readers all the same, since a password may begin with a dollar sign."""
    spans = list(secrettext.spans(value)) if isinstance(value, str) else []
    return bool(spans) and all(_VARIABLE.fullmatch(value[start:end]) for start, end, _ in spans)


def find(files: Mapping[str, ParsedFile]) -> Iterator[PlainSecret]:
    """Every Secret of these files that holds something secret, in the files' order."""
    for file in files.values():
        for document in file.documents:
            data = document.data
            if not isinstance(data, Mapping) or data.get("kind") != "Secret" or data.get("apiVersion") != "v1":
                continue
            found = dict(_secret_keys(data))
            if found:
                metadata = data.get("metadata")
                name, namespace = _text(metadata, "name"), _text(metadata, "namespace")
                keys, location = tuple(found), file.locate((), document.index)
                yield PlainSecret(name, namespace, keys, any(found.values()), location)


def _text(metadata: Any, key: str) -> str:
    value = metadata.get(key) if isinstance(metadata, Mapping) else None
    return value if isinstance(value, str) else ""


def _secret_keys(body: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Keys of data and stringData that hold a secret, and whether it opens much."""
    for block, decode in (("data", True), ("stringData", False)):
        entries = body.get(block)
        for key, value in entries.items() if isinstance(entries, Mapping) else ():
            text = _decoded(value) if decode else value
            reason = looks_secret((str(key),), text)
            if reason:
                yield str(key), opens_much(str(key), reason)


def _decoded(value: Any) -> Any:
    """The bytes that base64 stands for, as text. What is no base64 is a placeholder of some tool, judged as it is."""
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode("".join(value.split()), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return value
