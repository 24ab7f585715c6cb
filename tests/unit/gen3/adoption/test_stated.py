"""Documents that claim the same: none of them counts, and everything about what they claim says so."""

from __future__ import annotations

import pytest

from csoc.errors import CsocError, NotFoundError
from csoc.gen3.views import EnvironmentView
from csoc.testing.fleets import HOME, World, environment
from csoc.usecases.adopt import plan_adoption, write_adoption
from csoc.usecases.change.operations import Operation, parse_assignment, parse_image, parse_key
from csoc.usecases.change.plan import plan_change
from csoc.usecases.load import LoadedFleet
from csoc.usecases.show import environment_json

BRH_FILE = "east/brh.example.org/app.yaml"
HEART_FILE = "west/heart.example.org/app.yaml"
BRH_DOCUMENT = ".csoc/commons/brh/brh/environment.yaml"
THIEF_DOCUMENT = ".csoc/commons/heart/heart-x/environment.yaml"
UIDS = iter(range(1, 1000))


def document(name: str, commons: str, path: str, application: str, more: str = "") -> str:
    return (
        f"apiVersion: csoc.gen3.org/v1alpha1\nkind: Environment\nmetadata: {{name: {name}, uid: t{next(UIDS):09}}}\n"
        f"spec:\n  commons: {commons}\n  cluster: unknown\n"
        f"  application: {{path: {path}, name: {application}{more}}}\n"
    )


def adopted() -> World:
    """Two commons whose documents stand in folders of their own, for which CODEOWNERS can name others."""
    world = World()
    world.write(environment("east", "brh.example.org", "fence: {image: {tag: '1'}}", name="brh"))
    world.write(environment("west", "heart.example.org", "fence: {image: {tag: '1'}}", name="heart"))
    fleet = world.load()
    write_adoption(world.ports(), fleet, plan_adoption(world.ports(), fleet))
    assert {item.name: str(item.document) for item in world.load().view.environments} == {
        "brh": f"{BRH_DOCUMENT}:3",
        "heart": ".csoc/commons/heart/heart/environment.yaml:3",
    }
    return world


def of_application(fleet: LoadedFleet, name: str) -> EnvironmentView:
    (found,) = [item for item in fleet.view.environments if item.application.name == name]
    return found


def refusals(world: World, name: str) -> list[str]:
    """What setting, removing and choosing an image say for an environment."""
    fleet = world.load()
    said = []
    operations = [parse_assignment("fence.image.tag=2"), Operation("remove", parse_key("fence.image.tag"))]
    for operation in (*operations, parse_image("fence=2")):
        error: CsocError
        try:
            plan = plan_change(world.ports(), fleet, fleet.select([name]), [operation], manifests=False)
            assert plan.files == ()
            ((_, error),) = plan.refused
        except NotFoundError as missing:
            error = missing
        assert error.fix
        said.append(str(error))
    return said


def test_a_second_document_for_an_application_takes_nothing_and_the_first_does_not_count_either() -> None:
    world = adopted()
    world.write({THIEF_DOCUMENT: document("heart-x", "heart", BRH_FILE, "brh")})
    fleet = world.load()
    found = of_application(fleet, "brh")
    assert (found.name, found.commons.value, found.commons.stated, found.document) == ("brh", "brh", False, None)
    (fault,) = fleet.documents.errors
    assert {str(fault.location).rpartition(":")[0], BRH_DOCUMENT} == {THIEF_DOCUMENT, BRH_DOCUMENT}
    assert BRH_DOCUMENT in fault.cause
    (dispute,) = environment_json(found)["disputes"]
    assert {place["path"] for place in dispute["places"]} == {BRH_DOCUMENT, THIEF_DOCUMENT}
    assert not any("any more" in problem.cause for problem in fleet.view.problems)


@pytest.mark.parametrize("name", ["brh", "heart-x"])
def test_neither_of_two_documents_gives_a_name_by_which_values_can_be_changed(name: str) -> None:
    world = adopted()
    world.write({THIEF_DOCUMENT: document("heart-x", "heart", BRH_FILE, "brh")})
    for said in refusals(world, name):
        assert BRH_DOCUMENT in said
        assert THIEF_DOCUMENT in said


def test_others_of_the_commons_can_still_be_changed() -> None:
    world = adopted()
    world.write({THIEF_DOCUMENT: document("heart-x", "heart", BRH_FILE, "brh")})
    fleet = world.load()
    plan = plan_change(world.ports(), fleet, fleet.select([]), [parse_image("fence=2")], manifests=False)
    assert [change.path for change in plan.files] == ["west/heart.example.org/values.yaml"]
    assert [name for name, _ in plan.refused] == ["brh"]


@pytest.mark.parametrize("path", [".csoc/a.yaml", ".csoc/z.yaml"])
def test_a_second_document_of_a_name_takes_nothing_whichever_is_read_first(path: str) -> None:
    world = adopted()
    world.write({path: document("brh", "heart", HEART_FILE, "heart")})
    world.write({".csoc/commons/heart/heart/environment.yaml": None})
    fleet = world.load()
    assert of_application(fleet, "brh").commons.value == "brh"
    assert of_application(fleet, "heart").name == "heart"
    assert all(item.document is None for item in fleet.view.environments)
    assert len(fleet.documents.errors) == 1
    for name in ("brh", "heart"):
        assert all(path in said and BRH_DOCUMENT in said for said in refusals(world, name))


