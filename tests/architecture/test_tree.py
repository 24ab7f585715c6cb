"""What holds for every file of the tree: sizes, docstrings, links, and nothing of the machine it was written on."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MADE = {".git", ".venv", ".hypothesis", "build", "dist", "__pycache__"}
MOST_LINES = 500
# A longer module stands here with the reason why it is one thing.
LONG_MODULES = {
    "tests/unit/usecases/change/test_plan.py": "one plan, with every form of a change and every refusal",
    "tests/unit/usecases/change/test_propose.py": "one proposal, from its groups to its pull requests",
    "tests/functional/emulator/test_resources_edge.py": "the resource types of five services at the edge, case by case",
    "tests/functional/emulator/test_resources_network.py": "the resource types of networks, case by case",
    "tests/unit/emulator/kubernetes/argocd/test_applications.py": "the life of an Application, rule by rule",
    "tests/contract/test_chart_sources.py": "one contract, clause by clause, on every way to name a chart",
    "tests/contract/test_githost.py": "one contract, clause by clause, with what puts three hosts behind it",
}

# What tells of one machine or of one network, and helps nobody who reads the project elsewhere.
PRIVATE = {
    "a folder of one machine": re.compile(r"(?<![\w.$}])/(?:work/(?:main|shared)|home/(?!me\b)\w+|Users/\w+|root/\.)"),
    "a private network": re.compile(r"\b[\w-]+\.(?:corp|lan|intranet)\b|\bartifactory\b|\bnexus\.[a-z]", re.IGNORECASE),
}
PUBLIC_REGISTRIES = {"pypi.org", "files.pythonhosted.org"}


def _files(*suffixes: str) -> Iterator[Path]:
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if name not in MADE and not name.endswith("_cache"))
        for name in sorted(names):
            if not suffixes or name.endswith(suffixes):
                yield Path(folder) / name


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _modules() -> list[Path]:
    return [path for path in _files(".py") if path.stat().st_size]


def test_no_module_is_longer_than_one_thing_needs() -> None:
    long = {_name(path) for path in _modules() if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES}
    assert long - set(LONG_MODULES) == set(), "split it, or list it with the reason"
    assert set(LONG_MODULES) - long == set(), "no longer long: take it off the list"
    assert all(LONG_MODULES.values())


def test_every_module_says_why_it_exists() -> None:
    silent = [_name(path) for path in _modules() if not ast.get_docstring(ast.parse(path.read_bytes()))]
    assert not silent, "\n".join(silent)


def test_every_package_of_csoc_says_why_it_exists() -> None:
    packages = (ROOT / "src").rglob("__init__.py")
    assert [_name(path) for path in packages if not ast.get_docstring(ast.parse(path.read_bytes()))] == []


@pytest.mark.parametrize("what", list(PRIVATE))
def test_nothing_in_the_tree_tells_of_one_machine_or_network(what: str) -> None:
    told = []
    for path in _files():
        if path == Path(__file__):
            continue
        text = path.read_bytes().decode("utf-8", errors="ignore")
        told += [f"{_name(path)}: {found[0]}" for found in PRIVATE[what].finditer(text)]
    assert not told, "\n".join(told)


def test_the_lock_file_names_public_registries_only() -> None:
    text = (ROOT / "uv.lock").read_text(encoding="utf-8")
    assert set(re.findall(r"https?://([^/\"]+)/", text)) <= PUBLIC_REGISTRIES


def test_every_relative_link_of_the_documents_leads_somewhere() -> None:
    broken = []
    for path in _files(".md"):
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            file, _, anchor = target.partition("#")
            linked = (path.parent / file).resolve() if file else path
            if not linked.exists() or (anchor and linked.suffix == ".md" and anchor not in _anchors(linked)):
                broken.append(f"{_name(path)}: {target}")
    assert not broken, "\n".join(broken)


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_target_of_the_makefile_is_explained_and_listed() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE)
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = re.findall(r"^  make (\S+) +\S", shown, re.MULTILINE)
    assert listed == targets
    (phony,) = re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    assert set(phony.split()) == set(targets)


def test_ci_runs_what_everybody_runs() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert re.search(r"^exec make test </dev/null$", script.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("target", ["demo", "test", "test-quick", "benchmarks"])
def test_arguments_are_handed_on(target: str) -> None:
    command = ["make", "--dry-run", target, "ARGS=--one 'two words'"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].endswith(" --one 'two words'")
