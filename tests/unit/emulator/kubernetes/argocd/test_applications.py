"""Applications are compared, synced, healed, pruned and deleted as Argo CD does it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csoc.emulator.kubernetes.controllers.causes import Cause, Kind
from csoc.emulator.kubernetes.objects.options import Options
from tests.unit.emulator.kubernetes.argocd.syncing import (
    REPOSITORY,
    Syncing,
    annotated,
    application,
    definition,
    project,
)
from tests.unit.emulator.kubernetes.controllers.living import Object, config_map, container, job, secret, workload

WEB = workload("Deployment", "web", container(envFrom=[{"secretRef": {"name": "s"}}]))
GIVEN = secret("s", k="v")


def test_an_application_that_nobody_syncs_is_out_of_sync_and_missing() -> None:
    syncing = Syncing()
    revision = syncing.repositories.commit(WEB)
    syncing.add(application())
    syncing.wait()
    assert syncing.state() == ("OutOfSync", "Missing")
    assert syncing.status()["sync"]["revision"] == revision
    assert syncing.status()["sourceType"] == "Helm"
    [resource] = syncing.status()["resources"]
    assert resource == {
        "group": "apps",
        "version": "v1",
        "kind": "Deployment",
        "namespace": "a",
        "name": "web",
        "status": "OutOfSync",
    }


def test_a_sync_applies_and_health_follows_the_pods() -> None:
    syncing = Syncing()
    revision = syncing.repositories.commit(WEB, GIVEN)
    syncing.add(application())
    syncing.wait(2)
    syncing.operate(revision=revision)
    syncing.wait(2)
    assert syncing.state() == ("Synced", "Progressing")
    syncing.wait(20)
    assert syncing.state() == ("Synced", "Healthy")
    state = syncing.status()["operationState"]
    assert (state["phase"], state["message"]) == ("Succeeded", "successfully synced (all tasks run)")
    assert syncing.results()["Deployment/web"]["message"] == "deployment.apps/web created"
    assert "operation" not in syncing.application()
    [entry] = syncing.status()["history"]
    assert (entry["id"], entry["revision"]) == (0, revision)
    web = syncing.get("Deployment", "web")["metadata"]["annotations"]
    assert web["argocd.argoproj.io/tracking-id"] == "web:apps/Deployment:a/web"
    assert syncing.status()["summary"] == {"images": ["registry.example/app:1"]}


def test_an_automated_application_syncs_by_itself() -> None:
    syncing = Syncing()
    syncing.repositories.commit(WEB, GIVEN)
    syncing.add(application(automated={}))
    syncing.wait()
    assert syncing.state() == ("Synced", "Healthy")
    assert syncing.status()["operationState"]["operation"]["initiatedBy"] == {"automated": True}
    assert syncing.status()["operationState"]["operation"]["retry"] == {"limit": 5}


def test_a_missing_secret_shows_in_pod_and_application() -> None:
    syncing = Syncing()
    syncing.repositories.commit(WEB)
    syncing.add(application(automated={}))
    syncing.wait(60)
    assert syncing.state() == ("Synced", "Progressing")
    state = syncing.pod()["status"]["containerStatuses"][0]["state"]["waiting"]
    assert state == {"reason": "CreateContainerConfigError", "message": 'secret "s" not found'}
    syncing.wait(700)
    assert syncing.state() == ("Synced", "Degraded")
    syncing.add(GIVEN)
    syncing.wait(60)
    assert syncing.state() == ("Synced", "Healthy")


def test_a_new_commit_is_seen_when_somebody_refreshes() -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.add(application(automated={}))
    syncing.wait()
    revision = syncing.repositories.commit(config_map("m", k="2"))
    syncing.wait(100)
    assert syncing.get("ConfigMap", "m")["data"] == {"k": "1"}
    syncing.refresh()
    syncing.wait()
    assert syncing.get("ConfigMap", "m")["data"] == {"k": "2"}
    assert "argocd.argoproj.io/refresh" not in syncing.application()["metadata"].get("annotations", {})
    assert [one["revision"] for one in syncing.status()["history"]][-1] == revision


def test_a_hard_refresh_asks_for_everything_anew() -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.add(application())
    syncing.wait()
    syncing.refresh(how="hard")
    syncing.wait()
    assert syncing.repositories.asked[-1].hard


def test_a_new_commit_is_polled_for() -> None:
    syncing = Syncing()
    syncing.argocd.poll(syncing.timeline, lambda: [syncing.cluster])
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.add(application(automated={}))
    syncing.wait(200)
    syncing.repositories.commit(config_map("m", k="2"))
    syncing.wait(200)
    assert syncing.get("ConfigMap", "m")["data"] == {"k": "2"}


def test_nothing_is_asked_of_repositories_while_nothing_happens() -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.add(application(automated={"selfHeal": True}))
    syncing.wait(1_000)
    asked = len(syncing.repositories.asked)
    syncing.wait(100_000)
    assert len(syncing.repositories.asked) == asked
    assert not syncing.cluster.busy


def test_a_change_by_hand_is_seen_and_healed_only_if_wanted() -> None:
    for heal, data in ((False, "other"), (True, "1")):
        syncing = Syncing()
        syncing.repositories.commit(config_map("m", k="1"))
        syncing.add(application(automated={"selfHeal": heal}))
        syncing.wait()
        body = syncing.get("ConfigMap", "m")
        body["data"] = {"k": "other"}
        syncing.cluster.save("", "configmaps", body)
        syncing.wait()
        assert syncing.get("ConfigMap", "m")["data"] == {"k": data}
        assert syncing.state()[0] == ("Synced" if heal else "OutOfSync")


def test_what_keeps_being_changed_is_healed_ever_more_rarely() -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.add(application(automated={"selfHeal": True}))
    syncing.wait()
    healed = 0
    for _ in range(120):
        body = syncing.get("ConfigMap", "m")
        healed += body["data"] == {"k": "1"}
        if body["data"] == {"k": "1"}:
            body["data"] = {"k": "other"}
            syncing.cluster.save("", "configmaps", body)
        syncing.wait(1)
    assert 3 <= healed <= 7  # after 0, 2, 6, 18, 54 seconds


@pytest.mark.parametrize("prune", [False, True])
def test_what_left_the_repository_is_pruned_only_when_asked(prune: bool) -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", k="1"), config_map("n", k="1"))
    syncing.add(application(automated={"prune": prune}))
    syncing.wait()
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.refresh()
    syncing.wait()
    assert (syncing.find("ConfigMap", "n") is None) == prune
    if prune:
        assert syncing.state() == ("Synced", "Healthy")
        assert syncing.results()["ConfigMap/n"]["message"] == "pruned"
    else:
        assert syncing.state() == ("OutOfSync", "Healthy")
        [extra] = [one for one in syncing.status()["resources"] if one["name"] == "n"]
        assert extra["requiresPruning"]


def test_a_sync_without_prune_says_what_it_left() -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", k="1"), config_map("n", k="1"))
    syncing.add(application())
    syncing.wait()
    syncing.operate()
    syncing.wait()
    syncing.repositories.commit(config_map("m", k="2"))
    syncing.operate()
    syncing.wait()
    assert syncing.results()["ConfigMap/n"]["message"] == "ignored (requires pruning)"
    assert syncing.results()["ConfigMap/n"]["status"] == "PruneSkipped"
    assert syncing.find("ConfigMap", "n")


def test_everything_is_not_wiped_out_unless_that_is_allowed() -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.add(application(automated={"prune": True}))
    syncing.wait()
    revision = syncing.repositories.commit()
    syncing.refresh()
    syncing.wait()
    assert syncing.find("ConfigMap", "m")
    assert syncing.conditions("SyncError") == [
        f"Skipping sync attempt to [{revision}]: auto-sync will wipe out all resources"
    ]


def test_prune_false_and_confirm_keep_objects() -> None:
    syncing = Syncing()
    kept = annotated(config_map("kept", k="1"), sync_options="Prune=false")
    asks = annotated(config_map("asks", k="1"), sync_options="Prune=confirm")
    syncing.repositories.commit(config_map("m", k="1"), kept)
    syncing.add(application(automated={"prune": True}))
    syncing.wait()
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.refresh()
    syncing.wait()
    assert syncing.results()["ConfigMap/kept"]["message"] == "ignored (no prune)"
    syncing.repositories.commit(config_map("m", k="1"), kept, asks)
    syncing.refresh()
    syncing.wait()
    syncing.repositories.commit(config_map("m", k="1"), kept)
    syncing.refresh()
    syncing.wait()
    assert syncing.find("ConfigMap", "asks")
    message = syncing.status()["operationState"]["message"]
    assert message == "Waiting for pruning confirmation of v1/ConfigMap/asks"
    body = syncing.application()
    body["metadata"].setdefault("annotations", {})["argocd.argoproj.io/deletion-approved"] = syncing.cluster.stamp()
    syncing.cluster.save("argoproj.io", "applications", body)
    syncing.wait()
    assert syncing.find("ConfigMap", "asks") is None


def test_a_kind_that_the_cluster_does_not_know_makes_the_sync_invalid() -> None:
    syncing = Syncing()
    thing = {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "s"}}
    syncing.repositories.commit(config_map("m", k="1"), thing)
    syncing.add(application(automated={}, syncPolicy={"retry": {"limit": 0}}))
    syncing.wait()
    state = syncing.status()["operationState"]
    assert (state["phase"], state["message"]) == ("Failed", "one or more synchronization tasks are not valid")
    assert syncing.results()["ExternalSecret/s"]["message"] == (
        "The Kubernetes API could not find external-secrets.io/ExternalSecret for requested resource a/s. Make sure "
        'the "ExternalSecret" CRD is installed on the destination cluster.'
    )
    assert syncing.find("ConfigMap", "m") is None
    revision = syncing.status()["sync"]["revision"]
    assert syncing.conditions("SyncError") == [
        f"Failed last sync attempt to [{revision}]: one or more synchronization tasks are not valid"
    ]


def test_a_definition_and_its_objects_come_in_one_sync() -> None:
    syncing = Syncing()
    thing = {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "one"}, "spec": {"x": 1}}
    syncing.repositories.commit(thing, definition("things", "Thing", "example.org", "v1"))
    syncing.add(application(automated={}))
    syncing.wait(60)
    assert syncing.state() == ("Synced", "Healthy")
    assert syncing.cluster.list("example.org", "things")


def test_a_failed_sync_is_tried_again_with_growing_waits() -> None:
    syncing = Syncing()
    wrong = workload("Deployment", "web")
    wrong["metadata"]["namespace"] = "nowhere"
    syncing.repositories.commit(wrong)
    syncing.add(application(automated={}, syncPolicy={"retry": {"limit": 2, "backoff": {"duration": "10s"}}}))
    syncing.wait(5)
    state = syncing.status()["operationState"]
    assert state["phase"] == "Running"
    assert state["retryCount"] == 1
    assert 'namespaces "nowhere" not found' in state["message"]
    assert ". Retrying attempt #1 at 12:00AM." in state["message"]
    syncing.wait(10)
    assert syncing.status()["operationState"]["retryCount"] == 2
    syncing.wait(60)
    state = syncing.status()["operationState"]
    assert state["phase"] == "Failed"
    assert state["message"].endswith("(retried 2 times).")


def test_a_retry_succeeds_once_the_cause_is_gone() -> None:
    syncing = Syncing()
    wrong = config_map("m", "nowhere", k="1")
    syncing.repositories.commit(wrong)
    syncing.add(application(automated={}))
    syncing.wait(3)
    syncing.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "nowhere"}})
    syncing.wait(60)
    assert syncing.status()["operationState"]["phase"] == "Succeeded"


def test_the_namespace_is_made_if_that_is_wanted() -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", "b", k="1"))
    destination = {"name": "in-cluster", "namespace": "b"}
    policy = {"syncOptions": ["CreateNamespace=true"]}
    syncing.add(application(automated={}, destination=destination, syncPolicy=policy))
    syncing.wait(60)
    assert syncing.find("ConfigMap", "m", "b")
    assert syncing.state() == ("Synced", "Healthy")


def test_waves_wait_for_each_other() -> None:
    syncing = Syncing()
    first = annotated(workload("Deployment", "first"), sync_wave="-1")
    syncing.causes.add(Cause(Kind.SLOW, name="first", after_seconds=60))
    syncing.repositories.commit(first, workload("Deployment", "second"))
    syncing.add(application(automated={}))
    syncing.wait(30)
    assert syncing.find("Deployment", "second") is None
    message = syncing.status()["operationState"]["message"]
    assert message == "waiting for healthy state of apps/Deployment/first"
    syncing.wait(120)
    assert syncing.find("Deployment", "second")
    assert syncing.state() == ("Synced", "Healthy")


def test_hooks_run_before_and_after_and_are_deleted_as_they_say() -> None:
    syncing = Syncing()
    before = annotated(job("migrate"), hook="PreSync", hook_delete_policy="HookSucceeded")
    after = annotated(job("notify"), hook="PostSync")
    syncing.repositories.commit(before, workload("Deployment", "web"), after)
    syncing.add(application(automated={}))
    syncing.wait(3)
    assert syncing.find("Job", "migrate")
    assert syncing.find("Deployment", "web") is None
    message = syncing.status()["operationState"]["message"]
    assert message == "waiting for completion of hook batch/Job/migrate"
    syncing.wait(60)
    assert syncing.status()["operationState"]["phase"] == "Succeeded"
    assert syncing.find("Job", "migrate") is None
    assert syncing.find("Job", "notify")
    assert syncing.results()["Job/notify"]["hookType"] == "PostSync"
    assert syncing.state() == ("Synced", "Healthy")


def test_helms_hooks_run_as_hooks() -> None:
    syncing = Syncing()
    hook = job("init")
    hook["metadata"]["annotations"] = {"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-weight": "-5"}
    test = job("test")
    test["metadata"]["annotations"] = {"helm.sh/hook": "test"}
    syncing.repositories.commit(hook, test, config_map("m", k="1"))
    syncing.add(application(automated={}))
    syncing.wait(60)
    assert syncing.results()["Job/init"]["hookType"] == "PreSync"
    assert syncing.find("Job", "test") is None
    assert syncing.state() == ("Synced", "Healthy")


def test_a_failing_hook_fails_the_sync_and_runs_what_is_for_that() -> None:
    syncing = Syncing()
    syncing.causes.add(Cause(Kind.FAIL, name="migrate"))
    before = annotated(job("migrate", backoffLimit=0), hook="PreSync")
    clean = annotated(job("clean"), hook="SyncFail")
    syncing.repositories.commit(before, clean, config_map("m", k="1"))
    syncing.add(application(automated={}, syncPolicy={"retry": {"limit": 0}}))
    syncing.wait(100)
    state = syncing.status()["operationState"]
    assert state["phase"] == "Failed"
    assert state["message"].startswith("one or more synchronization tasks completed unsuccessfully")
    assert syncing.find("Job", "clean")
    assert syncing.find("ConfigMap", "m") is None


def test_an_operation_can_be_ended() -> None:
    syncing = Syncing()
    syncing.causes.add(Cause(Kind.FAIL, name="migrate", after_seconds=10_000))
    syncing.repositories.commit(annotated(job("migrate"), hook="PreSync"), config_map("m", k="1"))
    syncing.add(application(automated={}))
    syncing.wait(10)
    body = syncing.application()
    body["status"]["operationState"]["phase"] = "Terminating"
    syncing.cluster.save("argoproj.io", "applications", body)
    syncing.wait(10)
    state = syncing.status()["operationState"]
    assert (state["phase"], state["message"]) == ("Failed", "Operation terminated")
    assert syncing.find("Job", "migrate") is None


def test_chosen_objects_are_synced_alone() -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", k="1"), config_map("n", k="1"))
    syncing.add(application())
    syncing.wait()
    syncing.operate(resources=[{"kind": "ConfigMap", "name": "m"}])
    syncing.wait()
    assert syncing.find("ConfigMap", "m")
    assert syncing.find("ConfigMap", "n") is None
    assert "history" not in syncing.status()


def test_a_dry_run_writes_nothing() -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.add(application())
    syncing.wait()
    syncing.operate(dryRun=True)
    syncing.wait()
    assert syncing.find("ConfigMap", "m") is None
    assert syncing.status()["operationState"]["phase"] == "Succeeded"
    assert syncing.results()["ConfigMap/m"]["message"] == "configmap/m created (dry run)"


def test_syncing_twice_is_the_same_as_once() -> None:
    syncing = Syncing()
    syncing.repositories.commit(WEB, GIVEN, config_map("m", k="1"))
    syncing.add(application())
    syncing.wait()
    syncing.operate()
    syncing.wait(60)
    before = {place: one for place, one in syncing.versions().items() if place[1] != "applications"}
    syncing.operate()
    syncing.wait(60)
    assert {place: one for place, one in syncing.versions().items() if place[1] != "applications"} == before
    assert syncing.results()["Deployment/web"]["message"] == "deployment.apps/web unchanged"


def test_a_private_repository_without_a_credential_is_a_comparison_error() -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.repositories.private[REPOSITORY] = "right"
    syncing.add(application(automated={}))
    syncing.wait()
    assert syncing.state() == ("Unknown", "Healthy")
    assert syncing.conditions("ComparisonError") == [
        "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = "
        "failed to list refs: authentication required: Repository not found."
    ]
    given = secret("creds", "argocd", url="https://git.example.org", username="argocd", password="right")
    given["metadata"]["labels"] = {"argocd.argoproj.io/secret-type": "repo-creds"}
    syncing.add(given)
    syncing.wait()
    assert syncing.state() == ("Synced", "Healthy")
    assert syncing.conditions() == []


def test_several_sources_are_one_application() -> None:
    syncing = Syncing()
    other = "https://git.example.org/values.git"
    revisions = [syncing.repositories.commit(config_map("m", k="1")), syncing.repositories.commit(url=other)]
    sources = [
        {"repoURL": REPOSITORY, "path": "web", "targetRevision": "main"},
        {"repoURL": other, "ref": "values", "targetRevision": "main"},
    ]
    syncing.add(application(automated={}, sources=sources))
    syncing.wait()
    assert syncing.status()["sync"]["revisions"] == revisions
    assert syncing.status()["sourceTypes"] == ["Helm", "Helm"]
    assert syncing.state() == ("Synced", "Healthy")
    assert syncing.status()["history"][0]["revisions"] == revisions


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            {"sourceRepos": ["https://git.example.org/others/*"]},
            f"application repo {REPOSITORY} is not permitted in project 'narrow'",
        ),
        (
            {"destinations": [{"server": "*", "namespace": "b"}]},
            "application destination server 'https://kubernetes.default.svc' and namespace 'a' do not match any of the "
            "allowed destinations in project 'narrow'",
        ),
    ],
)
def test_a_project_refuses_sources_and_destinations(rules: Object, message: str) -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.add(project("narrow", **rules), application(automated={}, project="narrow"))
    syncing.wait()
    assert syncing.conditions("InvalidSpecError") == [message]
    assert syncing.state() == ("Unknown", "Unknown")
    assert syncing.find("ConfigMap", "m") is None


def test_a_project_refuses_kinds() -> None:
    syncing = Syncing()
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "all"},
        "rules": [],
    }
    syncing.repositories.commit(role, config_map("m", k="1"))
    syncing.add(project("narrow", clusterResourceWhitelist=[]), application(automated={}, project="narrow"))
    syncing.wait()
    assert syncing.results()["ClusterRole/all"]["message"] == (
        "resource rbac.authorization.k8s.io:ClusterRole is not permitted in project narrow"
    )


def test_a_project_that_does_not_exist_is_named() -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.add(application(project="none"))
    syncing.wait()
    assert syncing.conditions("InvalidSpecError") == ["Application referencing project none which does not exist"]


def test_another_cluster_as_destination_is_refused() -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.add(application(destination={"name": "elsewhere", "namespace": "a"}))
    syncing.wait()
    assert syncing.conditions("InvalidSpecError") == ["there are no clusters with this name: elsewhere"]


def test_two_applications_that_share_an_object_say_so() -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.add(application("one", automated={}))
    syncing.wait()
    syncing.add(application("two", automated={}, syncPolicy={"syncOptions": ["FailOnSharedResource=true"]}))
    syncing.wait(5)
    assert syncing.conditions("SharedResourceWarning", "two") == [
        "ConfigMap/m is part of applications argocd/two and one"
    ]
    syncing.wait(1_000)
    state = syncing.status("two")["operationState"]
    assert state["message"].startswith("Shared resource found: ConfigMap/m is part of applications")


def test_an_object_that_is_there_twice_is_told() -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", k="1"), config_map("m", k="2"))
    syncing.add(application(automated={}))
    syncing.wait()
    assert syncing.conditions("RepeatedResourceWarning") == [
        "Resource /ConfigMap/a/m appeared 2 times among application resources."
    ]
    assert syncing.get("ConfigMap", "m")["data"] == {"k": "2"}


def test_orphans_are_counted_where_the_project_asks_for_it() -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.add(config_map("stray", k="1"), project("watched", orphanedResources={"warn": True}))
    syncing.add(application(automated={}, project="watched"))
    syncing.wait()
    assert syncing.conditions("OrphanedResourceWarning") == ["Application has 1 orphaned resources"]


def test_what_a_controller_adds_is_no_difference() -> None:
    syncing = Syncing()
    syncing.repositories.commit(workload("Deployment", "web", container(resources={"limits": {"cpu": "1000m"}})))
    syncing.add(application(automated={}))
    syncing.wait()
    body = syncing.get("Deployment", "web")
    body["metadata"]["annotations"]["example.org/by"] = "somebody"
    body["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] = "1"
    body["spec"]["template"]["spec"]["hostNetwork"] = True
    syncing.cluster.save("apps", "deployments", body)
    syncing.wait()
    assert syncing.state()[0] == "Synced"


@pytest.mark.parametrize(
    "rule",
    [
        {"jsonPointers": ["/spec/replicas"]},
        {"jqPathExpressions": [".spec.replicas"]},
        {"jqPathExpressions": ['.spec | select(.selector.matchLabels["app"] == "web") | .replicas']},
        {"managedFieldsManagers": ["scaler"]},
    ],
)
def test_ignored_differences_are_not_seen(rule: Object) -> None:
    for ignored, expected in (([], "OutOfSync"), ([{"group": "apps", "kind": "Deployment"} | rule], "Synced")):
        syncing = Syncing()
        syncing.repositories.commit(workload("Deployment", "web", replicas=1))
        syncing.add(application(automated={}, ignoreDifferences=ignored))
        syncing.wait()
        type_ = syncing.objects.types.kind("apps/v1", "Deployment")
        assert type_ is not None
        body = syncing.get("Deployment", "web")
        body["spec"]["replicas"] = 5
        syncing.objects.update(type_, "a", "web", body, Options(manager="scaler"))
        syncing.wait()
        assert syncing.state()[0] == expected


def test_ignored_differences_are_kept_by_a_sync_that_respects_them() -> None:
    for options, replicas in (([], 1), (["RespectIgnoreDifferences=true"], 5)):
        syncing = Syncing()
        syncing.repositories.commit(workload("Deployment", "web", replicas=1))
        rules = [{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}]
        syncing.add(application(ignoreDifferences=rules))
        syncing.operate()
        syncing.wait()
        syncing.change("Deployment", "web", replicas=5)
        syncing.wait()
        syncing.operate(syncOptions=options)
        syncing.wait()
        assert syncing.get("Deployment", "web")["spec"]["replicas"] == replicas


def test_an_object_can_be_applied_by_the_server() -> None:
    syncing = Syncing()
    syncing.repositories.commit(workload("Deployment", "web"))
    syncing.add(application(automated={}, syncPolicy={"syncOptions": ["ServerSideApply=true"]}))
    syncing.wait()
    assert syncing.results()["Deployment/web"]["message"] == "deployment.apps/web serverside-applied"
    body = syncing.get("Deployment", "web")
    assert ("argocd-controller", "Apply") in {(o["manager"], o["operation"]) for o in body["metadata"]["managedFields"]}
    assert "kubectl.kubernetes.io/last-applied-configuration" not in body["metadata"]["annotations"]
    assert syncing.state() == ("Synced", "Healthy")
    syncing.change("Deployment", "web", revisionHistoryLimit=3)
    syncing.wait()
    assert syncing.state()[0] == "Synced"


def test_only_what_is_out_of_sync_is_applied_if_that_is_wanted() -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", k="1"), config_map("n", k="1"))
    syncing.add(application(automated={}, syncPolicy={"syncOptions": ["ApplyOutOfSyncOnly=true"]}))
    syncing.wait()
    syncing.repositories.commit(config_map("m", k="1"), config_map("n", k="2"))
    syncing.refresh()
    syncing.wait()
    assert set(syncing.results()) == {"ConfigMap/n"}


def test_pruning_last_waits_for_everything_else() -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("old", k="1"))
    syncing.add(application(automated={"prune": True}, syncPolicy={"syncOptions": ["PruneLast=true"]}))
    syncing.wait()
    syncing.causes.add(Cause(Kind.SLOW, name="web", after_seconds=60))
    syncing.repositories.commit(workload("Deployment", "web"))
    syncing.refresh()
    syncing.wait(20)
    assert syncing.find("ConfigMap", "old")
    syncing.wait(120)
    assert syncing.find("ConfigMap", "old") is None


def test_applications_can_bring_applications() -> None:
    syncing = Syncing()
    child_repository = "https://git.example.org/child.git"
    child = application("child", automated={}, source={"repoURL": child_repository, "path": "x"})
    syncing.repositories.commit(config_map("m", k="1"), url=child_repository)
    syncing.repositories.commit(child)
    destination = {"name": "in-cluster", "namespace": "argocd"}
    syncing.add(application("root", automated={}, destination=destination))
    syncing.wait(60)
    assert syncing.state("root") == ("Synced", "Healthy")
    assert syncing.state("child") == ("Synced", "Healthy")
    assert syncing.find("ConfigMap", "m")


@pytest.mark.parametrize("suffix", ["", "/background"])
def test_deleting_with_the_finalizer_leaves_nothing_that_was_tracked(suffix: str) -> None:
    syncing = Syncing()
    kept = annotated(config_map("kept", k="1"), sync_options="Delete=false")
    later = annotated(config_map("later", k="1"), sync_wave="1")
    body = application(automated={})
    body["metadata"]["finalizers"] = [f"resources-finalizer.argocd.argoproj.io{suffix}"]
    syncing.repositories.commit(WEB, GIVEN, kept, later)
    syncing.add(body)
    syncing.wait(60)
    syncing.delete("Application", "web", "argocd")
    syncing.wait(60)
    assert syncing.find("Application", "web", "argocd") is None
    assert [syncing.all(kind) for kind in ("Deployment", "ReplicaSet", "Pod", "Secret")] == [[], [], [], []]
    assert syncing.find("ConfigMap", "later") is None
    assert syncing.find("ConfigMap", "kept")


def test_what_is_deleted_goes_in_the_reverse_order_of_its_waves() -> None:
    syncing = Syncing()
    slow = annotated(config_map("slow", k="1"), sync_wave="1")
    slow["metadata"]["finalizers"] = ["example.org/hold"]
    body = application(automated={})
    body["metadata"]["finalizers"] = ["resources-finalizer.argocd.argoproj.io"]
    syncing.repositories.commit(config_map("base", k="1"), slow)
    syncing.add(body)
    syncing.wait(60)
    syncing.delete("Application", "web", "argocd")
    syncing.wait(60)
    assert "deletionTimestamp" not in syncing.get("ConfigMap", "base")["metadata"]
    held = syncing.get("ConfigMap", "slow")
    del held["metadata"]["finalizers"]
    syncing.cluster.save("", "configmaps", held)
    syncing.wait(60)
    assert syncing.find("ConfigMap", "base") is None
    assert syncing.find("Application", "web", "argocd") is None


def test_between_two_waves_other_controllers_have_time() -> None:
    syncing = Syncing()
    later = annotated(config_map("later", k="1"), sync_wave="1")
    syncing.repositories.commit(config_map("first", k="1"), later)
    syncing.add(application(automated={}))
    syncing.wait(1)
    assert syncing.find("ConfigMap", "first")
    assert syncing.find("ConfigMap", "later") is None
    syncing.wait(3)
    assert syncing.find("ConfigMap", "later")


def test_deleting_without_the_finalizer_leaves_everything() -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.add(application(automated={}))
    syncing.wait()
    syncing.delete("Application", "web", "argocd")
    syncing.wait()
    assert syncing.find("Application", "web", "argocd") is None
    assert syncing.find("ConfigMap", "m")


def test_a_deletion_whose_project_is_gone_says_so() -> None:
    syncing = Syncing()
    body = application(automated={}, project="short")
    body["metadata"]["finalizers"] = ["resources-finalizer.argocd.argoproj.io"]
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.add(project("short"), body)
    syncing.wait()
    syncing.delete("AppProject", "short", "argocd")
    syncing.delete("Application", "web", "argocd")
    syncing.wait()
    assert syncing.conditions("DeletionError") == ['appproject.argoproj.io "short" not found']


def test_the_history_has_a_limit() -> None:
    syncing = Syncing()
    syncing.repositories.commit(config_map("m", k="0"))
    syncing.add(application(automated={}, revisionHistoryLimit=2))
    syncing.wait()
    for number in range(1, 4):
        syncing.repositories.commit(config_map("m", k=str(number)))
        syncing.refresh()
        syncing.wait()
    assert [one["id"] for one in syncing.status()["history"]] == [2, 3]


def test_objects_can_be_tracked_by_label() -> None:
    syncing = Syncing()
    syncing.add(config_map("argocd-cm", "argocd", **{"application.resourceTrackingMethod": "label"}))
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.add(application(automated={"prune": True}))
    syncing.wait()
    metadata = syncing.get("ConfigMap", "m")["metadata"]
    assert metadata["labels"] == {"app.kubernetes.io/instance": "web"}
    syncing.repositories.commit(config_map("n", k="1"))
    syncing.refresh()
    syncing.wait()
    assert syncing.find("ConfigMap", "m") is None


def test_excluded_kinds_are_left_alone() -> None:
    syncing = Syncing()
    rules = "- apiGroups: ['']\n  kinds: [Secret]\n  clusters: ['*']\n"
    syncing.add(config_map("argocd-cm", "argocd", **{"resource.exclusions": rules}))
    syncing.repositories.commit(config_map("m", k="1"), GIVEN)
    syncing.add(application(automated={}))
    syncing.wait()
    assert syncing.conditions("ExcludedResourceWarning") == ["Resource /Secret s is excluded in the settings"]
    assert syncing.find("Secret", "s") is None


def test_events_tell_what_happened_to_an_application() -> None:
    syncing = Syncing()
    revision = syncing.repositories.commit(config_map("m", k="1"))
    syncing.add(application(automated={}))
    syncing.wait()
    assert syncing.events("OperationStarted", "argocd") == [f"Initiated automated sync to [{revision}]"]
    assert syncing.events("OperationCompleted", "argocd") == [f"Sync operation to {revision} succeeded"]
    assert "Updated sync status: OutOfSync -> Synced" in syncing.events("ResourceUpdated", "argocd")


OBJECTS = st.lists(
    st.one_of(
        st.builds(lambda name: config_map(name, k="v"), st.sampled_from("abc")),
        st.builds(
            lambda name, wave: annotated(secret(name, k="v"), sync_wave=str(wave)),
            st.sampled_from("abc"),
            st.integers(-1, 1),
        ),
        st.builds(
            lambda kind, name: workload(kind, name),
            st.sampled_from(["Deployment", "StatefulSet"]),
            st.sampled_from("ab"),
        ),
        st.builds(lambda name: annotated(job(name), hook="PreSync"), st.sampled_from("ab")),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda body: (body["kind"], body["metadata"]["name"]),
)


@settings(max_examples=25, deadline=None)
@given(OBJECTS, st.sampled_from(["", "/background", "/foreground"]))
def test_whatever_was_synced_syncing_again_changes_nothing_and_deleting_leaves_nothing(
    objects: list[Object], suffix: str
) -> None:
    syncing = Syncing()
    syncing.repositories.commit(*objects)
    body = application(automated={"prune": True, "selfHeal": True, "allowEmpty": True})
    body["metadata"]["finalizers"] = [f"resources-finalizer.argocd.argoproj.io{suffix}"]
    before = set(syncing.versions())
    syncing.add(body)
    syncing.wait(300)
    assert syncing.state() == ("Synced", "Healthy")
    hooks = ("jobs", "pods")  # a hook runs again with each sync
    synced = {place: one for place, one in syncing.versions().items() if place[1] not in ("applications", *hooks)}
    syncing.operate()
    syncing.wait(300)
    again = {place: one for place, one in syncing.versions().items() if place[1] not in ("applications", *hooks)}
    assert again == synced
    syncing.delete("Application", "web", "argocd")
    syncing.wait(300)
    assert {place for place in syncing.versions() if place[1] != "controllerrevisions"} == before
