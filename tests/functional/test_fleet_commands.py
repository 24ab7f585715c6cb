"""Every command about a fleet, on the fleet that csoc brings along: the facts that matter, as text and as JSON."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from shutil import copytree

import pygit2
import pytest

from tests.functional.command import Command

GIT = pygit2.Signature("Grace", "grace@example.org", 1_780_000_000, 0)
PROD = "harbor/coral.example.org/values.yaml"
STAGING = "harbor/staging.coral.example.org/values.yaml"


def commit_all(folder: Path, message: str) -> str:
    """Commits everything in a folder; a repository is made if there is none."""
    repository = pygit2.init_repository(str(folder), initial_head="main")
    repository.index.add_all()
    repository.index.write()
    parents = [] if repository.head_is_unborn else [repository.head.target]
    tree = repository.index.write_tree()
    return str(repository.create_commit("HEAD", GIT, GIT, message, tree, parents))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all commands here, as a person has."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def csoc(home: Path, tmp_path: Path) -> Command:
    """csoc in a clone of the demo's fleet with two commits."""
    folder = tmp_path / "tidewater"
    copytree(Path(str(files("csoc").joinpath("cli", "demo_fleet"))), folder)
    staging = folder / STAGING
    staging.write_bytes(staging.read_bytes().replace(b'"2026.06"', b'"2026.02"'))
    later = (folder / PROD).read_bytes()
    (folder / PROD).write_bytes(
        later.replace(
            b'fence:\n  replicas: 3\n  image:\n    tag: "2026.06"',
            b'fence:\n  replicas: 3\n  image:\n    tag: "2026.02"',
        )
    )
    commit_all(folder, "Begin")
    (folder / PROD).write_bytes(later)
    commit_all(folder, "June in production")
    # Whoever runs the suite may have a name in Git's own settings, which would count otherwise.
    names = pygit2.Repository(str(folder)).config
    names["user.name"], names["user.email"] = "Ada", "ada@example.org"
    return Command(home, folder)


def head(folder: Path) -> str:
    return str(pygit2.Repository(str(folder)).head.target)


# See


def test_show_tells_each_environment_with_what_one_asks_first(csoc: Command) -> None:
    shown = csoc("fleet", "show", "--json")
    assert shown.code == 0
    told = {
        item["name"]: (*(item[key]["value"] for key in ("cluster", "stage", "hostname")), item["worst"])
        for item in shown.data["environments"]
    }
    assert told == {
        "coral-staging": ("harbor-prod", "staging", "staging.coral.example.org", "critical"),
        "coral-prod": ("harbor-prod", "prod", "coral.example.org", told["coral-prod"][3]),
        "fern-dev": ("meadow", "dev", "dev.fern.example.org", "critical"),
        "fern-prod": ("meadow", "prod", "fern.example.org", "critical"),
    }
    assert {item["name"]: item["role"] for item in shown.data["others"]} == {
        "old-coral-redirect": "redirect",
        "fluent-bit": "platform",
    }
    text = csoc("fleet", "show").out
    for word in (*told, "harbor-prod", "staging.coral.example.org", "worst finding", "redirect"):
        assert word in text


def test_matrix_tells_tags_since_when_and_what_lags(csoc: Command) -> None:
    made = csoc("fleet", "matrix", "coral", "--service", "fence", "--service", "indexd", "--json").data
    assert made["environments"] == ["coral-staging", "coral-prod"]
    cells = made["services"]["fence"]
    assert (cells["coral-staging"]["tag"], cells["coral-prod"]["tag"]) == ("2026.02", "2026.06")
    assert cells["coral-prod"]["since"].startswith("2026-05-28")
    text = csoc("fleet", "matrix", "coral").out
    assert "2026.06" in text
    assert "2026-05-28" in text


def test_compare_folds_own_names_and_shows_the_manifests(csoc: Command) -> None:
    made = csoc("fleet", "compare", "coral-staging", "coral-prod", "--json").data
    shown = {item["path"]: (item["left"], item["right"]) for item in made["values"] if not item["ownNamesOnly"]}
    assert shown["fence.image.tag"] == ('"2026.02"', '"2026.06"')
    assert "global.hostname" not in shown
    assert "global.hostname" in {item["path"] for item in made["values"]}
    assert "Deployment fence-deployment" in {item["object"] for item in made["manifests"]}
    text = csoc("fleet", "compare", "coral-staging", "coral-prod", "--manifests").out
    assert "global.hostname" not in text
    assert "image: quay.io/cdis/fence:2026.06" in text
    assert "global.hostname" in csoc("fleet", "compare", "coral-staging", "coral-prod", "--all").out


