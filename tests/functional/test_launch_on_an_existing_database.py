"""A commons on a database that another tool made: its address and port are read from that tool's parameters, and what
csoc cannot know, its master login, is asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pygit2
import pytest

from csoc.cli.demo.scene import REGION, RESEARCH, ZONE, Scene, scene
from csoc.cli.demo.story import Told, found_fleet, link_account
from csoc.cli.plan.session import open_applying, open_provisioning
from csoc.clusters.access import EksReference
from csoc.errors import DeniedError
from csoc.gen3.launch.answerfiles import parse_answers
from csoc.usecases.launching import Request, prepare

_PATIENCE = 240
_FOLDER = "/gen3/omix3/commons/uat/rds/main"
_HOST = "omix3-uat-main.cluster-abc.ap-southeast-2.rds.amazonaws.com"
_DATABASE = {
    "endpoint": _HOST,
    "port": "5432",
    "security-group-id": "sg-0123456789abcdef0",
    "secret-arn": f"arn:aws:secretsmanager:ap-southeast-2:{RESEARCH}:secret:gen3/omix3/rds-AbCdEf",
}
_SOURCE = f"""
      provider: existing
      from:
        parameters: {_FOLDER}
        names:
          DatabaseEndpoint: endpoint
          DatabasePort: port
          DatabaseSecurityGroupId: security-group-id
          DatabaseSecretArn: secret-arn
"""
_CANARY = "canary-of-a-master"


@dataclass(frozen=True)
class Launched:
    """A commons on that database, and what its launch said."""

    stage: Scene
    said: str

    @property
    def owner(self) -> Any:
        return self.stage.owners[RESEARCH]


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    folder = tmp_path_factory.mktemp("existing")
    with scene(folder) as stage:
        found_fleet(stage, _nothing)
        answers = _answers(stage, folder / "answers.yaml")
        link_account(stage, _nothing, Told(), "research", RESEARCH)
        with open_provisioning() as ports:
            prepare(ports, Request(str(stage.fleet), parse_answers(answers.read_bytes())))
        _database_exists_already(stage)
        owner = stage.owners[RESEARCH]
        for name, value in _DATABASE.items():
            owner.client("ssm").put_parameter(Name=f"{_FOLDER}/{name}", Value=value, Type="String")
        begun = json.loads(_done(stage, "account", "link", "research", "--json"))
        stage.make_stack(RESEARCH, begun["stack"], begun["template"], begun["parameters"])
        _done(stage, "account", "verify", "research")

        launching = _csoc(stage, "launch", "--answers", str(answers), "--auto-approve", "--wait")
        _put_once_it_is_waited_for(stage, launching)
        said = launching.communicate(timeout=_PATIENCE)[0]
        assert launching.returncode == 0, said
        yield Launched(stage, said)


def test_a_launch_onto_an_existing_database_asks_for_its_master_login_and_ends_well(launched: Launched) -> None:
    assert "csoc secret put reef-dev master-login" in launched.said
    assert _CANARY not in launched.said
    secrets = launched.owner.client("secretsmanager")
    names = [one["Name"] for page in secrets.get_paginator("list_secrets").paginate() for one in page["SecretList"]]
    master = next(name for name in names if name.endswith("-master-login"))
    login = json.loads(secrets.get_secret_value(SecretId=master)["SecretString"])
    assert login == {"host": _HOST, "port": "5432", "username": "keeper", "password": _CANARY}
    # The account can hold the secrets of others as well.
    uid = master.removeprefix("csoc-").removesuffix("-master-login")
    fence = next(name for name in names if uid in name and name.endswith("/fence-dbcreds"))
    assert json.loads(secrets.get_secret_value(SecretId=fence)["SecretString"])["host"] == _HOST
    values = _blob(launched.stage, "90-outputs.yaml").decode()
    assert f"externalSecret: {master}" in values
    assert f"host: {_HOST}" in values
    assert not [one for one in _stacks(launched.owner) if one.endswith("-database")]


def test_after_its_bootstrap_csoc_looks_at_its_cluster_and_sees_no_secret(launched: Launched) -> None:
    eks = launched.owner.client("eks")
    (name,) = eks.list_clusters()["clusters"]
    entries = eks.list_access_entries(clusterName=name)["accessEntries"]
    entry = {"clusterName": name, "principalArn": next(one for one in entries if one.endswith("-cluster"))}
    policies = eks.list_associated_access_policies(**entry)["associatedAccessPolicies"]
    assert [one["policyArn"].rpartition("/")[2] for one in policies] == ["AmazonEKSViewPolicy"]
    assert eks.describe_access_entry(**entry)["accessEntry"]["kubernetesGroups"] == ["csoc-viewers"]
    reference = EksReference("reef", "research", RESEARCH, REGION, name, is_own=True)
    with open_applying(lambda _: {}) as (_, runs):
        assert runs.services.clusters is not None
        with closing(runs.services.clusters.open(reference, person="ada", task="look")) as client:
            assert client.list_all("v1", "Node")[0]
            assert client.list_all("argoproj.io/v1alpha1", "Application")[0]
            assert client.list_all("v1", "Pod")[0]
            with pytest.raises(DeniedError):
                client.list_all("v1", "Secret")
            with pytest.raises(DeniedError):
                client.delete("v1", "Namespace", "reef-dev")


def test_status_tells_how_gen3_stands_and_when_each_layer_was_changed(launched: Launched) -> None:
    told = json.loads(_done(launched.stage, "status", "reef-dev", "--json"))
    gen3 = told["gen3"]
    assert (gen3["state"], gen3["answers"], told["well"]) == ("healthy", True, True)
    assert gen3["chart"] == launched.stage.charts_commit
    shown = _done(launched.stage, "status", "reef-dev")
    assert "gen3: healthy: healthy, " in shown
    assert f"gen3: https://reef.{ZONE}/ answers: " in shown
    client = launched.owner.client("cloudformation")
    for layer in (one for one in told["layers"] if one["provider"] == "aws"):
        stack = client.describe_stacks(StackName=layer["stack"])["Stacks"][0]
        changed = datetime.fromisoformat(layer["changedAt"])
        assert changed > stack["CreationTime"], "that is when the change set of its plan was made"
        newest = client.describe_stack_events(StackName=layer["stack"])["StackEvents"][0]
        assert changed == newest["Timestamp"]


def _answers(stage: Scene, path: Path) -> Path:
    path.write_text(
        f"""\
