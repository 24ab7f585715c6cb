"""Renders charts in child processes: a few warm ones, each asked one thing at a time, replaced when one ends.

The parent's side of the port `fleet.charts.ChartRenderer`. It never imports Helm's engine; that is `child`.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import tempfile
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from csoc.adapters.helm.render import messages
from csoc.adapters.helm.render.process import Child, LimitReachedError, Limits
from csoc.config import Settings
from csoc.fleet.charts import (
    ChartArchive,
    OpenGate,
    RenderedObject,
    RenderFailure,
    RenderGate,
    Rendering,
    RenderRequest,
)


class ChildRenderer:
    """`ChartRenderer` by Helm's own engine in children without rights. Close it, or use it in a `with`."""

    def __init__(self, *, workers: int = 0, limits: Limits | None = None, gate: RenderGate | None = None) -> None:
        """workers: children at a time, 0 for one a processor. None is started before it is needed. gate: asked before
        each rendering."""
        self._limits = limits or Limits()
        self._gate: RenderGate = gate or OpenGate()
        self._workers = workers or _processors()
        self._folder = tempfile.TemporaryDirectory(prefix="csoc-render-", ignore_cleanup_errors=True)
        # The last one used is asked next: it is warm, and one renderer that is used by one thread has one child.
        self._idle: queue.LifoQueue[Child | None] = queue.LifoQueue()
        for _ in range(self._workers):
            self._idle.put(None)
        self._living: set[Child] = set()
        self._lock = threading.Lock()
        self._version = ""
        self._sandbox: Mapping[str, str] = {}

    @classmethod
    def from_settings(cls, settings: Settings, gate: RenderGate | None = None) -> Self:
        """With the limits of csoc's settings."""
        render = settings.render
        limits = Limits(
            wall_seconds=max(60.0, 3.0 * render.cpu_seconds),
            cpu_seconds=render.cpu_seconds,
            memory_bytes=render.memory_bytes,
            output_bytes=render.output_bytes,
        )
        return cls(workers=render.workers, limits=limits, gate=gate)

    @property
    def version(self) -> str:
        """Names the engine. Starts a child if none has run yet; raises UnavailableError if that fails."""
        self._meet()
        return self._version

    def sandbox_report(self) -> Mapping[str, str]:
        """What really holds around a child on this machine: layer to "on", or the reason why it is missing.

        "files", "network" and "programs" were tried out. Raises UnavailableError if no child can be started.
        """
        self._meet()
        return self._sandbox

    def render(self, request: RenderRequest) -> Rendering:
        """See the port."""
        try:
            values = messages.values_text(request.values, self._limits.values_bytes)
        except messages.TooLargeError as error:
            return Rendering(failure=RenderFailure("limit", str(error)))
        message = {
            "do": "render",
            "values": values,
            "name": request.release,
            "namespace": request.namespace,
            "kube_version": request.kube_version,
            "api_versions": list(request.api_versions),
            "output_bytes": self._limits.output_bytes,
        }
        answer = self._asked(request.chart, message, _name(request.chart, message))
        if isinstance(answer, RenderFailure):
            return Rendering(failure=answer)
        if "failure" in answer:
            return Rendering(failure=messages.failure(answer["failure"], request.values))
        return Rendering(
            objects=tuple(RenderedObject(template, body) for template, body in answer["objects"]),
            values=answer["values"],
            unparsed=tuple((template, reason) for template, reason in answer["unparsed"]),
        )

    def render_many(self, requests: Iterable[RenderRequest]) -> Iterator[Rendering]:
        """See the port. Takes from `requests` as it goes, a few ahead of what was handed out."""
        with ThreadPoolExecutor(self._workers, thread_name_prefix="csoc-render") as pool:
            ahead: deque[Future[Rendering]] = deque()
            try:
                for request in requests:
                    ahead.append(pool.submit(self.render, request))
                    if len(ahead) > 2 * self._workers:
                        yield ahead.popleft().result()
                while ahead:
                    yield ahead.popleft().result()
            finally:
                for future in ahead:
                    future.cancel()

    def defaults(self, chart: ChartArchive) -> Mapping[str, Any]:
        """See the port."""
        answer = self._asked(chart, {"do": "defaults"}, chart.digest)
        if isinstance(answer, RenderFailure) or "failure" in answer:
            return {}
        values: Mapping[str, Any] = answer["values"]
        return values

    def close(self) -> None:
        """Ends all children; the renderer starts new ones if it is used again."""
        with self._lock:
            living, self._living = self._living, set()
        for child in living:
            child.end()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _asked(self, chart: ChartArchive, message: dict[str, Any], key: str) -> dict[str, Any] | RenderFailure:
        """The answer, or why there is none. Here rather than when the work is handed out, so that what one rendering
        cost counts for those that wait."""
        refusal = self._gate.refusal(chart, key)
        if refusal is not None:
            return refusal
        limit = ""
        try:
            answer = self._ask(chart, message)
            if isinstance(answer, RenderFailure):
                limit = answer.message
            elif "failure" in answer and answer["failure"][0] == "limit":
                limit = answer["failure"][1]
        finally:
            self._gate.ended(chart, key, limit)
        return answer

    def _ask(self, chart: ChartArchive, message: dict[str, Any]) -> dict[str, Any] | RenderFailure:
        message |= {"chart": chart.digest, "cpu_seconds": self._limits.cpu_seconds}
        child = self._idle.get()
        try:
            if child is None or not child.alive:
                self._forget(child)
                child = self._start()
            answer = child.ask(message)
            if answer.get("missing"):
                answer = child.ask(message, chart.content)
        except LimitReachedError as reached:
            return RenderFailure("limit", str(reached))
        finally:
            if child is not None and not child.alive:
                self._forget(child)
                child = None
            self._idle.put(child)
        return answer

    def _start(self) -> Child:
        folder = Path(self._folder.name)
        folder.mkdir(mode=0o700, exist_ok=True)  # a closed renderer has lost it
        child = Child(folder, self._limits)
        with self._lock:
            self._living.add(child)
            self._version, self._sandbox = child.version, child.sandbox
        return child

    def _forget(self, child: Child | None) -> None:
        if child is None:
            return
        child.end()
        with self._lock:
            self._living.discard(child)

    def _meet(self) -> None:
        if self._version:
            return
        child = self._idle.get()
        try:
            if child is None:
                child = self._start()
        finally:
            self._idle.put(child)


def _name(chart: ChartArchive, message: Mapping[str, Any]) -> str:
    """Names a rendering by everything that goes into it. Of the values' text: taking values apart once more would need
    as many stack frames as they are deep."""
    return hashlib.sha256(f"{chart.digest} {json.dumps(message)}".encode()).hexdigest()


def _processors() -> int:
    """How many this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
