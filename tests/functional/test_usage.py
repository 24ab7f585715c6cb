"""Everything that can be typed wrongly: each is answered with place, cause and fix, in text and as JSON."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from shutil import copytree

import pytest

from csoc.cli import fleet, main, rules
from csoc.cli.commands import CommandGroup
from tests.functional.command import Command, Ran
from tests.functional.test_fleet_commands import commit_all

FLEET = ("--fleet", "fleet")


@pytest.fixture(scope="module")
def csoc(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """csoc beside the demo's fleet, an empty folder and a file."""
    root = tmp_path_factory.mktemp("usage")
    copytree(Path(str(files("csoc").joinpath("cli", "demo_fleet"))), root / "here" / "fleet")
    commit_all(root / "here" / "fleet", "Begin")
    (root / "here" / "empty").mkdir()
    (root / "here" / "file.txt").write_text("x", encoding="utf-8")
    return Command(root / "home", root / "here")


WRONG = [
    (("nope",), 2, "There is no command nope"),
    (("chekc",), 2, "Did you mean `csoc check`?"),
    (("--nope",), 2, "--nope"),
    (("fleet", "shwo"), 2, "Did you mean `csoc fleet show`"),
    (("help", "fleet", "nope"), 2, "There is no command nope"),
    (("help", "check", "x"), 2, "`csoc check --help` says what it takes"),
    (("check", "--nope"), 2, "csoc check"),
    (("check", "--fail-on", "x"), 2, "--fail-on"),
    (("check", "--format", "x"), 2, "--format"),
    (("check", "fleet", "--format", "sarif", "--json"), 2, "exclude each other"),
    (("check", "--rule", "value-files-missing"), 4, "value-file-missing"),
    (("check", "./nowhere"), 4, "no such folder"),
    (("check", "./file.txt"), 1, "not a folder"),
    (("check", "file.txt"), 4, "file.txt is a file"),
    (("check", "fleet", "coral-prdo"), 4, "Did you mean coral-prod"),
    (("check", "fleet", "./empty"), 2, "only one fleet"),
    (("check", *FLEET, "--fleet", "empty"), 2, "--fleet is given more than once"),
    (("check", "-"), 2, "standard input"),
    (("check", ""), 2, "it is empty"),
    (("check", "fleet", "--base", ""), 2, "it is empty"),
    (("check", "fleet", "--base", "nope"), 4, "no revision"),
    (("check", "fleet", "--revision", ""), 2, "it is empty"),
    (("check", "fleet", "--output", ""), 2, "it is empty"),
    (("check", "fleet", "--output", "empty"), 1, "This is a folder"),
    (("check", "fleet", "--output", "nowhere/x"), 4, "no such folder"),
    (("check", "x" * 300), 2, "300 bytes"),
    (("check", "./" + "x" * 300), 2, "300 bytes"),
    (("check", "/" + "x/" * 3000), 2, "6001 characters"),
    (("check", "a\nb"), 2, "line break"),
    (("check", "a\0b"), 2, "control character"),
    (("check", "\udcff"), 2, "not UTF-8"),
    (("check", "fleet", "--chart", "nowhere"), 4, "no such chart"),
    (("check", "fleet", "--yes"), 2, "--yes goes with --fix"),
    (("fleet", "show", "x"), 2, "unexpected extra argument"),
    (("fleet", "show", "--fleet", "-"), 2, "standard input"),
    (("fleet", "show", "--fleet", ""), 2, "it is empty"),
    (("fleet", "matrix", "nope", *FLEET), 4, "no environment nope"),
    (("fleet", "compare", "coral-prod", *FLEET), 2, "Missing argument"),
    (("fleet", "history", "coral-prod", "", *FLEET), 2, "it is empty"),
    (("fleet", "history", "coral-prod", "a..b", *FLEET), 1, "not a key"),
    (("fleet", "where", "", *FLEET), 1, "nothing to look for"),
    (("fleet", "adopt"), 2, "Missing argument 'SOURCE'"),
    (("fleet", "adopt", "-"), 2, "standard input"),
    (("fleet", "adopt", "file.txt"), 1, "not a folder"),
    (("fleet", "adopt", "fleet", "--name", ""), 2, "it is empty"),
    (("fleet", "init", "-"), 2, "no folder"),
    (("fleet", "init", "file.txt"), 1, "not a folder"),
    (("fleet", "init", "new", "--stage", ""), 2, "it is empty"),
    (("fleet", "set", "", "a=1", *FLEET), 2, "one of them is empty"),
    (("fleet", "set", "coral-prod", "=1", *FLEET), 2, "no key before"),
    (("fleet", "set", "coral-prod", "--image", "x", *FLEET), 2, "SERVICE=TAG"),
    (("fleet", "set", "coral-prod", "a=1", "--message", "x", "-m", "y", *FLEET), 2, "--message is given more"),
    (("fleet", "changes", "--merge", "0", *FLEET), 2, "--merge"),
    (("fleet", "changes", "--method", "squash", *FLEET), 2, "--method goes with --merge"),
    (("fleet", "watch", "--interval", "0", *FLEET), 2, "--interval"),
    (("rules", "show"), 2, "Missing argument 'ID'"),
    (("rules", "show", "value-files-missing"), 4, "value-file-missing"),
    (("demo", "--into", "file.txt"), 1, "not a folder"),
    (("demo", "--into", "fleet"), 5, "not empty"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), WRONG, ids=lambda value: repr(value)[:60])
