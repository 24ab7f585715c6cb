"""Several launches into one account, each as a process that is killed, doubled, throttled or locked out: what comes of
them is what comes of launches that nothing happens to, and none of them touches what is another's.

The emulator counts: every stack was executed once, every secret put once, every commit made once.
"""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pygit2
import pytest

from csoc.cli.demo.scene import RESEARCH, ZONE, Scene, scene
from csoc.cli.demo.story import Told, found_fleet, link_account
from csoc.emulator.effects import FaultRule

SOAK = int(os.environ.get("CSOC_SOAK") or 0)
_PATIENCE = 240
_CANARY = "canary-of-a-client"
_COMMITS = ("Launch {0}", "Outputs of the layers of {0}", "Deploy {0}")
# Its change set is made first, and executed once.
_MADE = ("CREATE_IN_PROGRESS", "CREATE_COMPLETE")
# The record comes once the load balancer has an address.
_PUBLISHED = (*_MADE, "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE")


@dataclass
class Site:
    """The stage of the demo with one account linked. said: all that processes printed."""

    scene: Scene
    environ: dict[str, str]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def launch(self, name: str, cluster: str = "new") -> subprocess.Popen[str]:
        """`csoc launch` of a commons; again with the same name, it is the same launch."""
        answers = self.scene.folder / f"{name}.yaml"
        answers.write_text(
            "\n".join(
                [
                    f"commons: {name}",
                    "account: research",
                    f"hostname: {name}.{ZONE}",
                    f"cluster: {cluster}",
                    "services: [minimal]",
                    f"zone: {{name: {ZONE}, id: {self.scene.zone_id}}}",
                    "signIn: {provider: google, clientId: portal, clientSecret: {env: THE_SECRET}}",
                    f"chart: {{repoURL: '{self.scene.charts.as_uri()}', path: gen3, "
                    f"version: {self.scene.charts_commit}}}",
                    "",
                ]
            ),
            encoding="utf-8",
        )
        return self.csoc("launch", "--answers", str(answers), "--auto-approve", "--wait")

    def csoc(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", "from csoc.cli.entry import main; main()", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environ,
        )
        self.processes.append(process)
        return process

    def ends(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        said = process.communicate(timeout=_PATIENCE)[0]
        self.processes.remove(process)
        self.said.append(said)
        return process.returncode, said

    def kill(self, process: subprocess.Popen[str]) -> None:
        """Kills it, and lets the time pass for which its leases keep others away."""
        process.send_signal(signal.SIGKILL)
        self.ends(process)
        with sqlite3.connect(self.records, timeout=20) as records:
            # A process that was killed early has made none.
            if records.execute("SELECT 1 FROM sqlite_master WHERE name = 'run_leases'").fetchone():
                records.execute("UPDATE run_leases SET is_released = 1")

    @property
    def records(self) -> Path:
        return self.scene.folder / "data" / "csoc.sqlite3"

    def commits(self) -> Counter[str]:
        repository = pygit2.Repository(str(self.scene.fleet))
        return Counter(one.message.splitlines()[0] for one in repository.walk(repository.head.target))

    def files(self, name: str) -> dict[str, str]:
        """What Git says of a commons and of the cluster of its name: blobs by path."""
        repository = pygit2.Repository(str(self.scene.fleet))
        index = pygit2.Index()
        index.read_tree(repository.head.peel().tree)
        return {one.path: str(one.id) for one in index if re.search(rf"\b{name}\b", one.path)}

    def stacks(self) -> dict[str, list[str]]:
        """Of each stack of the account, but the link's, what happened to it as a whole."""
        client = self.scene.owners[RESEARCH].client("cloudformation")
        found = {}
        for stack in client.describe_stacks()["Stacks"]:
            name = stack["StackName"]
            pages = client.get_paginator("describe_stack_events").paginate(StackName=name)
            events = [one for page in pages for one in page["StackEvents"]]
            whole = [one for one in events if one["PhysicalResourceId"] == stack["StackId"]]
            found[name] = [
                one["ResourceStatus"] for one in reversed(whole) if one["ResourceStatus"] != "REVIEW_IN_PROGRESS"
            ]
        return found

    def secrets(self) -> dict[str, list[str]]:
        """Of each secret, its versions."""
        client = self.scene.owners[RESEARCH].client("secretsmanager")
        pages = client.get_paginator("list_secrets").paginate()
        names = [one["Name"] for page in pages for one in page["SecretList"]]
        return {
            name: sorted(
                one["VersionId"]
                for one in client.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"]
            )
            for name in names
        }

    def assert_once(self, *names: str) -> None:
        """All that the launches of these names were to bring about happened, and once."""
        for name, events in self.stacks().items():
            assert tuple(events) == (_PUBLISHED if name.endswith("-edge") else _MADE), name
        for name, versions in self.secrets().items():
            # The address of the database comes to its master's secret by the stack that made both.
            assert len(versions) == (2 if name.endswith("-database-master") else 1), name
        made = self.commits()
        for name in names:
            for message in _COMMITS:
                assert made[message.format(f"{name}-dev")] == 1, made
        assert not any(_CANARY in said for said in self.said)

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("launches")
    with scene(folder) as stage:
        found_fleet(stage, _nothing)
        link_account(stage, _nothing, Told(), "research", RESEARCH)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        made = Site(stage, {**kept, **stage.environ, "THE_SECRET": _CANARY, "HOME": str(folder)})
        yield made
        made.close()


def _nothing(text: str, style: str) -> None:
    """Nobody listens."""


def killed_and_begun_again(site: Site, chance: random.Random, name: str, kills: int, cluster: str = "new") -> None:
    """One process after the other is killed at some moment, which may be before it began or after it ended."""
    for _ in range(kills):
        process = site.launch(name, cluster)
        time.sleep(chance.uniform(3, 15))
        site.kill(process)
    code, said = site.ends(site.launch(name, cluster))
    assert code == 0, said


@pytest.mark.soak
def test_a_launch_that_is_killed_goes_on_when_it_is_asked_for_again_and_everything_happens_once(site: Site) -> None:
    killed_and_begun_again(site, random.Random(1), "coral", kills=1)
    site.assert_once("coral")


@pytest.mark.soak
def test_a_second_launch_is_throttled_and_finds_the_database_locked_and_changes_nothing_of_the_first(
    site: Site,
) -> None:
    before = site.files("coral")
    rules = site.scene.cloud.faults
    rules.add(FaultRule("throttle", service="cloudformation", probability=0.2, seed=7))
    process = site.launch("kelp")
    time.sleep(6)
    with sqlite3.connect(site.records, timeout=20, isolation_level=None) as locking:
        locking.execute("BEGIN EXCLUSIVE")
        time.sleep(3)
        locking.execute("COMMIT")
    code, said = site.ends(process)
    rules.clear()
    assert code == 0, said
    site.assert_once("coral", "kelp")
    assert site.files("coral") == before


@pytest.mark.soak
@pytest.mark.skipif(not SOAK, reason="a soak: CSOC_SOAK says how many")
@pytest.mark.timeout(0)
@pytest.mark.parametrize("seed", range(1_000, 1_000 + SOAK // 10))
def test_soak(site: Site, seed: int) -> None:
    killed_and_begun_again(site, random.Random(seed), f"reef{seed}", kills=3)
    site.assert_once(f"reef{seed}")
