"""How a sync goes: its waves and hooks, what it tries again, takes away and leaves alone, on every kind of Argo CD."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from csoc.clusters.applications import API, KIND, NAMESPACE, ApplicationReading, Applications
from csoc.clusters.client import Change, Where
from tests.contract.argocd_cases import CHART, SECONDS, Object, application, config_maps, data, looked, synced
from tests.contract.argocd_worlds import ArgoWorld, RealArgo, SimulatedArgo
from tests.contract.cluster_worlds import SimulatedWorld, simulated_world

IMAGE = "registry.example.org/small:1"
REFUSED = "apiVersion: v1\nkind: Service\nmetadata: {name: broken}\nspec: {ports: [{port: 99999}]}\n"


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


def config(name: str, **annotations: str) -> Object:
    """A ConfigMap with annotations of Argo CD: sync_wave="1" is argocd.argoproj.io/sync-wave: "1"."""
    return annotated({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}, **annotations)


def annotated(body: Object, **annotations: str) -> Object:
    given = {f"argocd.argoproj.io/{name.replace('_', '-')}": text for name, text in annotations.items()}
    return {**body, "metadata": {**body["metadata"], "annotations": given}}


def job(name: str, *, fails: bool = False, **annotations: str) -> Object:
    """A Job that ends well, or one that fits on no node until its time is over."""
    nowhere = {"nodeSelector": {"zone": "nowhere"}} if fails else {}
    pod = {"containers": [{"name": "main", "image": IMAGE}], "restartPolicy": "Never", **nowhere}
    spec = {"backoffLimit": 0, "template": {"spec": pod}} | ({"activeDeadlineSeconds": 2} if fails else {})
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}
    return annotated(body, **annotations)


def deployment_nowhere(name: str, **annotations: str) -> Object:
    """A Deployment that never is healthy."""
    pod = {"containers": [{"name": "main", "image": IMAGE}], "nodeSelector": {"zone": "nowhere"}}
    template = {"metadata": {"labels": {"app": name}}, "spec": pod}
    spec = {"selector": {"matchLabels": {"app": name}}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
    return annotated(body, **annotations)


def push(world: ArgoWorld, *objects: Object) -> str:
    """Commits the chart with these objects alone, and lets Argo CD read it."""
    templates = {path: None for path in CHART if path.startswith("chart/templates/")}
    kept = {path: content for path, content in CHART.items() if path not in templates}
    made = {f"chart/templates/{one['kind']}-{one['metadata']['name']}.yaml": json.dumps(one) for one in objects}
    commit = world.push({**kept, **made})
    world.grant()
    return commit


def ended(reading: ApplicationReading) -> bool:
    return reading.operation is not None and reading.operation.is_done and not reading.asked


def results(world: ArgoWorld, name: str) -> dict[str, tuple[str, str, str]]:
    """(status, phase of a hook, message) of each object of the last sync."""
    state = world.client.get(API, KIND, name, NAMESPACE)["status"]["operationState"]
    return {
        one["name"]: (one.get("status", ""), one.get("hookPhase", ""), one.get("message", ""))
        for one in state["syncResult"]["resources"]
    }


def names(changes: Iterator[Change], kind: str, until: str) -> list[str]:
    """The names of what came (ADDED) or went (DELETED), in order, up to one of them."""
    found: list[str] = []
    for change in changes:
        if change.type == kind:
            found.append(change.object["metadata"]["name"])
            if found[-1] == until:
                break
    return found


# Waves


def test_waves_go_one_after_the_other_the_lowest_first(world: ArgoWorld, applications: Applications) -> None:
    _, version = world.client.list_all("v1", "ConfigMap", Where(world.namespace))
    push(world, config("a", sync_wave="2"), config("b"), config("c", sync_wave="-1"))
    name = application(world, automated={})
    changes = world.client.watch("v1", "ConfigMap", version, Where(world.namespace), seconds=SECONDS)
    came = [one for one in names(changes, "ADDED", "a") if one != "kube-root-ca.crt"]
    assert came == ["c", "b", "a"]
    found = applications.wait_for(name, synced, SECONDS)
    assert found.operation is not None
    assert found.operation.message == "successfully synced (all tasks run)"


def test_a_wave_waits_for_the_health_of_the_one_before_until_the_sync_is_stopped(
    world: ArgoWorld, applications: Applications
) -> None:
    push(world, deployment_nowhere("first"), config("second", sync_wave="1"))
    name = application(world)
    applications.wait_for(name, looked, SECONDS)
    applications.sync(name)
    waits = "waiting for healthy state of apps/Deployment/first"
    applications.wait_for(name, lambda one: one.operation is not None and one.operation.message == waits, SECONDS)
    assert config_maps(world) == set()
    assert applications.stop(name)
    found = applications.wait_for(name, ended, SECONDS)
    assert found.operation is not None
    assert (found.operation.phase, found.operation.message) == ("Failed", "Operation terminated")
    assert config_maps(world) == set()
    assert not applications.stop(name)


def test_with_the_finalizer_what_came_last_goes_first(world: ArgoWorld, applications: Applications) -> None:
    push(world, config("a"), config("b", sync_wave="1"), config("c", sync_wave="2"))
    name = application(world, automated={})
    applications.wait_for(name, synced, SECONDS)
    _, version = world.client.list_all("v1", "ConfigMap", Where(world.namespace))
    applications.delete(name, cascade=True)
    changes = world.client.watch("v1", "ConfigMap", version, Where(world.namespace), seconds=SECONDS)
    assert names(changes, "DELETED", "a") == ["c", "b", "a"]


# Hooks


def test_a_hook_before_the_sync_runs_first_and_goes_when_it_ended_well(
    world: ArgoWorld, applications: Applications
) -> None:
    before = job("before", hook="PreSync", hook_delete_policy="HookSucceeded")
    push(world, before, config("main"), config("after", hook="PostSync"))
    name = application(world, automated={})
    found = applications.wait_for(name, synced, SECONDS)
    assert [one.name for one in found.resources if not one.is_hook] == ["main"]
    told = results(world, name)
    assert told["before"] == ("", "Succeeded", "Reached expected number of succeeded pods")
    assert told["main"] == ("Synced", "Succeeded", "configmap/main created")
    assert told["after"][1:] == ("Succeeded", "after created")
    assert config_maps(world) == {"main", "after"}
    # It is deleted with what it owns, which may take a moment longer than the sync.
    jobs, version = world.client.list_all("batch/v1", "Job", Where(world.namespace))
    if jobs:
        changes = world.client.watch("batch/v1", "Job", version, Where(world.namespace), seconds=SECONDS)
        assert names(changes, "DELETED", "before") == ["before"]


def test_a_hook_that_fails_before_the_sync_fails_it_and_nothing_is_applied(
    world: ArgoWorld, applications: Applications
) -> None:
    push(world, job("before", fails=True, hook="PreSync"), config("main"))
    name = application(world)
    applications.wait_for(name, looked, SECONDS)
    applications.sync(name)
    found = applications.wait_for(name, ended, SECONDS)
    assert found.operation is not None
    assert found.operation.phase == "Failed"
    assert found.operation.message == "one or more synchronization tasks completed unsuccessfully"
    [failed] = found.operation.failed
    assert (failed.kind, failed.name, failed.is_hook) == ("Job", "before", True)
    assert failed.message == "Job was active longer than specified deadline"
    assert (found.sync, config_maps(world)) == ("OutOfSync", set())


def test_a_hook_for_failures_runs_after_one(world: ArgoWorld, applications: Applications) -> None:
    push(world, job("before", fails=True, hook="PreSync"), config("main"), config("alarm", hook="SyncFail"))
    name = application(world)
    applications.wait_for(name, looked, SECONDS)
    applications.sync(name)
    found = applications.wait_for(name, ended, SECONDS)
    assert found.operation is not None
    assert found.operation.phase == "Failed"
    assert config_maps(world) == {"alarm"}


# What fails, and is tried again


def test_with_a_credential_that_opens_nothing_nothing_is_known_and_the_token_is_not_told(
    world: ArgoWorld, applications: Applications
) -> None:
    world.push(CHART)
    world.grant(wrongly=True)
    # The real one writes conditions first and what it makes of them after.
    found = applications.wait_for(application(world), lambda one: bool(one.conditions) and looked(one), SECONDS)
    assert (found.sync, found.health) == ("Unknown", "Healthy")
    [(kind, message)] = found.conditions
    assert kind == "ComparisonError"
    assert "authentication required" in message
    assert "0" * 40 not in message


def test_a_sync_that_is_refused_is_tried_again_as_often_as_it_says(
    world: ArgoWorld, applications: Applications
) -> None:
    world.push({**CHART, "chart/templates/broken.yaml": REFUSED})
    world.grant()
    policy = {"automated": {}, "retry": {"limit": 1, "backoff": {"duration": "1s", "factor": 1}}}
    name = application(world, syncPolicy=policy)
    found = applications.wait_for(name, ended, SECONDS)
    assert found.operation is not None
    assert (found.operation.phase, found.operation.retries) == ("Failed", 1)
    assert found.operation.message.startswith("one or more objects failed to apply, reason: ")
    assert found.operation.message.endswith(" (retried 1 times).")
    told = applications.wait_for(name, lambda one: bool(one.conditions), SECONDS)
    [(kind, message)] = told.conditions
    assert kind == "SyncError"
    assert message.startswith("Failed last sync attempt to [")
    # What was not refused is there.
    assert data(world) == {"greeting": "hello"}


# What is taken away, and what is left alone


def test_what_is_no_longer_wanted_is_pruned_by_itself_unless_it_says_no(
    world: ArgoWorld, applications: Applications
) -> None:
    push(world, config("main"), config("extra"), config("kept", sync_options="Prune=false"))
    name = application(world, automated={"prune": True})
    applications.wait_for(name, synced, SECONDS)
    templates = {f"chart/templates/ConfigMap-{one}.yaml": None for one in ("extra", "kept")}
    commit = world.push(templates)
    applications.refresh(name)
    found = applications.wait_for(
        name, lambda one: ended(one) and one.revisions == (commit, commit) and len(one.resources) == 2, SECONDS
    )
    assert {(one.name, one.sync, one.needs_pruning) for one in found.resources} == {
        ("main", "Synced", False),
        ("kept", "OutOfSync", True),
    }
    assert config_maps(world) == {"main", "kept"}
    told = results(world, name)
    assert told["extra"] == ("Pruned", "Succeeded", "pruned")
    assert told["kept"] == ("PruneSkipped", "Succeeded", "ignored (no prune)")


def test_without_self_healing_what_somebody_changed_by_hand_stays_out_of_sync(
    world: ArgoWorld, applications: Applications
) -> None:
    world.push(CHART)
    world.grant()
    name = application(world, automated={})
    applications.wait_for(name, synced, SECONDS)
    world.client.merge("v1", "ConfigMap", "small", {"data": {"greeting": "by hand"}}, world.namespace)
    applications.wait_for(name, lambda one: one.sync == "OutOfSync", SECONDS)
    applications.refresh(name)
    found = applications.wait_for(name, lambda one: not one.is_refreshing, SECONDS)
    assert (found.sync, found.conditions) == ("OutOfSync", ())
    assert data(world) == {"greeting": "by hand"}


def test_what_somebody_deleted_by_hand_comes_again(world: ArgoWorld, applications: Applications) -> None:
    world.push(CHART)
    world.grant()
    name = application(world, automated={"selfHeal": True})
    applications.wait_for(name, synced, SECONDS)
    before = world.client.get("v1", "ConfigMap", "small", world.namespace)["metadata"]
    world.client.delete("v1", "ConfigMap", "small", world.namespace)
    changes = world.client.watch("v1", "ConfigMap", before["resourceVersion"], Where(world.namespace), seconds=SECONDS)
    again = next(
        change for change in changes if change.type == "ADDED" and change.object["metadata"]["name"] == "small"
    )
    assert again.object["metadata"]["uid"] != before["uid"]
    assert again.object["data"] == {"greeting": "hello"}


def test_deleting_with_the_finalizer_leaves_what_says_so(world: ArgoWorld, applications: Applications) -> None:
    push(world, config("main"), config("kept", sync_options="Delete=false"))
    name = application(world, automated={})
    applications.wait_for(name, synced, SECONDS)
    applications.delete(name, cascade=True)
    assert any(reading is None for reading in until_gone(applications, name))
    assert config_maps(world) == {"kept"}


@pytest.mark.parametrize("finalizer", ["", "/foreground", "/background"])
def test_an_application_that_carries_a_finalizer_cascades_whoever_deletes_it(
    world: ArgoWorld, applications: Applications, finalizer: str
) -> None:
    push(world, config("main"))
    name = application(world, automated={})
    applications.wait_for(name, synced, SECONDS)
    carried: Any = [f"resources-finalizer.argocd.argoproj.io{finalizer}"]
    world.client.merge(API, KIND, name, {"metadata": {"finalizers": carried}}, NAMESPACE)
    world.client.delete(API, KIND, name, NAMESPACE)
    assert any(reading is None for reading in until_gone(applications, name))
    assert config_maps(world) == set()


def until_gone(applications: Applications, name: str) -> Iterator[ApplicationReading | None]:
    for reading in applications.follow(name, SECONDS):
        yield reading
        if reading is None:
            return
