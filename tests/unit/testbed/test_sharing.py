"""Servers shared by processes: started once, stopped after the last, and never left behind."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from testbed.servers import process, sharing
from testbed.servers.process import ServerError

START = "tests.unit.testbed.small_server:start"
USER = """
import json, sys
from pathlib import Path
from testbed.servers import sharing
with sharing.shared("small", sys.argv[1], Path(sys.argv[2]), {}) as address:
    print(json.dumps(address), flush=True)
    sys.stdin.read()
"""
END_SECONDS = 30


class User:
    """Another process that uses the server until it is told to leave, or killed."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, START, str(folder)],
            cwd=sharing.ROOT,
            env=os.environ | {"PYTHONPATH": str(sharing.ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def address(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def leave(self) -> None:
        self.process.communicate(timeout=END_SECONDS)

    def die(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def user(tmp_path: Path) -> Iterator[type[User]]:
    """Makes users of this test's folder; those who are still there at the end are killed."""
    made: list[User] = []

    def make() -> User:
        made.append(User(tmp_path))
        return made[-1]

    yield make  # type: ignore[misc]
    for one in made:
        with contextlib.suppress(ValueError):
            one.die()


def has_ended(process_id: int) -> bool:
    """Whether a process is gone, or goes within the time limit."""
    try:
        handle = os.pidfd_open(process_id)
    except ProcessLookupError:
        return True
    with contextlib.closing(os.fdopen(handle)):
        ready, _, _ = select.select([handle], [], [], END_SECONDS)
    return bool(ready)


def is_alive(address: dict[str, Any]) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(address["url"], trust_env=False).text == str(address["server"])
    return False


def test_two_processes_share_one_server_and_the_last_to_leave_ends_it(user: Any) -> None:
    first, second = user(), user()
    address = first.address()
    assert second.address() == address

    first.leave()
    assert is_alive(address)
    second.leave()

    assert has_ended(address["server"])
    assert has_ended(address["keeper"])
    assert not Path(address["data"]).exists()


def test_users_who_are_killed_end_the_server_too(user: Any) -> None:
    first, second = user(), user()
    address = first.address()
    second.address()
    first.die()
    assert is_alive(address)
    second.die()
    assert has_ended(address["keeper"])
    assert has_ended(address["server"])


def test_a_server_dies_with_its_keeper_and_the_next_user_gets_another(user: Any, tmp_path: Path) -> None:
    first = user()
    address = first.address()

    os.kill(address["keeper"], signal.SIGKILL)

    assert has_ended(address["server"])
    with sharing.shared("small", START, tmp_path, {}) as other:
        assert is_alive(other)
        assert other["server"] != address["server"]
        assert not Path(address["data"]).exists()  # what the killed one left is cleared away


def test_a_keeper_is_known_by_its_start_time_and_not_by_its_number_alone(tmp_path: Path) -> None:
    with sharing.shared("small", START, tmp_path, {}) as address:
        (running,) = sharing.running_parts(tmp_path).values()
        assert running.keeper == address["keeper"]
        assert not sharing.Running(running.keeper, running.started - 1, running.data, {}).is_alive()


def test_a_server_that_does_not_start_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    program = "import sys; sys.exit('the disk is on fire')"
    with pytest.raises(ServerError, match=r"small ended with 1 before it was ready:\nthe disk is on fire"):
        sharing.shared("small", START, tmp_path, {"fail": program}).__enter__()
    assert not sharing.running_parts(tmp_path)


def test_a_server_that_never_answers_is_given_up_with_what_it_said(tmp_path: Path) -> None:
    program = "import time; print('thinking', flush=True); time.sleep(600)"
    with pytest.raises(ServerError, match=r"small was not ready within 1 s:\nthinking"):
        sharing.shared("small", START, tmp_path, {"fail": program, "seconds": 1}).__enter__()


def test_a_port_that_somebody_else_took_is_not_the_end(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        taken = other.getsockname()[1]
        with sharing.shared("small", START, tmp_path, {"ports": [taken]}) as address:
            assert is_alive(address)
            assert not address["url"].endswith(f":{taken}")


def test_a_keeper_that_breaks_is_told_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="No module named 'no_such'"):
        sharing.shared("small", "no_such:start", tmp_path, {}).__enter__()


def test_what_is_started_to_stay_is_stopped_by_name(tmp_path: Path) -> None:
    running = sharing.start_detached("small", START, tmp_path, {})
    assert sharing.start_detached("small", START, tmp_path, {}) == running
    assert is_alive(running.address)

    assert sharing.stop("small", tmp_path)

    assert has_ended(running.address["server"])
    assert not sharing.stop("small", tmp_path)


def test_free_ports_differ() -> None:
    assert len(set(process.free_ports(20))) == 20


def test_the_start_time_tells_processes_apart_and_knows_none_that_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    assert process.start_time(os.getpid()) is not None
    assert has_ended(child.pid)
    assert process.start_time(child.pid) is None
    child.wait()
