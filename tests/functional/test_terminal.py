"""What a terminal, a pipe and a file get from the commands, with real ones."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
from importlib.resources import files
from pathlib import Path
from shutil import copytree

import pytest
from rich.cells import cell_len

from tests.functional.command import Command

CSOC = "from csoc.cli.entry import main; main()"


@pytest.fixture(scope="module")
def csoc(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """csoc beside the demo's fleet."""
    root = tmp_path_factory.mktemp("terminal")
    copytree(Path(str(files("csoc").joinpath("cli", "demo_fleet"))), root / "tidewater" / "fleet")
    return Command(root / "home", root / "tidewater")


def environment(csoc: Command, more: dict[str, str]) -> dict[str, str]:
    return {**csoc.environment, "PYTHONPATH": os.environ.get("PYTHONPATH", ""), **more}


def at_terminal(csoc: Command, columns: int, *arguments: str, **variables: str) -> tuple[int, str]:
    """Runs a command at a terminal of that many columns; its code and everything that reached the terminal."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-c", CSOC, *arguments],
        env=environment(csoc, {"TERM": "xterm-256color", **variables}),
        cwd=csoc.folder,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    ) as running:
        os.close(theirs)
        seen = b""
        with contextlib.suppress(OSError):  # a terminal that its last user closed
            while part := os.read(ours, 65_536):
                seen += part
        os.close(ours)
    return running.returncode, seen.decode().replace("\r\n", "\n")


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


COMMANDS = [
    ("fleet", "show", "--no-check"),
    ("fleet", "matrix"),
    ("fleet", "where", "metadata-g3auto"),
    ("fleet", "adopt", "fleet"),
    ("check", "--no-render"),
    ("fleet", "compare", "coral-staging", "coral-prod", "--all"),
    ("fleet", "show", "--fleet", "a-folder-with-a-long-name/that-is-not-there/and-never-was-in-this-place"),
    ("rules", "list"),
]


@pytest.mark.parametrize("columns", [60, 80, 200])
@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda words: "-".join(words)[:24])
def test_no_line_is_wider_than_the_terminal(csoc: Command, arguments: tuple[str, ...], columns: int) -> None:
    more = () if "--fleet" in arguments or arguments[0] == "rules" or "fleet" in arguments[2:] else ("--fleet", "fleet")
    _, seen = at_terminal(csoc, columns, *arguments, *more)
    assert seen.strip()
    assert "made a mistake" not in seen
    assert max(cell_len(line) for line in plain(seen).split("\n")) <= columns


@pytest.mark.parametrize("columns", [60, 80])
def test_narrow_terminals_show_every_name_whole_or_in_pieces(csoc: Command, columns: int) -> None:
    _, seen = at_terminal(csoc, columns, "fleet", "show", "--no-check", "--fleet", "fleet")
    squeezed = re.sub(r"\s", "", plain(seen))
    for name in ("coral-staging", "coral-prod", "fern-dev", "fern-prod"):
        assert name in squeezed


def test_a_terminal_gets_colours(csoc: Command) -> None:
    _, seen = at_terminal(csoc, 80, "fleet", "show", "--no-check", "--fleet", "fleet")
    assert "\x1b[1m" in seen


@pytest.mark.parametrize(
    "variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}], ids=["NO_COLOR", "dumb", "unset"]
)
@pytest.mark.parametrize("arguments", [("check", "fleet", "--no-render"), ("fleet", "show", "--fleet", "nowhere")])
def test_who_wants_no_colours_gets_no_escape_sequence(
    csoc: Command, arguments: tuple[str, ...], variables: dict[str, str]
) -> None:
    _, seen = at_terminal(csoc, 80, *arguments, **variables)
    assert seen.strip()
    assert "\x1b" not in seen


def test_a_pipe_gets_no_escape_sequence_even_if_somebody_forces_colours(csoc: Command) -> None:
    csoc.variables |= {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "40"}
    text = csoc("fleet", "show", "--no-check", "--fleet", "fleet").out
    csoc.variables.clear()
    assert "\x1b" not in text
    assert any("coral-staging" in line and "staging.coral.example.org" in line for line in text.splitlines())


def shell(csoc: Command, line: str) -> subprocess.CompletedProcess[str]:
    """Runs a line of bash, in which $csoc is the program."""
    program = f"{sys.executable} -c '{CSOC}'"
    return subprocess.run(
        ["bash", "-c", f'csoc() {{ {program} "$@"; }}; {line}'],
        env=environment(csoc, {}),
        cwd=csoc.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments",
    ["fleet show --no-check --fleet fleet", "check fleet --no-render --json", "rules list", "--help", "fleet --json"],
)
def test_a_reader_that_goes_away_ends_the_command_quietly(csoc: Command, arguments: str) -> None:
    # The reader is gone before anything is written: it waits for nothing, the command for the reader's end.
    done = shell(csoc, f"mkfifo p$$; {{ exec 3<p$$; exec 3<&-; }} & {{ wait $!; csoc {arguments}; echo $? >&2; }} >p$$")
    assert done.stderr.strip() == "141"


def test_head_gets_its_lines_and_no_complaint(csoc: Command) -> None:
    done = shell(csoc, "csoc rules list | head -2; echo ${PIPESTATUS[0]} >&2")
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr.strip() in ("0", "141")


def test_a_full_disk_is_an_error_with_its_cause(csoc: Command) -> None:
    done = shell(csoc, "csoc rules list >/dev/full")
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr == "csoc: Standard output cannot be written: No space left on device\n"


def test_a_closed_standard_output_is_an_error_and_a_closed_standard_error_is_none(csoc: Command) -> None:
    assert shell(csoc, "csoc rules list >&-").returncode == 6
    assert shell(csoc, "csoc rules list 2>&-").returncode == 0
    assert shell(csoc, "csoc rules show nope 2>&-").returncode == 4


def test_names_that_an_encoding_does_not_know_are_escapes(csoc: Command) -> None:
    done = shell(csoc, "PYTHONUTF8=0 PYTHONIOENCODING=ascii csoc fleet where é --fleet fleet")
    assert done.stdout == "Nothing in the fleet names \\xe9.\n"


LOADED = "import sys; from csoc.cli.entry import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["fleet", "--help"], ["fleet", "shwo"], ["help"]])
def test_what_a_person_meets_first_loads_neither_git_nor_charts(csoc: Command, arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments],
        env=environment(csoc, {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    loaded = {name.split(".")[0] for name in done.stderr.split()}
    assert "click" in loaded
    assert loaded & {"pygit2", "helm_python", "httpx", "pydantic", "yaml", "sqlite3"} == set()
    assert not any(name.startswith(("csoc.adapters", "csoc.usecases")) for name in done.stderr.split())
