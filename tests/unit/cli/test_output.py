"""What reaches a terminal."""

from __future__ import annotations

import json

import pytest
from rich.text import Text

from csoc.cli import output
from csoc.errors import ConflictError, RejectedError


def test_cells_show_control_characters_coloured_or_not(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(["a\x1b", "b"], [["x\x1b[31m", Text("y\x1b[2J", style="bold")]], title="t")
    shown = capsys.readouterr().out
    assert "x\\x1b[31m" in shown
    assert "y\\x1b[2J" in shown
    assert "\x1b" not in shown


def test_a_pipe_gets_whole_lines(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(["name", "what"], [["x" * 60, "y" * 2000]])
    assert f"{'x' * 60}  {'y' * 2000}" in capsys.readouterr().out


def test_one_is_not_several() -> None:
    assert (output.count(1, "file"), output.count(0, "file"), output.count(2, "file")) == (
        "1 file",
        "0 files",
        "2 files",
    )


def test_what_was_said_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("note: a\nforged line")
    output.print_error(RejectedError("cause\nforged", place="a\nb", fix="fix\nforged"), as_json=False)
    said, complained = capsys.readouterr()
    assert said == "note: a\\nforged line\n"
    assert complained == "csoc: a\\nb: cause\\nforged\n  fix: fix\\nforged\n"


def test_a_conflict_shows_both_sides_as_lines_that_command_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_error(ConflictError("changed:\n-old\n+new\n ::error::x\n"), as_json=False)
    assert capsys.readouterr().err == "csoc: changed:\n    -old\n    +new\n     \\x3a:error::x\n"


def test_lines_of_diffs_command_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_diff([" ::error::x", "+a\x1b[2J\rb"], indent="")
    assert capsys.readouterr().out == " \\x3a:error::x\n+a\\x1b[2J\\rb\n"


def test_commands_to_paste_are_lines_of_their_own_each_of_them_clean(capsys: pytest.CaptureFixture[str]) -> None:
    error = RejectedError("cause", fix="Type this", commands="cat > f <<'EOF'\na: b\x1b[2J\nEOF\n##[error]x\n")
    output.print_error(error, as_json=False)
    assert capsys.readouterr().err == (
        "csoc: cause\n  fix: Type this:\ncat > f <<'EOF'\na: b\\x1b[2J\nEOF\n# #[error]x\n"
    )
    output.print_error(error, as_json=True)
    assert json.loads(capsys.readouterr().err)["error"]["fix"] == f"Type this:\n{error.commands}"
