"""How a sync goes: its waves and hooks, what it tries again, takes away and leaves alone, on every kind of Argo CD."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from csoc.clusters.applications import API, KIND, NAMESPACE, ApplicationReading
from csoc.clusters.client import Change, Where
from tests.contract.argocd_cases import CHART, SECONDS, Asking, Object, application, config_maps, data, looked, synced
from tests.contract.argocd_worlds import ArgoWorld

IMAGE = "registry.example.org/small:1"
REFUSED = "apiVersion: v1\nkind: Service\nmetadata: {name: broken}\nspec: {ports: [{port: 99999}]}\n"


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


def push(argo: ArgoWorld, *objects: Object) -> str:
    """Commits the chart with these objects alone, and lets Argo CD read it."""
    templates = {path: None for path in CHART if path.startswith("chart/templates/")}
    kept = {path: content for path, content in CHART.items() if path not in templates}
    made = {f"chart/templates/{one['kind']}-{one['metadata']['name']}.yaml": json.dumps(one) for one in objects}
    commit = argo.push({**kept, **made})
    argo.grant()
    return commit


def ended(reading: ApplicationReading) -> bool:
    return reading.operation is not None and reading.operation.is_done and not reading.asked


def results(argo: ArgoWorld, name: str) -> dict[str, tuple[str, str, str]]:
    """(status, phase of a hook, message) of each object of the last sync."""
    state = argo.client.get(API, KIND, name, NAMESPACE)["status"]["operationState"]
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


def test_waves_go_one_after_the_other_the_lowest_first(argo: ArgoWorld, applications: Asking) -> None:
    _, version = argo.client.list_all("v1", "ConfigMap", Where(argo.namespace))
    push(argo, config("a", sync_wave="2"), config("b"), config("c", sync_wave="-1"))
    name = application(argo, automated={})
    changes = argo.client.watch("v1", "ConfigMap", version, Where(argo.namespace), seconds=SECONDS)
    came = [one for one in names(changes, "ADDED", "a") if one != "kube-root-ca.crt"]
    assert came == ["c", "b", "a"]
    found = applications.wait_for(name, synced, SECONDS)
    assert found.operation is not None
    assert found.operation.message == "successfully synced (all tasks run)"


def test_a_wave_waits_for_the_health_of_the_one_before_until_the_sync_is_stopped(
    argo: ArgoWorld, applications: Asking
) -> None:
    push(argo, deployment_nowhere("first"), config("second", sync_wave="1"))
    name = application(argo)
    applications.wait_for(name, looked, SECONDS)
    applications.sync(name)
    waits = "waiting for healthy state of apps/Deployment/first"
    applications.wait_for(name, lambda one: one.operation is not None and one.operation.message == waits, SECONDS)
    assert config_maps(argo) == set()
    assert applications.stop(name)
    found = applications.wait_for(name, ended, SECONDS)
    assert found.operation is not None
    assert (found.operation.phase, found.operation.message) == ("Failed", "Operation terminated")
    assert config_maps(argo) == set()
    assert not applications.stop(name)


def test_with_the_finalizer_what_came_last_goes_first(argo: ArgoWorld, applications: Asking) -> None:
    push(argo, config("a"), config("b", sync_wave="1"), config("c", sync_wave="2"))
    name = application(argo, automated={})
    applications.wait_for(name, synced, SECONDS)
    _, version = argo.client.list_all("v1", "ConfigMap", Where(argo.namespace))
    applications.delete(name, cascade=True)
    changes = argo.client.watch("v1", "ConfigMap", version, Where(argo.namespace), seconds=SECONDS)
    assert names(changes, "DELETED", "a") == ["c", "b", "a"]


# Hooks


def test_a_hook_before_the_sync_runs_first_and_goes_when_it_ended_well(argo: ArgoWorld, applications: Asking) -> None:
    before = job("before", hook="PreSync", hook_delete_policy="HookSucceeded")
    push(argo, before, config("main"), config("after", hook="PostSync"))
    name = application(argo, automated={})
    found = applications.wait_for(name, synced, SECONDS)
    assert [one.name for one in found.resources if not one.is_hook] == ["main"]
    told = results(argo, name)
    assert told["before"] == ("", "Succeeded", "Reached expected number of succeeded pods")
    assert told["main"] == ("Synced", "Succeeded", "configmap/main created")
    assert told["after"][1:] == ("Succeeded", "after created")
    assert config_maps(argo) == {"main", "after"}
    # It is deleted with what it owns, which may take a moment longer than the sync.
    jobs, version = argo.client.list_all("batch/v1", "Job", Where(argo.namespace))
    if jobs:
        changes = argo.client.watch("batch/v1", "Job", version, Where(argo.namespace), seconds=SECONDS)
        assert names(changes, "DELETED", "before") == ["before"]


def test_a_hook_that_fails_before_the_sync_fails_it_and_nothing_is_applied(
    argo: ArgoWorld, applications: Asking
) -> None:
    push(argo, job("before", fails=True, hook="PreSync"), config("main"))
    name = application(argo)
    applications.wait_for(name, looked, SECONDS)
    applications.sync(name)
    found = applications.wait_for(name, ended, SECONDS)
    assert found.operation is not None
    assert found.operation.phase == "Failed"
    assert found.operation.message == "one or more synchronization tasks completed unsuccessfully"
    [failed] = found.operation.failed
    assert (failed.kind, failed.name, failed.is_hook) == ("Job", "before", True)
    assert failed.message == "Job was active longer than specified deadline"
    assert (found.sync, config_maps(argo)) == ("OutOfSync", set())


def test_a_hook_for_failures_runs_after_one(argo: ArgoWorld, applications: Asking) -> None:
    push(argo, job("before", fails=True, hook="PreSync"), config("main"), config("alarm", hook="SyncFail"))
    name = application(argo)
    applications.wait_for(name, looked, SECONDS)
    applications.sync(name)
    found = applications.wait_for(name, ended, SECONDS)
    assert found.operation is not None
    assert found.operation.phase == "Failed"
    assert config_maps(argo) == {"alarm"}


# What fails, and is tried again


def test_with_a_credential_that_opens_nothing_nothing_is_known_and_the_token_is_not_told(
    argo: ArgoWorld, applications: Asking
) -> None:
    argo.push(CHART)
    argo.grant(wrongly=True)
    # The real one writes conditions first and what it makes of them after.
    found = applications.wait_for(application(argo), lambda one: bool(one.conditions) and looked(one), SECONDS)
    assert (found.sync, found.health) == ("Unknown", "Healthy")
    [(kind, message)] = found.conditions
    assert kind == "ComparisonError"
    assert "authentication required" in message
    assert "0" * 40 not in message


def test_a_sync_that_is_refused_is_tried_again_as_often_as_it_says(argo: ArgoWorld, applications: Asking) -> None:
    argo.push({**CHART, "chart/templates/broken.yaml": REFUSED})
    argo.grant()
    policy = {"automated": {}, "retry": {"limit": 1, "backoff": {"duration": "1s", "factor": 1}}}
    name = application(argo, syncPolicy=policy)
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
    assert data(argo) == {"greeting": "hello"}


# What is taken away, and what is left alone


def test_what_is_no_longer_wanted_is_pruned_by_itself_unless_it_says_no(argo: ArgoWorld, applications: Asking) -> None:
    push(argo, config("main"), config("extra"), config("kept", sync_options="Prune=false"))
    name = application(argo, automated={"prune": True})
    applications.wait_for(name, synced, SECONDS)
    templates = {f"chart/templates/ConfigMap-{one}.yaml": None for one in ("extra", "kept")}
    commit = argo.push(templates)
    applications.refresh(name)
    found = applications.wait_for(
        name, lambda one: ended(one) and one.revisions == (commit, commit) and len(one.resources) == 2, SECONDS
    )
    assert {(one.name, one.sync, one.needs_pruning) for one in found.resources} == {
        ("main", "Synced", False),
        ("kept", "OutOfSync", True),
    }
    assert config_maps(argo) == {"main", "kept"}
    told = results(argo, name)
    assert told["extra"] == ("Pruned", "Succeeded", "pruned")
    assert told["kept"] == ("PruneSkipped", "Succeeded", "ignored (no prune)")


def test_without_self_healing_what_somebody_changed_by_hand_stays_out_of_sync(
    argo: ArgoWorld, applications: Asking
) -> None:
    argo.push(CHART)
    argo.grant()
    name = application(argo, automated={})
    applications.wait_for(name, synced, SECONDS)
    argo.client.merge("v1", "ConfigMap", "small", {"data": {"greeting": "by hand"}}, argo.namespace)
    applications.wait_for(name, lambda one: one.sync == "OutOfSync", SECONDS)
    applications.refresh(name)
    found = applications.wait_for(name, lambda one: not one.is_refreshing, SECONDS)
    assert (found.sync, found.conditions) == ("OutOfSync", ())
    assert data(argo) == {"greeting": "by hand"}


def test_what_somebody_deleted_by_hand_comes_again(argo: ArgoWorld, applications: Asking) -> None:
    argo.push(CHART)
    argo.grant()
    name = application(argo, automated={"selfHeal": True})
    applications.wait_for(name, synced, SECONDS)
    before = argo.client.get("v1", "ConfigMap", "small", argo.namespace)["metadata"]
    argo.client.delete("v1", "ConfigMap", "small", argo.namespace)
    changes = argo.client.watch("v1", "ConfigMap", before["resourceVersion"], Where(argo.namespace), seconds=SECONDS)
    again = next(
        change for change in changes if change.type == "ADDED" and change.object["metadata"]["name"] == "small"
    )
    assert again.object["metadata"]["uid"] != before["uid"]
    assert again.object["data"] == {"greeting": "hello"}


def test_deleting_with_the_finalizer_leaves_what_says_so(argo: ArgoWorld, applications: Asking) -> None:
    push(argo, config("main"), config("kept", sync_options="Delete=false"))
    name = application(argo, automated={})
    applications.wait_for(name, synced, SECONDS)
    applications.delete(name, cascade=True)
    applications.wait_until_gone(name)
    assert config_maps(argo) == {"kept"}


@pytest.mark.parametrize("finalizer", ["", "/foreground", "/background"])
def test_an_application_that_carries_a_finalizer_cascades_whoever_deletes_it(
    argo: ArgoWorld, applications: Asking, finalizer: str
) -> None:
    push(argo, config("main"))
    name = application(argo, automated={})
    applications.wait_for(name, synced, SECONDS)
    carried: Any = [f"resources-finalizer.argocd.argoproj.io{finalizer}"]
    argo.client.merge(API, KIND, name, {"metadata": {"finalizers": carried}}, NAMESPACE)
    argo.client.delete(API, KIND, name, NAMESPACE)
    applications.wait_until_gone(name)
    assert config_maps(argo) == set()
