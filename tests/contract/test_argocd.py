"""What csoc relies on of Argo CD, clause by clause, on every kind of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from csoc.clusters.applications import ApplicationReading, Applications, SyncRequest
from csoc.clusters.client import Where
from csoc.errors import NotFoundError
from tests.contract.argocd_cases import CHART, SECONDS, WORKLOAD, application, config_maps, data, done, looked, synced
from tests.contract.argocd_worlds import ArgoWorld, RealArgo, SimulatedArgo
from tests.contract.cluster_worlds import SimulatedWorld, simulated_world


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedWorld]:
    with simulated_world(tmp_path_factory.mktemp("cache")) as made:
        yield made


@pytest.fixture(
    params=[
        pytest.param("simulated", marks=pytest.mark.gitea),
        pytest.param("real", marks=[pytest.mark.kubernetes, pytest.mark.gitea]),
    ]
)
def world(request: pytest.FixtureRequest) -> ArgoWorld:
    if request.param == "simulated":
        return SimulatedArgo(request.getfixturevalue("simulated"), request.getfixturevalue("gitea"))
    return RealArgo(request.getfixturevalue("delivery"), request.getfixturevalue("gitea"))


@pytest.fixture
def applications(world: ArgoWorld) -> Applications:
    return Applications(world.client)


def test_without_a_credential_nothing_is_known_and_the_reason_is_told(
    world: ArgoWorld, applications: Applications
) -> None:
    world.push(CHART)
    found = applications.wait_for(application(world), lambda one: bool(one.conditions), SECONDS)
    assert found.sync == "Unknown"
    assert [kind for kind, _ in found.conditions] == ["ComparisonError"]
    assert "authentication required" in found.conditions[0][1]


def test_an_application_that_is_not_automated_is_compared_and_waits(
    world: ArgoWorld, applications: Applications
) -> None:
    commit = world.push(CHART)
    world.grant()
    found = applications.wait_for(application(world), looked, SECONDS)
    assert (found.sync, found.health, found.revisions) == ("OutOfSync", "Missing", (commit, commit))
    assert [(one.kind, one.name, one.sync) for one in found.resources] == [("ConfigMap", "small", "OutOfSync")]
    assert found.operation is None
    assert config_maps(world) == set()


def test_a_sync_that_is_asked_for_is_done_and_told(world: ArgoWorld, applications: Applications) -> None:
    commit = world.push(CHART)
    world.grant()
    name = application(world)
    applications.wait_for(name, looked, SECONDS)
    applications.sync(name)
    found = applications.wait_for(name, synced, SECONDS)
    assert found.operation is not None
    assert found.operation.revisions == (commit, commit)
    assert found.operation.finished_at is not None
    assert found.is_synced_and_healthy
    assert data(world) == {"greeting": "hello"}


def test_an_automated_application_syncs_itself_and_follows_after_a_refresh(
    world: ArgoWorld, applications: Applications
) -> None:
    world.push(CHART)
    world.grant()
    name = application(world, automated={})
    applications.wait_for(name, synced, SECONDS)
    later = world.push({"here.yaml": "greeting: good morning\n"})
    applications.refresh(name)
    applications.wait_for(name, lambda one: synced(one) and one.revisions == (later, later), SECONDS)
    assert data(world) == {"greeting": "good morning"}


def test_a_pinned_commit_stays_when_the_branch_moves(world: ArgoWorld, applications: Applications) -> None:
    pinned = world.push(CHART)
    world.grant()
    name = application(world, pinned, automated={})
    applications.wait_for(name, synced, SECONDS)
    world.push({"here.yaml": "greeting: too early\n"})
    applications.refresh(name)
    after = applications.wait_for(name, lambda one: not one.is_refreshing, SECONDS)
    assert (after.sync, after.revisions) == ("Synced", (pinned, pinned))
    assert data(world) == {"greeting": "hello"}


def test_what_is_no_longer_wanted_is_pruned_only_when_asked(world: ArgoWorld, applications: Applications) -> None:
    world.push({**CHART, "here.yaml": "extra: true\n"})
    world.grant()
    name = application(world)
    applications.wait_for(name, looked, SECONDS)
    applications.sync(name)
    applications.wait_for(name, synced, SECONDS)
    assert config_maps(world) == {"small", "extra"}
    commit = world.push({"here.yaml": "extra: false\n"})
    applications.refresh(name)
    found = applications.wait_for(name, lambda one: one.revisions == (commit, commit), SECONDS)
    assert [one.name for one in found.resources if one.needs_pruning] == ["extra"]
    applications.sync(name)
    applications.wait_for(name, lambda one: done(one, commit), SECONDS)
    assert config_maps(world) == {"small", "extra"}
    applications.sync(name, SyncRequest(prune=True))
    applications.wait_for(name, lambda one: one.sync == "Synced" and not one.asked, SECONDS)
    assert config_maps(world) == {"small"}


def test_what_somebody_changes_by_hand_is_out_of_sync_and_healed_if_asked(
    world: ArgoWorld, applications: Applications
) -> None:
    world.push(CHART)
    world.grant()
    name = application(world, automated={"selfHeal": True})
    applications.wait_for(name, synced, SECONDS)
    world.client.merge("v1", "ConfigMap", "small", {"data": {"greeting": "by hand"}}, world.namespace)
    changes = world.client.watch(
        "v1", "ConfigMap", "0", Where(world.namespace, fields={"metadata.name": "small"}), seconds=SECONDS
    )
    healed = (change for change in changes if change.object.get("data", {}).get("greeting") == "hello")
    assert next(healed).object["metadata"]["name"] == "small"


def test_an_object_that_the_cluster_refuses_fails_the_sync_with_its_reason(
    world: ArgoWorld, applications: Applications
) -> None:
    broken = "apiVersion: v1\nkind: Service\nmetadata: {name: broken}\nspec: {ports: [{port: 99999}]}\n"
    world.push({**CHART, "chart/templates/broken.yaml": broken})
    world.grant()
    name = application(world)
    applications.wait_for(name, looked, SECONDS)
    applications.sync(name)
    found = applications.wait_for(name, lambda one: one.operation is not None and one.operation.is_done, SECONDS)
    assert found.operation is not None
    assert found.operation.phase == "Failed"
    assert [one.name for one in found.operation.failed] == ["broken"]
    assert "must be between 1 and 65535" in found.operation.failed[0].message


def test_a_kind_without_definition_is_told_before_anything_is_applied(
    world: ArgoWorld, applications: Applications
) -> None:
    unknown = "apiVersion: example.org/v1\nkind: Nosuch\nmetadata: {name: unknown}\n"
    world.push({**CHART, "chart/templates/unknown.yaml": unknown})
    world.grant()
    name = application(world)
    applications.wait_for(name, looked, SECONDS)
    applications.sync(name)
    found = applications.wait_for(name, lambda one: one.operation is not None and one.operation.is_done, SECONDS)
    assert found.operation is not None
    assert "one or more synchronization tasks are not valid" in found.operation.message
    assert config_maps(world) == set()


def test_values_that_are_not_there_are_a_comparison_error(world: ArgoWorld, applications: Applications) -> None:
    world.push({path: content for path, content in CHART.items() if path != "here.yaml"})
    world.grant()
    found = applications.wait_for(application(world), lambda one: bool(one.conditions), SECONDS)
    assert found.conditions[0][0] == "ComparisonError"
    assert "here.yaml" in found.conditions[0][1]


def test_a_project_keeps_an_application_where_it_belongs(world: ArgoWorld, applications: Applications) -> None:
    world.push(CHART)
    world.grant()
    elsewhere = {"server": "https://kubernetes.default.svc", "namespace": "kube-system"}
    found = applications.wait_for(application(world, destination=elsewhere), lambda one: bool(one.conditions), SECONDS)
    assert found.conditions[0][0] == "InvalidSpecError"
    assert "do not match any of the allowed destinations" in found.conditions[0][1]


def test_a_workload_becomes_healthy_and_its_own_health_stands_nowhere(
    world: ArgoWorld, applications: Applications
) -> None:
    world.push({**CHART, "chart/templates/workload.yaml": WORKLOAD})
    world.grant()
    name = application(world, automated={})
    found = applications.wait_for(name, lambda one: one.is_synced_and_healthy and bool(one.resources), SECONDS)
    assert {(one.kind, one.health) for one in found.resources} == {("ConfigMap", ""), ("Deployment", "")}
    assert world.client.get("apps/v1", "Deployment", "small", world.namespace)["status"]["readyReplicas"] == 1


def test_deleting_without_cascade_leaves_what_runs(world: ArgoWorld, applications: Applications) -> None:
    world.push(CHART)
    world.grant()
    name = application(world, automated={})
    applications.wait_for(name, synced, SECONDS)
    assert applications.delete(name, cascade=False)
    assert next(applications.follow(name, 5)) is None
    assert config_maps(world) == {"small"}
    with pytest.raises(NotFoundError):
        applications.get(name)


def test_deleting_with_cascade_takes_along_what_it_manages(world: ArgoWorld, applications: Applications) -> None:
    world.push(CHART)
    world.grant()
    name = application(world, automated={})
    applications.wait_for(name, synced, SECONDS)
    assert applications.delete(name, cascade=True)
    assert any(reading is None for reading in _until_gone(applications, name))
    assert config_maps(world) == set()
    assert not applications.delete(name, cascade=True)


def _until_gone(applications: Applications, name: str) -> list[ApplicationReading | None]:
    seen: list[ApplicationReading | None] = []
    for reading in applications.follow(name, SECONDS):
        seen.append(reading)
        if reading is None:
            break
    return seen


def test_lost_access_is_told_and_what_runs_stays(world: ArgoWorld, applications: Applications) -> None:
    world.push(CHART)
    world.grant()
    name = application(world, automated={})
    applications.wait_for(name, synced, SECONDS)
    world.revoke()
    applications.refresh(name, hard=True)
    found = applications.wait_for(name, lambda one: one.sync == "Unknown", SECONDS)
    assert any("authentication required" in message for _, message in found.conditions)
    assert data(world) == {"greeting": "hello"}
