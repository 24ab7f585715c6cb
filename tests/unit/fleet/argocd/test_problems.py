"""What a Problem tells: on one line, and with its places as data."""

from __future__ import annotations

from csoc.fleet.argocd.model import Problem
from csoc.fleet.argocd.trees import problem_at
from csoc.fleet.location import Location


def place(number: int, path: str = "a.yaml") -> Location:
    return Location("git.example.org/ops/fleet", "0" * 40, path, number)


def test_twenty_five_places_are_data_and_are_told_in_short() -> None:
    problem = problem_at("unreachable repository", "x cannot be read", [place(number) for number in range(25, 0, -1)])
    assert problem.location == place(1)
    assert problem.places == tuple(place(number) for number in range(2, 26))
    assert problem.cause == "x cannot be read"
    assert problem.told() == "x cannot be read. Also at a.yaml:2, a.yaml:3 and 22 more"
    assert problem.told(0) == "x cannot be read. Also at 24 more"


def test_all_places_are_told_where_they_are_few() -> None:
    assert problem_at("k", "x", [place(1)]).told() == "x"
    assert problem_at("k", "x", [place(1), place(2), place(2)]).told() == "x. Also at a.yaml:2"


def test_what_a_problem_quotes_cannot_start_a_line() -> None:
    problem = Problem("k", "the file a\nError: b\x1b[2J is odd\u2028", place(1), "see c\r\n\td\udcff")
    assert problem.cause == "the file a\\nError: b\\x1b[2J is odd\\u2028"
    assert problem.fix == "see c\\x0d\\n\\td\\udcff"


def test_a_place_is_one_line_and_its_path_stays_as_it_is() -> None:
    odd = place(3, "a\nb: c.yaml")
    assert str(odd) == "a\\nb: c.yaml:3"
    assert odd.path == "a\nb: c.yaml"


def test_what_a_problem_quotes_is_masked() -> None:
    problem = Problem("k", "https://u:Zq81LmNoXy7@h/x could not be read: password=Zq81LmNoXy7", place(1), "use Zq81Lm")
    assert problem.cause == "https://u:***@h/x could not be read: password=***"
    assert problem.fix == "use Zq81Lm"
