"""Services by environments."""

from __future__ import annotations

import pytest

from csoc.errors import NotFoundError
from csoc.testing.fleets import World, application, environment
from csoc.usecases.fleet_facts import gather_facts
from csoc.usecases.matrix import Matrix, matrix


def made(world: World, *, services: tuple[str, ...] = (), history: bool = True) -> Matrix:
    fleet, ports = world.load(), world.ports()
    return matrix(ports, fleet, gather_facts(ports, fleet), services=services, history=history)


def fence(tag: str) -> str:
    return f"fence: {{image: {{tag: '{tag}'}}}}\n"


def stages(staging: str, prod: str) -> World:
    world = World()
    world.write(environment("east", "staging.alpha.example.org", fence(staging), name="alpha-staging"))
    world.write(environment("west", "alpha.example.org", fence(prod), name="alpha-prod"))
    return world


@pytest.mark.parametrize(
    ("staging", "prod", "behind"),
    [
        ("2026.04", "2026.02", "alpha-staging"),
        ("2026.04", "2026.04", ""),
        ("2026.02", "2026.04", ""),
        ("2026.10", "2026.9", "alpha-staging"),
        ("11.2.0", "9.1.0", "alpha-staging"),
        ("2026.04", "9.1.0", ""),
        ("feat_x", "2026.02", ""),
        ("2026.04", "master", ""),
    ],
)
def test_a_later_stage_lags_behind_an_earlier_one_where_tags_can_be_compared(
    staging: str, prod: str, behind: str
) -> None:
    cells = made(stages(staging, prod)).cells["fence"]
    assert cells["alpha-prod"].behind == behind
    assert cells["alpha-staging"].behind == ""


def test_other_commons_are_not_compared() -> None:
    world = World()
    world.write(environment("east", "staging.alpha.example.org", fence("2026.04"), name="alpha-staging"))
    world.write(environment("west", "beta.example.org", fence("2026.01"), name="beta-prod"))
    assert made(world).cells["fence"]["beta-prod"].behind == ""


def test_since_is_the_commit_that_gave_the_present_tag() -> None:
    world = stages("2026.04", "2026.02")
    path = "west/alpha.example.org/values.yaml"
    commit = world.write({path: "global: {hostname: alpha.example.org}\n" + fence("2026.03")})
    world.write({path: "global: {hostname: alpha.example.org}\nx: 1\n" + fence("2026.03")})
    cell = made(world).cells["fence"]["alpha-prod"]
    assert cell.since == world.home.commits[commit].info.at
    assert made(world, history=False).cells["fence"]["alpha-prod"].since is None


def test_since_is_known_for_a_tag_inside_the_application() -> None:
    world = World()
    helm = "valuesObject: {{global: {{hostname: alpha.example.org}}, fence: {{image: {{tag: '{}'}}}}}}"
    world.write({"app.yaml": application("alpha", helm=helm.format("1.0.0"))})
    commit = world.write({"app.yaml": application("alpha", helm=helm.format("1.0.1"))})
    assert made(world).cells["fence"]["alpha"].since == world.home.commits[commit].info.at


def test_a_tag_of_the_chart_is_not_pinned_and_has_no_date() -> None:
    world = World()
    world.write(environment("east", "alpha.example.org"))
    cell = made(world).cells["fence"]["alpha"]
    assert (cell.tag, cell.pinned, cell.since) == ("master", False, None)


def test_what_is_off_is_left_out_and_services_can_be_chosen() -> None:
    world = World()
    world.write(environment("east", "alpha.example.org", "fence: {enabled: false}\n"))
    assert "fence" not in made(world).services
    assert made(world, services=("indexd",)).services == ("indexd",)


def test_a_service_that_there_is_not_is_an_error_with_the_nearest_names() -> None:
    world = World()
    world.write(environment("east", "alpha.example.org"))
    with pytest.raises(NotFoundError, match="There is no service fense") as raised:
        made(world, services=("fense",))
    assert "fence" in raised.value.fix
    with pytest.raises(NotFoundError, match=r"Its name is wts"):
        made(world, services=("workspace-token-service",))


def test_a_service_that_runs_nowhere_is_no_error() -> None:
    world = World()
    world.write(environment("east", "alpha.example.org"))
    assert made(world, services=("wts",)).services == ()