def test_where_finds_a_shared_secret_and_says_where(csoc: Command) -> None:
    found = csoc("fleet", "where", "metadata-g3auto", "--json").data
    assert {item["environment"] for item in found} >= {"coral-staging", "coral-prod"}
    assert any(item["location"]["path"] == PROD for item in found)
    assert f"{PROD}:" in csoc("fleet", "where", "metadata-g3auto").out
    nothing = csoc("fleet", "where", "no-such-thing")
    assert (nothing.code, nothing.out) == (4, "Nothing in the fleet names no-such-thing.\n")
    assert csoc("fleet", "where", "no-such-thing", "--json").data == []


def test_history_tells_who_changed_a_value_and_when(csoc: Command) -> None:
    made = csoc("fleet", "history", "coral-prod", "fence.image.tag", "--json").data
    assert made["current"] == '"2026.06"'
    assert [(item["before"], item["after"], item["subject"]) for item in made["changes"]] == [
        ('"2026.02"', '"2026.06"', "June in production"),
        ("not set", '"2026.02"', "Begin"),
    ]
    assert "Grace" in csoc("fleet", "history", "coral-prod", "fence.image.tag").out


# Change


def test_set_shows_everything_and_changes_nothing(csoc: Command) -> None:
    before = head(csoc.folder)
    done = csoc("fleet", "set", "coral-prod", "--rename", "fence.replicas=replicaCount")
    assert done.code == 0
    for words in (
        "-  replicas: 3",
        "+  replicaCount: 3",
        "fence.replicaCount: not set -> 3",
        "Deployment fence-deployment: changes",
        "Findings that this mends:",
        "Nothing was changed yet",
    ):
        assert words in done.out
    assert head(csoc.folder) == before
    assert (csoc.folder / PROD).read_bytes().count(b"replicas: 3") == 1


def test_set_commits_and_the_work_tree_follows(csoc: Command) -> None:
    done = csoc("fleet", "set", "coral", "--image", "fence=2026.07", "--commit", "--json")
    assert done.code == 0
    (outcome,) = done.data["outcomes"]
    assert outcome["commit"] == head(csoc.folder)
    commit = pygit2.Repository(str(csoc.folder))[outcome["commit"]]
    assert isinstance(commit, pygit2.Commit)
    assert commit.message == 'Set fence.image.tag to "2026.07" in coral-prod, coral-staging\n'
    assert commit.author.name == "Ada"
    assert b'tag: "2026.07"' in (csoc.folder / PROD).read_bytes()
    again = csoc("fleet", "set", "coral", "--image", "fence=2026.07", "--commit")
    assert again.code == 0
    assert "it is so already" in again.out
    assert head(csoc.folder) == outcome["commit"]


def test_set_and_adopt_on_another_branch_read_and_change_that_branch(csoc: Command) -> None:
    repository = pygit2.Repository(str(csoc.folder))
    first = repository[repository.head.target].parents[0]  # type: ignore[attr-defined]
    repository.branches.create("next", first)
    before = head(csoc.folder)
    done = csoc("fleet", "set", "coral-prod", "fence.replicaCount=2", "--commit", "--branch", "next", "--json")
    assert done.code == 0, done.err
    adopted = csoc("fleet", "adopt", ".", "--write", "--branch", "next", "--json")
    assert adopted.data["adoption"]["branch"] == "next"
    assert head(csoc.folder) == before
    tip = repository.branches["next"].peel(pygit2.Commit)
    assert (tip.tree / ".csoc/fleet.yaml").name == "fleet.yaml"
    values = tip.tree / PROD
    assert isinstance(values, pygit2.Blob)
    assert b"replicaCount: 2" in values.data
    assert b'tag: "2026.02"' in values.data
    assert repository.status() == {}


def test_set_on_a_file_with_uncommitted_changes_is_a_conflict(csoc: Command) -> None:
    (csoc.folder / PROD).write_bytes((csoc.folder / PROD).read_bytes() + b"mine: 1\n")
    done = csoc("fleet", "set", "coral-prod", "fence.replicaCount=2", "--commit")
    assert done.code == 5
    assert "uncommitted changes" in done.out
    assert (csoc.folder / PROD).read_bytes().endswith(b"mine: 1\n")


