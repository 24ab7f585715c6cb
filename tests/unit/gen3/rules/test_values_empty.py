"""values-empty: an Application that nothing configures."""

from dataclasses import replace

from csoc.fleet.values import EffectiveValues, MissingFile
from csoc.gen3.checking import check_environment
from csoc.gen3.rules.table import RULES
from csoc.gen3.rules.values_empty import check
from csoc.testing.states import environment_state


def test_empty_value_files_are_found_at_the_source() -> None:
    (hit,) = check(environment_state(""))
    assert hit.evidence[0].location is not None
    assert hit.evidence[0].location.line == 8


def test_quiet_where_anything_is_written() -> None:
    assert not list(check(environment_state("global:\n  dev: true\n")))


def test_quiet_where_a_file_is_missing_since_another_rule_says_so() -> None:
    state = environment_state("")
    missing = MissingFile("$values/a.yaml", "a.yaml", None, tolerated=False)
    assert not list(check(replace(state, values=EffectiveValues.merge((), (missing,)))))


def test_rules_about_values_do_not_pile_up_on_it() -> None:
    found = {finding.rule for finding in check_environment(environment_state(""), RULES)}
    assert found == {"values-empty"}
