"""What thousands of simulated clusters take: memory of an idle one, of 50,000 Applications, and the time to list these.

One line a figure. The clusters and the server live in a process of their own, so that its memory is theirs.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

CLUSTERS, APPLICATIONS = 3_500, 50_000
IDLE_BYTES, LIST_SECONDS = 8_192, 30.0

_SERVER = """
import json, sys
from csoc.emulator.kubernetes.clusters import SimulatedClusters
from csoc.emulator.kubernetes.serving import serving
from csoc.emulator.kubernetes.store import Key
from csoc.emulator.kubernetes.users import MASTERS, User

def memory():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096

given = json.loads(sys.stdin.readline())
clusters = SimulatedClusters(documents=[given["definition"]])
admin = User("admin", (MASTERS,))
with serving(clusters) as served:
    clusters.create("warm").access.admit("token", admin)
    before = memory()
    for number in range(given["clusters"]):
        clusters.create(f"cluster-{number:04}").access.admit("token", admin)
    told = {"idle": memory() - before, "address": served.address, "certificate": served.certificate}
    print(json.dumps(told), flush=True)
    for line in sys.stdin:
        for number in range(given["applications"]):
            cluster = clusters.get(f"cluster-{number % given['clusters']:04}")
            name = f"commons-{number:05}"
            body = {**given["application"], "metadata": {**given["application"]["metadata"], "name": name}}
            cluster.store.put(Key("argoproj.io", "applications", "default", name), body, create=True)
        clusters.compact(1e12)
        print(json.dumps({"full": memory() - before}), flush=True)
"""


def definition() -> dict[str, Any]:
    """Applications as Argo CD defines them, as far as their size matters: fields that are kept as they are."""
    kept = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": kept, "status": kept, "operation": kept}}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "applications.argoproj.io"},
        "spec": {
            "group": "argoproj.io",
            "scope": "Namespaced",
            "names": {"plural": "applications", "kind": "Application", "shortNames": ["app", "apps"]},
            "versions": [version],
        },
    }


def application() -> dict[str, Any]:
    """One as a controller leaves it: with resources, history and conditions."""
    resources = [
        {
            "group": "apps",
            "kind": "Deployment",
            "name": f"service-{number}-deployment",
            "namespace": "commons",
            "status": "Synced",
            "version": "v1",
            "health": {"status": "Healthy"},
        }
        for number in range(20)
    ]
    history = [
        {"deployedAt": f"2026-01-0{number}T00:00:00Z", "id": number, "revision": f"{number}" * 40}
        for number in range(1, 6)
    ]
    source = {"repoURL": "https://example.org/fleet.git", "path": "commons/a", "targetRevision": "main"}
    metadata = {"name": "", "namespace": "default", "labels": {"stage": "prod"}, "uid": "0" * 36, "generation": 1}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {**metadata, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"project": "default", "source": source, "destination": {"namespace": "commons", "name": "in-cluster"}},
        "status": {
            "resources": resources,
            "history": history,
            "health": {"status": "Healthy"},
            "sync": {"status": "Synced"},
        },
    }


@pytest.fixture(scope="module")
def server() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_thousands_of_clusters_fit_and_all_their_applications_are_listed(server: subprocess.Popen[str]) -> None:
    assert server.stdin is not None
    assert server.stdout is not None
    given = {
        "clusters": CLUSTERS,
        "applications": APPLICATIONS,
        "definition": definition(),
        "application": application(),
    }
    begun = time.perf_counter()
    server.stdin.write(json.dumps(given) + "\n")
    server.stdin.flush()
    idle = json.loads(server.stdout.readline())
    each = idle["idle"] / CLUSTERS
    took = time.perf_counter() - begun
    print(f"\n{CLUSTERS} idle clusters made in {took:.1f} s: {each:.0f} bytes each, target {IDLE_BYTES}")
    begun = time.perf_counter()
    server.stdin.write("fill\n")
    server.stdin.flush()
    full = json.loads(server.stdout.readline())
    print(
        f"{APPLICATIONS} Applications written in {time.perf_counter() - begun:.1f} s: "
        f"{full['full'] / 1e6:.0f} MB for clusters and Applications"
    )
    trust = ssl.create_default_context(cadata=idle["certificate"])
    found = answered = 0
    begun = time.perf_counter()
    headers = {"Authorization": "Bearer token"}
    with httpx.Client(base_url=idle["address"], verify=trust, trust_env=False, headers=headers, timeout=60) as http:
        for number in range(CLUSTERS):
            token = ""
            while True:
                path = f"/clusters/cluster-{number:04}/apis/argoproj.io/v1alpha1/applications"
                answer = http.get(path, params={"limit": "500"} | ({"continue": token} if token else {}))
                page = answer.json()
                found, answered = found + len(page["items"]), answered + len(answer.content)
                token = page["metadata"].get("continue", "")
                if not token:
                    break
    took = time.perf_counter() - begun
    print(f"all listed once over HTTPS, limit 500: {took:.1f} s, {answered / 1e6:.0f} MB, target {LIST_SECONDS:.0f} s")
    assert found == APPLICATIONS
    assert each < IDLE_BYTES
    assert took < LIST_SECONDS
