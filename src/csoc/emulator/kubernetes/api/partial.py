"""Only the metadata of an object, for clients that want no more."""

from __future__ import annotations

from typing import Any


def partial(body: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": body["metadata"]}
