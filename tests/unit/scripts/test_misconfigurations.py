"""What rules say they cover is explained, and what is explained is covered."""

from __future__ import annotations

from scripts import misconfigurations
from scripts.misconfigurations import MISCONFIGURATIONS, QUESTIONS


def test_everything_that_a_rule_covers_is_explained_and_everything_explained_is_covered() -> None:
    assert set(misconfigurations.rules_by_cover()) == set(MISCONFIGURATIONS) | set(QUESTIONS)


def test_the_ids_of_misconfigurations_are_numbered_without_gaps() -> None:
    assert list(MISCONFIGURATIONS) == [f"M{number}" for number in range(1, len(MISCONFIGURATIONS) + 1)]


def test_the_page_gives_each_misconfiguration_one_sentence_and_its_rules() -> None:
    (page,) = misconfigurations.pages().values()
    rows = [line.split(" | ") for line in page.decode().splitlines() if line.startswith("| M")]
    assert [row[0].removeprefix("| ") for row in rows] == list(MISCONFIGURATIONS)
    for name, text, rules in rows:
        assert text.endswith(".")
        assert text.count(". ") == 0
        assert rules.count("](rules/") == len(misconfigurations.rules_by_cover()[name.removeprefix("| ")])
