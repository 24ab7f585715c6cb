"""The real gen3 chart, launched by `csoc launch`: twice into one account under two names, and a third time into the
cluster of the first. Then the first is destroyed by `csoc destroy`, and the other two do not notice.
"""

from __future__ import annotations

import itertools
import json
import re
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pygit2
import pytest

from csoc.cli.demo.scene import RESEARCH, ZONE, scene
from csoc.cli.demo.story import Told, found_fleet, link_account
from csoc.cli.plan.session import open_applying
from csoc.clusters.hostnames import Answered
from tests.functional.command import Command, Ran
from tests.functional.commons_seen import Seen, differences

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

FIRST, SECOND, THIRD = "coral", "kelp", "reef"
SMALL = "minimal, manifestservice"  # the least that has a bucket
RECORD, TOLD = "HostnameAddress", "HostnameRecordParameter"
_CANARY = "canary-of-a-client"
_LOOKS, _LOOK_SECONDS = 300, 0.1
_LEFT = re.compile(r".*Still there: (?P<name>.+?) \((?P<type>.+?)\): (?P<why>.+)")


@dataclass
class Site(Seen):
    """csoc: the command line. chart: the commit with the real chart. ran: every command."""

    csoc: Command
    chart: str
    ran: list[Ran] = field(default_factory=list)

    def run(self, *words: str | Path) -> Ran:
        ran = self.csoc(*words)
        self.ran.append(ran)
        assert ran.code == 0, ran.err + ran.out
        return ran

    def launch(self, commons: str, services: str, cluster: str = "new") -> str:
        """Launches a commons until the command says that it is healthy. Gives the name of its environment."""
        answers = [
            f"commons: {commons}",
            "account: research",
            f"hostname: {commons}.{ZONE}",
            f"cluster: {cluster}",
            f"services: [{services}]",
            f"zone: {{name: {ZONE}, id: {self.stage.zone_id}}}",
            "signIn: {provider: google, clientId: portal, clientSecret: {env: THE_SECRET}}",
            f"chart: {{repoURL: '{self.stage.charts.as_uri()}', path: real/gen3, version: {self.chart}}}",
            "",
        ]
        path = self.stage.folder / f"{commons}.yaml"
        path.write_text("\n".join(answers), encoding="utf-8")
        said = self.run("launch", "--answers", path, "--auto-approve", "--wait").out
        assert f"{commons}-dev: healthy" in said
        assert f"https://{commons}.{ZONE}/: it answers" in said
        return f"{commons}-dev"

    def assert_healthy(self, environment: str) -> None:
        """Argo CD finds it synced and healthy, with the chart that the answers name; its hostname answers."""
        seen = self.inside(environment)
        assert seen["sync"][0] == "Synced"
        assert self.chart in seen["sync"][1]
        # A CronJob is no longer healthy while its job runs, which is often where time runs fast.
        until(lambda: self.health(environment) == "Healthy", f"{environment} is not healthy")
        assert self.answers(f"{environment.removesuffix('-dev')}.{ZONE}") is Answered.YES

    def assert_done_once(self, environment: str) -> None:
        """Nobody disturbed the launch, so nothing was done twice."""
        uid = self.owner(f"environment/{environment}").uid
        for stack in self.stacks(uid):
            name = stack["StackName"]
            events = self._events(name)
            assert [one for one in events if one[1] == "CREATE_COMPLETE"].count((name, "CREATE_COMPLETE")) == 1
            after = events[events.index((name, "CREATE_COMPLETE")) + 1 :]
            # The record comes once the load balancer has an address, and is told to others; nothing else changes then.
            made, changed = ([RECORD], [TOLD, name]) if name.endswith("-edge") else ([], [])
            assert [one for one, status in after if status == "CREATE_COMPLETE"] == made, name
            assert [one for one, status in after if status == "UPDATE_COMPLETE"] == changed, name
        secrets = self.client("secretsmanager")
        for name in self.secrets(uid):
            versions = secrets.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"]
            if not name.endswith("-database-master"):
                assert len(versions) == 1, name
                continue
            # CloudFormation generates the password before there is a database, and adds where that is.
            generated, attached = (
                json.loads(secrets.get_secret_value(SecretId=name, VersionStage=stage)["SecretString"])
                for stage in ("AWSPREVIOUS", "AWSCURRENT")
            )
            assert len(versions) == 2
            assert generated.items() < attached.items()
            assert {"host", "port"} <= attached.keys() - generated.keys()

    def _events(self, stack: str) -> list[tuple[str, str]]:
        """What happened to a stack's resources, in order: logical id and status."""
        pages = self.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack)
        found = [one for page in pages for one in page["StackEvents"]]
        return [(one["LogicalResourceId"], one["ResourceStatus"]) for one in reversed(found)]


