"""Making csoc known to a repository that was there before."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csoc.errors import ConflictError, DeniedError, RejectedError
from csoc.fleet.documents.faults import Weight
from csoc.fleet.documents.schemas import schema_files
from csoc.fleet.yaml import yamltext
from csoc.testing.fleets import World, application, environment
from csoc.testing.repositories import Link
from csoc.usecases.adopt import Adoption, nested_repositories, plan_adoption, write_adoption
from csoc.usecases.load import FleetQuery

ALPHA = ".csoc/commons/alpha/alpha-prod/environment.yaml"


def two_stages() -> World:
    world = World()
    world.write(environment("east", "staging.alpha.example.org", name="alpha-staging"))
    world.write(environment("west", "alpha.example.org", name="alpha-prod"))
    return world


def adopt(world: World, *, pull_request: bool = False) -> Adoption:
    ports, fleet = world.ports(), world.load()
    return write_adoption(ports, fleet, plan_adoption(ports, fleet), pull_request=pull_request)


def documents(made: Adoption) -> set[str]:
    return {path for path in made.files if "/schemas/" not in path}


def test_planning_changes_nothing() -> None:
    world = two_stages()
    head = world.home.branches["main"]
    made = plan_adoption(world.ports(), world.load())
    assert documents(made) == {
        ".csoc/fleet.yaml",
        ".csoc/clusters/east/cluster.yaml",
        ".csoc/clusters/west/cluster.yaml",
        ".csoc/commons/alpha/commons.yaml",
        ".csoc/commons/alpha/alpha-staging/environment.yaml",
        ALPHA,
    }
    assert world.home.branches["main"] == head


def test_writing_is_one_commit_that_adds_documents_and_touches_nothing_else() -> None:
    world = two_stages()
    before = dict(world.home.commits[world.home.branches["main"]].entries)
    made = adopt(world)
    commit = world.home.commits[made.commit]
    assert {path: entry for path, entry in commit.entries.items() if not path.startswith(".csoc/")} == before
    assert len(commit.parents) == 1
    assert made.branch == "main"


def test_what_was_inferred_is_written_with_its_reason_and_a_uid_of_its_own() -> None:
    world = two_stages()
    adopt(world)
    text = world.read(ALPHA)
    assert "stage: prod  # the Application is named alpha-prod: prod" in text
    data = yamltext.parse(text.encode())[0].data
    assert data["spec"]["application"] == {"path": "west/alpha.example.org/app.yaml", "name": "alpha-prod"}
    assert "hostname" not in data["spec"]
    uids = [
        yamltext.parse(world.read(path).encode())[0].data["metadata"]["uid"]
        for path in documents(plan_adoption(two_stages().ports(), two_stages().load()))
    ]
    assert len(set(uids)) == len(uids)


def test_the_fleet_is_named_after_its_repository_and_its_stages_are_in_order() -> None:
    world = two_stages()
    adopt(world)
    data = yamltext.parse(world.read(".csoc/fleet.yaml").encode())[0].data
    assert data["metadata"]["name"] == "gitops"
    assert data["spec"]["stages"] == ["staging", "prod"]


def test_adopting_again_adds_nothing() -> None:
    world = two_stages()
    adopt(world)
    head = world.home.branches["main"]
    again = adopt(world)
    assert again.files == {}
    assert world.home.branches["main"] == head
    assert world.load().view.problems == ()


def test_only_what_is_new_is_added() -> None:
    world = two_stages()
    adopt(world)
    world.write({ALPHA: world.read(ALPHA).replace("stage: prod", "stage: staging")})
    world.write(environment("west", "beta.example.org"))
    made = adopt(world)
    assert set(made.files) == {".csoc/commons/beta/commons.yaml", ".csoc/commons/beta/beta/environment.yaml"}
    assert "stage: staging" in world.read(ALPHA)
    assert world.load().environment("alpha-prod").stage.value == "staging"


SCHEMA = ".csoc/schemas/environment.json"


def test_schemas_of_another_version_are_renewed_even_where_no_document_is_new() -> None:
    world = two_stages()
    adopt(world)
    right = world.read(SCHEMA)
    world.write({SCHEMA: "{}", ".csoc/schemas/fleet.json": None})
    made = adopt(world)
    assert set(made.files) == {SCHEMA, ".csoc/schemas/fleet.json"}
    assert made.renewed == (SCHEMA,)
    assert world.read(SCHEMA) == right
    assert world.home.commits[made.commit].info.subject.startswith("Renew csoc's schemas")
    assert adopt(world).files == {}


def test_schemas_that_are_not_those_of_this_version_are_told_and_fail_no_check() -> None:
    world = two_stages()
    adopt(world)
    assert world.load().documents.faults == ()
    world.write({SCHEMA: "{}"})
    (fault,) = world.load().documents.faults
    assert (str(fault.location), fault.weight) == (SCHEMA, Weight.WARNING)
    assert "environment.json" in fault.cause
    assert "csoc fleet adopt . --write" in fault.fix


def test_schemas_that_somebody_took_away_stay_away() -> None:
    world = two_stages()
    adopt(world)
    world.write(dict.fromkeys(schema_files()))
    assert world.load().documents.faults == ()
    assert adopt(world).files == {}


def test_an_application_that_moved_is_a_problem_that_names_its_new_place() -> None:
    world = two_stages()
    adopt(world)
    path = "west/alpha.example.org/app.yaml"
    world.write({path: None, "west/moved.yaml": world.read(path)})
    (problem,) = world.load().view.problems
    assert problem.kind == "document without Application"
    assert "alpha-prod" in problem.cause
    assert problem.fix == "If it has moved to west/moved.yaml, say so in spec.application"
    assert str(problem.location).startswith(ALPHA)
    assert plan_adoption(world.ports(), world.load()).files == {}


def test_two_applications_of_one_name_in_different_files_have_documents_of_their_own() -> None:
    world = World()
    world.write(environment("east", "alpha.example.org", name="gen3"))
    world.write(environment("west", "beta.example.org", name="gen3"))
    adopt(world)
    fleet = world.load()
    assert [(view.name, view.document is not None) for view in fleet.view.environments] == [
        ("alpha", True),
        ("beta", True),
    ]
    assert fleet.view.problems == ()


def test_several_applications_in_one_file_are_told_apart_by_their_document() -> None:
    world = World()
    helm = "valuesObject: {{global: {{hostname: {}.example.org}}}}"
    texts = [application(name, helm=helm.format(name)) for name in ("alpha", "beta")]
    world.write({"all.yaml": "---\n".join(texts)})
    adopt(world)
    data = yamltext.parse(world.read(".csoc/commons/beta/beta/environment.yaml").encode())[0].data
    assert data["spec"]["application"] == {"path": "all.yaml", "name": "beta", "document": 1}
    assert adopt(world).files == {}


def test_the_stage_word_of_a_person_overrules_after_adopting() -> None:
    world = World()
    world.write(environment("east", "alpha.example.org"))
    adopt(world)
    path = ".csoc/commons/alpha/alpha/environment.yaml"
    assert "stage: unknown" in world.read(path)
    world.write({path: world.read(path).replace("stage: unknown", "stage: prod")})
    fact = world.load().environment("alpha").stage
    assert (fact.value, fact.stated) == ("prod", True)


def test_a_pull_request_holds_the_documents_and_main_stays() -> None:
    world = two_stages()
    head = world.home.branches["main"]
    made = adopt(world, pull_request=True)
    assert made.pull_request is not None
    assert made.pull_request.head.startswith("csoc/adopt-")
    assert world.home.branches["main"] == head


def test_adopting_by_pull_request_twice_finds_the_first() -> None:
    world = two_stages()
    adopt(world, pull_request=True)
    again = adopt(world, pull_request=True)
    assert again.again
    assert list(world.host.pulls) == [1]
    head = world.host.pulls.pop(1).head
    made = adopt(world, pull_request=True)
    assert made.branch == head


def test_a_protected_branch_asks_for_a_pull_request() -> None:
    world = two_stages()
    world.host.protect("main")
    with pytest.raises(DeniedError) as caught:
        adopt(world)
    assert "--pull-request" in caught.value.fix


def test_a_document_that_appeared_meanwhile_is_a_conflict() -> None:
    world = two_stages()
    ports, fleet = world.ports(), world.load()
    made = plan_adoption(ports, fleet)
    world.write({ALPHA: "apiVersion: x\n"})
    with pytest.raises(ConflictError):
        write_adoption(ports, fleet, made)


# Names that no document can hold


LONG = "a" * 300


def test_a_name_that_no_document_can_hold_costs_that_document_alone() -> None:
    world = two_stages()
    files = environment("west", "beta.example.org", name="beta")
    files = {path: text.replace("  name: beta\n", f"  name: {LONG}\n", 1) for path, text in files.items()}
    world.write(files)
    made = adopt(world)
    assert ALPHA in made.files
    assert ".csoc/commons/beta/commons.yaml" in made.files
    assert not any("beta/environment.yaml" in path for path in made.files)
    (problem,) = made.problems
    assert str(problem.location).startswith("west/beta.example.org/app.yaml")
    assert "spec.application.name: expected at most 253 characters" in problem.cause
    assert len(problem.cause) < 500
    again = plan_adoption(world.ports(), world.load())
    assert (again.files, [item.cause for item in again.problems]) == ({}, [problem.cause])


def test_a_cluster_whose_address_no_document_can_hold_is_written_without_it() -> None:
    world = World()
    world.write({"app.yaml": application("alpha", server="https://ada:secret@east.example.org")})
    made = adopt(world)
    path = ".csoc/clusters/east.example.org/cluster.yaml"
    assert world.read(path).endswith("\nspec: {}\n")
    (problem,) = made.problems
    assert "the cluster east.example.org has a document without its destination" in problem.cause
    assert "secret" not in problem.cause
    assert "secret" not in world.read(path)
    assert world.load().documents.faults == ()


@pytest.mark.parametrize("obstacle", [".csoc", ".csoc/clusters", ".csoc/clusters/east"])
def test_nothing_is_written_through_a_link_or_in_place_of_a_file(obstacle: str) -> None:
    world = two_stages()
    world.write({obstacle: Link("../outside")})
    fleet = world.load()
    plan = plan_adoption(world.ports(), fleet)
    assert plan.blocked == (obstacle,)
    assert any(str(problem.location) == obstacle for problem in plan.problems)
    with pytest.raises(ConflictError, match="nothing was written"):
        write_adoption(world.ports(), fleet, plan)
    assert world.load().tree.commit == fleet.tree.commit


def test_a_file_whose_name_differs_in_case_only_is_left_alone() -> None:
    world = two_stages()
    world.write({".csoc/clusters/East/cluster.yaml": "# mine\n"})
    made = adopt(world)
    assert ".csoc/clusters/east/cluster.yaml" not in made.files
    assert any(".csoc/clusters/East/cluster.yaml" in problem.cause for problem in made.problems)


NAMES = st.one_of(
    st.sampled_from(
        [
            "..",
            ".",
            "",
            "con",
            "NUL",
            "com1.x",
            "unknown",
            "~",
            "a/b",
            "a\\b",
            "-x",
            "*",
            "a\nb: c",
            "# x",
            "\x1b[2J",
            LONG,
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=40),
    st.sampled_from(["East", "east", "EAST", "east.", "e_ast", "e-ast", "prod", "Prod"]),
)
PLACES = st.fixed_dictionaries(
    {"name": NAMES, "cluster": NAMES, "host": st.sampled_from(["a.org", "A.org", "con.org", "unknown.org"])}
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PLACES, min_size=1, max_size=5), NAMES, NAMES)
def test_whatever_the_names_adopting_writes_valid_documents_in_its_folder_and_twice_is_once(
    places: list[dict[str, str]], fleet_name: str, folder: str
) -> None:
    world = World()
    folder = folder.strip("/") if "/../" not in f"/{folder}/" and "/./" not in f"/{folder}/" else "up"
    for number, place in enumerate(places):
        text = application(
            "NAME", server="name:CLUSTER", namespace="x", helm="valuesObject: {global: {hostname: HOST}}"
        )
        for mark, value in (("NAME", place["name"]), ("CLUSTER", place["cluster"]), ("HOST", place["host"])):
            text = text.replace(mark, json.dumps(value))
        world.write({f"{folder or 'x'}/{number}.yaml": text})
    before = dict(world.home.commits[world.home.branches["main"]].entries)
    ports, fleet = world.ports(), world.load()
    made = write_adoption(ports, fleet, plan_adoption(ports, fleet, name=fleet_name))
    after = world.home.commits[world.home.branches["main"]].entries
    assert {path: entry for path, entry in after.items() if not path.startswith(".csoc/")} == before
    assert all(path.startswith(".csoc/") and re.fullmatch(r"[a-z0-9./-]+", path) for path in made.files)
    devices = {"con", "prn", "aux", "nul", "com1", "lpt1", ""}
    assert not any({part.partition(".")[0] for part in path.split("/")[1:]} & devices for path in made.files)
    assert all("\n" not in problem.cause + problem.fix for problem in made.problems)
    again = world.load()
    assert again.documents.faults == ()
    names = {item.application.identity: item.name for item in fleet.view.environments}
    assert all(item.name == names[item.application.identity] for item in again.view.environments if item.document)
    undocumented = {item.application.location.path for item in again.view.environments if item.document is None}
    assert undocumented <= {problem.location.path for problem in made.problems}
    assert plan_adoption(ports, again, name=fleet_name).files == {}


# A folder of repositories


def test_repositories_in_a_folder_are_found_and_what_is_inside_of_them_is_theirs(tmp_path: Path) -> None:
    for name in ("b/.git", "a b/.git", "deep/er/c/.git", "b/modules/x/.git", "far/too/far/away/.git"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/.git").write_text("gitdir: elsewhere\n")
    (tmp_path / "link").symlink_to(tmp_path / "b")
    found = nested_repositories(str(tmp_path))
    assert [Path(path).relative_to(tmp_path).as_posix() for path in found] == ["a b", "b", "deep/er/c", "tree"]


def test_a_repository_and_an_address_hold_no_others(tmp_path: Path) -> None:
    (tmp_path / "inside/.git").mkdir(parents=True)
    assert len(nested_repositories(str(tmp_path))) == 1
    (tmp_path / ".git").mkdir()
    assert nested_repositories(str(tmp_path)) == ()
    assert nested_repositories("https://git.example.org/ops/gitops") == ()
    assert nested_repositories(str(tmp_path / "none")) == ()


def test_a_folder_of_repositories_is_adopted_by_the_command_for_each(tmp_path: Path) -> None:
    for name in ("one", "with space"):
        (tmp_path / name / ".git").mkdir(parents=True)
    world = two_stages()
    fleet = replace(world.load(), query=FleetQuery(str(tmp_path)))
    made = plan_adoption(world.ports(), fleet)
    assert made.commands == (f"csoc fleet adopt {tmp_path}/one", f"csoc fleet adopt '{tmp_path}/with space'")
    with pytest.raises(RejectedError, match="it holds 2") as raised:
        write_adoption(world.ports(), fleet, made)
    assert f"csoc fleet adopt {tmp_path}/one --write; " in raised.value.fix
