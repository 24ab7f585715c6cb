"""What commands about a fleet say: so that a reader is not misled, need not read a thing twice, and knows what next."""

from __future__ import annotations

from pathlib import Path

import pygit2
import pytest

from tests.functional.command import Command
from tests.functional.small_fleet import FILES, Repository, application, values

ALPHA = "one/alpha.example.org/values.yaml"


@pytest.fixture
def fleet(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "fleet")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def csoc(home: Path, fleet: Repository) -> Command:
    return Command(home, fleet.path)


# Setting


def test_values_that_differ_in_quotes_and_spaces_only_look_different(csoc: Command) -> None:
    done = csoc("fleet", "set", "alpha", "--no-manifests", "f.a=' x'", "f.b=x", "f.c='1'", "f.d=1", "f.e='x  y'")
    assert done.code == 0
    shown = dict(line.strip().split(": not set -> ") for line in done.out.splitlines() if " not set -> " in line)
    assert shown == {"f.a": '" x"', "f.b": "x", "f.c": '"1"', "f.d": "1", "f.e": '"x  y"'}


def test_a_refusal_that_many_environments_share_is_said_once_with_the_list(csoc: Command) -> None:
    one_place = csoc("fleet", "set", "alpha", "beta", "--unset", "fence.nope")
    assert one_place.code == 1
    assert one_place.out.count("fence.nope") == 1
    assert "Not possible in alpha, beta. " in one_place.out
    places = csoc("fleet", "set", "alpha", "beta", "--image", "fense=1")
    assert places.out.count("has no service fense") == places.out.count("fix:") == 1
    assert "  alpha: one/alpha.example.org/app.yaml:1\n" in places.out
    assert "  beta: two/beta.example.org/app.yaml:1\n" in places.out
    assert "warning" not in places.out
    assert len(csoc("fleet", "set", "alpha", "beta", "--image", "fense=1", "--json").data["refused"]) == 2


def test_a_refusal_of_one_environment_names_it(csoc: Command) -> None:
    assert "alpha: not possible. None of its files writes a" in csoc("fleet", "set", "alpha", "--unset", "a").out


def test_setting_a_value_where_the_file_is_no_yaml_names_file_line_and_mistake(
    csoc: Command, fleet: Repository
) -> None:
    fleet.write({ALPHA: values("alpha.example.org", "broken: [1\nmore: 1\n")})
    done = csoc("fleet", "set", "alpha", "--image", "fence=2026.06")
    assert done.code == 1
    assert f"alpha: not possible. {ALPHA}:" in done.out
    assert "is not closed" in done.out
    assert "warning" not in done.out


# Looking


def test_a_piped_matrix_has_a_line_for_each_service_of_each_environment(csoc: Command, fleet: Repository) -> None:
    fleet.write({ALPHA: values("alpha.example.org", "fence: {enabled: true, image: {tag: '2026.06'}}\n")})
    fleet.commit()
    lines = [line.split() for line in csoc("fleet", "matrix").out.splitlines()]
    assert lines[0] == ["service", "environment", "version", "named", "by", "behind", "since"]
    assert ["fence", "alpha", "2026.06", "values", "-", "2026-09-21"] in lines
    assert "a line for each service" in " ".join(csoc("fleet", "matrix", "--help").out.split())


def test_a_version_that_no_commit_has_is_called_not_committed(csoc: Command, fleet: Repository) -> None:
    fence = "fence: {{enabled: true, image: {{tag: '{}'}}}}\n"
    fleet.write({ALPHA: values("alpha.example.org", fence.format("2026.05"))})
    fleet.commit()
    fleet.write({ALPHA: values("alpha.example.org", fence.format("2026.05") + "more: 1\n")})
    assert "2026-09-21" in csoc("fleet", "matrix", "--service", "fence").out
    fleet.write({ALPHA: values("alpha.example.org", fence.format("2026.06"))})
    shown = csoc("fleet", "matrix", "--service", "fence").out
    assert "not committed" in shown
    assert "2026-09-21" not in shown
    cell = csoc("fleet", "matrix", "--json").data["services"]["fence"]["alpha"]
    assert (cell["since"], cell["uncommitted"]) == (None, True)


