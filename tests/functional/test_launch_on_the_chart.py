"""What csoc writes for a new commons, seen as csoc sees any fleet: every bundle in every size, in one repository.

The check's rules find nothing in it, with the real chart and with the demo's stand-in; and whatever pods mount and
service accounts act as, the launch has planned.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from csoc import bootstrap
from csoc.config import loading
from csoc.fleet.documents.init import plan_init
from csoc.fleet.shapes import mapping, mappings
from csoc.gen3.launch import applications, bundles, documents
from csoc.gen3.launch.secrets import INDEX
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import EnvironmentView
from csoc.provisioning import names
from csoc.testing.dictionaries import MemoryDictionaries, node, schema
from csoc.usecases.checking.checker import CheckOutcome, FleetChecker
from csoc.usecases.load import FleetQuery, LoadedFleet, load_fleet
from csoc.usecases.states import StateBuilder
from tests.functional.small_fleet import URL, Repository
from tests.unit.gen3.launch.launching import (
    DICTIONARY,
    answers,
    counting_ids,
    launch,
    outputs_file,
    outputs_of,
    secret_values,
)

STAND_IN = Path(str(files("csoc").joinpath("cli", "demo_fleet", "charts", "gen3")))
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
STAGES = {"small": "dev", "medium": "staging", "large": "prod"}
EVERYTHING = "everything"
SERVICES = {name: [name] for name in bundles.BUNDLES} | {EVERYTHING: [*bundles.BUNDLES, "gen3-user-data-library"]}
_NAMES = [*bundles.BUNDLES, *bundles.OFFERED]
_CHOICE = random.Random(20261123)  # which combinations are tried, and the same ones each time
MIXED = {f"mixed-{number}": _CHOICE.sample(_NAMES, _CHOICE.randint(1, 6)) for number in range(15)}
SERVICES |= MIXED
COMBINATIONS = [
    (commons, size)
    for commons, size in itertools.product(SERVICES, STAGES)
    if commons not in MIXED or size == "small" or commons.endswith("0")
]


@dataclass(frozen=True)
class Fleet:
    """A repository with an environment for each bundle in each size, as runs would leave it."""

    folder: Path
    launches: Mapping[str, documents.Launch]


def make_fleet(folder: Path) -> Fleet:
    """Launches them all: documents and values in one commit, outputs in another, Applications pinned to it."""
    ids = counting_ids()
    files_of_fleet = plan_init("tidewater", tuple(STAGES.values()), ids=ids)
    account = "apiVersion: csoc.gen3.org/v1alpha1\nkind: Account\nmetadata: {name: research, uid: a123456789}\n"
    account += 'spec: {provider: aws, id: "111122223333", purpose: workload, regions: [ap-southeast-2]}\n'
    repository = Repository(folder, _text({**files_of_fleet, "accounts/research.yaml": account.encode()}))
    launches: dict[str, documents.Launch] = {}
    for member in ("lung", "liver"):
        told = f"apiVersion: csoc.gen3.org/v1alpha1\nkind: Commons\nmetadata: {{name: {member}, uid: {ids()}}}\n"
        repository.write({f"commons/{member}/commons.yaml": told})
    for commons, size in COMBINATIONS:
        first = size == "small"
        given = answers(
            SERVICES[commons],
            commons=commons,
            stage=STAGES[size],
            size=size,
            hostname=f"{commons}.{STAGES[size]}.example.org" if size != "large" else f"{commons}.example.org",
            cluster="new" if first else commons,
            **({"members": ["lung", "liver"]} if "mesh" in SERVICES[commons] else {}),
        )
        made = launch(given, ids, commons_exists=not first)
        launches[given.environment_name] = made
        repository.write(_text(made.files) | {made.outputs_path: outputs_file(made).decode()})
    values_commit = repository.commit("What the layers made")
    for made in launches.values():
        manifest = applications.application_file(made.deployment(URL, values_commit))
        repository.write({made.application_path: manifest.decode()})
    repository.commit("Applications")
    return Fleet(folder, launches)


def _text(content: Mapping[str, bytes]) -> dict[str, str]:
    return {path: data.decode() for path, data in content.items()}


def _dictionaries() -> MemoryDictionaries:
    """The dictionary that all of them name, with the nodes of the chart's example mapping."""
    found = MemoryDictionaries()
    case = node("case", "disease_type", "primary_site", category="administrative", links=())
    found.add(DICTIONARY, schema(case))
    return found


@dataclass(frozen=True)
class Checked:
    """The fleet, checked with one chart."""

    fleet: Fleet
    loaded: LoadedFleet
    outcome: CheckOutcome
    objects: Mapping[str, list[Mapping[str, Any]]]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    return make_fleet(tmp_path_factory.mktemp("fleet"))


