"""A Kubernetes control plane with nodes that do not exist: etcd, API server, controllers, scheduler and kwok.

kwok plays the kubelets, so Pods run as far as the API server can tell, and no container is ever started.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from testbed import debian
from testbed.servers import process
from testbed.servers.kube import Document, KubeClient, client_from, condition
from testbed.servers.process import ServerError

READY_SECONDS = 90
LEASE_SECONDS = 40
PLAYED = "kwok.x-k8s.io/status=custom"


def start(
    stack: contextlib.ExitStack, folder: Path, *, programs: Path, kwok: Path, nodes: int
) -> tuple[dict[str, Any], KubeClient]:
    """The address of a new cluster and a client of its administrator. Servers are stopped with the stack.

    The address: server, certificate (path), admin_token, kubeconfig (path), programs (path). Raises ServerError.
    """
    etcd_port, peer_port, api_port = process.free_ports(3)
    _start_etcd(stack, folder, etcd_port, peer_port)
    token = secrets.token_hex(16)
    _private(folder / "tokens.csv", f'{token},admin,admin,"system:masters"\n')
    key = folder / "service-accounts.key"
    openssl = [str(debian.path_of("openssl")), "genrsa", "-out", str(key), "2048"]
    subprocess.run(openssl, check=True, capture_output=True, timeout=60)
    command: list[str | Path] = [
        programs / "kube-apiserver",
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        f"--secure-port={api_port}",
        "--bind-address=127.0.0.1",
        f"--cert-dir={folder / 'certificates'}",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/24",
        # Debian's etcd is too old for it, and clients that try it wait longer and longer between their tries.
        "--feature-gates=WatchList=false",
    ]
    api_server = process.start("kube-apiserver", command, folder)
    stack.callback(api_server.stop)
    # The certificate is the server's own, made at its first start, with its authority's behind it.
    certificate = folder / "certificates" / "apiserver.crt"
    api_server.wait_until(certificate.is_file, READY_SECONDS)
    address: dict[str, Any] = {
        "server": f"https://127.0.0.1:{api_port}",
        "certificate": str(certificate),
        "admin_token": token,
        "kubeconfig": str(folder / "kubeconfig"),
        "programs": str(programs),
    }
    _private(folder / "kubeconfig", json.dumps(kubeconfig(address, token), indent=2) + "\n")
    client = client_from(address)
    stack.callback(client.close)
    api_server.wait_until(client.is_ready, READY_SECONDS)
    _start_controllers(stack, folder, programs, key, certificate)
    _start_nodes(stack, folder, kwok, client, nodes)
    client.wait_for("v1", "ServiceAccount", "default", lambda _: True, namespace="default", seconds=READY_SECONDS)
    return address, client


def kubeconfig(address: Mapping[str, Any], token: str, namespace: str = "default") -> Document:
    """What kubectl and other clients read, as YAML's subset JSON."""
    cluster = {"server": address["server"], "certificate-authority": address["certificate"]}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "testbed", "cluster": cluster}],
        "users": [{"name": "testbed", "user": {"token": token}}],
        "contexts": [{"name": "testbed", "context": {"cluster": "testbed", "user": "testbed", "namespace": namespace}}],
        "current-context": "testbed",
    }


def _start_etcd(stack: contextlib.ExitStack, folder: Path, port: int, peer_port: int) -> None:
    url, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    command: list[str | Path] = [
        debian.path_of("etcd"),
        "--data-dir",
        folder / "etcd",
        "--unsafe-no-fsync",
        *("--listen-client-urls", url, "--advertise-client-urls", url),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"),
    ]
    etcd = process.start("etcd", command, folder)
    stack.callback(etcd.stop)
    etcd.wait_until(lambda: process.answers(f"{url}/health"), READY_SECONDS)


def _start_controllers(stack: contextlib.ExitStack, folder: Path, programs: Path, key: Path, certificate: Path) -> None:
    configuration = folder / "kubeconfig"
    controllers: list[str | Path] = [
        programs / "kube-controller-manager",
        f"--kubeconfig={configuration}",
        f"--service-account-private-key-file={key}",
        f"--root-ca-file={certificate}",
        "--use-service-account-credentials",
        "--leader-elect=false",
        "--secure-port=0",
    ]
    scheduler: list[str | Path] = [
        programs / "kube-scheduler",
        f"--kubeconfig={configuration}",
        "--leader-elect=false",
        "--secure-port=0",
    ]
    for name, command in (("kube-controller-manager", controllers), ("kube-scheduler", scheduler)):
        stack.callback(process.start(name, command, folder).stop)


def _start_nodes(stack: contextlib.ExitStack, folder: Path, kwok: Path, client: KubeClient, count: int) -> None:
    command: list[str | Path] = [
        kwok / "kwok",
        f"--kubeconfig={folder / 'kubeconfig'}",
        "--manage-all-nodes=true",
        f"--node-lease-duration-seconds={LEASE_SECONDS}",  # without leases nodes are lost after that time
        f"--disregard-status-with-annotation-selector={PLAYED}",  # pods whose kubelet a test plays itself
    ]
    server = process.start("kwok", command, folder)
    stack.callback(server.stop)
    room = {"cpu": "64", "memory": "512Gi", "pods": "500"}
    for number in range(1, count + 1):
        name = f"node-{number}"
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": name,
                "annotations": {"kwok.x-k8s.io/node": "fake"},
                "labels": {"type": "kwok", "kubernetes.io/hostname": name},
            },
            "status": {"allocatable": room, "capacity": room},
        }
        client.create(node)
    for number in range(1, count + 1):
        try:
            client.wait_for(
                "v1", "Node", f"node-{number}", lambda node: condition(node, "Ready") == "True", seconds=READY_SECONDS
            )
        except TimeoutError as error:
            raise ServerError(f"kwok does not play its node: {error}\n{process.tail(server.log)}") from error


def _private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
