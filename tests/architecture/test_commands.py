"""What every command has, and what the pages, hooks and workflows say about commands."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from csoc.accounts.workflows import ENVIRONMENT, Workflow
from csoc.cli.formats import jsonreport
from csoc.cli.main import csoc
from csoc.cli.rules import all_rules
from csoc.config import Settings
from csoc.config.loading import load, variables
from csoc.fleet.documents import layout
from scripts import command_pages
from tests.unit.cli.test_check_formats import finding, verdict

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = dict(command_pages.commands())


def test_there_are_commands() -> None:
    assert {"csoc check", "csoc fleet adopt", "csoc fleet watch", "csoc rules show"} <= set(COMMANDS)


def test_a_group_is_a_command_if_it_does_something_by_itself() -> None:
    assert "csoc emulator" in COMMANDS
    assert not {"csoc", "csoc fleet", "csoc emulator faults"} & set(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_json_an_example_and_says_what_it_does(name: str) -> None:
    command = COMMANDS[name]
    options = {text for option in command.params for text in option.opts}
    assert "--json" in options
    assert command.help
    assert command_pages.examples(command)
    assert all(option.help for option in command.params if isinstance(option, click.Option))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_example_is_a_call_that_is_understood(name: str) -> None:
    for line in command_pages.examples(COMMANDS[name]):
        assert_understood(line)


def assert_understood(line: str) -> None:
    words = shlex.split(line, comments=True)
    assert words.pop(0) == "csoc", line
    command: click.Command = csoc
    name = "csoc"
    while isinstance(command, click.Group):
        _, behind, _ = command.make_parser(click.Context(command)).parse_args(list(words))
        if not behind:
            break  # what the group does by itself
        found = command.get_command(click.Context(command), behind[0])
        assert found is not None, line
        command, name, words = found, f"{name} {behind[0]}", behind[1:]
    command.make_context(name, words)


def code_blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


def test_every_rule_has_its_page_and_no_page_is_left_over() -> None:
    pages = {path.stem for path in (ROOT / "docs/reference/rules").glob("*.md")}
    assert pages == {rule.id for rule in all_rules()} | {"index"}


def test_the_hook_runs_a_call_that_is_understood() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert hook["id"] == "csoc-check"
    assert hook["pass_filenames"] is False
    assert_understood(" ".join([hook["entry"], *hook["args"]]))
    assert re.search(hook["files"], "one/values.yaml")
    page = (ROOT / "docs/how-to/pre-commit.md").read_text("utf-8")
    (example,) = code_blocks(page, "yaml")
    assert yaml.safe_load(example)["repos"][0]["hooks"] == [{"id": hook["id"]}]
    for arguments in re.findall(r"`args: (\[.*?\])`", page):
        assert_understood(" ".join([hook["entry"], *yaml.safe_load(arguments)]))


def test_the_workflow_is_pinned_has_few_rights_and_makes_calls_that_are_understood() -> None:
    text = (ROOT / "docs/how-to/github-workflow.yaml").read_text("utf-8")
    # YAML 1.1 reads the key "on" as true.
    workflow: dict[Any, Any] = yaml.safe_load(text)
    assert workflow["permissions"] == {}
    assert set(workflow[True]) == {"pull_request", "push"}
    (job,) = workflow["jobs"].values()
    assert job["permissions"] == {"contents": "read", "security-events": "write"}
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert len(used) == 3
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", item) for item in used)
    assert re.fullmatch(r"csoc @ git\+https://\S+@[0-9a-f]{40}", workflow["env"]["CSOC"])
    checkout = next(step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@"))
    assert checkout["with"] == {"fetch-depth": 0, "persist-credentials": False}
    runs = [step["run"] for step in job["steps"] if "run" in step]
    # What a pull request may choose reaches the shell through a variable only.
    assert not any("${{" in run for run in runs)
    for run in runs:
        if run.startswith("csoc "):
            assert_understood(run.partition(" || ")[0])


def test_the_workflow_that_applies_is_pinned_has_a_token_and_few_rights_and_makes_calls_that_are_understood() -> None:
    workflow: dict[Any, Any] = yaml.safe_load((ROOT / "docs/how-to/apply-workflow.yaml").read_text("utf-8"))
    assert workflow["permissions"] == {}
    rights = {name: job["permissions"] for name, job in workflow["jobs"].items()}
    assert rights == {
        "plan": {"contents": "read", "id-token": "write", "pull-requests": "write"},
        "apply": {"contents": "read", "id-token": "write"},
    }
    for job in workflow["jobs"].values():
        assert job["environment"] == ENVIRONMENT, "which the trust of csoc's role names"
        assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"]) for step in job["steps"] if "uses" in step)
        runs = [step["run"] for step in job["steps"] if "run" in step]
        assert not any("${{" in run for run in runs), "what others may choose reaches the shell through a variable only"
        (session,) = (run for run in runs if "github=" in run)
        shell = session.replace(">>", "#")
        done = subprocess.run(
            ["bash", "-c", shell],
            env={"GITHUB_REPOSITORY": "example/fleet"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == f"name={Workflow('example', 'fleet').session}\n"
        for call in re.findall(r"^csoc .*", "\n".join(runs), re.M):
            assert_understood(call.partition(" > ")[0])


def test_the_workflow_that_plans_is_triggered_by_every_document_that_a_plan_is_made_from_and_by_nothing_else() -> None:
    workflow: dict[Any, Any] = yaml.safe_load((ROOT / "docs/how-to/apply-workflow.yaml").read_text("utf-8"))
    triggers = workflow[True]["pull_request"]["paths"]
    planned_from = set(layout.KINDS) - {"Release", "Baseline"}
    written = {kind: re.sub("<[a-z]+>", "one", layout.pattern(kind)) for kind in layout.KINDS}
    own = [one for one in triggers if not one.startswith(f"{layout.ADOPTED}/")]
    assert {kind for kind, path in written.items() if any(_triggers(one, path) for one in own)} == planned_from
    assert not [one for one in own if not any(_triggers(one, path) for path in written.values())]
    assert f"{layout.ADOPTED}/**" in triggers


def _triggers(glob: str, path: str) -> bool:
    """As GitHub reads the globs that are used: ** is anything."""
    return re.fullmatch(re.escape(glob).replace(re.escape("**"), ".*"), path) is not None


@pytest.mark.parametrize("name", ["apply-workflow.yaml", "github-workflow.yaml"])
def test_what_a_workflow_sets_and_names_is_there(name: str) -> None:
    text = (ROOT / "docs/how-to" / name).read_text("utf-8")
    workflow: dict[Any, Any] = yaml.safe_load(text)
    own = {"CSOC_ROLE", "CSOC_REGION", "CSOC_OWNER", "CSOC_PGPASS"}
    asked = set(re.findall(r"\bCSOC_[A-Z_]+", text))
    assert asked - own <= {*variables(), "CSOC_CONFIG"}, "no setting"
    load({key: value for key, value in workflow["env"].items() if key != "CSOC"})
    assert not [page for page in re.findall(r"docs/[\w/.-]+", text) if not (ROOT / page).is_file()]
    commands = re.findall(r"`(csoc [^`]+)`", text)
    for typed in commands:
        assert_understood(typed.replace("\\(.id)", "k3x9m2ab7q"))
    parts = re.findall(r"printf '(\[\[[^']*)'", text)
    for written in parts:
        settings = Settings.model_validate(tomllib.loads(written.replace("\\n", "\n") % "example/fleet"))
        assert settings.credentials[0].url_prefix == "https://github.com/example/fleet"


@pytest.mark.parametrize("page", ["README.md", "docs/how-to/launch-a-commons.md", "docs/how-to/plan-in-a-workflow.md"])
def test_every_call_of_csoc_that_a_page_shows_is_understood(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    typed = re.findall(r"^\$ (csoc [^\n>]*)", text, re.M)
    named = [call for call in re.findall(r"`(csoc [a-z][^`]*)`", text) if not call.startswith("csoc emulator")]
    assert typed
    assert len(typed) + len(named) >= 5
    for call in [*typed, *named]:
        if call not in ("csoc runs", "csoc emulator --speed 60"):
            assert_understood(call.strip())


def test_every_command_that_a_fix_names_is_one() -> None:
    named = {
        " ".join(words.split()[:2])
        for path in (ROOT / "src" / "csoc").rglob("*.py")
        for fix in _fixes(ast.parse(path.read_bytes()))
        for words in re.findall(r"(?<![\w./-])csoc ([a-z][a-z-]+(?: [a-z][a-z-]+)?)", fix)
    }
    assert {"account verify", "runs resume", "approve"} <= named
    unknown = {words for words in named if words.split()[0] not in SAID_OF_CSOC and not _is_command(words.split())}
    assert unknown == set(), "no such command"


# What follows the name of csoc where a fix speaks of the program and names no command.
SAID_OF_CSOC = {"again", "asks", "document", "is", "keeps", "makes", "never", "that", "where", "with", "writes"}


def _fixes(tree: ast.Module) -> Iterator[str]:
    """What is given as a fix; what a formatted one fills in is left out."""
    for keyword in (node for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "fix"):
        for part in ast.walk(keyword.value):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value


def _is_command(words: list[str]) -> bool:
    """True if the first word is a command; of a group, if the second one is one of its own."""
    command = csoc.get_command(click.Context(csoc), words[0])
    return command is not None and (
        not isinstance(command, click.Group)
        or len(words) == 1
        or command.get_command(click.Context(command), words[1]) is not None
    )


def test_every_key_of_the_json_report_is_described() -> None:
    page = (ROOT / "docs/reference/check-output.md").read_text("utf-8")
    report = json.loads(
        json.dumps(
            jsonreport.report(verdict(finding(), waived=(finding("b"),), known=(finding("c"),), other="x")), default=str
        )
    )
    described = set(re.findall(r"`(\w+)`", page))
    summary = report["summary"]
    severities = set(summary["findings"])
    for key in ("findings", "knownBySeverity", "waivedBySeverity"):
        summary[key] = None
    assert _keys(report) - described == set()
    assert severities <= set(re.findall(r"\w+", page))
    top = set(re.findall(r"^\| `(\w+)` \|", page.partition("\nA finding:")[0], re.M))
    assert top - {"0", "1", "6"} == set(report)
    of_finding = page.partition("\nA finding:")[2]
    rows = {
        key for row in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", of_finding, re.M) for key in re.findall(r"\w+", row)
    }
    assert rows == set(report["findings"][0])


def _keys(data: Any) -> set[str]:
    if isinstance(data, dict):
        return set(data).union(*(_keys(value) for value in data.values()))
    return set().union(*(_keys(item) for item in data)) if isinstance(data, list) else set()
