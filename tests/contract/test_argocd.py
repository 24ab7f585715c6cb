"""What csoc relies on of Argo CD, clause by clause, on every kind of it."""

from __future__ import annotations

import pytest

from csoc.clusters.applications import SyncRequest
from csoc.clusters.client import Where
from csoc.errors import NotFoundError
from tests.contract.argocd_cases import (
    CHART,
    SECONDS,
    WORKLOAD,
    Asking,
    application,
    config_maps,
    data,
    done,
    looked,
    synced,
)
from tests.contract.argocd_worlds import ArgoWorld


def test_without_a_credential_nothing_is_known_and_the_reason_is_told(argo: ArgoWorld, applications: Asking) -> None:
    argo.push(CHART)
    found = applications.wait_for(application(argo), lambda one: bool(one.conditions), SECONDS)
    assert found.sync == "Unknown"
    assert [kind for kind, _ in found.conditions] == ["ComparisonError"]
    assert "authentication required" in found.conditions[0][1]


def test_an_application_that_is_not_automated_is_compared_and_waits(argo: ArgoWorld, applications: Asking) -> None:
    commit = argo.push(CHART)
    argo.grant()
    found = applications.wait_for(application(argo), looked, SECONDS)
    assert (found.sync, found.health, found.revisions) == ("OutOfSync", "Missing", (commit, commit))
    assert [(one.kind, one.name, one.sync) for one in found.resources] == [("ConfigMap", "small", "OutOfSync")]
    assert found.operation is None
    assert config_maps(argo) == set()


def test_a_sync_that_is_asked_for_is_done_and_told(argo: ArgoWorld, applications: Asking) -> None:
    commit = argo.push(CHART)
    argo.grant()
    name = application(argo)
    applications.wait_for(name, looked, SECONDS)
    applications.sync(name)
    found = applications.wait_for(name, synced, SECONDS)
    assert found.operation is not None
    assert found.operation.revisions == (commit, commit)
    assert found.operation.finished_at is not None
    assert found.is_synced_and_healthy
    assert data(argo) == {"greeting": "hello"}


def test_an_automated_application_syncs_itself_and_follows_after_a_refresh(
    argo: ArgoWorld, applications: Asking
) -> None:
    argo.push(CHART)
    argo.grant()
    name = application(argo, automated={})
    applications.wait_for(name, synced, SECONDS)
    later = argo.push({"here.yaml": "greeting: good morning\n"})
    applications.refresh(name)
    applications.wait_for(name, lambda one: synced(one) and one.revisions == (later, later), SECONDS)
    assert data(argo) == {"greeting": "good morning"}


def test_a_pinned_commit_stays_when_the_branch_moves(argo: ArgoWorld, applications: Asking) -> None:
    pinned = argo.push(CHART)
    argo.grant()
    name = application(argo, pinned, automated={})
    applications.wait_for(name, synced, SECONDS)
    argo.push({"here.yaml": "greeting: too early\n"})
    applications.refresh(name)
    after = applications.wait_for(name, lambda one: not one.is_refreshing, SECONDS)
    assert (after.sync, after.revisions) == ("Synced", (pinned, pinned))
    assert data(argo) == {"greeting": "hello"}


def test_what_is_no_longer_wanted_is_pruned_only_when_asked(argo: ArgoWorld, applications: Asking) -> None:
    argo.push({**CHART, "here.yaml": "extra: true\n"})
    argo.grant()
    name = application(argo)
    applications.wait_for(name, looked, SECONDS)
    applications.sync(name)
    applications.wait_for(name, synced, SECONDS)
    assert config_maps(argo) == {"small", "extra"}
    commit = argo.push({"here.yaml": "extra: false\n"})
    applications.refresh(name)
    found = applications.wait_for(name, lambda one: one.revisions == (commit, commit), SECONDS)
    assert [one.name for one in found.resources if one.needs_pruning] == ["extra"]
    applications.sync(name)
    applications.wait_for(name, lambda one: done(one, commit), SECONDS)
    assert config_maps(argo) == {"small", "extra"}
    applications.sync(name, SyncRequest(prune=True))
    applications.wait_for(name, lambda one: one.sync == "Synced" and not one.asked, SECONDS)
    assert config_maps(argo) == {"small"}


def test_what_somebody_changes_by_hand_is_out_of_sync_and_healed_if_asked(
    argo: ArgoWorld, applications: Asking
) -> None:
    argo.push(CHART)
    argo.grant()
    name = application(argo, automated={"selfHeal": True})
    applications.wait_for(name, synced, SECONDS)
    argo.client.merge("v1", "ConfigMap", "small", {"data": {"greeting": "by hand"}}, argo.namespace)
    changes = argo.client.watch(
        "v1", "ConfigMap", "0", Where(argo.namespace, fields={"metadata.name": "small"}), seconds=SECONDS
    )
    healed = (change for change in changes if change.object.get("data", {}).get("greeting") == "hello")
    assert next(healed).object["metadata"]["name"] == "small"


