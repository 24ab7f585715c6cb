"""Value files that an Application names and that do not exist."""

from dataclasses import replace

from csoc.fleet.values import EffectiveValues, MissingFile
from csoc.gen3.rules.value_file_missing import check
from csoc.gen3.state import EnvironmentState
from csoc.testing.states import environment_state, location


def state(*missing: MissingFile) -> EnvironmentState:
    return replace(environment_state(""), values=EffectiveValues.merge([], missing))


def test_each_missing_file_is_found_where_it_is_named() -> None:
    place = location("a/app.yaml", 17)
    hits = list(
        check(
            state(
                MissingFile("$values/a/values.yaml", "a/values.yaml", place, tolerated=False),
                MissingFile("b.yaml", "a/b.yaml", None, tolerated=False),
            )
        )
    )
    assert [hit.key for hit in hits] == ["a/values.yaml", "a/b.yaml"]
    assert hits[0].evidence[0].location == place
    assert hits[1].evidence[0].location == location("alpha-prod/app.yaml")


def test_quiet_where_argo_cd_was_told_to_go_on_without_it() -> None:
    assert not list(check(state(MissingFile("b.yaml", "a/b.yaml", None, tolerated=True))))


def test_quiet_where_every_file_is_there_even_an_empty_one() -> None:
    assert not list(check(environment_state("")))
    assert not list(check(environment_state("text: [1]\n")))
