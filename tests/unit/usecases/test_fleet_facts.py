"""The facts of all environments, without rules."""

from __future__ import annotations

from csoc.testing.fleets import World, environment
from csoc.usecases.fleet_facts import gather_facts


def world() -> World:
    made = World()
    made.write(environment("east", "alpha.example.org", "fence: {image: {tag: '2026.04'}}\n"))
    made.write(environment("west", "beta.example.org", "fence: {break: 'no such key'}\n"))
    return made


def test_each_environment_has_its_facts_with_the_charts_defaults() -> None:
    made = world()
    facts = gather_facts(made.ports(), made.load())
    assert list(facts) == ["alpha", "beta"]
    assert len(facts) == 2
    assert [facts[name].services["fence"].tag for name in facts] == ["2026.04", "master"]
    assert not any(found.rendered for found in facts.values())


def test_places_are_those_of_the_commit_that_was_read_though_the_facts_were_kept_from_another() -> None:
    made = world()
    gather_facts(made.ports(), made.load())
    commit = made.write({"README.md": "x"})
    place = gather_facts(made.ports(), made.load())["alpha"].services["fence"].location
    assert place is not None
    assert (place.path, place.commit) == ("east/alpha.example.org/values.yaml", commit)


def test_with_rendering_an_environment_says_whether_its_chart_rendered() -> None:
    made = world()
    facts = gather_facts(made.ports(), made.load(), rendering=True)
    assert {name: found.rendered for name, found in facts.items()} == {"alpha": True, "beta": False}
