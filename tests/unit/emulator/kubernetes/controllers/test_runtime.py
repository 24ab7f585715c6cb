"""Logs, commands and ports of pods that nobody runs."""

from __future__ import annotations

import pytest

from csoc.emulator.kubernetes.access.callers import Access
from csoc.emulator.kubernetes.access.tokens import Signer
from csoc.emulator.kubernetes.api import reviews
from csoc.emulator.kubernetes.controllers.causes import Cause, Kind
from csoc.emulator.kubernetes.controllers.runtime import SimulatedPods
from csoc.emulator.kubernetes.users import SYSTEM
from tests.unit.emulator.kubernetes.controllers.living import Living, config_map, container, pod, secret, workload


def texts(living: Living, name: str = "main", *, previous: bool = False) -> list[str]:
    return [line.text for line in SimulatedPods(living.cluster).logs(living.pod(), name, previous=previous)]


def test_a_running_container_has_started_and_serves() -> None:
    living = Living()
    living.add(pod("web"))
    living.wait(100)
    found = texts(living)
    assert found[0] == "starting registry.example/app:1"
    assert 'HTTP/1.1" 200' in found[-1]
    assert texts(living) == found
    living.wait(100)
    assert texts(living)[: len(found)] == found
    assert len(texts(living)) == len(found) + 10


def test_a_crashed_container_has_left_its_last_words() -> None:
    living = Living()
    living.causes.add(Cause(Kind.CRASH, log=("Traceback (most recent call last):", "KeyError: 'DB'"), times=1))
    living.add(pod("web"))
    living.wait(60)
    assert texts(living, previous=True)[-2:] == ["Traceback (most recent call last):", "KeyError: 'DB'"]
    assert "KeyError: 'DB'" not in texts(living)


def test_a_container_that_was_not_restarted_has_no_previous_log() -> None:
    living = Living()
    living.add(pod("web"))
    living.wait()
    with pytest.raises(LookupError):
        texts(living, previous=True)


def test_a_container_that_has_not_started_has_no_log() -> None:
    living = Living(images=lambda _: False)
    living.add(pod("web"))
    living.wait(6)
    with pytest.raises(LookupError, match='container "main" in pod "web" has not run'):
        texts(living)
    with pytest.raises(LookupError, match='pod "web" runs no container "other"'):
        texts(living, "other")


def test_commands_see_environment_and_files() -> None:
    living = Living()
    env = [
        {"name": "PLAIN", "value": "1"},
        {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]
    main = container(env=env, volumeMounts=[{"name": "v", "mountPath": "/etc/app"}])
    volumes = [{"name": "v", "configMap": {"name": "m"}}]
    living.add(secret("s", k="v"), config_map("m", **{"app.yaml": "x: 1\n"}), pod("web", main, volumes=volumes))
    living.wait()
    run = SimulatedPods(living.cluster).run
    assert run(living.pod(), "main", ["printenv", "PLAIN", "SECRET", "POD"], b"").out == b"1\nv\nweb\n"
    assert run(living.pod(), "main", ["cat", "/etc/app/app.yaml"], b"").out == b"x: 1\n"
    assert run(living.pod(), "main", ["sh", "-c", "echo hello world"], b"").out == b"hello world\n"
    missing = run(living.pod(), "main", ["cat", "/none"], b"")
    assert (missing.code, missing.err) == (1, b"cat: /none: No such file or directory\n")
    unknown = run(living.pod(), "main", ["psql"], b"")
    assert (unknown.code, unknown.err) == (127, b'exec: "psql": executable file not found in $PATH\n')


def test_a_container_that_does_not_run_takes_no_command() -> None:
    living = Living(nodes=())
    living.add(pod("web"))
    living.wait()
    with pytest.raises(LookupError):
        SimulatedPods(living.cluster).run(living.pod(), "main", ["true"], b"")


def test_only_declared_ports_answer() -> None:
    living = Living()
    living.add(pod("web", container(ports=[{"containerPort": 80}])))
    living.wait()
    pods = SimulatedPods(living.cluster)
    assert pods.answer(living.pod(), 80, b"GET / HTTP/1.1\r\n") == b""
    assert pods.answer(living.pod(), 80, b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200 OK")
    with pytest.raises(ConnectionRefusedError):
        pods.answer(living.pod(), 81, b"GET / HTTP/1.1\r\n\r\n")


TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"


def reviewed(living: Living, signer: Signer, token: str) -> dict[str, object]:
    review = reviews.review_of("authentication.k8s.io", "tokenreviews")
    assert review is not None
    access = Access(living.store, signer, living.timeline.now)
    found: dict[str, object] = review(living.objects, access, SYSTEM, "", {"spec": {"token": token}})["status"]
    return found


def test_the_token_file_of_a_deployments_pod_opens_the_cluster_as_long_as_the_pod_is_there() -> None:
    living, signer = Living(), Signer("https://issuer.example.org")
    living.add(workload("Deployment", "web"))
    living.wait()
    pods = SimulatedPods(living.cluster, signer)
    name = living.pod()["metadata"]["name"]
    token = pods.run(living.pod(), "main", ["cat", TOKEN], b"").out.decode()
    user = reviewed(living, signer, token)["user"]
    assert isinstance(user, dict)
    assert user["username"] == "system:serviceaccount:a:default"
    assert user["extra"]["authentication.kubernetes.io/pod-name"] == [name]
    folder = TOKEN.removesuffix("token")
    assert pods.run(living.pod(), "main", ["cat", f"{folder}namespace"], b"").out == b"a"
    assert b"BEGIN CERTIFICATE" in pods.run(living.pod(), "main", ["cat", f"{folder}ca.crt"], b"").out
    living.delete("Deployment", "web")
    living.wait()
    assert reviewed(living, signer, token) == {"user": {}, "error": "[invalid bearer token]"}


def test_a_token_file_stays_until_most_of_its_time_is_over_and_is_then_another_that_works() -> None:
    living, signer = Living(), Signer("https://issuer.example.org")
    living.add(pod("web"))
    living.wait()
    pods = SimulatedPods(living.cluster, signer)

    def read() -> str:
        return pods.run(living.pod(), "main", ["cat", TOKEN], b"").out.decode()

    first = read()
    living.wait(2_000)
    assert read() == first
    living.wait(1_700)
    second = read()
    assert second != first
    assert reviewed(living, signer, first).get("authenticated") is None
    assert reviewed(living, signer, second)["authenticated"] is True


def test_where_nobody_signs_tokens_whoever_reads_one_is_told_so() -> None:
    living = Living()
    living.add(pod("web"))
    living.wait()
    done = SimulatedPods(living.cluster).run(living.pod(), "main", ["cat", TOKEN], b"")
    assert (done.code, done.out) == (1, b"")
    assert done.err == f"cat: {TOKEN}: the emulator signs no tokens for this cluster\n".encode()


def test_a_pod_that_wants_no_token_has_no_such_file() -> None:
    living = Living()
    living.add(workload("Deployment", "web", pods={"automountServiceAccountToken": False}))
    living.wait()
    done = SimulatedPods(living.cluster, Signer("https://issuer.example.org")).run(
        living.pod(), "main", ["cat", TOKEN], b""
    )
    assert done.err == f"cat: {TOKEN}: No such file or directory\n".encode()
