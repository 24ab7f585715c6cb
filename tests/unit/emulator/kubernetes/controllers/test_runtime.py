"""Logs, commands and ports of pods that nobody runs."""

from __future__ import annotations

import pytest

from csoc.emulator.kubernetes.controllers.causes import Cause
from csoc.emulator.kubernetes.controllers.runtime import SimulatedPods
from csoc.emulator.kubernetes.errors import ApiError
from tests.unit.emulator.kubernetes.controllers.living import Living, config_map, container, pod, secret


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
    living.causes.add(Cause("crash", log=("Traceback (most recent call last):", "KeyError: 'DB'"), times=1))
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


def test_a_container_that_has_not_started_says_why_there_is_no_log() -> None:
    living = Living(images=lambda _: False)
    living.add(pod("web"))
    living.wait(6)
    with pytest.raises(ApiError) as caught:
        texts(living)
    assert caught.value.message == (
        'container "main" in pod "web" is waiting to start: trying and failing to pull image'
    )


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
