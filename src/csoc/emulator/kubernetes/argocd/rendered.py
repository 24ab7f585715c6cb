"""What was rendered, kept: a chart that draws passwords or makes certificates gives others each time, and an
Application must not differ from what it applied only because it was looked at again.

Source: Argo CD 3.2, reposerver/cache/cache.go (manifestCacheKey): by Application, revision, source, the revisions of
the sources that its value files come from, namespace and what the cluster serves; a hard refresh renders anew. The
real one forgets after a day; here the longest unused are forgotten when there is too much.
"""

from __future__ import annotations

import json
import threading
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from csoc.emulator.kubernetes.argocd.ports import Wanted
from csoc.emulator.kubernetes.objects.parts import digest

Object = dict[str, Any]
_MOST_BYTES = 256 * 1024 * 1024
_NOT_OF_A_SOURCE = ("repoURL", "targetRevision")
"""The commit stands for both."""


class Rendered:
    """Objects by what they were rendered from, packed. Threads may share it."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: str) -> list[Object] | None:
        with self._lock:
            packed = self._kept.get(key)
            if packed is None:
                return None
            self._kept.move_to_end(key)
        found: list[Object] = json.loads(zlib.decompress(packed))
        return found

    def keep(self, key: str, objects: Sequence[Object]) -> None:
        packed = zlib.compress(json.dumps(objects).encode(), 1)
        with self._lock:
            self._bytes += len(packed) - len(self._kept.pop(key, b""))
            self._kept[key] = packed
            while self._bytes > self._most_bytes:
                self._bytes -= len(self._kept.popitem(last=False)[1])


def key_of(wanted: Wanted, number: int, revisions: Sequence[str]) -> str:
    """Names what the objects of a source, by its number, are rendered from. revisions: what each source's is."""
    source = wanted.sources[number]
    used = _names_used(source.get("helm") or {})
    others = {
        str(one["ref"]): [one.get("repoURL"), revision]
        for one, revision in zip(wanted.sources, revisions, strict=True)
        if one.get("ref") in used
    }
    return digest(
        [
            wanted.cluster,
            wanted.application,
            wanted.namespace,
            {name: value for name, value in source.items() if name not in _NOT_OF_A_SOURCE or source.get("chart")},
            revisions[number],
            others,
            wanted.kube_version,
            list(wanted.api_versions),
        ]
    )


def _names_used(helm: Mapping[str, Any]) -> set[str]:
    """The `ref`s that files are taken from: "values" of "$values/a.yaml"."""
    files = [*(helm.get("valueFiles") or ()), *(one.get("path", "") for one in helm.get("fileParameters") or ())]
    return {str(one)[1:].partition("/")[0] for one in files if str(one).startswith("$")}
