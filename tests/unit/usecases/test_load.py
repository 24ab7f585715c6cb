"""Names of environments, as people type them."""

from __future__ import annotations

import pytest

from csoc.errors import NotFoundError, RejectedError
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
        (["stage:prod"], ["alpha-prod", "beta-prod"]),
        (["env:alpha-prod"], ["alpha-prod"]),
    ],
)
def test_a_name_is_that_of_an_environment_or_of_what_it_is_part_of(
    fleet: LoadedFleet, names: list[str], found: list[str]
) -> None:
    assert [view.name for view in fleet.select(names)] == found


def test_a_name_that_others_could_have_given_means_nothing_until_it_is_said_which() -> None:
    world = World()
    world.write(environment("east", "staging.alpha.example.org", name="alpha-staging"))
    world.write(environment("west", "alpha.example.org", name="alpha-prod"))
    before = world.load()
    assert [view.name for view in before.select(["alpha"])] == ["alpha-staging", "alpha-prod"]
    text = "apiVersion: csoc.gen3.org/v1alpha1\nkind: Environment\nmetadata: {name: prod, uid: abcdefghij}\n"
    path = next(view for view in before.view.environments if view.name == "alpha-staging").application.location.path
    spec = f"spec: {{commons: alpha, cluster: east, application: {{path: {path}, name: alpha-staging}}}}\n"
    world.write({".csoc/commons/alpha/prod/environment.yaml": text + spec})
    taken = world.load()
    assert "prod" in [view.name for view in taken.view.environments]
    with pytest.raises(RejectedError, match=r"prod means different environments") as refused:
        taken.select(["prod"])
    assert refused.value.fix == "Say which: env:prod or stage:prod"


def test_a_kind_without_such_a_name_is_not_found(fleet: LoadedFleet) -> None:
    with pytest.raises(NotFoundError, match="no stage alpha"):
        fleet.select(["stage:alpha"])


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