commons: reef
account: research
hostname: reef.{ZONE}
cluster: new
services: [minimal]
zone: {{name: {ZONE}, id: {stage.zone_id}}}
signIn: {{provider: google, clientId: portal, clientSecret: {{env: THE_SECRET}}}}
chart: {{repoURL: '{stage.charts.as_uri()}', path: gen3, version: {stage.charts_commit}}}
""",
        encoding="utf-8",
    )
    return path


def _database_exists_already(stage: Scene) -> None:
    """As somebody would change the document, who has a database."""
    repository = pygit2.Repository(str(stage.fleet))
    path, content = _entry(stage, "environment.yaml")
    made = "- name: database\n      provider: aws\n"
    assert made in content.decode(), content.decode()
    changed = content.decode().replace(made, f"- name: database{_SOURCE}")
    index = pygit2.Index()
    index.read_tree(repository.head.peel().tree)
    index.add(pygit2.IndexEntry(path, repository.create_blob(changed.encode()), pygit2.enums.FileMode.BLOB))
    who = pygit2.Signature("Ada", f"ada@{ZONE}")
    repository.create_commit(
        repository.head.name, who, who, "Use our database", index.write_tree(repository), [repository.head.target]
    )
    repository.checkout("HEAD", strategy=pygit2.enums.CheckoutStrategy.FORCE)


def _entry(stage: Scene, name: str) -> tuple[str, bytes]:
    repository = pygit2.Repository(str(stage.fleet))
    index = pygit2.Index()
    index.read_tree(repository.head.peel().tree)
    found = next(one for one in index if one.path.endswith(f"/{name}"))
    content: Any = repository[found.id]
    return found.path, content.data


def _blob(stage: Scene, name: str) -> bytes:
    return _entry(stage, name)[1]


def _put_once_it_is_waited_for(stage: Scene, launching: subprocess.Popen[str]) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and launching.poll() is None:
        runs = json.loads(_done(stage, "runs", "list", "--json"))
        listed = runs["runs"] if isinstance(runs, dict) else runs
        if "master-login" in json.dumps(listed):
            _done(
                stage, "secret", "put", "reef-dev", "master-login",
                "--from-env", "username=MASTER", "--from-env", "password=MASTER_PASSWORD",
            )  # fmt: skip
            return
    launching.kill()
    raise AssertionError(f"nobody asked for the master login: {launching.communicate()[0]}")


def _stacks(owner: Any) -> list[str]:
    return [one["StackName"] for one in owner.client("cloudformation").describe_stacks()["Stacks"]]


def _csoc(stage: Scene, *arguments: str) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    secrets = {"THE_SECRET": "of-a-client", "MASTER": "keeper", "MASTER_PASSWORD": _CANARY}
    return subprocess.Popen(
        [sys.executable, "-c", "from csoc.cli.entry import main; main()", *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**kept, **stage.environ, **secrets, "HOME": str(stage.folder)},
    )  # fmt: skip


def _done(stage: Scene, *arguments: str) -> str:
    process = _csoc(stage, *arguments)
    said = process.communicate(timeout=_PATIENCE)[0]
    assert process.returncode == 0, said
    return said


def _nothing(text: str, style: str) -> None:
    """Nobody listens."""