@pytest.fixture
def site(tmp_path: Path, real: Path) -> Iterator[Site]:
    with scene(tmp_path) as stage:
        # csoc and Argo CD read only one repository of this machine, the mirror of charts.
        with tarfile.open(next(real.glob("gen3-chart-*.tgz"))) as archive:
            archive.extractall(stage.charts / "real", filter="data")
        found_fleet(stage, _nothing)
        link_account(stage, _nothing, Told(), "research", RESEARCH)
        csoc = Command(tmp_path / "home", tmp_path, variables={**stage.environ, "THE_SECRET": _CANARY})
        with open_applying() as (ports, runs):
            yield Site(stage, ports, runs, csoc, _committed(stage.charts))


def _committed(folder: Path) -> str:
    repository = pygit2.Repository(str(folder))
    repository.index.add_all()
    repository.index.write()
    who = pygit2.Signature("Ada", f"ada@{ZONE}", 1_790_000_000, 0)
    tree = repository.index.write_tree()
    return str(repository.create_commit("HEAD", who, who, "The real chart", tree, [repository.head.target]))


def _nothing(text: str, style: str) -> None:
    """Nobody listens."""


def until(holds: Callable[[], bool], what: str) -> None:
    """Looks until it holds."""
    for _ in range(_LOOKS):
        if holds():
            return
        time.sleep(_LOOK_SECONDS)
    raise AssertionError(what)


def test_the_real_chart_runs_three_times_in_an_account_and_the_one_that_is_destroyed_leaves_the_others_untouched(
    site: Site,
) -> None:
    first, second = site.launch(FIRST, "standard"), site.launch(SECOND, SMALL)
    third = site.launch(THIRD, SMALL, cluster=FIRST)
    for environment in (first, second, third):
        site.assert_healthy(environment)
        site.assert_done_once(environment)
    clusters = {one: site.owner(f"environment/{one}").cluster.metadata.name for one in (first, second, third)}
    assert clusters == {first: FIRST, second: SECOND, third: FIRST}
    for environment in (first, second, third):
        for bucket in site.buckets(site.owner(f"environment/{environment}").uid):
            site.client("s3").put_object(Bucket=bucket, Key="somebody's", Body=b"data")
    before = {one: site.whole(one) for one in (first, second, third)}
    assert not [part for found in before.values() for part, things in found.items() if not things]
    for one, other in itertools.combinations(before.values(), 2):
        assert not [part for part in set(one) - {"inside"} if one[part].keys() & other[part].keys()]

    uid = site.owner(f"environment/{first}").uid
    shown = site.run("destroy", f"environment/{first}").out
    assert f"To do it: csoc destroy environment/{first} --yes {first}" in shown
    said = site.run("destroy", f"environment/{first}", "--yes", first).out

    for environment in (second, third):
        assert not differences(before[environment], site.whole(environment))
        site.assert_healthy(environment)
    assert not site.stacks(uid)
    assert site.answers(f"{FIRST}.{ZONE}") is Answered.NO_ADDRESS
    assert site.is_in(site.cluster(third), first) == []
    assert len(site.is_in(site.cluster(third), third)) == 3
    assert not [path for path in site.files(first) if not path.startswith("clusters/")]
    _assert_listed(site, said, uid, before[first])
    assert not [one for one in site.ran if _CANARY in one.out + one.err]


def _assert_listed(site: Site, said: str, uid: str, was: Mapping[str, Mapping[str, Any]]) -> None:
    """All that the account still has of the owner was listed, with what keeps it, and nothing of the others."""
    told = [match for match in map(_LEFT.fullmatch, said.splitlines()) if match]
    kept = {match["name"]: match["why"] for match in told}
    assert f"{len(told)} things are left in the account, each told above as still there." in said
    there = site.tagged(uid)
    assert there
    assert {*there} <= was["tagged"].keys()
    for arn in there:
        assert any(arn.endswith(name) for name in kept), arn
    assert site.buckets(uid) == was["buckets"], "with what is in them"
    assert site.buckets(uid).keys() <= kept.keys()
    secrets = site.secrets(uid)
    assert secrets.keys() == was["secrets"].keys()
    assert secrets.keys() <= {re.sub(r"-\w{6}$", "", name) for name in kept}
    assert not [why for why in kept.values() if "look whose it is" in why], "each says what keeps it"
    assert not [name for name in kept if SECOND in name or THIRD in name]
