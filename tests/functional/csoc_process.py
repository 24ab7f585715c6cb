"""csoc as a process of its own that dies, or stands still, at a chosen point of its work.

A kill from outside hits whatever the process happens to do, which is mostly waiting. So the process itself notes what
passes the border to the outside world (calls of AWS and of clusters, commits to Git and to databases, each before it
leaves and after its answer came) and sends itself the signal at the point that was chosen: nothing of csoc runs after
it, as after any kill -9. What runs is the command line as everybody types it.
"""

from __future__ import annotations

import fnmatch
import functools
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import botocore.client
import sqlalchemy
from botocore.retries import standard
from sqlalchemy.engine.default import DefaultDialect

from csoc import bootstrap
from csoc.adapters.aws import accounts, sessions, stacks  # noqa: F401 - loaded before processes fork
from csoc.adapters.db import database
from csoc.adapters.engine import dbos  # noqa: F401
from csoc.adapters.git import GitRepositories
from csoc.adapters.kube import kubeconfigs  # noqa: F401
from csoc.adapters.kube.client import KubeClient
from csoc.cli import main as command_line
from csoc.cli import secret, worker  # noqa: F401
from csoc.cli.runs import changing, listing  # noqa: F401
from csoc.config import Settings
from csoc.operations.executor import ExecutorSettings
from csoc.operations.leases import LeaseTimes
from csoc.operations.runner import Pacing
from csoc.operations.steps.base import Context, Result, StepKind, Waiting
from csoc.usecases.run_ports import RunPorts

TIMES = LeaseTimes(hold_seconds=10, stop_seconds=7, renew_seconds=1)
ANY = "*"
_LOOK_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Point:
    """Where a process ends: as it passes the border for the `nth` time in a way that fits.

    step: name of the run's step. what: "aws SERVICE OPERATION", "kube METHOD PATH", "git commit", "database commit".
    moment: before or after. Of all, patterns with *. pause: it stands still there, and does not end.
    """

    what: str = ANY
    step: str = ANY
    moment: str = ANY
    nth: int = 1
    pause: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """What is quicker or narrower than in a csoc that people use. wait_seconds: for a database that is locked.
    answer_seconds: for AWS. retry_seconds: between attempts of a step. pages: how large a database may grow, 0 for any
    size."""

    times: LeaseTimes = TIMES
    wait_seconds: int = 10
    answer_seconds: float = 60
    retry_seconds: float = 0.2
    aws_seconds: float = 2
    is_full: bool = False


@dataclass(slots=True)
class _Border:
    """What passed so far, and where the process ends. log: of everything that passed, a line each."""

    point: Point | None
    log: int
    met: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    # Each run has a thread of its own; what no step does (leases, the command itself) has others.
    here: threading.local = field(default_factory=threading.local)

    def passes(self, what: str, moment: str) -> None:
        step = getattr(self.here, "step", "")
        with self.lock:
            point = self.point
            hit = point is not None and all(
                fnmatch.fnmatchcase(text, pattern)
                for text, pattern in ((what, point.what), (step, point.step), (moment, point.moment))
            )
            self.met += hit
            ends = hit and point is not None and self.met == point.nth
            os.write(self.log, f"{'ENDS ' if ends else ''}{step}: {moment} {what}\n".encode())
            if ends and point is not None:
                os.kill(os.getpid(), signal.SIGSTOP if point.pause else signal.SIGKILL)

    def around(self, owner: Any, name: str, tell: Callable[..., str]) -> None:
        """Notes each call of a method."""
        real = getattr(owner, name)

        @functools.wraps(real)
        def call(*arguments: Any, **named: Any) -> Any:
            what = tell(*arguments, **named)
            self.passes(what, "before")
            given = real(*arguments, **named)
            self.passes(what, "after")
            return given

        setattr(owner, name, call)


def _of_aws(client: Any, operation: str, *_: object) -> str:
    return f"aws {client.meta.service_model.service_name} {operation}"


