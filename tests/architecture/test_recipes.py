"""The recipes lead to files that there are, and to names that stand in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/add-to-csoc.md").read_text("utf-8")
RECIPES = {
    part.partition("\n")[0].removeprefix("A ").partition(" (")[0]: part
    for part in re.split(r"^## ", PAGE, flags=re.M)[1:]
}
# A recipe writes a path from one of these; a bare name stands in a folder that it named before.
BELOW = (ROOT, ROOT / "src", ROOT / "src" / "csoc")
PATH = re.compile(r"(?:[\w.<> -]+/)+|(?:[\w.<> -]+/)*[\w<> -]+\.(?:py|md|yaml)")
NAME = re.compile(r"@?(?!CSOC_)(?:\w+\.)*(\w+)(?:\(\))?")


def code_of(recipe: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", RECIPES[recipe])


def found(recipe: str) -> Iterator[tuple[str, list[Path]]]:
    """Each path of a recipe, with what there is of it."""
    folders: list[Path] = []
    for path in filter(PATH.fullmatch, code_of(recipe)):
        pattern = re.sub(r"<[^>]*>", "*", path).rstrip("/")
        there = [one for top in (*BELOW, *folders) for one in top.glob(pattern)]
        folders += [one if one.is_dir() else one.parent for one in there]
        yield path, there


def test_there_are_recipes_for_what_grows() -> None:
    answer = "An answer, or a field of a document"
    link = "test of account verify"
    assert {answer, "rule", "command", "setting", "layer", "step of runs", link, "policy of plans", "price"} <= set(
        RECIPES
    )


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_file_that_a_recipe_names_exists(recipe: str) -> None:
    paths = dict(found(recipe))
    assert len(paths) >= 2
    assert [path for path, there in paths.items() if not there] == []


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_name_that_a_recipe_gives_stands_in_one_of_its_files(recipe: str) -> None:
    files = {
        one for _, there in found(recipe) for path in there for one in ([path] if path.is_file() else path.glob("*.py"))
    }
    words = set(re.findall(r"\w+", "\n".join(one.read_text("utf-8") for one in files)))
    names = {name[1] for code in code_of(recipe) if not PATH.fullmatch(code) and (name := NAME.fullmatch(code))}
    assert names - words == set()
