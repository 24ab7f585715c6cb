"""Where launches on real servers play: csoc's commands as processes, an emulated cloud with a linked account, and the
fleet in a private repository of a real Git host.

What no cluster of the testbed has is played: the External Secrets operator, and the load balancer controller.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pygit2

from csoc.adapters.db.database import open_database
from csoc.adapters.db.runs import DatabaseRuns
from csoc.adapters.kube.client import KubeClient
from csoc.cli.demo.scene import RESEARCH, ZONE, Scene, scene
from csoc.cli.demo.story import Told, found_fleet, link_account
from csoc.clusters.client import Where
from csoc.clusters.connecting import LOOK, USE, roles
from csoc.clusters.platform import COMPONENTS
from csoc.emulator.kubernetes.store import Key
from csoc.errors import NotFoundError
from csoc.operations.runs import Run
from testbed.servers.cluster import Cluster
from testbed.servers.gitea import Gitea, GiteaRepository, GiteaUser

BALANCER = "k8s-heart-1234567890.ap-southeast-2.elb.amazonaws.com"
CANARY = "canary-of-a-client"
PATIENCE_SECONDS = 240
_READY = {"conditions": [{"type": "Ready", "status": "True", "reason": "SecretSynced", "message": "synced"}]}
_KINDS = {
    "ingresses": ("networking.k8s.io/v1", "Ingress"),
    "endpointslices": ("discovery.k8s.io/v1", "EndpointSlice"),
    "services": ("v1", "Service"),
}


@dataclass
class Site:
    """One account, linked; fleets in repositories of their own. said: all that csoc printed."""

    scene: Scene
    gitea: Gitea
    maker: GiteaUser
    reader: GiteaUser
    pull_token: str
    base: Mapping[str, bytes]
    said: list[str] = field(default_factory=list)

    def fleet(self) -> Fleet:
        """A fleet with nothing launched, which `maker` may write to and Argo CD may read."""
        repository = self.gitea.create_repository(private=True)
        repository.add_collaborator(self.maker)
        repository.add_collaborator(self.reader, "read")
        repository.push(dict(self.base))
        return Fleet(self, repository)

    @property
    def folder(self) -> Path:
        return self.scene.folder

    @property
    def records(self) -> Path:
        return self.folder / "data" / "csoc.sqlite3"


@dataclass
class Fleet:
    """A fleet's repository, and csoc on it. processes: those that live, with what they say."""

    site: Site
    repository: GiteaRepository
    processes: dict[subprocess.Popen[bytes], Path] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """As csoc and Argo CD name it."""
        return f"{self.repository.url}.git"

    def csoc(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        folder, host = self.site.folder, self.site.gitea.url
        config = folder / "config.toml"
        config.write_text(
            f'[[git_hosts]]\nurl = "{host}"\nkind = "gitea"\ntoken_env = "HOST_TOKEN"\n'
            f'[[credentials]]\nurl_prefix = "{host}"\nkind = "token"\ntoken_env = "HOST_TOKEN"\n'
            f'[platform]\ntoken_env = "PULL_TOKEN"\npull_username = "{self.site.reader.name}"\n'
            '[author]\nname = "Ada"\nemail = "ada@example.org"\n',
            encoding="utf-8",
        )
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        told = {
            "CSOC_CONFIG": str(config),
            "CSOC_FLEET": self.url,
            "CSOC_PLATFORM_FLEET_URL": "",
            "HOST_TOKEN": self.site.maker.token,
            "PULL_TOKEN": self.site.pull_token,
            "THE_SECRET": CANARY,
            "HOME": str(folder),
        }
        log = folder / f"{uuid.uuid4()}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-c", "from csoc.cli.entry import main; main()", *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**kept, **self.site.scene.environ, **told},
            )
        self.processes[process] = log
        return process

    def ends(self, process: subprocess.Popen[bytes]) -> tuple[int, str]:
        code = process.wait(PATIENCE_SECONDS)
        said = self.processes.pop(process).read_text(encoding="utf-8", errors="replace")
        self.site.said.append(said)
        return code, said

    def run(self, *arguments: str | Path) -> str:
        """A command that goes well."""
        code, said = self.ends(self.csoc(*arguments))
        assert code == 0, said
        return said

    def kill(self, process: subprocess.Popen[bytes]) -> str:
        """Kills it, and lets the time pass for which its leases keep others away. Gives what it said."""
        process.send_signal(signal.SIGKILL)
        code, said = self.ends(process)
        assert code == -signal.SIGKILL, said
        with contextlib.closing(sqlite3.connect(self.site.records, timeout=20)) as records, records:
            records.execute("UPDATE run_leases SET is_released = 1")
        return said

    def answers(self, name: str, cluster: str, chart: Mapping[str, str]) -> Path:
        path = self.site.folder / f"{name}.yaml"
        path.write_text(
            "\n".join(
                [
                    f"commons: {name}",
                    "account: research",
                    f"hostname: {name}.{ZONE}",
                    f"cluster: {cluster}",
                    "services: [minimal]",
                    f"zone: {{name: {ZONE}, id: {self.site.scene.zone_id}}}",
                    "signIn: {provider: google, clientId: portal, clientSecret: {env: THE_SECRET}}",
                    f"chart: {json.dumps(dict(chart))}",
                    "",
                ]
            ),
            encoding="utf-8",
        )
        return path

    def runs(self) -> list[Run]:
        """Those of this fleet, oldest first."""
        if not self.site.records.exists():
            return []
        database = open_database(f"sqlite:///{self.site.records}")
        try:
            found = [one for one in DatabaseRuns(database).newest() if one.arguments.get("fleet") == self.url]
        finally:
            database.close()
        return sorted(found, key=lambda one: one.created_at)

    def messages(self) -> list[str]:
        """First lines of the commits of main, that of csoc's own changes and not of merges, sorted."""
        listed = self.repository.api("GET", "/commits?sha=main&stat=false&files=false&limit=50")
        found = [str(one["commit"]["message"]).splitlines()[0] for one in listed]
        return sorted(one for one in found if not one.startswith("Merge pull request"))

    def pulls(self) -> list[dict[str, Any]]:
        """Every pull request that there ever was, oldest first."""
        return sorted(self.repository.api("GET", "/pulls?state=all&limit=50"), key=lambda one: int(one["number"]))

    def merge(self, number: int) -> None:
        """As a person does, on the host's page."""
        self.repository.api("POST", f"/pulls/{number}/merge", {"Do": "merge", "delete_branch_after_merge": True})

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


