"""Other people's repositories, adopted: what each environment is, as a person says who has read the files."""

from __future__ import annotations

import json
from bisect import bisect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from csoc import bootstrap
from csoc.config import loading
from csoc.fleet.values import Path as KeyPath
from csoc.fleet.values import look_up, walk
from csoc.fleet.yaml import yamltext
from csoc.usecases.change.operations import Operation, parse_assignment
from csoc.usecases.change.plan import plan_change
from csoc.usecases.load import FleetQuery, LoadedFleet, load_fleet
from csoc.usecases.ports import Ports
from tests.functional.command import Command
from tests.functional.test_fleet_commands import commit_all

pytestmark = pytest.mark.usefixtures("real")

# Folder: (commons, stage, slot, cluster, hostname). Read from Application and values by hand. "unknown" stands where
# a reader of the files cannot say either: which stage aids, emalinowskiv1 and mc2dp are of is nowhere written.
EXPECTED = {
    "gitops-ctds": {
        "brhprod/brh.data-commons.org": ("brh", "prod", "", "brhprod", "brh.data-commons.org"),
        "brhprod/brhstaging.data-commons.org": ("brh", "staging", "", "brhprod", "brhstaging.data-commons.org"),
        "chordsprod/chordshealth.org": ("chordshealth", "prod", "", "chords", "chordshealth.org"),
        "chordsprod/staging.chordshealth.org": ("chordshealth", "staging", "", "chords", "staging.chordshealth.org"),
        "emalinowskiv1/emalinowskiv1.planx-pla.net": (
            "emalinowskiv1",
            "unknown",
            "",
            "emalinowskiv1",
            "emalinowskiv1.planx-pla.net",
        ),
        "healprod/externaldata.healdata.org": ("externaldata", "prod", "", "healprod", "externaldata.healdata.org"),
        "healprod/healdata.org": ("healdata", "prod", "", "healprod", "healdata.org"),
        "healprod/preprod.healdata.org": ("healdata", "preprod", "", "healprod", "preprod.healdata.org"),
        "kidsfirst-skfqa/gen3staging.kidsfirstdrc.org": (
            "kidsfirstdrc",
            "staging",
            "",
            "kidsfirst-skfqa",
            "gen3staging.kidsfirstdrc.org",
        ),
        "pdp-commons/mc2dp.data-commons.org": ("mc2dp", "unknown", "", "pdp-commons", "mc2dp.data-commons.org"),
        "unfunded/aids.diseasedatahub.org": ("aids", "unknown", "", "unfunded", "aids.diseasedatahub.org"),
        "unfunded/caninedc.org": ("caninedc", "prod", "", "unfunded", "caninedc.org"),
    },
    "gitops-ardac": {
        "ardac1dmo/demo.ardac.org": ("ardac", "demo", "", "ardac1dmo", "demo.ardac.org"),
        "ardac1prd/portal.ardac.org": ("ardac", "prod", "blue", "ardac1prd", "portal.ardac.org"),
        "ardac2prd/portal.ardac.org": ("ardac", "prod", "green", "ardac2prd", "new.portal.ardac.org"),
    },
    "cdis-manifest": {
        "bihstaging.data-commons.org": ("bih", "staging", "", "unknown", "bihstaging.data-commons.org"),
    },
}
OTHERS = {
    "gitops-ctds": {},
    "gitops-ardac": {
        "ardac1dmo/cluster-level-resources": "platform",
        "ardac1dmo/fluentbit": "platform",
        "ardac1prd/archive.portal.ardac.org": "redirect",
        "ardac1prd/cluster-level-resources": "platform",
        "ardac1prd/fluentbit": "platform",
        "ardac1prd/new.portal.ardac.org": "redirect",
        "ardac2prd/anagine": "workload",
        "ardac2prd/cluster-level-resources": "platform",
        "ardac2prd/fluentbit": "platform",
        "ardac2prd/load-balancer": "load balancer",
    },
    "cdis-manifest": {},
}
CLUSTERS = {
    "gitops-ctds": {
        "brhprod": ("885078588865", "1.35"),
        "chords": ("048463324059", "1.35"),
        "emalinowskiv1": ("707767160287", "1.33"),
        "healprod": ("205252583234", "1.35"),
        "kidsfirst-skfqa": ("222487244010", "1.35"),
        "pdp-commons": ("851725307933", "1.35"),
        "unfunded": ("unknown", "unknown"),
    },
    "gitops-ardac": {
        "ardac1dmo": ("613495871066", "1.34"),
        "ardac1prd": ("742378880825", "1.34"),
        "ardac2prd": ("742378880825", "1.36"),
    },
    "cdis-manifest": {},
}
REPOSITORIES = tuple(EXPECTED)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all commands here, as a person has."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(params=REPOSITORIES)
def clone(request: pytest.FixtureRequest, real: Path, tmp_path: Path) -> tuple[str, Path]:
    """A repository's name, and a copy of it in Git."""
    folder = tmp_path / request.param
    copytree(real / request.param, folder)
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)
    commit_all(folder, "As it was")
    return request.param, folder


