"""Clients that mean no good, over HTTP: each is answered or left alone, and all others are answered meanwhile."""

from __future__ import annotations

import contextlib
import json
import resource
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from csoc.emulator.kubernetes.api import watches
from csoc.emulator.kubernetes.api.serving import serving
from csoc.emulator.kubernetes.clusters import SimulatedCluster, SimulatedClusters
from csoc.emulator.kubernetes.store import Key
from csoc.emulator.kubernetes.users import MASTERS, User

CONFIGS = "/api/v1/namespaces/default/configmaps"
HANGING_SECONDS = 60.0
"""Whoever is held up is so until the others go, which here they never do before."""


class World:
    """A served cluster with one ConfigMap."""

    def __init__(self, cluster: SimulatedCluster, trust: ssl.SSLContext) -> None:
        self.cluster = cluster
        self.trust = trust
        self.port = int(cluster.endpoint.split(":")[2].partition("/")[0])

    def http(self) -> httpx.Client:
        headers = {"Authorization": "Bearer token"}
        return httpx.Client(
            base_url=self.cluster.endpoint, verify=self.trust, trust_env=False, headers=headers, timeout=HANGING_SECONDS
        )

    def connected(self) -> ssl.SSLSocket:
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=HANGING_SECONDS)
        return self.trust.wrap_socket(raw, server_hostname="127.0.0.1")

    def head(self, method: str, path: str, *more: str) -> bytes:
        lines = [
            f"{method} /clusters/{self.cluster.id}{path} HTTP/1.1",
            "Host: a",
            "Authorization: Bearer token",
            *more,
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    def answers(self) -> None:
        """The cluster answers somebody else."""
        with self.http() as http:
            assert http.get(f"{CONFIGS}/there").status_code == 200


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    clusters = SimulatedClusters()
    with serving(clusters) as served:
        made = clusters.create("one")
        made.access.admit("token", User("admin", (MASTERS,)))
        found = World(made, ssl.create_default_context(cadata=served.certificate))
        with found.http() as http:
            http.post(CONFIGS, json={"metadata": {"name": "there"}}).raise_for_status()
        yield found


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_a_body_of_a_hundred_megabytes_is_refused_before_it_is_read(world: World) -> None:
    before, sent, piece = peak_bytes(), 0, b"x" * 65_536
    connection = world.connected()
    connection.settimeout(HANGING_SECONDS)
    connection.sendall(world.head("POST", CONFIGS, "Content-Type: application/json", f"Content-Length: {100 << 20}"))
    with contextlib.suppress(OSError):  # the server hangs up while it is still being sent
        while sent < 100 << 20:
            connection.sendall(piece)
            sent += len(piece)
    answer = b""
    with contextlib.suppress(OSError):
        answer = connection.recv(4096)
    connection.close()
    assert sent < 50 << 20 or answer.startswith(b"HTTP/1.1 413")
    assert peak_bytes() - before < 40 << 20
    world.answers()


def test_a_body_that_is_a_little_too_large_is_told_so(world: World) -> None:
    with world.http() as http:
        answer = http.post(CONFIGS, content=b"x" * (3 * 1024 * 1024 + 1), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["reason"]) == (413, "RequestEntityTooLarge")


def test_a_watch_that_nobody_reads_costs_no_more_than_its_limit_and_then_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "_MOST_WAITING", 100)
    connection = world.connected()
    connection.sendall(world.head("GET", f"{CONFIGS}?watch=true&timeoutSeconds=60"))
    assert connection.recv(15) == b"HTTP/1.1 200 OK"
    key = Key("", "configmaps", "default", "busy")
    for number in range(600):
        body = {"metadata": {"name": "busy", "namespace": "default"}, "data": {"x": "y" * 50_000, "n": str(number)}}
        world.cluster.store.put(key, body)
        if number % 200 == 0:
            world.answers()
    connection.settimeout(HANGING_SECONDS)
    found, read = b"", 0
    while b'"Expired"' not in found[-4_000:]:
        piece = connection.recv(65_536)
        assert piece, "it ended without saying why"
        found, read = found[-8_000:] + piece, read + len(piece)
    connection.close()
    assert b"The client reads too slowly; list again" in found
    assert read < 600 * 50_000, "what was lost is not sent"


def test_clients_that_send_one_byte_after_the_other_hold_up_nobody(world: World) -> None:
    with contextlib.ExitStack() as held:
        slow = [held.enter_context(contextlib.closing(world.connected())) for _ in range(100)]
        for number, one in enumerate(slow):
            one.sendall(b"G" if number % 2 else world.head("POST", CONFIGS, "Content-Length: 1000") + b"{")
        world.answers()
        for one in slow:
            one.sendall(b"E")
        world.answers()


def test_answers_that_nobody_reads_hold_up_nobody(world: World) -> None:
    for number in range(200):
        body = {"metadata": {"name": f"big{number}", "namespace": "default"}, "data": {"x": "y" * 50_000}}
        world.cluster.store.put(Key("", "configmaps", "default", f"big{number}"), body)
    with contextlib.ExitStack() as held:
        for _ in range(12):
            one = held.enter_context(contextlib.closing(world.connected()))
            one.sendall(world.head("GET", CONFIGS))
        world.answers()
    for number in range(200):
        world.cluster.store.remove(Key("", "configmaps", "default", f"big{number}"))


@pytest.mark.parametrize("size", [20_000, 60_000, 2_000_000])
def test_a_selector_of_any_size_is_answered(world: World, size: int) -> None:
    connection = world.connected()
    connection.settimeout(HANGING_SECONDS)
    path = f"{CONFIGS}?labelSelector=" + "a%20" * (size // 4)
    with contextlib.suppress(OSError):
        connection.sendall(world.head("GET", path))
    answer = b""
    with contextlib.suppress(OSError):
        answer = connection.recv(4096)
    connection.close()
    assert answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 414", b"HTTP/1.1 431", b"")
    world.answers()


@pytest.mark.parametrize(
    "path",
    ["/../../etc/passwd", "/api/v1/../../../x", f"{CONFIGS}/..%2F..%2Fx", "/api/v1/namespaces/..%2F/configmaps/x",
     "/%2e%2e/%2e%2e", "/\\..\\x", "//etc//passwd"],
)  # fmt: skip
def test_a_path_that_climbs_leads_nowhere(world: World, path: str) -> None:
    connection = world.connected()
    connection.settimeout(HANGING_SECONDS)
    connection.sendall(world.head("GET", path, "Connection: close"))
    answer = b""
    while piece := connection.recv(65_536):
        answer += piece
    connection.close()
    assert answer[:12] == b"HTTP/1.1 404", answer[:300]


def test_expensive_requests_of_many_leave_room_for_others(world: World) -> None:
    nested = json.dumps({"metadata": {"name": "a"}, "data": {str(number): "x" for number in range(60_000)}})

    def ask(_: int) -> int:
        with world.http() as http:
            return http.post(CONFIGS, content=nested, headers={"Content-Type": "application/yaml"}).status_code

    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(ask, number) for number in range(6)]
        world.answers()
        assert {one.result() for one in asked} <= {201, 409, 413, 422, 429}