def test_set_where_something_cannot_be_done_says_so_and_does_the_rest(csoc: Command) -> None:
    done = csoc("fleet", "set", "coral-prod", "fern-prod", "--unset", "fence.replicas", "--json")
    assert done.code == 1
    assert [item["environment"] for item in done.data["refused"]] == ["fern-prod"]
    assert [item["path"] for item in done.data["files"]] == [PROD]


def test_pull_requests_of_a_folder_are_made_at_the_host_of_its_remote(csoc: Command) -> None:
    repository = pygit2.Repository(str(csoc.folder))
    repository.remotes.create("origin", "git@git.example.org:tidewater/gitops.git")
    done = csoc("fleet", "set", "coral-prod", "fence.replicaCount=2", "--pull-request")
    assert done.code == 3
    assert "git.example.org/tidewater/gitops" in done.err
    assert "git_hosts" in done.err


# Adopt and init


def test_adopting_writes_documents_once_and_only_what_is_new_afterwards(csoc: Command) -> None:
    before = set(csoc.folder.rglob("*"))
    planned = csoc("fleet", "adopt", ".", "--json").data["adoption"]
    assert set(csoc.folder.rglob("*")) == before
    done = csoc("fleet", "adopt", ".", "--write")
    assert done.code == 0
    assert "below .csoc/ to main" in done.out
    written = {str(path.relative_to(csoc.folder)) for path in csoc.folder.rglob("*") if path.is_file()}
    assert set(planned["files"]) <= written
    assert "there is nothing to add" in csoc("fleet", "adopt", ".", "--write").out

    new = csoc.folder / "meadow/qa.fern.example.org"
    new.mkdir()
    for name in ("app.yaml", "values.yaml"):
        text = (csoc.folder / "meadow/dev.fern.example.org" / name).read_text(encoding="utf-8")
        (new / name).write_text(
            text.replace("dev.fern", "qa.fern").replace("name: fern", "name: fern-qa"), encoding="utf-8"
        )
    commit_all(csoc.folder, "A quality stage")
    again = csoc("fleet", "adopt", ".", "--write", "--json")
    assert again.data["adoption"]["files"] == [".csoc/commons/fern/fern-qa/environment.yaml"]


def test_a_stage_that_a_person_corrects_stays_corrected(csoc: Command) -> None:
    csoc("fleet", "adopt", ".", "--write")
    path = csoc.folder / ".csoc/commons/coral/coral-staging/environment.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("stage: staging", "stage: prod"), encoding="utf-8")
    shown = csoc("fleet", "show", "--no-check", "--json").data
    fact = next(item["stage"] for item in shown["environments"] if item["name"] == "coral-staging")
    assert (fact["value"], fact["stated"]) == ("prod", True)
    csoc("fleet", "adopt", ".", "--write")
    assert "stage: prod" in path.read_text(encoding="utf-8")


def test_a_new_fleet_passes_its_check_and_is_read_back(home: Path, tmp_path: Path) -> None:
    csoc = Command(home, tmp_path)
    made = csoc("fleet", "init", "mine", "--stage", "dev", "--stage", "prod", "--json")
    assert made.code == 0
    assert "fleet.yaml" in made.data["files"]
    assert csoc("check", "--fleet", "mine").code == 0
    commit_all(tmp_path / "mine", "Begin")
    checked = csoc("check", "--fleet", "mine")
    assert checked.code == 0, checked.out + checked.err
    shown = csoc("fleet", "show", "--fleet", "mine", "--json").data
    assert (shown["environments"], shown["problems"], shown["stages"]) == ([], [], ["dev", "prod"])
    again = csoc("fleet", "init", "mine")
    assert again.code == 5
    assert "fleet.yaml" in again.err