def test_a_version_in_a_file_that_git_does_not_know_yet_is_not_committed(csoc: Command, fleet: Repository) -> None:
    fence = "fence: {enabled: true, image: {tag: '2026.05'}}\n"
    path = "three/gamma.example.org"
    fleet.write(
        {
            f"{path}/app.yaml": application("gamma", f"{path}/values.yaml"),
            f"{path}/values.yaml": values("gamma.example.org", fence),
        }
    )
    shown = csoc("fleet", "matrix", "gamma", "--service", "fence", "--json").data["services"]["fence"]["gamma"]
    assert shown["uncommitted"]


def test_versions_of_a_folder_without_history_are_not_called_uncommitted(home: Path, tmp_path: Path) -> None:
    csoc = Command(home, tmp_path / "plain")
    for name, content in FILES.items():
        target = csoc.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
    (csoc.folder / ALPHA).write_text(
        values("alpha.example.org", "fence: {enabled: true, image: {tag: '2026.05'}}\n"), encoding="utf-8"
    )
    cell = csoc("fleet", "matrix", "--json").data["services"]["fence"]["alpha"]
    assert (cell["tag"], cell["since"], cell["uncommitted"]) == ("2026.05", None, False)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ("alpha", "alpha is named twice"),
        ("alpha.example.org", "alpha and alpha.example.org are one environment, alpha"),
    ],
)
def test_comparing_an_environment_with_itself_is_refused_in_clear_words(csoc: Command, other: str, words: str) -> None:
    done = csoc("fleet", "compare", "alpha", other)
    assert (done.code, done.out) == (1, "")
    assert words in done.err
    assert "fix: Name two environments" in done.err


@pytest.mark.parametrize("kind", ["folder", "repository without a commit", "repository without files"])
def test_a_repository_without_environments_is_told_alike_by_every_command(
    home: Path, tmp_path: Path, kind: str
) -> None:
    csoc = Command(home, tmp_path / "empty")
    if kind == "repository without a commit":
        pygit2.init_repository(str(csoc.folder))
    elif kind == "repository without files":
        Repository(csoc.folder, {})
    for words in (("fleet", "show"), ("fleet", "adopt", "."), ("fleet", "matrix"), ("check",)):
        done = csoc(*words)
        assert (done.code, done.err) == (0, ""), words
        assert done.out.startswith("No Gen3 environment was found here."), words
        assert "`csoc fleet init DIR` begins a new fleet." in done.out, words


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("where", "WHAT is any part of it"),
        ("history", "KEY is written as for `csoc fleet set`"),
        ("compare", "ENV is an environment's name"),
        ("set", "ENV is an environment's name"),
    ],
)
def test_help_says_in_a_sentence_what_an_argument_is(csoc: Command, command: str, sentence: str) -> None:
    assert sentence in " ".join(csoc("fleet", command, "--help").out.split())


# Checking a change


def test_a_base_that_is_not_there_and_a_folder_without_history_are_told_apart(
    csoc: Command, home: Path, tmp_path: Path
) -> None:
    missing = csoc("check", "--base", "nope", "--no-render")
    assert missing.code == 4
    assert 'There is no revision "nope"' in missing.err
    assert "git fetch" in missing.err
    plain = Command(home, tmp_path / "plain")("check", "--base", "main")
    assert plain.code == 4
    assert "no history" in plain.err
    assert "at least one commit" in plain.err


def test_a_base_that_is_what_was_checked_is_said_to_be_no_change(csoc: Command, fleet: Repository) -> None:
    fleet.write({ALPHA: values("alpha.example.org", "  maintenanceMode: true\n")})
    fleet.commit()
    same = csoc("check", "--base", "HEAD", "--no-render")
    assert "No new findings compared with HEAD (commit " in same.out
    assert "there was no change to look at" in same.out
    fleet.write({ALPHA: values("alpha.example.org", "  maintenanceMode: true\nmore: 1\n")})
    changed = csoc("check", "--base", "HEAD", "--no-render")
    assert "there was no change to look at" not in changed.out
    assert "1 finding was there before, or known from the baseline: not counted" in changed.out
