"""Names of environments, as people type them."""

from __future__ import annotations

import pytest

from csoc.errors import NotFoundError
from csoc.testing.fleets import World, environment
from csoc.usecases.load import LoadedFleet


@pytest.fixture
def fleet() -> LoadedFleet:
    world = World()
    world.write(environment("east", "staging.alpha.example.org", name="alpha-staging"))
    world.write(environment("west", "alpha.example.org", name="gen3"))
    world.write(environment("west", "beta.example.org", name="beta-prod"))
    return world.load()


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], ["alpha-staging", "alpha-prod", "beta-prod"]),
        (["alpha-prod"], ["alpha-prod"]),
        (["alpha.example.org"], ["alpha-prod"]),
        (["alpha"], ["alpha-staging", "alpha-prod"]),
        (["prod"], ["alpha-prod", "beta-prod"]),
        (["west", "alpha"], ["alpha-staging", "alpha-prod", "beta-prod"]),
        (["gen3"], ["alpha-prod"]),
    ],
)
def test_a_name_is_that_of_an_environment_or_of_what_it_is_part_of(
    fleet: LoadedFleet, names: list[str], found: list[str]
) -> None:
    assert [view.name for view in fleet.select(names)] == found


def test_a_name_that_nothing_has_is_not_found_with_the_nearest_ones(fleet: LoadedFleet) -> None:
    with pytest.raises(NotFoundError) as caught:
        fleet.select(["alpha-prd"])
    assert "alpha-prod" in caught.value.fix


def test_where_one_is_wanted_several_are_listed(fleet: LoadedFleet) -> None:
    with pytest.raises(NotFoundError, match="2 environments go by alpha: alpha-staging, alpha-prod"):
        fleet.environment("alpha")
    assert fleet.environment("beta").name == "beta-prod"


def test_a_repository_without_environments_says_so() -> None:
    world = World()
    world.write({"README.md": "nothing"})
    with pytest.raises(NotFoundError, match="none was found here"):
        world.load().select(["alpha"])