# Typed wrongly


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("fleet", "shwo"), 2, "show"),
        (("fleet", "set"), 2, "Missing argument"),
        (("fleet", "set", "coral-prod"), 2, "nothing to do"),
        (("fleet", "set", "a.b=1"), 2, "at least one environment"),
        (("fleet", "set", "coral-prod", "a..b=1"), 2, "not a key"),
        (("fleet", "set", "coral-prod", "a={"), 2, "not YAML"),
        (("fleet", "set", "coral-prod", "a=1", "a=2"), 1, "only one of them"),
        (("fleet", "set", "coral-prod", "a=1", "--commit", "--pull-request"), 2, "exclude each other"),
        (("fleet", "set", "coral-prd", "a=1"), 4, "coral-prod"),
        (("fleet", "compare", "coral-prod", "coral-prdo"), 4, "Did you mean coral-prod"),
        (("fleet", "compare", "coral", "fern-dev"), 4, "2 environments go by coral"),
        (("fleet", "history", "coral-prod", "no.such.key"), 4, "now or before"),
        (("fleet", "where", " "), 1, "nothing to look for"),
        (("fleet", "adopt", ".", "--pull-request"), 2, "go with --write"),
        (("fleet", "changes"), 1, "folder on this machine"),
        (("fleet", "changes", "--merge", "x"), 2, "not a valid integer"),
        (("fleet", "changes", "--merge", "1", "--close", "2"), 2, "exclude each other"),
        (("fleet", "show", "--fleet", "nowhere"), 4, "no such folder"),
        (("fleet", "show", "--revision", "nowhere"), 4, "no revision"),
        (("fleet", "show", "--fleet", "README.md"), 1, "not a folder"),
        (("fleet", "show", "--fleet", "http://169.254.169.254/a/b"), 3, "169.254.169.254"),
        (("fleet", "show", "--fleet", "ftp://example.org/a"), 3, "ftp"),
        (("fleet", "init", "README.md"), 1, "not a folder"),
    ],
)
def test_a_mistake_is_answered_with_its_cause_and_the_way_out(
    csoc: Command, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = csoc(*arguments)
    assert done.code == code, done.err
    assert words in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def test_an_error_is_json_for_who_asked_for_json(csoc: Command) -> None:
    import json

    done = csoc("fleet", "compare", "coral-prod", "nobody", "--json")
    assert json.loads(done.err)["error"]["kind"] == "not found"
    assert done.out == ""


def test_a_fork_is_told_how_to_say_whose_it_is(csoc: Command) -> None:
    pygit2.Repository(str(csoc.folder)).remotes.create("origin", "https://git.example.org/somebody/fork.git")
    done = csoc("fleet", "set", "coral-prod", "fence.replicaCount=2")
    assert done.code == 4
    assert "--own-url https://git.example.org/tidewater/gitops.git" in done.err
    own = ("--own-url", "https://git.example.org/tidewater/gitops.git")
    assert csoc("fleet", "set", "coral-prod", "fence.replicaCount=2", *own).code == 0


def test_a_folder_without_environments_is_not_a_failure(home: Path, tmp_path: Path) -> None:
    csoc = Command(home, tmp_path / "empty")
    shown = csoc("fleet", "show")
    assert shown.code == 0
    assert "No Gen3 environment was found here." in shown.out
    missing = csoc("fleet", "set", "x", "a=1")
    assert missing.code == 4
    assert "none was found here" in missing.err


# Signals


def process(
    csoc: Command,
    *arguments: str,
    script: str = "from csoc.cli.entry import main; main()",
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        env={**csoc.environment, "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        cwd=csoc.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


# Sends the signal to itself at a moment: while Python loads csoc, while it plans, and before it commits.
LOADING = """
import builtins
real = builtins.__import__
def imported(name, *rest):
    if name == "csoc.usecases.checking.checker":
        builtins.__import__ = real
        os.kill(os.getpid(), number)
    return real(name, *rest)
builtins.__import__ = imported
"""
PLANNING = """
from csoc.usecases.change import plan
plan.understand_tree = lambda *_: os.kill(os.getpid(), number) or signal.pause()
"""
COMMITTING = """
from csoc.adapters.git import publishing
publishing.move_branch = lambda *_: os.kill(os.getpid(), number) or signal.pause()
"""


@pytest.mark.parametrize("moment", [LOADING, PLANNING, COMMITTING], ids=["loading", "planning", "committing"])
@pytest.mark.parametrize(("kind", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_command_that_is_ended_leaves_the_repository_as_it_was(
    csoc: Command, kind: signal.Signals, code: int, moment: str
) -> None:
    before = head(csoc.folder)
    script = f"import os, signal\nnumber = {int(kind)}\n{moment}\nfrom csoc.cli.entry import main\nmain()\n"
    running = process(csoc, "fleet", "set", "prod", "fence.replicaCount=7", "--commit", script=script)
    _, complaints = running.communicate(timeout=60)
    assert running.returncode == code
    assert b"Traceback" not in complaints
    assert head(csoc.folder) == before
    assert pygit2.Repository(str(csoc.folder)).status() == {}
    assert csoc("fleet", "set", "prod", "fence.replicaCount=7", "--commit").code == 0