def test_a_mistake_is_told_with_cause_and_fix_in_text_and_as_json(
    csoc: Command, arguments: tuple[str, ...], code: int, words: str
) -> None:
    if "--json" not in arguments:
        text = csoc(*arguments)
        assert (text.code, text.out) == (code, ""), text.err
        assert words in text.err
        assert text.err.startswith("csoc")
        assert "\n  fix: " in text.err
    told = csoc(*arguments, *(() if "--json" in arguments else ("--json",)))
    assert (told.code, told.out) == (code, ""), told.err
    error = json.loads(told.err)["error"]
    assert (error["kind"] == "usage") is (code == 2)
    assert error["cause"]
    assert error["fix"]
    assert words in " ".join((error["place"], error["cause"], error["fix"]))


def test_an_option_without_its_value_names_the_command(csoc: Command) -> None:
    done = csoc("fleet", "show", "--json", "--fleet")
    error = json.loads(done.err)["error"]
    assert (done.code, error["kind"], error["place"]) == (2, "usage", "csoc fleet show")


def test_after_two_dashes_nothing_is_an_option(csoc: Command) -> None:
    done = csoc("check", *FLEET, "--", "--json")
    assert (done.code, done.err.partition("\n")[0]) == (4, "csoc: There is no environment --json")


@pytest.mark.parametrize("group", [(), ("fleet",), ("rules",)])
def test_a_group_alone_lists_its_commands(csoc: Command, group: tuple[str, ...]) -> None:
    told = csoc(*group, "--json")
    shown = csoc(*group)
    assert (told.code, shown.code, shown.err) == (0, 0, "")
    assert told.data["commands"]
    for command in told.data["commands"]:
        assert command["name"] in shown.out


def test_json_belongs_behind_the_command(csoc: Command) -> None:
    done = csoc("fleet", "--json", "show")
    error = json.loads(done.err)["error"]
    assert (done.code, error["fix"]) == (2, "Write csoc fleet show ... --json")


def test_help_and_version_are_said_in_every_way_that_is_tried(csoc: Command) -> None:
    assert csoc("help", "fleet", "set").out == csoc("fleet", "set", "--help").out == csoc("fleet", "set", "-h").out
    assert csoc("help").out == csoc("--help").out == csoc().out
    assert csoc("--version").out == "csoc 0.1.0\n"
    assert csoc("--version", "--json").data == csoc("--json", "--version").data == {"csoc": "0.1.0"}
    assert csoc("help", "check", "--json").data["command"] == "csoc check"


def groups() -> list[tuple[str, CommandGroup]]:
    return [("csoc", main.csoc), ("csoc fleet", fleet.fleet), ("csoc rules", rules.rules)]


@pytest.mark.parametrize(("path", "group"), groups(), ids=lambda value: str(value))
def test_a_table_says_of_a_command_what_the_command_says_itself(path: str, group: CommandGroup) -> None:
    for name, listed in group.table.items():
        command = listed.load()
        assert command.name == name
        told = " ".join((command.help or "").split("\n\n")[0].split())
        beginning = listed.summary.rstrip(".")
        assert told.startswith(beginning), f"{path} {name}"


def test_every_help_fits_80_columns(csoc: Command) -> None:
    for path, group in groups():
        words = path.split()[1:]
        for name in ("", *group.table):
            shown: Ran = csoc(*words, *([name] if name else []), "--help")
            assert shown.code == 0
            assert max(map(len, shown.out.splitlines())) <= 80, (path, name)


def test_mending_tells_programs_in_the_report_and_says_nothing_beside_it(csoc: Command) -> None:
    planned = csoc("check", *FLEET, "--fix", "--no-render", "--json")
    assert planned.err == ""
    assert planned.data["fix"]["applied"] is False
    assert "--yes" in planned.data["fix"]["note"] or not planned.data["fix"]["files"]
    baseline = csoc("check", *FLEET, "--write-baseline", "--no-render", "--json")
    assert (baseline.code, baseline.err) == (0, "")
    assert baseline.data["writtenBaseline"]["path"].endswith("baseline.yaml")
    assert baseline.data["writtenBaseline"]["known"] > 0
