"""What commands about a fleet say: so that a reader is not misled, need not read a thing twice, and knows what next."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.functional.command import Command
from tests.functional.small_fleet import Repository, values

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
