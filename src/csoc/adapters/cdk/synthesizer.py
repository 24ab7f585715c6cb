"""Templates by csoc_infra: a process that stays warm, and a cache by content.

The same document and the same code give the same bytes, so what was made once need not be made again: a plan that is
shown, approved and applied asks three times. Code is what csoc_infra and CDK are on this machine; csoc imports neither.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from csoc.adapters.cdk.process import COMMAND, Child, ChildEndedError, Limits
from csoc.errors import RejectedError, UnavailableError
from csoc.fleet import masking
from csoc.fleet.caching import Cache
from csoc.provisioning.synthesis import Template

_PACKAGE = "csoc_infra"
_LIBRARIES = ("aws-cdk-lib", "constructs")
_LARGEST_DOCUMENT = 2_000_000
_CORRECT = "Correct it in the document of the cluster or the environment"
_INSTALL = "Install csoc with what makes templates: pip install 'csoc[aws]'"


class ChildSynthesizer:
    """A `provisioning.synthesis.Synthesizer`. Close it, or use it in a `with`. For several threads: one asks at a
    time. The process is started when it is needed first, and again when it ended."""

    def __init__(
        self,
        cached: Cache | None = None,
        *,
        libraries: Path | None = None,
        limits: Limits | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        """cached: None to make everything anew. libraries: a folder of the user's own, where CDK's library is unpacked
        once. command: what is started, for tests."""
        self._cache = cached
        self._limits = limits or Limits()
        self._command = command
        self._libraries = libraries
        self._child: Child | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._lock = threading.Lock()

    def synthesize(self, document: Mapping[str, Any]) -> Mapping[str, Template]:
        """See the port."""
        text = _text(document)
        namespace = f"templates-{templates_digest()}"
        key = hashlib.sha256(text.encode()).hexdigest()
        if self._cache is not None:
            kept = _kept(self._cache.get_many(namespace, [key]).get(key))
            if kept is not None:
                return kept
        templates = _templates(document, self._ask(json.loads(text)))
        if self._cache is not None:
            content = [[one.layer, one.stack, one.body] for one in templates.values()]
            self._cache.put_many(namespace, {key: json.dumps(content).encode()})
        return templates

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._end()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes."""
        self.close()

    def _ask(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """An answer. A process that ended before it was asked is replaced; one that ends on a document is not asked
        that again, since it would end again."""
        with self._lock:
            if self._child is None or not self._child.alive:
                self._end()
                self._folder = tempfile.TemporaryDirectory(prefix="csoc-cdk-", ignore_cleanup_errors=True)
                self._child = Child(Path(self._folder.name), self._limits, self._command, self._libraries)
            try:
                return self._child.ask(document)
            except ChildEndedError as ended:
                self._end()
                raise UnavailableError(
                    f"No templates were made: the process that makes them gave no answer, {ended}",
                    fix="Ask again; the same without csoc is python -m csoc_infra DOCUMENT.json OUTDIR",
                ) from None

    def _end(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


@cache
def templates_digest() -> str:
    """16 hex digits that change with whatever makes templates: csoc_infra's files, CDK's version. Raises
    UnavailableError if they are not installed."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise UnavailableError("What makes templates is not installed", fix=_INSTALL)
    digest = hashlib.sha256()
    for library in _LIBRARIES:
        try:
            digest.update(f"{library} {importlib.metadata.version(library)}\0".encode())
        except importlib.metadata.PackageNotFoundError:
            raise UnavailableError(
                f"What makes templates is not installed: there is no {library}", fix=_INSTALL
            ) from None
    root = Path(found.submodule_search_locations[0])
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            content = path.read_bytes()
            digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()[:16]


def _text(document: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise RejectedError("This is nothing that JSON can hold", place="document") from None
    if len(text) > _LARGEST_DOCUMENT:
        raise RejectedError(f"The document is larger than {_LARGEST_DOCUMENT:,} bytes", place="document")
    return text


def _templates(document: Mapping[str, Any], answer: Mapping[str, Any]) -> Mapping[str, Template]:
    error = answer.get("error")
    if isinstance(error, Mapping):
        cause, fix = (masking.mask_text(str(error.get(key, ""))) for key in ("cause", "fix"))
        raise RejectedError(cause, place=masking.mask_text(str(error.get("path", "document"))), fix=fix or _CORRECT)
    bodies = answer.get("templates")
    layers = document["layers"]
    if not isinstance(bodies, Mapping) or set(bodies) != set(layers):
        raise UnavailableError("No templates were made: the answer of the process that makes them is not one")
    return {name: Template(name, str(layers[name]["stack"]), str(bodies[name])) for name in bodies}


def _kept(content: bytes | None) -> Mapping[str, Template] | None:
    """Templates from the cache; None for what is not there or was altered."""
    if content is None:
        return None
    try:
        items = json.loads(content)
        return {layer: Template(layer, stack, body) for layer, stack, body in items}
    except (ValueError, TypeError, RecursionError):
        return None
