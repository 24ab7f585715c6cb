"""The real kubectl against a simulated cluster."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from csoc.emulator.kubernetes.api.serving import serving
from csoc.emulator.kubernetes.clusters import SimulatedCluster, SimulatedClusters
from csoc.emulator.kubernetes.pod_runtime import LogLine, Output
from csoc.emulator.kubernetes.users import MASTERS, User
from tests.plugins import optional_parts

pytestmark = pytest.mark.kubernetes

_BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
_COMMANDS = {
    ("cat", "/etc/x/f.txt"): Output(0, b"from a file\n"),
    ("sh", "-c", "echo $A"): Output(0, b"b\n"),
    ("sh", "-c", "echo one"): Output(0, b"one\n"),
    ("sh", "-c", "ls /etc/x"): Output(0, b"f.txt\n"),
    ("sh", "-c", "exit 3"): Output(3),
}
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: %d
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: main, image: "example.org/web:%s"}]
"""


class Runtime:
    """Pods whose containers wrote three lines and answer on port 80."""

    def __init__(self, cluster: SimulatedCluster) -> None:
        self.cluster = cluster

    def logs(self, pod: dict[str, Any], container: str, *, previous: bool = False) -> Sequence[LogLine]:
        return [LogLine(_BEGUN, f"{container} says {number}") for number in range(3)]

    def run(self, pod: dict[str, Any], container: str, command: Sequence[str], stdin: bytes) -> Output:
        if list(command) == ["cat"]:
            return Output(0, stdin)
        return _COMMANDS.get(tuple(command), Output(127, err=b'exec: "nope": executable file not found in $PATH\n'))

    def answer(self, pod: dict[str, Any], port: int, request: bytes) -> bytes:
        if port != 80:
            raise ConnectionRefusedError
        return b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" if request.endswith(b"\r\n\r\n") else b""


