"""Launches into one account of an emulated cloud, executed by processes of csoc that die where a test wants it."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pygit2

from csoc.cli.demo.scene import RESEARCH, ZONE, Scene, scene
from csoc.cli.demo.story import Told, found_fleet, link_account
from csoc.cli.plan.session import open_applying
from csoc.errors import UnavailableError
from csoc.gen3.launch.answerfiles import parse_answers
from csoc.operations.runs import Run, RunState
from csoc.usecases.launching import Request, begin, prepare
from csoc.usecases.provisioning_ports import ProvisioningPorts
from csoc.usecases.run_ports import RunPorts
from tests.functional import csoc_process
from tests.functional.csoc_process import CsocProcess, Pace, Point

PATIENCE_SECONDS = 240
CANARY = "canary-of-a-client"
_COMMITS = ("Launch {0}", "Outputs of the layers of {0}", "Deploy {0}")
_PLATFORM = "Platform of the cluster {0}"
# Its change set is made first, and executed once.
_MADE = ("CREATE_IN_PROGRESS", "CREATE_COMPLETE")
# The record comes once the load balancer has an address.
_PUBLISHED = (*_MADE, "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE")


@dataclass(frozen=True, slots=True)
class Launch:
    """A commons on its way. uids: of its cluster, where it has one of its own, and of its environment."""

    name: str
    runs: tuple[str, ...]
    uids: tuple[str, ...]


@dataclass
class Site:
    """The stage of the demo with one account linked. processes: those that live. said: all that they printed."""

    scene: Scene
    ports: ProvisioningPorts
    runs: RunPorts
    environ: dict[str, str]
    processes: list[CsocProcess] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    _given: set[str] = field(default_factory=set)
    _number: int = 0

    def launch(self, name: str, cluster: str = "new", *, gives_secret: bool = False) -> Launch:
        """What `csoc launch --auto-approve` does: documents, plans, runs that nobody works on yet. Of a launch that was
        begun before it gives what there is."""
        answers = self.answers(name, cluster, gives_secret=gives_secret).encode()
        request = Request(str(self.scene.fleet), parse_answers(answers, name), auto_approve=True)
        prepared = prepare(self.ports, request)
        launched = begin(self.ports, self.runs, request, prepared)
        return Launch(name, tuple(run.id for run in launched.runs), tuple(run.owner for run in launched.runs))

    def answers(self, name: str, cluster: str = "new", *, gives_secret: bool = False) -> str:
        secret = ", clientSecret: {env: THE_SECRET}" if gives_secret else ""
        lines = [
            f"commons: {name}",
            "account: research",
            f"hostname: {name}.{ZONE}",
            f"cluster: {cluster}",
            "services: [minimal]",
            f"zone: {{name: {ZONE}, id: {self.scene.zone_id}}}",
            f"signIn: {{provider: google, clientId: portal{secret}}}",
            f"chart: {{repoURL: '{self.scene.charts.as_uri()}', path: gen3, version: {self.scene.charts_commit}}}",
            "",
        ]
        return "\n".join(lines)

    def csoc(self, *arguments: str, point: Point | None = None, pace: Pace | None = None) -> CsocProcess:
        self._number += 1
        folder = self.scene.folder / "processes"
        folder.mkdir(exist_ok=True)
        made = csoc_process.start(folder, self._number, arguments, self.environ, point, pace or Pace())
        self.processes.append(made)
        return made

    def goes_on(self, launch: Launch, how: str, point: Point | None = None, pace: Pace | None = None) -> CsocProcess:
        """Somebody goes on with a launch. how: "worker", or "resume" for the first of its runs that is not over."""
        if how == "worker":
            return self.csoc("worker", point=point, pace=pace)
        run = next(run for run in self.of(launch) if not run.state.is_over)
        return self.csoc("runs", "resume", run.id, point=point, pace=pace)

    def ends(self, process: CsocProcess, seconds: float = PATIENCE_SECONDS) -> tuple[int, str]:
        """Its exit code, negative for a signal, and what it said."""
        process.process.join(seconds)
        code = process.process.exitcode
        assert code is not None, f"it did not end: {process.text()}"
        self.processes.remove(process)
        self.said.append(process.text())
        return code, process.text()

    def run(self, *arguments: str) -> str:
        """A command that goes well."""
        code, said = self.ends(self.csoc(*arguments))
        assert code == 0, said
        return said

    def stop(self, process: CsocProcess) -> None:
        """Asks it to end, as whoever runs it does."""
        process.process.terminate()
        self.ends(process)

    def release(self) -> None:
        """Lets the time pass for which leases of the dead keep others away."""
        with sqlite3.connect(self.records, timeout=20) as records:
            records.execute("UPDATE run_leases SET is_released = 1")

    def of(self, launch: Launch) -> list[Run]:
        return [self.runs.runs.get(run) for run in launch.runs]

    def is_over(self, launch: Launch) -> bool:
        """True if its runs succeeded. Gives what only a person has where a run waits for it."""
        runs = self.of(launch)
        for run in runs:
            assert run.state not in (RunState.FAILED, RunState.ERRORED, RunState.CANCELLED), _why(run)
        self.give_if_wanted(launch)
        return all(run.state is RunState.SUCCEEDED for run in runs)

    def give_if_wanted(self, launch: Launch) -> None:
        """Gives what only a person has, if a run waits for it; once."""
        waits = any(one.kind == "put secrets" and one.state is RunState.WAITING for one in self.of(launch)[-1].steps)
        if waits and launch.name not in self._given:
            self.give_secret(launch)

    def give_secret(self, launch: Launch) -> None:
        self._given.add(launch.name)
        self.run("secret", "put", f"{launch.name}-dev", "fence-config", "--from-env", "client-secret=THE_SECRET")

    def until_over(self, launch: Launch) -> None:
        until(partial(self.is_over, launch), f"{launch.name} did not come to its end")

    def killed(self, launch: Launch, how: str, point: Point) -> None:
        """Somebody goes on with a launch and dies at a point. It is an error if the launch ends before."""
        assert self.killed_if_met(launch, how, point), f"the launch ended before {point} was met"

    def killed_if_met(self, launch: Launch, how: str, point: Point) -> bool:
        """The same for a point that may not be met: False if the launch came to its end before."""
        while True:
            process = self.goes_on(launch, how, point)
            until(partial(self._is_dead_or_over, process, launch), "the point was not met")
            if how == "worker" and process.process.is_alive():
                process.process.join(1)  # it may be met behind the end, too
                if process.process.is_alive():
                    process.process.terminate()
            code, said = self.ends(process)
            self.release()
            if code == -signal.SIGKILL:
                return True
            if self.is_over(launch):
                return False
            assert code == 0, said  # the first run of the launch is over, and the point is in the second one

    def _is_dead_or_over(self, process: CsocProcess, launch: Launch) -> bool:
        return self.is_over(launch) or not process.process.is_alive()

    @property
    def records(self) -> Path:
        return self.scene.folder / "data" / "csoc.sqlite3"

    @property
    def engine(self) -> Path:
        return self.scene.folder / "data" / "csoc-engine.sqlite3"

    def commits(self) -> Counter[str]:
        repository = pygit2.Repository(str(self.scene.fleet))
        return Counter(one.message.splitlines()[0] for one in repository.walk(repository.head.target))

    def stacks(self, uid: str) -> dict[str, list[str]]:
        """Of each stack of an owner, what happened to it as a whole."""
        client = self.scene.owners[RESEARCH].client("cloudformation")
        found = {}
        for stack in client.describe_stacks()["Stacks"]:
            name = stack["StackName"]
            if f"-{uid}-" not in name:
                continue
            pages = client.get_paginator("describe_stack_events").paginate(StackName=name)
            events = [one for page in pages for one in page["StackEvents"]]
            whole = [one for one in events if one["PhysicalResourceId"] == stack["StackId"]]
            found[name.rpartition("-")[2]] = [
                one["ResourceStatus"] for one in reversed(whole) if one["ResourceStatus"] != "REVIEW_IN_PROGRESS"
            ]
        return found

    def secrets(self, uid: str) -> dict[str, dict[str, Any]]:
        """Of each secret of an owner: its versions, and its value."""
        client = self.scene.owners[RESEARCH].client("secretsmanager")
        pages = client.get_paginator("list_secrets").paginate()
        names = [one["Name"] for page in pages for one in page["SecretList"] if uid in one["Name"]]
        return {
            name.replace(uid, "UID"): {
                "versions": client.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"],
                "value": client.get_secret_value(SecretId=name)["SecretString"],
            }
            for name in names
        }

    def whole(self, launch: Launch) -> Mapping[str, Any]:
        """What there is of an environment, with its names taken out, so that two of them can be compared."""
        client = self.scene.owners[RESEARCH].client("cloudformation")
        uid = launch.uids[-1]
        stacks = {}
        for layer in self.stacks(uid):
            listed = client.get_paginator("list_stack_resources").paginate(StackName=f"csoc-{uid}-{layer}")
            stacks[layer] = sorted(
                (one["LogicalResourceId"], one["ResourceType"], one["ResourceStatus"].partition("_")[2])
                for page in listed
                for one in page["StackResourceSummaries"]
            )
        run = self.of(launch)[-1]
        return {
            "stacks": stacks,
            "secrets": sorted(self.secrets(uid)),
            "files": sorted(path.rpartition("/")[2].replace(launch.name, "NAME") for path in self._files(launch.name)),
            "steps": [step.kind for step in run.steps if step.kind != "wait for run"],
        }

    def _files(self, name: str) -> list[str]:
        repository = pygit2.Repository(str(self.scene.fleet))
        index = pygit2.Index()
        index.read_tree(repository.head.peel().tree)
        return [one.path for one in index if re.search(rf"\b{name}-dev\b", one.path)]

    def assert_once(self, launch: Launch, *, put_again: bool = False) -> None:
        """All that the launch was to bring about happened, and once; nothing is left of what did not come to its end.
        put_again: its executor died among secrets whose values must agree, so that they may have been put again."""
        for run in self.of(launch):
            assert run.state is RunState.SUCCEEDED, _why(run)
            assert all(step.state is RunState.SUCCEEDED for step in run.steps), _why(run)
        cloudformation = self.scene.owners[RESEARCH].client("cloudformation")
        for uid in launch.uids:
            for layer, events in self.stacks(uid).items():
                assert tuple(events) == (_PUBLISHED if layer == "edge" else _MADE), (layer, events)
                left = cloudformation.list_change_sets(StackName=f"csoc-{uid}-{layer}")["Summaries"]
                assert not left, f"a change set of {layer} is left"
        self._assert_secrets(launch.uids[-1], put_again=put_again)
        made = self.commits()
        wanted = [message.format(f"{launch.name}-dev") for message in _COMMITS]
        if len(launch.uids) > 1:
            wanted.append(_PLATFORM.format(launch.name))
        assert {one: made[one] for one in wanted} == dict.fromkeys(wanted, 1)
        assert not any(CANARY in said for said in self.said)
        assert not any("Traceback" in said for said in self.said)

    def _assert_secrets(self, uid: str, *, put_again: bool) -> None:
        found = self.secrets(uid)
        for name, secret in found.items():
            current = [one for one in secret["versions"] if "AWSCURRENT" in one["VersionStages"]]
            assert len(current) == 1, name
            if not put_again:
                # The address of the database comes to its master's secret by the stack that made both.
                assert len(secret["versions"]) == (2 if name.endswith("-database-master") else 1), name

    def close(self) -> None:
        for process in self.processes:
            process.process.kill()
            process.process.join()


def until(holds: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Looks until it holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if holds():
                return
        except UnavailableError:
            pass
        time.sleep(0.05)
    raise AssertionError(what)


@contextmanager
def open_site(folder: Path) -> Iterator[Site]:
    """A site in a folder, with nothing launched."""
    with scene(folder) as stage:
        found_fleet(stage, _nothing)
        link_account(stage, _nothing, Told(), "research", RESEARCH)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environ = {**kept, **stage.environ, "THE_SECRET": CANARY, "HOME": str(folder)}
        with open_applying() as (ports, runs):
            made = Site(stage, ports, runs, environ)
            try:
                yield made
            finally:
                made.close()


def finish(site: Site, launch: Launch, how: str = "worker") -> None:
    """Somebody brings a launch to its end."""
    if how == "resume":
        while not site.is_over(launch):
            process = site.goes_on(launch, "resume")
            until(partial(site._is_dead_or_over, process, launch), "it did not end")
            code, said = site.ends(process)
            assert code == 0, said
        return
    worker = site.goes_on(launch, "worker")
    site.until_over(launch)
    site.stop(worker)


def _why(run: Run) -> str:
    causes = [f"{step.name}: {step.cause} (fix: {step.fix})" for step in run.steps if step.cause]
    return f"{run.owner_name} is {run.state}: {'; '.join(causes)}"


def _nothing(text: str, style: str) -> None:
    """Nobody listens."""
