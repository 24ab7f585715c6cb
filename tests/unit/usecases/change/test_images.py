"""Images of services: chosen where there is such a service, with a warning where that is odd."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from csoc.testing.fleets import World, environment
from csoc.usecases.change.operations import Operation, parse_assignment, parse_image
from csoc.usecases.change.plan import ChangePlan, plan_change

ALPHA = "east/alpha.example.org/values.yaml"
TWO = {
    **environment("east", "alpha.example.org", "arborist: {replicaCount: 1}\n"),
    **environment("west", "beta.example.org", "indexd: {replicaCount: 1}\n"),
}


def world(files: dict[str, str]) -> World:
    made = World()
    made.write(files)
    return made


def change(made: World, names: Sequence[str], operation: Operation) -> ChangePlan:
    fleet = made.load()
    return plan_change(made.ports(), fleet, fleet.select(names), [operation], manifests=False)


def images(made: World, names: Sequence[str], text: str) -> ChangePlan:
    return change(made, names, parse_image(text))


def reason(made: ChangePlan) -> str:
    ((_, error),) = made.refused
    return str(error)


def test_an_image_of_a_service_that_there_is_not_is_refused_with_the_nearest_names() -> None:
    made = images(world(TWO), ["alpha"], "fense=2026.04")
    assert made.files == ()
    assert "no service fense" in reason(made)
    assert "fence" in reason(made)
    assert "Its name is wts" in reason(images(world(TWO), ["alpha"], "workspace-token-service=2026.04"))


def test_an_image_of_a_service_that_only_the_environment_has_is_set() -> None:
    files = environment("east", "alpha.example.org", "mine: {image: {tag: '1.0'}}\n")
    (edited,) = images(world(files), ["alpha"], "mine=1.1").files
    assert (edited.path, edited.after.decode().splitlines()[-1]) == (ALPHA, "mine: {image: {tag: '1.1'}}")


def test_an_image_of_a_service_that_is_off_is_set_with_a_warning() -> None:
    files = environment("east", "alpha.example.org", "fence: {enabled: false, image: {tag: '2026.01'}}\n")
    made = images(world(files), ["alpha"], "fence=2026.04")
    assert [item.path for item in made.files] == [ALPHA]
    assert made.warnings == ("fence is off in alpha: its image is set there, and nothing runs it",)


@pytest.mark.parametrize(("tag", "odd"), [("1", True), ("2026.04", False), ("feat_x", True), ("2026.04.1", False)])
def test_a_tag_of_another_form_than_all_others_is_a_warning(tag: str, odd: bool) -> None:
    files = environment("east", "alpha.example.org", "fence: {image: {tag: '2026.01'}}\n")
    made = images(world(files), ["alpha"], f"fence={tag}")
    assert len(made.files) == 1
    assert [f"the tag {tag} of fence has another form" in warning for warning in made.warnings] == [True] * odd


def test_a_key_that_is_set_by_its_path_needs_no_service_and_warns_of_none() -> None:
    made = change(world(TWO), ["alpha"], parse_assignment("nosuch.image.tag=1"))
    assert (made.refused, made.warnings) == ((), ())