def environment_folder(item: Any) -> str:
    return str(item["application"]["location"]["path"]).rpartition("/")[0].removesuffix("/templates")


@pytest.mark.parametrize("name", REPOSITORIES)
def test_every_environment_is_what_a_reader_of_the_files_says(name: str, real: Path, home: Path) -> None:
    shown = Command(home, home)("fleet", "adopt", real / name, "--json")
    assert shown.code == 0, shown.err
    told = {
        environment_folder(item): tuple(
            item[key]["value"] for key in ("commons", "stage", "slot", "cluster", "hostname")
        )
        for item in shown.data["environments"]
    }
    assert told == EXPECTED[name]
    for item in shown.data["environments"]:
        assert all(item[key]["reason"] for key in ("commons", "stage", "slot", "cluster", "hostname"))
    others = {str(item["location"]["path"]).rpartition("/")[0]: item["role"] for item in shown.data["others"]}
    assert others == OTHERS[name]
    clusters = {
        item["name"]: (item["account"]["value"], item["kubernetesVersion"]["value"]) for item in shown.data["clusters"]
    }
    assert clusters == CLUSTERS[name]


def test_names_that_contradict_the_stage_are_told(real: Path, home: Path) -> None:
    shown = Command(home, home)("fleet", "adopt", real / "gitops-ctds", "--json").data
    reasons = {item["name"]: item["stage"]["reason"] for item in shown["environments"]}
    assert reasons["brh-staging"].endswith("says staging, though the Application is named gen3-brhprod: prod")
    assert reasons["kidsfirstdrc-staging"].endswith("though the Application is named gen3-skfqa: qa")
    assert reasons["externaldata-prod"] == "nothing else says, and its cluster is named healprod: prod"


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def test_adopting_adds_documents_only_and_nothing_the_second_time(clone: tuple[str, Path], home: Path) -> None:
    name, folder = clone
    csoc = Command(home, folder)
    before, seen = files_below(folder), csoc("fleet", "show", "--no-check", "--json").data
    assert csoc("fleet", "adopt", ".", "--write").code == 0
    after = files_below(folder)
    assert {path: after.get(path) for path in before} == before
    added = set(after) - set(before)
    assert added
    assert all(path.startswith(".csoc/") for path in added)
    assert len([path for path in added if path.endswith("/environment.yaml")]) == len(EXPECTED[name])
    again = csoc("fleet", "adopt", ".", "--write", "--json").data
    assert again["adoption"]["files"] == []
    assert [_told(item) for item in again["environments"]] == [_told(item) for item in seen["environments"]]
    # The documents are a commit of their own, which every place names.
    assert [_without_commits(item) for item in again["problems"]] == [_without_commits(i) for i in seen["problems"]]


def _without_commits(problem: dict[str, Any]) -> dict[str, Any]:
    places = [{**place, "commit": ""} for place in (problem["location"], *problem["places"])]
    return {**problem, "location": places[0], "places": places[1:]}


def _told(item: Any) -> list[str]:
    return [item["name"], *(item[key]["value"] for key in ("commons", "stage", "slot", "cluster", "hostname"))]


@pytest.mark.parametrize("clone", ["gitops-ctds", "gitops-ardac"], indirect=True)
def test_a_new_application_adds_its_own_documents_only(clone: tuple[str, Path], home: Path) -> None:
    name, folder = clone
    csoc = Command(home, folder)
    assert csoc("fleet", "adopt", ".", "--write").code == 0
    source, old, new = {
        "gitops-ctds": ("brhprod/brh.data-commons.org", "brh.data-commons.org", "qa-brh.data-commons.org"),
        "gitops-ardac": ("ardac1dmo/demo.ardac.org", "demo.ardac.org", "qa.ardac.org"),
    }[name]
    target = folder / source.rpartition("/")[0] / new
    copytree(folder / source, target)
    for path in target.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8").replace(old, new)
        path.write_text(text.replace("name: gen3-", "name: gen3-qa-", 1), encoding="utf-8")
    commit_all(folder, "One more")
    files = csoc("fleet", "adopt", ".", "--write", "--json").data["adoption"]["files"]
    assert [path for path in files if not path.endswith("/environment.yaml")] == []
    (path,) = files
    data = yamltext.parse((folder / path).read_bytes())[0].data
    assert data["spec"]["stage"] == "qa"
    assert data["spec"]["application"]["path"].startswith(str(target.relative_to(folder)))


# A change through the use case, on every real file


