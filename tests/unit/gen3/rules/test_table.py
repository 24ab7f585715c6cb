"""The table of rules: complete, in order, and each rule says what a person on call needs to read."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from csoc.gen3 import rules
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Rule
from csoc.gen3.rules.table import RULES

MISCONFIGURATIONS = [f"M{number}" for number in range(1, 31)]
TESTS = Path(__file__).parent
SENTENCE = re.compile(r"\S.*\.", re.DOTALL)


def modules_with_a_rule() -> set[str]:
    names = [module.name for module in pkgutil.iter_modules(rules.__path__)]
    return {
        name
        for name in names
        if isinstance(getattr(importlib.import_module(f"csoc.gen3.rules.{name}"), "RULE", None), Rule)
    }


def test_every_module_with_a_rule_is_in_the_table_under_its_own_name() -> None:
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids))
    assert {name.replace("_", "-") for name in modules_with_a_rule()} == set(ids)


def test_the_table_is_sorted() -> None:
    ids = [rule.id.replace("-", "_") for rule in RULES]
    assert ids == sorted(ids)


@pytest.mark.parametrize("misconfiguration", MISCONFIGURATIONS)
def test_every_known_misconfiguration_has_a_rule(misconfiguration: str) -> None:
    assert [rule.id for rule in RULES if misconfiguration in rule.covers]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_has_a_test_of_its_own(rule: Rule) -> None:
    assert (TESTS / f"test_{rule.id.replace('-', '_')}.py").is_file()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_says_what_happens_and_what_to_do(rule: Rule) -> None:
    assert isinstance(rule.severity, Severity)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.id)
    assert rule.title
    assert not rule.title.endswith(".")
    assert SENTENCE.fullmatch(rule.consequence)
    assert SENTENCE.fullmatch(rule.fix)
    assert rule.covers
    assert (rule.environment is None) != (rule.fleet is None)
    assert rule.systems
