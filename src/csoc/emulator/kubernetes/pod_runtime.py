"""What runs in pods, as far as the API shows it: logs, commands, ports.

The API server asks a PodRuntime; who simulates the kubelet answers. Lines and output are made when they are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a container's log. at: when it was written, aware, UTC."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """What a command left behind."""

    code: int
    out: bytes = b""
    err: bytes = b""


class PodRuntime(Protocol):
    """The kubelets of one cluster. Threads may share it; nothing of it may block for long."""

    def logs(self, pod: Object, container: str, *, previous: bool = False) -> Sequence[LogLine]:
        """All lines so far, in order; empty if it wrote none. container: its name. previous: of the run before the last
        restart.

        Raises LookupError if there is no such run.
        """
        ...

    def run(self, pod: Object, container: str, command: Sequence[str], stdin: bytes) -> Output:
        """Runs a command in a container. stdin: all of it, b"" if the client sends none."""
        ...

    def answer(self, pod: Object, port: int, request: bytes) -> bytes:
        """What a port of the pod sends back for what came in on one connection so far; b"" while it waits for more.

        Raises ConnectionRefusedError if nothing listens there.
        """
        ...


class NoRuntime:
    """A cluster without kubelets: nothing runs, and says so."""

    def logs(self, pod: Object, container: str, *, previous: bool = False) -> Sequence[LogLine]:  # noqa: ARG002
        raise LookupError(f"no kubelet runs the pod {pod['metadata']['name']} of this cluster")

    def run(self, pod: Object, container: str, command: Sequence[str], stdin: bytes) -> Output:  # noqa: ARG002
        raise LookupError(f"no kubelet runs the pod {pod['metadata']['name']} of this cluster")

    def answer(self, pod: Object, port: int, request: bytes) -> bytes:  # noqa: ARG002
        raise ConnectionRefusedError(f"no kubelet runs the pod {pod['metadata']['name']} of this cluster")
