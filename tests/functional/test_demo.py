"""`csoc demo`, as somebody types it: from installed to a commons that answers, on an emulated cloud."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CANARY = "demo-client-secret"
LONGEST_SECONDS = 90
"""From its start to healthy, as the demo itself measures it."""
_PATIENCE = 240


@dataclass(frozen=True)
class Played:
    """A demo that ended: its exit code, what it said, and what it left in the folder for temporary files."""

    code: int
    out: str
    err: str
    left: list[str]

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@contextmanager
def demo(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`csoc demo` with a home and a folder for temporary files of its own, killed at the end if it is still there."""
    (folder / "tmp").mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CSOC_"))}
    process = subprocess.Popen(
        [sys.executable, "-c", "from csoc.cli.entry import main; main()", "demo", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**kept, "HOME": str(folder), "TMPDIR": str(folder / "tmp"), "CSOC_CACHE_DIR": str(folder / "cache")},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def left_in(folder: Path) -> list[str]:
    return sorted(one.name for one in (folder / "tmp").iterdir())


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("demo")
    with demo(folder, "--exit", "--json") as process:
        out, err = process.communicate(timeout=_PATIENCE)
        return Played(process.returncode, out, err, left_in(folder))


def test_it_ends_with_0_and_a_commons_that_is_healthy(played: Played) -> None:
    assert played.code == 0, played.err
    assert played.told["healthy"] is True
    assert 0 < played.told["seconds"] < LONGEST_SECONDS
    assert [run["state"] for run in played.told["runs"]] == ["succeeded", "succeeded"]


def test_two_accounts_are_linked_and_the_careless_one_is_refused(played: Played) -> None:
    states = {one["account"]: one["state"] for one in played.told["links"]}
    assert states.pop("careless") != "verified"
    assert states == {"research": "verified", "prevention": "verified"}


def test_plans_have_costs_and_nothing_that_is_unpriced_counts_as_nothing_in_silence(played: Played) -> None:
    plans = played.told["plans"]
    assert [(plan["ownerKind"], plan["ownerName"]) for plan in plans] == [
        ("cluster", "reef"),
        ("environment", "reef-dev"),
    ]
    # What runs in the cluster costs nothing besides its machines.
    layers = [layer for plan in plans for layer in plan["layers"] if layer["layer"] != "gen3"]
    costs = [layer["cost"] for layer in layers]
    for layer, cost in zip(layers, costs, strict=True):
        lines = sum(line["usdPerMonth"] for line in cost["lines"])
        assert lines == pytest.approx(cost["after"], abs=0.02 * max(len(cost["lines"]), 1)), layer["layer"]
        assert cost["source"], layer["layer"]
        # The platform's stack holds roles alone, for which AWS takes nothing.
        assert cost["lines"] or cost["unpriced"] or layer["layer"] == "platform"
    assert any("nobody has asked for them yet" in thing for cost in costs for thing in cost["unpriced"])
    assert sum(cost["after"] for cost in costs) == pytest.approx(played.told["usdPerMonth"], abs=0.01)
    assert played.told["usdPerMonth"] > 100


def test_the_fleet_that_was_there_before_is_adopted_and_checked(played: Played, tmp_path: Path) -> None:
    with demo(tmp_path, "--into", str(tmp_path / "tidewater"), "--json") as process:
        alone = json.loads(process.communicate(timeout=_PATIENCE)[0])
    names = {one["name"] for one in alone["environments"]}
    assert names == {"coral-staging", "coral-prod", "fern-dev", "fern-prod"}
    assert alone["results"]
    found = played.told["adopted"]
    assert {one["name"] for one in found["environments"]} == names
    assert [(one["rule"], one["cause"]) for one in found["results"]] == [
        (one["rule"], one["cause"]) for one in alone["results"]
    ]


def test_it_leaves_nothing_behind_and_says_no_secret(played: Played) -> None:
    assert played.left == []
    assert CANARY not in played.out + played.err


def test_without_exit_it_stays_until_it_is_interrupted_and_ends_with_0(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        said = _until(process, "Ctrl-C ends the cloud")
        assert "https://reef.tidewater.example.org/ answers" in said
        last = said[said.index("What is wrong in it") :]
        assert last.count("fingerprint: ") == 3, "the worst alone"
        assert re.search(r"^[0-9]+ findings: ", last, re.M)
        assert re.search(r"^All of them: csoc check \S+/tidewater$", last, re.M)
        assert len(last.splitlines()) < 60
        healthy, _, what_next = last.partition("Try it, in another terminal:")
        assert "https://reef.tidewater.example.org/ is healthy, " in healthy.splitlines()[-3]
        assert len(what_next.splitlines()) < 12
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert left_in(tmp_path) == []
    assert CANARY not in said + out + err


def _until(process: subprocess.Popen[str], words: str) -> str:
    """What it says up to these words. Raises AssertionError if it ends, or does not say them in time."""
    assert process.stdout is not None
    end, said = time.monotonic() + _PATIENCE, b""
    while words.encode() not in said:
        ready, _, _ = select.select([process.stdout], [], [], max(end - time.monotonic(), 0))
        piece = os.read(process.stdout.fileno(), 65_536) if ready else b""
        assert piece, said.decode()
        said += piece
    return said.decode()