def _of_kube(_client: object, method: str, path: str, *_: object, **__: object) -> str:
    return f"kube {method} {path}"


def _telling(kind: StepKind, border: _Border) -> StepKind:
    def run(context: Context) -> Result:
        border.here.step = context.step.name
        result = kind.run(context)
        if isinstance(result, Waiting):
            return replace(result, seconds=_LOOK_SECONDS, most_seconds=_LOOK_SECONDS)
        return result

    return replace(kind, run=run)


def _quickened(border: _Border, pace: Pace) -> Callable[..., Any]:
    real = bootstrap.run_ports
    settings = ExecutorSettings(
        times=pace.times,
        pacing=Pacing(retry_seconds=pace.retry_seconds, most_retry_seconds=pace.retry_seconds * 10),
        poll_seconds=0.1,
    )

    @contextmanager
    def run_ports(given: Settings | None = None) -> Iterator[RunPorts]:
        with real(given) as ports:
            steps = {name: _telling(kind, border) for name, kind in ports.registry.items()}
            yield replace(ports, registry=steps, executor=settings)

    return run_ports


def _backoff(seconds: float) -> Callable[[Any, Any], float]:
    return lambda _self, context: min(seconds, 0.02 * 2**context.attempt_number)


def _fill(connection: Any, _record: object) -> None:
    """SQLite takes the size that a database has by now for the least that may be asked for."""
    connection.execute("PRAGMA max_page_count = 1")


def _run(
    arguments: Sequence[str], environ: Mapping[str, str], said: str, passed: str, point: Point | None, pace: Pace
) -> None:
    """The whole life of the process."""
    signal.signal(signal.SIGTERM, _end)
    out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.environ.clear()
    os.environ.update(environ)
    border = _Border(point, os.open(passed, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    border.around(botocore.client.BaseClient, "_make_api_call", _of_aws)
    border.around(KubeClient, "_send", _of_kube)
    border.around(GitRepositories, "commit", lambda *_: "git commit")
    border.around(DefaultDialect, "do_commit", lambda *_: "database commit")
    bootstrap.run_ports = _quickened(border, pace)
    database._WAIT_SECONDS = pace.wait_seconds
    looks: Any = stacks.CloudFormationStacks.__init__
    looks.__kwdefaults__["look_seconds"] = _LOOK_SECONDS
    config = sessions._CONFIG.merge(botocore.client.Config(read_timeout=pace.answer_seconds))
    sessions._CONFIG = config
    standard.ExponentialBackoff.delay_amount = _backoff(pace.aws_seconds)
    if pace.is_full:
        sqlalchemy.event.listen(sqlalchemy.engine.Engine, "connect", _fill)
    sys.argv = ["csoc", *arguments]
    sys.exit(command_line.run(arguments))


def _end(number: int, frame: object) -> None:
    raise SystemExit(143)


PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])


@dataclass(slots=True)
class CsocProcess:
    """A process, what it said, and what passed its border."""

    process: ForkServerProcess
    said: Path
    passed: Path

    def text(self) -> str:
        return self.said.read_text(encoding="utf-8") if self.said.exists() else ""

    def border(self) -> list[str]:
        return self.passed.read_text(encoding="utf-8").splitlines() if self.passed.exists() else []

    @property
    def ended_at(self) -> str:
        """Where it ended itself, "" if it did not."""
        return next((line.removeprefix("ENDS ") for line in self.border() if line.startswith("ENDS ")), "")


def start(
    folder: Path, number: int, arguments: Sequence[str], environ: Mapping[str, str], point: Point | None, pace: Pace
) -> CsocProcess:
    """Starts `csoc ARGUMENTS`."""
    said, passed = folder / f"said-{number}", folder / f"passed-{number}"
    process = PROCESSES.Process(
        target=_run, args=(list(arguments), dict(environ), str(said), str(passed), point, pace), daemon=True
    )
    process.start()
    return CsocProcess(process, said, passed)