def test_a_document_in_another_repositorys_name_does_not_claim_an_application_of_this_one() -> None:
    world = adopted()
    elsewhere = ", repository: https://git.example.org/ops/other"
    world.write({THIEF_DOCUMENT: document("heart-x", "heart", BRH_FILE, "brh", elsewhere)})
    fleet = world.load()
    assert str(of_application(fleet, "brh").document).startswith(BRH_DOCUMENT)
    assert fleet.documents.errors == ()


@pytest.mark.parametrize("url", [HOME, f"{HOME}.git", "git@git.example.org:ops/gitops"])
def test_naming_this_repository_by_its_address_is_the_same_claim(url: str) -> None:
    world = adopted()
    world.write({THIEF_DOCUMENT: document("heart-x", "heart", BRH_FILE, "brh", f", repository: '{url}'")})
    fleet = world.load()
    assert of_application(fleet, "brh").document is None
    assert len(fleet.documents.errors) == 1


def test_a_name_that_differs_in_case_claims_nothing() -> None:
    world = adopted()
    world.write({THIEF_DOCUMENT: document("heart-x", "heart", BRH_FILE, "BRH")})
    fleet = world.load()
    assert of_application(fleet, "brh").name == "brh"
    assert str(of_application(fleet, "brh").document).startswith(BRH_DOCUMENT)
    assert any("BRH of the environment heart-x" in problem.cause for problem in fleet.view.problems)


def test_a_document_cannot_give_the_application_of_one_commons_to_another() -> None:
    world = adopted()
    world.write({BRH_DOCUMENT: None, THIEF_DOCUMENT: document("heart-x", "heart", BRH_FILE, "brh")})
    fleet = world.load()
    found = of_application(fleet, "brh")
    assert (found.name, found.commons.value, found.document) == ("brh", "brh", None)
    (fault,) = fleet.documents.errors
    assert fault.location.path == THIEF_DOCUMENT
    assert "east/brh.example.org/values.yaml" in fault.cause
    assert ".csoc/commons/brh/commons.yaml" in fault.cause
    for name in ("brh", "heart-x"):
        for said in refusals(world, name):
            assert THIEF_DOCUMENT in said
            assert ".csoc/commons/brh/commons.yaml" in said


def test_those_who_answer_for_a_commons_can_give_its_application_to_another() -> None:
    world = adopted()
    world.write({BRH_DOCUMENT: document("heart-x", "heart", BRH_FILE, "brh")})
    fleet = world.load()
    assert (of_application(fleet, "brh").name, of_application(fleet, "brh").commons.value) == ("heart-x", "heart")
    assert fleet.documents.errors == ()


def test_adopting_writes_no_further_document_for_what_is_disputed() -> None:
    world = adopted()
    world.write({BRH_DOCUMENT: None, ".csoc/one.yaml": document("heart-x", "heart", BRH_FILE, "brh")})
    world.write({".csoc/two.yaml": document("heart-y", "heart", BRH_FILE, "brh")})
    fleet = world.load()
    assert len(fleet.documents.errors) == 1
    assert plan_adoption(world.ports(), fleet).files == {}


def test_an_environment_is_not_written_under_a_name_that_a_document_has() -> None:
    world = adopted()
    moved = {path.replace("east/", "south/"): text for path, text in environment("east", "brh.example.org").items()}
    world.write({BRH_FILE: None, "east/brh.example.org/values.yaml": None, BRH_DOCUMENT: None, **moved})
    world.write({".csoc/old.yaml": document("brh", "brh", BRH_FILE, "brh")})
    fleet = world.load()
    assert any("any more" in problem.cause for problem in fleet.view.problems)
    assert not any("environment.yaml" in path for path in plan_adoption(world.ports(), fleet).files)


def test_a_disputed_name_is_refused_with_its_own_error() -> None:
    world = adopted()
    world.write({THIEF_DOCUMENT: document("heart-x", "heart", BRH_FILE, "brh")})
    with pytest.raises(NotFoundError, match="There is no environment heart-x, since its document does not count"):
        world.load().select(["heart-x"])
    with pytest.raises(NotFoundError, match=r"There is no environment heart-z\. Did"):
        world.load().select(["heart-z"])


def test_a_disputed_name_changes_nothing_of_the_environment_that_has_it_by_the_files() -> None:
    world = adopted()
    files = environment("south", "staging.brh.example.org", "fence: {image: {tag: '1'}}", name="brh-staging")
    world.write({**files, ".csoc/commons/heart/x.yaml": document("brh-staging", "heart", BRH_FILE, "brh")})
    found = of_application(world.load(), "brh-staging")
    assert (found.name, found.document) == ("brh-staging", None)
    assert all(".csoc/commons/heart/x.yaml" in said for said in refusals(world, "brh-staging"))