@pytest.fixture(scope="module", params=["stand-in", "real"])
def checked(
    request: pytest.FixtureRequest, fleet: Fleet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Checked]:
    chart = STAND_IN
    if request.param == "real":
        chart = request.getfixturevalue("real") / "gen3-chart-0.3.90.tgz"
    folder = tmp_path_factory.mktemp("cache")
    settings = loading.load({"CSOC_CACHE_DIR": str(folder), "CSOC_ALLOWED_HOSTS": "127.0.0.1", "HOME": str(folder)})
    with bootstrap.ports(settings) as ports:
        ports = replace(ports, clock=lambda: NOW, dictionaries=_dictionaries())
        loaded = load_fleet(ports, FleetQuery(str(fleet.folder), chart=str(chart)))
        with pytest.MonkeyPatch.context() as patched:
            seen = _seen_by_rules(patched)
            outcome = FleetChecker(ports).check(loaded)
        objects = {}
        for view in loaded.view.environments:
            rendering = seen[view.name].rendering
            assert rendering is not None
            assert rendering.failure is None
            objects[view.name] = [item.body for item in rendering.objects]
        yield Checked(fleet, loaded, outcome, objects)


def _seen_by_rules(patched: pytest.MonkeyPatch) -> Mapping[str, EnvironmentState]:
    """The states that the check makes, by environment: rendering the chart for all of them takes longest here."""
    seen: dict[str, EnvironmentState] = {}
    real = StateBuilder.state

    def state(builder: StateBuilder, view: EnvironmentView, **more: Any) -> EnvironmentState:
        seen[view.name] = real(builder, view, **more)
        return seen[view.name]

    patched.setattr(StateBuilder, "state", state)
    return seen


def test_the_documents_have_no_fault_and_every_environment_is_understood(checked: Checked) -> None:
    assert [str(fault) for fault in checked.loaded.documents.faults] == []
    assert [str(problem) for problem in checked.loaded.view.problems] == []
    assert {view.name for view in checked.loaded.view.environments} == set(checked.fleet.launches)


def test_the_rules_find_nothing_in_any_bundle_of_any_size(checked: Checked) -> None:
    told = [(item.rule, item.cause, item.environments) for item in checked.outcome.report.findings]
    assert told == [], "\n".join(map(str, told))


def test_every_secret_that_a_pod_needs_is_made_by_the_chart_or_planned(checked: Checked) -> None:
    for name, made in checked.fleet.launches.items():
        objects = checked.objects[name]
        by_helm = {mapping(item.get("metadata")).get("name") for item in objects if item["kind"] == "Secret"}
        pulled = {mapping(mapping(item["spec"]).get("target")).get("name"): item for item in _external(objects)}
        needed = set(_needed_secrets(objects))
        assert needed
        assert needed <= by_helm | pulled.keys(), name
        planned = {names.secret(made.environment.metadata.uid, secret.name) for secret in made.secrets.secrets}
        master = names.thing(made.environment.metadata.uid, "database-master")
        asked = {key for item in pulled.values() for key, _ in _remote(item)}
        assert asked <= planned | {master}, name
        # What is planned and not pulled is there for a service that is off.
        ahead = {secret.name for secret in made.secrets.secrets if secret.group == INDEX}
        unused = {key.rpartition("/")[2] for key in planned - asked}
        assert unused <= ahead, name


def test_planned_secrets_have_the_shape_and_the_keys_that_the_chart_reads(checked: Checked) -> None:
    for name, made in checked.fleet.launches.items():
        uid = made.environment.metadata.uid
        texts = {names.secret(uid, value.name): value.text for value in secret_values(made)}
        shapes = {names.secret(uid, secret.name): secret.shape for secret in made.secrets.secrets}
        for item in _external(checked.objects[name]):
            for key, wanted in _remote(item):
                if key not in texts:
                    continue
                assert shapes[key] == {None: "whole", "*": "object"}.get(wanted, "properties"), f"{name}: {key}"
                if wanted == "*":
                    assert all(isinstance(value, str) for value in json.loads(texts[key]).values())
                elif wanted is not None:
                    assert isinstance(json.loads(texts[key])[wanted], str), f"{name}: {key} {wanted}"
        for secret in made.secrets.secrets:
            if secret.shape == "object":
                assert set(json.loads(texts[names.secret(uid, secret.name)])) == set(secret.keys)


def test_roles_in_annotations_are_those_that_are_planned_and_the_other_way_round(checked: Checked) -> None:
    for name, made in checked.fleet.launches.items():
        annotated = {}
        for item in checked.objects[name]:
            if item["kind"] == "ServiceAccount":
                role = mapping(mapping(item["metadata"]).get("annotations")).get("eks.amazonaws.com/role-arn")
                if role:
                    annotated[item["metadata"]["name"]] = role
        told = outputs_of(made.selection, made.environment.metadata.uid)
        assert annotated == json.loads(told["RoleArns"]), name
        settings = documents.resources_of(made.environment)
        granted = {role["service_account"] for role in mappings(settings["roles"])}
        assert granted == annotated.keys(), name


