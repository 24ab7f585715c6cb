"""What README tells a reader to type works as it stands there, on a copy of the demo's fleet."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from csoc.gen3.launch.answerfiles import parse_answers
from tests.functional.command import Command

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
FLEETS, _, LAUNCH = README.partition("## A commons from nothing\n")
TABLE = re.findall(r"^\| .*? \| `(csoc [^`]+)`", FLEETS, re.MULTILINE)
(CONSOLE,) = [
    found for found in re.findall(r"^```console\n(.*?)^```", README, re.MULTILINE | re.DOTALL) if "demo --into" in found
]
FINDINGS = 1
PATIENCE_SECONDS = 400


@pytest.fixture(scope="module")
def csoc(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """csoc where README's first commands were typed."""
    made = Command(tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("work"))
    made.variables["CSOC_FLEET"] = "tidewater"
    names = dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "Ada")
    mails = dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "ada@example.org")
    for line in re.findall(r"^\$ (.*)", CONSOLE, re.MULTILINE):
        if line.startswith("csoc"):
            done = made(*shlex.split(line)[1:])
            assert done.code == 0, (line, done.err)
        elif line.startswith("git"):
            subprocess.run(line, shell=True, check=True, cwd=made.folder, env={**made.environment, **names, **mails})
    return made


def test_what_is_shown_of_adopting_is_what_one_sees(csoc: Command) -> None:
    shown = CONSOLE.partition("$ csoc fleet adopt tidewater\n")[2]
    above, _, below = shown.partition("...\n")
    made = csoc("fleet", "adopt", "tidewater").out
    assert made.startswith(above.replace("─", "-"))  # standard output here is no UTF-8
    assert made.endswith(below)


@pytest.mark.parametrize("line", TABLE)
def test_each_command_of_the_table_works(csoc: Command, line: str) -> None:
    done = csoc(*shlex.split(line)[1:])
    if line == "csoc fleet changes":
        assert "this is a folder on this machine without a remote" in done.err, "as README says: where it is a URL"
        return
    assert done.code == (FINDINGS if line == "csoc check" else 0), done.err
    assert done.out


def test_the_answers_that_one_begins_with_are_answers(csoc: Command) -> None:
    assert "`csoc launch --example-answers`" in LAUNCH
    done = csoc("launch", "--example-answers")
    assert done.code == 0, done.err
    assert parse_answers(done.out.encode(), "answers.yaml").commons


def test_all_commands_work_in_one_shell_in_their_order_up_to_a_healthy_commons(tmp_path: Path) -> None:
    """But for those of make, and `csoc emulator`, which has a terminal of its own as README says."""
    typed = [line for line in re.findall(r"^\$ (.*)", README, re.MULTILINE) if not line.startswith("make ")]
    (emulator,) = [line for line in typed if line.startswith("csoc emulator ")]
    (path,) = re.findall(r'^\$ (export PATH="[^"]*")', README, re.MULTILINE)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (tmp_path / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.org\n", encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CSOC_", "GIT_"))}
    environ = {**kept, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    said = tmp_path / "said"
    with (
        _running(f"{path}; exec {emulator} --port 0 --json", tmp_path, environ),
        said.open("w", encoding="utf-8") as out,
    ):
        lines = [_line(line, said) for line in typed if line != emulator]
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", "\n".join(lines)], cwd=tmp_path, env=environ, check=False,
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, timeout=PATIENCE_SECONDS,
        )  # fmt: skip
    told = said.read_text(encoding="utf-8")
    assert done.returncode == 0, told[-4000:]
    for shown in ("4 environments", "research (222222222222): verified", "apply environment reef-dev: succeeded"):
        assert shown in told
        assert shown in README or "verified" in shown


def _line(line: str, said: Path) -> str:
    """A line as a reader types it, who reads the names of the plans in what was printed."""
    if " PLAN" not in line:
        return line
    plans = f"$(grep -o '^ *csoc approve [a-z0-9]*' {said} | awk '{{print $3}}' | sort -u)"
    return f"for plan in {plans}; do {line.partition(' PLAN')[0]} $plan; done"


@contextmanager
def _running(line: str, folder: Path, environ: dict[str, str]) -> Iterator[None]:
    """The emulator, from when it answers. It says so in JSON, whose last line is its end."""
    process = subprocess.Popen(
        ["bash", "-c", line], cwd=folder, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        assert process.stdout is not None
        seen = []
        for told in process.stdout:
            seen.append(told)
            if told == "}\n":
                break
        assert process.poll() is None, "".join(seen)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_the_table_has_the_commands_that_one_begins_with() -> None:
    assert len(TABLE) >= 9
