"""What README tells a reader to type works as it stands there, on a copy of the demo's fleet."""

from __future__ import annotations

import re
import shlex
import subprocess
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
    (line,) = re.findall(r"^\$ (csoc launch --example.*)", LAUNCH, re.MULTILINE)
    call, _, file = line.partition(" > ")
    done = csoc(*shlex.split(call)[1:])
    assert done.code == 0, done.err
    assert f"--answers {file}" in LAUNCH
    assert parse_answers(done.out.encode(), file).commons


def test_the_table_has_the_commands_that_one_begins_with() -> None:
    assert len(TABLE) >= 9