def test_an_object_that_the_cluster_refuses_fails_the_sync_with_its_reason(
    argo: ArgoWorld, applications: Asking
) -> None:
    broken = "apiVersion: v1\nkind: Service\nmetadata: {name: broken}\nspec: {ports: [{port: 99999}]}\n"
    argo.push({**CHART, "chart/templates/broken.yaml": broken})
    argo.grant()
    name = application(argo)
    applications.wait_for(name, looked, SECONDS)
    applications.sync(name)
    found = applications.wait_for(name, lambda one: one.operation is not None and one.operation.is_done, SECONDS)
    assert found.operation is not None
    assert found.operation.phase == "Failed"
    assert [one.name for one in found.operation.failed] == ["broken"]
    assert "must be between 1 and 65535" in found.operation.failed[0].message


def test_a_kind_without_definition_is_told_before_anything_is_applied(argo: ArgoWorld, applications: Asking) -> None:
    unknown = "apiVersion: example.org/v1\nkind: Nosuch\nmetadata: {name: unknown}\n"
    argo.push({**CHART, "chart/templates/unknown.yaml": unknown})
    argo.grant()
    name = application(argo)
    applications.wait_for(name, looked, SECONDS)
    applications.sync(name)
    found = applications.wait_for(name, lambda one: one.operation is not None and one.operation.is_done, SECONDS)
    assert found.operation is not None
    assert "one or more synchronization tasks are not valid" in found.operation.message
    assert config_maps(argo) == set()


def test_values_that_are_not_there_are_a_comparison_error(argo: ArgoWorld, applications: Asking) -> None:
    argo.push({path: content for path, content in CHART.items() if path != "here.yaml"})
    argo.grant()
    found = applications.wait_for(application(argo), lambda one: bool(one.conditions), SECONDS)
    assert found.conditions[0][0] == "ComparisonError"
    assert "here.yaml" in found.conditions[0][1]


def test_a_project_keeps_an_application_where_it_belongs(argo: ArgoWorld, applications: Asking) -> None:
    argo.push(CHART)
    argo.grant()
    elsewhere = {"server": "https://kubernetes.default.svc", "namespace": "kube-system"}
    found = applications.wait_for(application(argo, destination=elsewhere), lambda one: bool(one.conditions), SECONDS)
    assert found.conditions[0][0] == "InvalidSpecError"
    assert "do not match any of the allowed destinations" in found.conditions[0][1]


def test_a_workload_becomes_healthy_and_its_own_health_stands_nowhere(argo: ArgoWorld, applications: Asking) -> None:
    argo.push({**CHART, "chart/templates/workload.yaml": WORKLOAD})
    argo.grant()
    name = application(argo, automated={})
    found = applications.wait_for(name, lambda one: one.is_synced_and_healthy and bool(one.resources), SECONDS)
    assert {(one.kind, one.health) for one in found.resources} == {("ConfigMap", ""), ("Deployment", "")}
    assert argo.client.get("apps/v1", "Deployment", "small", argo.namespace)["status"]["readyReplicas"] == 1


def test_deleting_without_cascade_leaves_what_runs(argo: ArgoWorld, applications: Asking) -> None:
    argo.push(CHART)
    argo.grant()
    name = application(argo, automated={})
    applications.wait_for(name, synced, SECONDS)
    assert applications.delete(name, cascade=False)
    assert next(applications.follow(name, 5)) is None
    assert config_maps(argo) == {"small"}
    with pytest.raises(NotFoundError):
        applications.get(name)


def test_deleting_with_cascade_takes_along_what_it_manages(argo: ArgoWorld, applications: Asking) -> None:
    argo.push(CHART)
    argo.grant()
    name = application(argo, automated={})
    applications.wait_for(name, synced, SECONDS)
    assert applications.delete(name, cascade=True)
    applications.wait_until_gone(name)
    assert config_maps(argo) == set()
    assert not applications.delete(name, cascade=True)


def test_lost_access_is_told_and_what_runs_stays(argo: ArgoWorld, applications: Asking) -> None:
    argo.push(CHART)
    argo.grant()
    name = application(argo, automated={})
    applications.wait_for(name, synced, SECONDS)
    argo.revoke()
    found = applications.look_until(name, lambda one: one.sync == "Unknown")
    assert any("authentication required" in message for _, message in found.conditions)
    assert data(argo) == {"greeting": "hello"}