@contextmanager
def opened(real: Path, home: Path, name: str) -> Iterator[tuple[Ports, LoadedFleet]]:
    # No other host is asked: what is changed stands here, and no manifest is made of it.
    settings = loading.load(
        {"CSOC_CACHE_DIR": str(home / "cache"), "HOME": str(home), "CSOC_ALLOWED_HOSTS": "nowhere.example.org"}
    )
    with bootstrap.ports(settings) as ports:
        yield ports, load_fleet(ports, FleetQuery(str(real / name)))


NEW_VALUES = {bool: "false", int: "4711", float: "47.5", str: "changed-by-a-test", type(None): "4711"}


def _settings(fleet: LoadedFleet, name: str) -> Iterator[tuple[str, KeyPath, Any]]:
    """Of each file of an environment, three scalars that count: (file, path, value)."""
    values = fleet.resolved[name].values
    for layer in values.layers:
        counting = [
            (path, value)
            for path, value in walk(layer.data)
            if path
            and not isinstance(value, (dict, list))
            and "hostname" not in path
            # Not what a later file decides.
            and values.origin(path) == layer.locate(path)
        ]
        for number in sorted({len(counting) // 3, len(counting) // 2, len(counting) - 1}) if counting else ():
            yield layer.label, *counting[number]


@pytest.mark.parametrize("name", ["gitops-ctds", "gitops-ardac"])
def test_a_change_of_an_existing_value_keeps_every_byte_outside_it(name: str, real: Path, home: Path) -> None:
    changed, files = 0, set()
    with opened(real, home, name) as (ports, fleet):
        for view in fleet.view.environments:
            for file, path, old in _settings(fleet, view.name):
                value = NEW_VALUES[type(old)] if old is not False else "true"
                operation = Operation("set", path, json.loads(value) if not isinstance(old, str) else value, value)
                plan = plan_change(ports, fleet, [view], [operation], manifests=False)
                assert not plan.refused, (view.name, path, str(plan.refused[0][1]))
                (change,) = plan.files
                assert change.path == file
                _check_bytes(change.before, change.after, path, old)
                assert [item.environment for item in plan.environments] == [view.name]
                (difference,) = plan.environments[0].values
                assert ".".join(map(str, path)).startswith(difference.path)
                changed += 1
                files.add(change.path)
        every = {layer.label for item in fleet.resolved.values() for layer in item.values.layers if layer.data}
    assert files == every
    assert changed > 2 * len(files)


def _check_bytes(before: bytes, after: bytes, path: KeyPath, old: Any) -> None:
    """What differs is one stretch of bytes, and in the old file it holds the old value and no other key."""
    most = min(len(before), len(after))
    start = bisect(range(1, most + 1), 0, key=lambda n: before[:n] != after[:n])
    end = bisect(range(1, most - start + 1), 0, key=lambda n: before[-n:] != after[-n:])
    removed = before[start : len(before) - end]
    written = str(old) if isinstance(old, str) else json.dumps(old)
    # A text may be quoted, escaped and indented in the file; nothing more than it may go.
    lines = written.count("\n") + 1
    assert len(removed) <= len(written.encode()) * 2 + lines * 40 + 4, (path, removed[:200])
    assert removed.count(b"\n") <= lines, (path, removed[:200])
    document = yamltext.parse(after)[0].data
    original = yamltext.parse(before)[0].data
    others = {step: value for step, value in walk(original) if step != path}
    assert {step: look_up(document, step) for step in others} == others or path[0] == "spec"


@pytest.mark.parametrize("name", ["gitops-ctds", "gitops-ardac"])
def test_a_new_value_is_one_insertion_in_the_environments_own_file(name: str, real: Path, home: Path) -> None:
    with opened(real, home, name) as (ports, fleet):
        for view in fleet.view.environments:
            operation = parse_assignment("fence.aNewSetting=on-purpose")
            plan = plan_change(ports, fleet, [view], [operation], manifests=False)
            (change,) = plan.files
            before, after = change.before.splitlines(), change.after.splitlines()
            new = [
                line for line in after if line.strip() in (b"aNewSetting: on-purpose", b"fence:") and line not in before
            ]
            assert b"aNewSetting: on-purpose" in {line.strip() for line in new}
            assert [line for line in after if line not in new] == before
            assert [item.environment for item in plan.environments] == [view.name]


def test_a_tag_is_changed_across_all_environments_at_once(real: Path, home: Path) -> None:
    with opened(real, home, "gitops-ctds") as (ports, fleet):
        views = [view for view in fleet.view.environments if fleet.resolved[view.name].values.has("fence.image.tag")]
        plan = plan_change(ports, fleet, views, [parse_assignment("fence.image.tag=2026.11")], manifests=False)
    assert len(views) > 8
    assert {item.environment for item in plan.environments} == {view.name for view in views}
    for change in plan.files:
        before, after = change.before.splitlines(), change.after.splitlines()
        assert len(before) == len(after)
        assert len([1 for one, other in zip(before, after, strict=True) if one != other]) == 1
