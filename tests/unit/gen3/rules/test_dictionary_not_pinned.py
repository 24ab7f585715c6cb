"""Dictionaries of a branch."""

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules.dictionary_not_pinned import check
from csoc.testing.states import environment_state

BUCKET = "https://s3.amazonaws.com/dictionary-artifacts/alpha"


def values(url: str) -> str:
    return f"global:\n  dictionaryUrl: {url}\n"


def test_the_dictionary_of_a_branch_is_found_with_its_line() -> None:
    (hit,) = check(environment_state(values(f"{BUCKET}/develop/schema.json")))
    assert hit.severity is Severity.MEDIUM
    assert [item.location.line for item in hit.evidence if item.location] == [2]
    (hit,) = check(environment_state(values(f"{BUCKET}/feat%2Fnew/schema.json"), stage="staging"))
    assert hit.severity is Severity.LOW


@pytest.mark.parametrize(
    "url",
    [f"{BUCKET}/1.2.0/schema.json", f"{BUCKET}/v1.3.2/schema.json", f"{BUCKET}/3f9e921ab4/schema.json", "", "text"],
)
def test_quiet_for_releases_commits_and_nothing(url: str) -> None:
    assert not list(check(environment_state(values(url))))


def test_quiet_in_development_and_for_the_charts_own_default() -> None:
    assert not list(check(environment_state(values(f"{BUCKET}/develop/schema.json"), stage="dev")))
    defaults = {"global": {"dictionaryUrl": f"{BUCKET}/develop/schema.json"}}
    assert not list(check(environment_state("", defaults=defaults)))


@pytest.mark.parametrize("text", ["global: text\n", "global:\n  dictionaryUrl: [a]\n", values("'http://[/a/b/c.json'")])
def test_survives_other_shapes(text: str) -> None:
    assert not list(check(environment_state(text)))
