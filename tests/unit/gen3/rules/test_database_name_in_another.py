"""Databases whose name is a word of another's."""

from hypothesis import given
from hypothesis import strategies as st

from csoc.gen3.facts import Access, Claim, EnvironmentFacts, Kind
from csoc.gen3.rules.database_name_in_another import _words, check
from csoc.gen3.state import FleetState
from csoc.testing.states import environment_view, fleet_state, location


def fleet(**databases: str) -> FleetState:
    """Environments by name with their database as "server/name"."""
    facts = {}
    for number, (name, written) in enumerate(databases.items(), 1):
        server, _, database = written.partition("/")
        claim = Claim(
            Kind.DATABASE, database, server, Access.OWN, "fence.postgres.database", location(f"{name}.yaml", number)
        )
        facts[name] = EnvironmentFacts(name, claims=(claim,))
    return fleet_state([environment_view(name) for name in databases], facts)


def test_a_name_that_another_holds_as_a_word_is_found() -> None:
    (hit,) = check(fleet(a="db/fence_gen3", b="db/fence_gen3-test"))
    assert hit.environments == ("a", "b")
    assert [str(item.location) for item in hit.evidence] == ["a.yaml:1", "b.yaml:2"]


def test_quiet_on_two_servers_and_for_equal_names() -> None:
    assert not list(check(fleet(a="db/fence_gen3", b="other/fence_gen3-test")))
    assert not list(check(fleet(a="db/fence_gen3", b="db/fence_gen3")))


def test_quiet_where_the_word_goes_on() -> None:
    assert not list(check(fleet(a="db/fence_gen3", b="db/fence_gen3_test", c="db/my_fence_gen3", d="db/fence_gen30-x")))


@given(st.text("ab_-.", min_size=1, max_size=8), st.text("ab_-.", min_size=1, max_size=4))
def test_words_are_those_that_grep_finds(name: str, word: str) -> None:
    """As `grep -w` defines it: neither the character before nor the one after is part of a word."""
    borders = [(name[:at][-1:], name[at + len(word) :][:1]) for at in range(len(name)) if name.startswith(word, at)]
    free = any(not _is_word(before) and not _is_word(after) for before, after in borders)
    assert (word in _words(name)) == (free and word != name)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def test_survives_strange_names() -> None:
    list(check(fleet(a="db/", b="db/---", c="db/ä-ö", d="/x-y")))