def test_pods_run_as_accounts_that_the_chart_makes(checked: Checked) -> None:
    for name in checked.fleet.launches:
        objects = checked.objects[name]
        made = {item["metadata"]["name"] for item in objects if item["kind"] == "ServiceAccount"} | {"default"}
        used = {str(spec.get("serviceAccountName") or "default") for spec in _pod_specs(objects)}
        # Two jobs of the chart name accounts that it makes nowhere: one tidies up search, one is a test of Helm.
        assert used - made <= {"gitops-sa", "kubectl-access"}, name


def test_the_project_allows_what_the_chart_makes_and_nothing_elsewhere(checked: Checked) -> None:
    of_no_namespace = {
        *("Namespace", "ClusterRole", "ClusterRoleBinding", "ClusterSecretStore", "CustomResourceDefinition"),
        *("MutatingWebhookConfiguration", "PersistentVolume", "PriorityClass", "StorageClass"),
    }
    for name, made in checked.fleet.launches.items():
        spec = applications.project(made.deployment(URL, "0" * 40))["spec"]
        allowed = {entry["kind"] for entry in spec["clusterResourceWhitelist"]}
        places = {entry["namespace"] for entry in spec["destinations"]}
        hooks = {item["metadata"]["name"] for item in checked.objects[name] if _is_test(item)}
        for item in checked.objects[name]:
            if item["metadata"]["name"] in hooks:
                continue
            if item["kind"] in of_no_namespace:
                assert item["kind"] in allowed, f"{name}: {item['kind']} {item['metadata']['name']}"
            else:
                place = item["metadata"].get("namespace") or made.environment.spec.namespace
                assert place in places, f"{name}: {item['kind']} {item['metadata']['name']} in {place}"


def _is_test(item: Mapping[str, Any]) -> bool:
    """Whether Helm would only make it for its tests, which Argo CD does not run."""
    return "test" in str(mapping(item["metadata"].get("annotations")).get("helm.sh/hook") or "")


def test_only_what_was_chosen_runs(checked: Checked) -> None:
    for name, made in checked.fleet.launches.items():
        kinds = ("Deployment",)
        running = {item["metadata"]["name"] for item in checked.objects[name] if item["kind"] in kinds}
        for service in made.selection.off:
            assert f"{service}-deployment" not in running, f"{name}: {service}"
        assert "fence-deployment" in running


def test_no_two_environments_share_a_name_in_an_account_or_a_cluster(checked: Checked) -> None:
    seen: dict[tuple[str, str], str] = {}
    for name, made in checked.fleet.launches.items():
        uid = made.environment.metadata.uid
        claims = {("secret", names.secret(uid, secret.name)) for secret in made.secrets.secrets}
        claims |= {("database", json.loads(v.text)["database"]) for v in secret_values(made) if "dbcreds" in v.name}
        claims |= {("output", value) for value in outputs_of(made.selection, uid).values() if uid in value}
        claims |= {("namespace", str(made.environment.spec.namespace)), ("host", made.environment.spec.hostname)}
        for item in checked.objects[name]:
            if item["kind"] in ("ClusterRole", "ClusterRoleBinding", "Namespace"):
                claims.add((item["kind"], item["metadata"]["name"]))
        for claim in claims:
            assert claim not in seen, f"{claim} is of {seen.get(claim)} and of {name}"
            seen[claim] = name


def _external(objects: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [item for item in objects if item["kind"] == "ExternalSecret"]


def _remote(item: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Names in Secrets Manager with the property that is read; "*" for all of them, None for the whole value."""
    for entry in mappings(mapping(item["spec"]).get("data")):
        reference = mapping(entry.get("remoteRef"))
        yield str(reference["key"]), reference.get("property")
    for entry in mappings(mapping(item["spec"]).get("dataFrom")):
        yield str(mapping(entry.get("extract"))["key"]), "*"


def _pod_specs(objects: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for item in objects:
        spec = mapping(item.get("spec"))
        if item["kind"] == "CronJob":
            spec = mapping(mapping(spec.get("jobTemplate")).get("spec"))
        if item["kind"] in ("Deployment", "StatefulSet", "Job", "CronJob"):
            yield mapping(mapping(spec.get("template")).get("spec"))


def _needed_secrets(objects: list[Mapping[str, Any]]) -> Iterator[str]:
    for spec in _pod_specs(objects):
        for volume in mappings(spec.get("volumes")):
            secret = mapping(volume.get("secret"))
            if secret and not secret.get("optional"):
                yield str(secret["secretName"])
        for container in (*mappings(spec.get("containers")), *mappings(spec.get("initContainers"))):
            for entry in mappings(container.get("env")):
                reference = mapping(mapping(entry.get("valueFrom")).get("secretKeyRef"))
                if reference and not reference.get("optional"):
                    yield str(reference["name"])
            for entry in mappings(container.get("envFrom")):
                reference = mapping(entry.get("secretRef"))
                if reference and not reference.get("optional"):
                    yield str(reference["name"])
