"""Clusters of EKS survive an end of the emulator with what is in them, and stacks with what was still to be done."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import urllib.request
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.functional.emulator.running_command import Started, started
from tests.functional.emulator.test_by_hand import TEMPLATE
from tests.functional.emulator.test_state import FAST, wait_for_snapshot

PARAMETERS = [{"ParameterKey": "Name", "ParameterValue": "tide"}]
WEB: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "main", "image": "example.org/web:1"}]},
        },
    },
}
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cloud"


class Client:
    """Talks to the cluster "tide" as the account's owner. kubeconfig: endpoint and authority of an earlier start."""

    def __init__(self, emulator: Started, kubeconfig: tuple[str, str] | None = None) -> None:
        if kubeconfig is None:
            told = emulator.client("eks").describe_cluster(name="tide")["cluster"]
            kubeconfig = told["endpoint"], base64.b64decode(told["certificateAuthority"]["data"]).decode()
        self.kubeconfig = kubeconfig
        self._context = ssl.create_default_context(cadata=kubeconfig[1])
        self._token = _token(emulator)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None, kind: str = "json") -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": f"application/{kind}"}
        request = urllib.request.Request(
            self.kubeconfig[0] + path, json.dumps(body).encode() if body else None, headers, method=method
        )
        with urllib.request.urlopen(request, context=self._context, timeout=60) as answer:
            return json.load(answer)

    def web_is_ready(self, replicas: int) -> bool:
        return bool(self.ask("GET", f"{DEPLOYMENTS}/web").get("status", {}).get("readyReplicas") == replicas)

    def pods(self) -> set[str]:
        found = self.ask("GET", "/api/v1/namespaces/default/pods?labelSelector=app%3Dweb")["items"]
        return {one["metadata"]["uid"] for one in found}


def _token(emulator: Started) -> str:
    """As `aws eks get-token` makes it."""
    client = emulator.client("sts")

    def name_cluster(request: Any, **_: Any) -> None:
        request.headers["x-k8s-aws-id"] = "tide"

    client.meta.events.register("before-sign.sts.GetCallerIdentity", name_cluster)
    address = client.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    return "k8s-aws-v1." + base64.urlsafe_b64encode(address.encode()).decode().rstrip("=")


def comes(done: Callable[[], bool]) -> None:
    ticking = Event()
    for _ in range(300):
        if done():
            return
        ticking.wait(0.1)
    raise AssertionError("it did not come to pass in 30 seconds")


def keep(emulator: Started, folder: Path) -> None:
    """Until a snapshot is there that began after this call. Only what changes is kept, so something has to, and the
    first one may have begun before."""
    for number in range(2):
        path = folder / "state"
        last = path.stat().st_mtime_ns if path.exists() else 0
        emulator.client("sqs").create_queue(QueueName=f"change-{number}")
        wait_for_snapshot(folder, after=last)


def made(emulator: Started) -> Client:
    """A stack with the cluster "tide", and a deployment that is ready in it."""
    stacks = emulator.client("cloudformation")
    stacks.create_stack(
        StackName="tide", TemplateBody=json.dumps(TEMPLATE), Parameters=PARAMETERS, Capabilities=["CAPABILITY_IAM"]
    )
    stacks.get_waiter("stack_create_complete").wait(StackName="tide", WaiterConfig=FAST)
    client = Client(emulator)
    client.ask("POST", DEPLOYMENTS, WEB)
    comes(lambda: client.web_is_ready(2))
    return client


def test_stack_cluster_and_objects_are_there_after_a_kill_and_go_on(folder: Path) -> None:
    with started(data=folder) as before:
        client = made(before)
        pods = client.pods()
        keep(before, folder)
        before.process.kill()
        before.process.wait(timeout=30)
    with started(data=folder) as after:
        stacks = after.client("cloudformation")
        assert stacks.describe_stacks(StackName="tide")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
        again = Client(after)
        assert again.pods() == pods
        assert len(again.ask("GET", "/api/v1/nodes")["items"]) == 2
        again.ask("PATCH", f"{DEPLOYMENTS}/web", {"spec": {"replicas": 3}}, "merge-patch+json")
        comes(lambda: again.web_is_ready(3))
        assert again.pods() > pods
        stacks.delete_stack(StackName="tide")
        stacks.get_waiter("stack_delete_complete").wait(StackName="tide", WaiterConfig=FAST)
        assert after.client("eks").list_clusters()["clusters"] == []


def test_what_was_written_last_before_a_clean_end_is_there_and_the_kubeconfig_stays_good(folder: Path) -> None:
    with started(data=folder) as before:
        client = made(before)
        client.ask("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "last"}, "data": {"a": "b"}})
        before.process.terminate()
        before.process.wait(timeout=30)
    with started(data=folder) as after:
        again = Client(after, client.kubeconfig)
        assert again.ask("GET", "/api/v1/namespaces/default/configmaps/last")["data"] == {"a": "b"}
        assert again.web_is_ready(2)


def test_clusters_move_to_another_port_where_theirs_is_taken(folder: Path) -> None:
    with started(data=folder) as before:
        client = made(before)
    address = ("127.0.0.1", urlsplit(client.kubeconfig[0]).port or 0)
    with socket.create_server(address), started(data=folder) as after:
        moved = Client(after)
        assert moved.kubeconfig[0] != client.kubeconfig[0]
        assert moved.web_is_ready(2)
        after.process.terminate()
        _, complaints = after.process.communicate(timeout=30)
    assert "is taken: run `aws eks update-kubeconfig`" in complaints


def test_a_stack_whose_cluster_was_being_made_at_a_kill_rolls_back_and_says_why(folder: Path) -> None:
    with started("--speed", "30", data=folder) as before:
        stacks = before.client("cloudformation")
        stacks.create_stack(
            StackName="tide", TemplateBody=json.dumps(TEMPLATE), Parameters=PARAMETERS, Capabilities=["CAPABILITY_IAM"]
        )
        comes(lambda: before.client("eks").list_clusters()["clusters"] == ["tide"])
        keep(before, folder)
        assert stacks.describe_stacks(StackName="tide")["Stacks"][0]["StackStatus"] == "CREATE_IN_PROGRESS"
        before.process.kill()
        before.process.wait(timeout=30)
    with started(data=folder) as after:
        stacks = after.client("cloudformation")
        comes(lambda: stacks.describe_stacks(StackName="tide")["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE")
        events = stacks.describe_stack_events(StackName="tide")["StackEvents"]
        reasons = {one["LogicalResourceId"]: one.get("ResourceStatusReason") for one in reversed(events)
                   if one["ResourceStatus"] == "CREATE_FAILED"}  # fmt: skip
        assert reasons == {"Cluster": "Interrupted: the emulator was stopped meanwhile"}
        assert after.client("eks").list_clusters()["clusters"] == []
