"""What the pages about the emulator say of its modules, services and commands is so."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from csoc.emulator.cloud.services import OFFERED
from csoc.emulator.cloudformation.offered import NOT_OFFERED
from csoc.emulator.cloudformation.resources.table import HANDLERS
from tests.architecture.test_commands import assert_understood, code_blocks

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "csoc" / "emulator"
PAGE = (ROOT / "docs/emulator.md").read_text("utf-8")
RECIPES = (ROOT / "docs/how-to/add-to-the-emulator.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
# Folders whose paths a recipe writes from their own level.
BELOW: tuple[str, ...] = ("", "src/csoc/emulator/", "src/csoc/emulator/cloudformation/")
BELOW += ("src/csoc/emulator/kubernetes/",)
BELOW += ("src/csoc/emulator/cloud/", "src/csoc/emulator/cloudformation/resources/", "tests/functional/emulator/")
BELOW += ("tests/unit/emulator/kubernetes/controllers/",)


def exists(dotted: str) -> bool:
    path = SOURCE / dotted.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def table_of_modules() -> list[str]:
    """The names in the first cells of the table of modules."""
    cells = re.findall(r"^\| (`[\w.`, ]+`) \|", section("How it is built"), re.M)
    return [name for cell in cells for name in re.findall(r"`([\w.]+)`", cell)]


def test_every_module_that_the_table_names_exists_and_is_named_once() -> None:
    named = table_of_modules()
    assert len(named) > 40
    assert [name for name in named if not exists(name)] == []
    assert len(named) == len(set(named))


def test_every_package_of_the_emulator_is_in_the_table() -> None:
    packages = {
        path.parent.relative_to(SOURCE).as_posix().replace("/", ".")
        for path in SOURCE.rglob("__init__.py")
        if path.parent != SOURCE
    }
    assert packages - set(table_of_modules()) == set()


def test_every_module_of_the_first_level_is_in_the_table() -> None:
    modules = {path.stem for path in SOURCE.glob("*.py")} - {"__init__"}
    assert modules - set(table_of_modules()) == set()


def test_every_dotted_name_of_a_module_on_the_page_exists() -> None:
    packages = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    named = set(re.findall(rf"(?<![\w./])(?:{'|'.join(sorted(packages))})\.[a-z_]+(?:\.[a-z_]+)*(?![\w/.-]|\()", PAGE))
    assert "cloud.front" in named
    assert {name for name in named if not exists(name)} == set()


def test_the_services_are_those_that_are_offered() -> None:
    told = re.search(r"^Services: (.*?) Of these ", section("What is offered"), re.M | re.S)
    assert told is not None
    names = re.findall(r"`([\w-]+)`", told[1])
    assert names == [offered.name for offered in OFFERED]


def test_what_the_page_shows_as_refused_is_not_made() -> None:
    shown = set(re.findall(r"The emulator does not make ((?:\w+::)+\w+)", PAGE))
    assert shown
    assert not shown & set(HANDLERS)
    assert "AWS::CloudFormation::WaitConditionHandle" in NOT_OFFERED


def test_words_of_refusals_are_those_of_the_code() -> None:
    code = "\n".join(path.read_text("utf-8") for path in SOURCE.rglob("*.py"))
    for words in (
        "docs/emulator.md lists what it offers",
        "docs/reference/resource-types.md lists what it makes",
        "The emulator does not keep ",
        "the emulator does not offer the subresource pods/proxy: use pods/portforward",
    ):
        assert words in PAGE
        assert words in code


def typed(text: str) -> Iterator[str]:
    """The calls of csoc in blocks of a terminal."""
    for block in code_blocks(text, "console"):
        for line in block.replace("\\\n", " ").splitlines():
            call = re.match(r"\$ (csoc [^>|]+)", line)
            if call:
                yield call[1].strip()


def test_every_call_of_csoc_on_the_page_is_understood() -> None:
    calls = list(typed(PAGE))
    assert {"csoc emulator credentials 222222222222", "csoc emulator faults remove --all"} <= set(calls)
    assert any(call.startswith("csoc emulator --speed") for call in calls)
    for call in calls:
        assert_understood(call)


def test_every_call_of_the_emulator_in_the_readme_is_understood() -> None:
    calls = [call for call in typed(README) if call.startswith("csoc emulator")]
    assert calls
    for call in calls:
        assert_understood(call)


AWS = """
import json, sys
from awscli.clidriver import create_clidriver
commands = create_clidriver().create_help_command().command_table
told = {}
for service, operation in json.load(sys.stdin):
    table = commands[service].create_help_command().command_table if service in commands else {}
    told[f"{service} {operation}"] = list(table[operation].arg_table) if operation in table else None
print(json.dumps(told))
"""


def test_every_call_of_aws_on_the_page_is_a_command_with_these_options() -> None:
    lines = [
        line.strip(" ();")
        for block in code_blocks(PAGE, "console")
        for line in re.findall(r"aws (?:[a-z]+ [a-z-]+ .*)", block.replace("\\\n", " "))
    ]
    calls = [(line.split()[1], line.split()[2], set(re.findall(r" --([a-z-]+)", line))) for line in lines]
    assert len(calls) > 5
    asked = json.dumps(sorted({(service, operation) for service, operation, _ in calls}))
    done = subprocess.run([sys.executable, "-c", AWS], input=asked, capture_output=True, text=True, check=False)
    if "No module named 'awscli'" in done.stderr:
        pytest.skip("the aws command is not here")
    assert done.returncode == 0, done.stderr
    known = json.loads(done.stdout)
    for service, operation, options in calls:
        options_of = known[f"{service} {operation}"]
        assert options_of is not None, f"aws {service} {operation}"
        assert options - set(options_of) <= {"query", "output", "endpoint-url"}, f"aws {service} {operation}"


def test_every_difference_has_its_reason() -> None:
    rows = re.findall(r"^\| (.+) \|$", section("What differs"), re.M)
    cells = [row.split(" | ") for row in rows if not set(row) <= set("-|")]
    assert len(cells) > 40
    assert [row[0] for row in cells if len(row) != 4 or not all(cell.strip() for cell in row)] == []


@pytest.mark.parametrize("page", [PAGE, RECIPES], ids=["page", "recipes"])
def test_every_file_that_a_page_names_exists(page: str) -> None:
    paths = {path for path in re.findall(r"`((?:[\w-]+/)*[\w-]+\.(?:py|json))`", page) if "<" not in path}
    assert paths
    own = {"app.py", "trust.json"}  # what the reader writes
    assert {path for path in paths - own if not any((ROOT / folder / path).is_file() for folder in BELOW)} == set()