def until(holds: Callable[[], bool], what: Callable[[], object]) -> None:
    """Looks until it holds."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if holds():
            return
        threading.Event().wait(0.2)
    raise AssertionError(what())


@contextlib.contextmanager
def open_site(folder: Path, gitea: Gitea) -> Iterator[Site]:
    """A site in a folder, with one account linked."""
    with scene(folder) as stage:
        found_fleet(stage, _nothing)
        link_account(stage, _nothing, Told(), "research", RESEARCH)
        maker, reader = gitea.create_user("maker"), gitea.create_user("reader")
        token = gitea.create_token(reader, "read:repository")
        yield Site(stage, gitea, maker, reader, token, _files(stage.fleet))


def _files(folder: Path) -> Mapping[str, bytes]:
    repository = pygit2.Repository(str(folder))
    index = pygit2.Index()
    index.read_tree(repository.head.peel().tree)
    found = {}
    for entry in index:
        blob = repository[entry.id]
        assert isinstance(blob, pygit2.Blob)
        found[entry.path] = blob.data
    return found


def _nothing(text: str, style: str) -> None:
    """Nobody listens."""


@contextlib.contextmanager
def kubeconfig_with_the_rights_that_are_shown(cluster: Cluster, path: Path) -> Iterator[Path]:
    """A kubeconfig of somebody who may do what `csoc cluster connect --rights` shows, and nothing else."""
    made = {one["kind"]: one["rules"] for one in roles([*LOOK, *USE])}
    with cluster.service_account("argocd", rules=made["Role"], cluster_rules=made["ClusterRole"]) as account:
        config = json.loads(json.dumps(account.kubeconfig))
        about = config["clusters"][0]["cluster"]
        authority = Path(about.pop("certificate-authority")).read_bytes()
        about["certificate-authority-data"] = base64.b64encode(authority).decode()
        path.touch(mode=0o600)
        path.write_text(json.dumps(config), encoding="utf-8")
        yield path


def install_platform(client: KubeClient, namespace: str) -> None:
    """What somebody has in a cluster that they bring along, as far as it can be seen from outside."""
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    for component in COMPONENTS.values():
        if component.at_csoc:
            continue
        labels = dict(component.labels)
        image = f"registry.example.org/{component.name}:v{component.oldest}"
        pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}
        about = {"name": component.name, "namespace": namespace, "labels": labels}
        spec = {"selector": {"matchLabels": labels}, "template": pod}
        client.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": about, "spec": spec})


def existing_layers(owner: Any) -> str:
    """A network and what IAM knows of a cluster, made in an account by its owner; as layers of the Cluster's document
    that say what stands there."""
    ec2 = owner.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=f"ap-southeast-2{zone}")[
            "Subnet"
        ]["SubnetId"]
        for number, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="nodes", Description="Nodes", VpcId=vpc)["GroupId"]
    issuer = "oidc.tide.example.org/id"
    provider = owner.client("iam").create_open_id_connect_provider(Url=f"https://{issuer}", ThumbprintList=["0" * 40])
    acl = owner.client("wafv2").create_web_acl(
        Name="tide", Scope="REGIONAL", DefaultAction={"Allow": {}},
        VisibilityConfig={"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "tide"},
    )["Summary"]["ARN"]  # fmt: skip
    network = {"VpcId": vpc, "VpcCidr": "10.9.0.0/16", "IsolatedSubnetIds": ",".join(subnets), "WebAclArn": acl}
    cluster = {"ClusterSecurityGroupId": group, "OidcProviderArn": provider["OpenIDConnectProviderArn"],
               "OidcIssuer": issuer}  # fmt: skip
    layers = [
        {"name": name, "provider": "existing", "from": {"values": values}}
        for name, values in (("network", network), ("cluster", cluster))
    ]
    return f"  layers: {json.dumps(layers)}\n"


@dataclass(frozen=True)
class Seen:
    """A real cluster as the emulator's internet sees it: its Ingresses, and who is ready behind them."""

    client: KubeClient

    def objects(self, group: str, resource: str, namespace: str = "") -> Sequence[dict[str, Any]]:
        api_version, kind = _KINDS[resource]
        assert api_version.rpartition("/")[0] == group
        return self.client.list_all(api_version, kind, Where(namespace))[0]

    def get(self, key: Key) -> dict[str, Any] | None:
        try:
            return self.client.get(*_KINDS[key.resource], key.name, key.namespace)
        except NotFoundError:
            return None


@contextlib.contextmanager
def controllers_played(client: KubeClient, namespace: str) -> Iterator[None]:
    """External Secrets and the load balancer controller in a namespace, until the block ends."""
    over = threading.Event()

    def play() -> None:
        while not over.wait(0.5):
            _play(client, namespace)

    thread = threading.Thread(target=play, name="controllers", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)


def _play(client: KubeClient, namespace: str) -> None:
    for kind in ("SecretStore", "ExternalSecret"):
        for body in client.list_all("external-secrets.io/v1", kind, Where(namespace))[0]:
            if not (body.get("status") or {}).get("conditions"):
                name = body["metadata"]["name"]
                client.merge("external-secrets.io/v1", kind, name, {"status": _READY}, namespace, "status")
    for body in client.list_all("networking.k8s.io/v1", "Ingress", Where(namespace))[0]:
        if not (body["status"].get("loadBalancer") or {}).get("ingress"):
            patch: dict[str, Any] = {"status": {"loadBalancer": {"ingress": [{"hostname": BALANCER}]}}}
            client.merge("networking.k8s.io/v1", "Ingress", body["metadata"]["name"], patch, namespace, "status")