class Kubectl:
    """kubectl with a kubeconfig for one cluster."""

    def __init__(self, program: Path, folder: Path, cluster: SimulatedCluster, certificate: str) -> None:
        self.cluster = cluster
        authority = folder / "ca.pem"
        authority.write_text(certificate, encoding="utf-8")
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "c", "cluster": {"server": cluster.endpoint, "certificate-authority": str(authority)}}
            ],
            "users": [{"name": "u", "user": {"token": "token"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        (folder / "config").write_text(json.dumps(config), encoding="utf-8")
        self.command = [str(program), f"--kubeconfig={folder / 'config'}", f"--cache-dir={folder / 'cache'}"]

    def __call__(self, *arguments: str, stdin: str = "", code: int = 0) -> str:
        done = subprocess.run(
            [*self.command, *arguments], input=stdin, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def kubectl(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kubectl]:
    program = optional_parts.path_of("kubernetes", request.config) / "kubectl"
    clusters = SimulatedClusters(runtime=Runtime)
    with serving(clusters) as served:
        made = clusters.create("one")
        made.access.admit("token", User("admin", (MASTERS,)))
        yield Kubectl(program, tmp_path, made, served.certificate)


@pytest.fixture
def pod(kubectl: Kubectl) -> str:
    """A running pod with a mounted ConfigMap."""
    objects = kubectl.cluster.objects
    pods, configs = (objects.types.resource("", "v1", plural) for plural in ("pods", "configmaps"))
    assert pods is not None
    assert configs is not None
    objects.create(configs, "default", {"metadata": {"name": "cm"}, "data": {"f.txt": "from a file\n"}})
    container = {
        "name": "main",
        "image": "i",
        "env": [{"name": "A", "value": "b"}],
        "volumeMounts": [{"name": "v", "mountPath": "/etc/x"}],
    }
    spec = {"nodeName": "n", "containers": [container], "volumes": [{"name": "v", "configMap": {"name": "cm"}}]}
    body = objects.create(pods, "default", {"metadata": {"name": "p"}, "spec": spec})
    state = {
        "name": "main",
        "ready": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
    }
    body["status"] = {"phase": "Running", "containerStatuses": [state]}
    kubectl.cluster.store.put(objects.key(pods, "default", "p"), body)
    return "p"


def test_it_applies_with_owners_and_prints_conflicts(kubectl: Kubectl) -> None:
    assert (
        kubectl("apply", "--server-side", "-f-", stdin=DEPLOYMENT % (1, "1"))
        == "deployment.apps/web serverside-applied\n"
    )
    told = kubectl("apply", "--server-side", "--field-manager=other", "-f-", stdin=DEPLOYMENT % (2, "1"), code=1)
    assert 'Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas' in told
    force = ("apply", "--server-side", "--field-manager=other", "--force-conflicts", "-f-")
    assert kubectl(*force, stdin=DEPLOYMENT % (2, "1")) == "deployment.apps/web serverside-applied\n"
    assert kubectl("get", "deployment", "web", "--output=jsonpath={.spec.replicas}") == "2"


def test_it_applies_by_three_way_merge(kubectl: Kubectl) -> None:
    assert kubectl("apply", "-f-", stdin=DEPLOYMENT % (1, "1")) == "deployment.apps/web created\n"
    assert kubectl("apply", "-f-", stdin=DEPLOYMENT % (1, "1")) == "deployment.apps/web unchanged\n"
    assert kubectl("diff", "-f-", stdin=DEPLOYMENT % (1, "2"), code=1).count("example.org/web:2") == 1
    assert kubectl("apply", "-f-", stdin=DEPLOYMENT % (1, "2")) == "deployment.apps/web configured\n"
    told = kubectl("apply", "-f-", stdin=DEPLOYMENT % (1, "2") + "  nope: 1\n", code=1)
    assert 'strict decoding error: unknown field "spec.nope"' in told


def test_it_prints_the_columns_of_the_server(kubectl: Kubectl, pod: str) -> None:
    assert kubectl("get", "pods").splitlines()[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert kubectl("get", "pod", pod, "--no-headers").split()[:4] == ["p", "1/1", "Running", "0"]
    assert "Unable to" not in kubectl("describe", "pod", pod)
    assert kubectl("get", "all", "--all-namespaces").count("service/kubernetes") == 1


def test_it_creates_what_it_sends_as_protobuf(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "x", "--image=example.org/x:1", "--port=80", "--replicas=0")
    spec = json.loads(kubectl("get", "deployment", "x", "--output=jsonpath={.spec}"))
    assert (spec["replicas"], spec["template"]["spec"]["containers"][0]["ports"]) == (
        0,
        [{"containerPort": 80, "protocol": "TCP"}],
    )
    kubectl("create", "secret", "generic", "s", "--from-literal=a=b")
    assert kubectl("get", "secret", "s", "--output=jsonpath={.data.a}") == "Yg=="
    assert kubectl("auth", "can-i", "delete", "pods") == "yes\n"
    assert kubectl("auth", "can-i", "list", "pods", "--as=joe", code=1) == "no\n"
    assert "admin" in kubectl("auth", "whoami")
    assert kubectl("create", "token", "default").count(".") == 2


def test_it_changes_by_scale_label_patch_and_delete(kubectl: Kubectl) -> None:
    kubectl("apply", "-f-", stdin=DEPLOYMENT % (1, "1"))
    assert kubectl("scale", "deployment", "web", "--replicas=3") == "deployment.apps/web scaled\n"
    assert kubectl("label", "deployment", "web", "a=b") == "deployment.apps/web labeled\n"
    kubectl("set", "image", "deployment/web", "main=example.org/web:9")
    found = kubectl(
        "get",
        "deployment",
        "web",
        "--output=jsonpath={.spec.replicas} {.metadata.labels.a} {.spec.template.spec.containers[0].image}",
    )
    assert found == "3 b example.org/web:9"
    assert kubectl("delete", "deployment", "web") == 'deployment.apps "web" deleted from default namespace\n'


def test_it_knows_new_kinds_at_once(kubectl: Kubectl) -> None:
    schema = "{type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}"
    definition = f"""
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: widgets.example.org}}
spec:
  group: example.org
  scope: Namespaced
  names: {{plural: widgets, kind: Widget, shortNames: [wd]}}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {{openAPIV3Schema: {schema}}}
    additionalPrinterColumns: [{{name: Size, type: integer, jsonPath: .spec.size}}]
"""
    kubectl("apply", "-f-", stdin=definition)
    kubectl("wait", "--for=condition=Established", "crd/widgets.example.org", "--timeout=10s")
    kubectl(
        "apply",
        "--server-side",
        "-f-",
        stdin="{apiVersion: example.org/v1, kind: Widget, metadata: {name: w}, spec: {size: 3}}",
    )
    assert [line.split() for line in kubectl("get", "wd").splitlines()] == [["NAME", "SIZE"], ["w", "3"]]
    assert "size\t<integer>" in kubectl("explain", "widget.spec")


def test_it_reads_logs(kubectl: Kubectl, pod: str) -> None:
    assert kubectl("logs", pod, "--tail=2") == "main says 1\nmain says 2\n"
    assert kubectl("logs", pod, "--tail=1", "--timestamps") == "2026-01-01T00:00:00.000000000Z main says 2\n"
    assert "container nope is not valid for pod p" in kubectl("logs", pod, "--container=nope", code=1)
    assert 'previous terminated container "main" in pod "p" not found' in kubectl("logs", pod, "--previous", code=1)


def test_it_runs_commands(kubectl: Kubectl, pod: str) -> None:
    assert kubectl("exec", pod, "--", "cat", "/etc/x/f.txt") == "from a file\n"
    assert kubectl("exec", pod, "--", "sh", "-c", "echo $A") == "b\n"
    assert kubectl("exec", "-i", pod, "--", "cat", stdin="typed\n") == "typed\n"
    assert kubectl("exec", "-i", pod, "--", "sh", stdin="echo one\nls /etc/x\nexit 4\n", code=4).startswith(
        "one\nf.txt\n"
    )
    assert "exit code 3" in kubectl("exec", pod, "--", "sh", "-c", "exit 3", code=3)
    assert "executable file not found" in kubectl("exec", pod, "--", "nope", code=127)


def test_it_watches(kubectl: Kubectl, pod: str) -> None:
    with subprocess.Popen(
        [*kubectl.command, "get", "pods", "--watch", "--output=name"], stdout=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout is not None
        try:
            assert watching.stdout.readline() == "pod/p\n"
            threading.Thread(target=kubectl, args=("label", "pod", pod, "a=b")).start()
            assert watching.stdout.readline() == "pod/p\n"
        finally:
            watching.kill()


def test_it_forwards_ports(kubectl: Kubectl, pod: str) -> None:
    command = [*kubectl.command, "port-forward", pod, ":80", ":81"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as forwarding:
        assert forwarding.stdout is not None
        assert forwarding.stderr is not None
        try:
            lines = [forwarding.stdout.readline() for _ in range(4)]
            ports = [int(line.rpartition(" -> ")[0].rpartition(":")[2]) for line in lines if "127.0.0.1" in line]
            for _ in range(2):
                with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}/", timeout=20) as answer:
                    assert answer.read() == b"hello"
            with socket.create_connection(("127.0.0.1", ports[1]), timeout=20) as refused:
                refused.sendall(b"x")
                told = forwarding.stderr.readline()
                assert "error forwarding port 81 to pod " in told
                assert "127.0.0.1:81: connect: connection refused" in told
        finally:
            forwarding.kill()


def test_a_raw_path_is_written_as_for_any_cluster(kubectl: Kubectl) -> None:
    assert kubectl("get", "--raw", "/healthz") == "ok"
    assert "NotFound" in kubectl("get", "--raw", f"{urlsplit(kubectl.cluster.endpoint).path}/healthz", code=1)


def test_a_mistake_of_a_client_leaves_the_cluster_well(kubectl: Kubectl) -> None:
    assert 'pods "nope" not found' in kubectl("exec", "nope", "--", "ls", code=1)
    begun = time.monotonic()
    assert kubectl("version").splitlines()[-1] == "Server Version: v1.34.0"
    assert time.monotonic() - begun < 30
