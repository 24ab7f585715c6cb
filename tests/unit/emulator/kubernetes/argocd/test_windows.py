"""When Applications may be synced, and what runs at their end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from csoc.emulator.kubernetes.argocd.windows import BLOCKED, blocked
from csoc.emulator.kubernetes.controllers.causes import Cause, Kind
from tests.unit.emulator.kubernetes.argocd.syncing import Syncing, annotated, application, project
from tests.unit.emulator.kubernetes.controllers.living import START, config_map, job

NOON = datetime(2026, 1, 7, 12, 0, tzinfo=UTC)
OPEN, CLOSED = {"schedule": "0 11 * * *", "duration": "2h"}, {"schedule": "0 14 * * *", "duration": "1h"}


def window(kind: str, when: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"kind": kind, **when, "applications": ["*"], **more}


def may(*windows: dict[str, Any], manual: bool = False, now: datetime = NOON) -> bool:
    return not blocked(project(syncWindows=list(windows)), application(), now, manual=manual)


@pytest.mark.parametrize(
    ("windows", "alone", "by_hand"),
    [
        ([], True, True),
        ([window("allow", OPEN)], True, True),
        ([window("allow", CLOSED)], False, False),
        ([window("allow", CLOSED, manualSync=True)], False, True),
        ([window("deny", OPEN)], False, False),
        ([window("deny", OPEN, manualSync=True)], False, True),
        ([window("deny", CLOSED)], True, True),
        ([window("deny", OPEN), window("allow", OPEN)], False, False),
        ([window("deny", OPEN, manualSync=True), window("deny", OPEN)], False, False),
        ([window("deny", CLOSED), window("allow", CLOSED)], False, False),
        ([window("allow", CLOSED, manualSync=True), window("allow", CLOSED)], False, False),
        ([window("allow", OPEN), window("allow", CLOSED)], True, True),
    ],
)
def test_denies_come_first_and_a_closed_allow_keeps_everybody_out(
    windows: list[dict[str, Any]], alone: bool, by_hand: bool
) -> None:
    assert (may(*windows), may(*windows, manual=True)) == (alone, by_hand)


@pytest.mark.parametrize(
    ("who", "counts"),
    [
        ({"applications": ["web"]}, True), ({"applications": ["w*"]}, True), ({"applications": ["other"]}, False),
        ({"namespaces": ["a"]}, True), ({"namespaces": ["b"], "applications": []}, False),
        ({"clusters": ["in-cluster"]}, True), ({"clusters": ["https://kubernetes.default.svc"]}, True),
        ({"applications": ["web"], "namespaces": ["b"]}, True),
        ({"applications": ["web"], "namespaces": ["b"], "andOperator": True}, False), ({}, False),
    ],
)  # fmt: skip
def test_a_window_counts_for_the_applications_that_it_names(who: dict[str, Any], counts: bool) -> None:
    assert may({"kind": "deny", **OPEN, **who}) is not counts


def test_a_window_begins_at_its_time_in_its_zone_and_ends_with_its_duration() -> None:
    brisbane = window("deny", {"schedule": "0 22 * * 3", "duration": "30m"}, timeZone="Australia/Brisbane")
    assert not may(brisbane, now=NOON + timedelta(seconds=1))
    assert may(brisbane, now=NOON)
    assert not may(brisbane, now=NOON + timedelta(minutes=29))
    assert may(brisbane, now=NOON + timedelta(minutes=30))
    assert may(brisbane, now=NOON + timedelta(days=1))


@pytest.mark.parametrize(
    "wrong",
    [{"schedule": "never"}, {"schedule": "* * * * * *"}, {"duration": "soon"}, {"duration": "9" * 400 + "h"},
     {"timeZone": "../../etc/passwd"}, {"timeZone": "Mars/Base"}, {"schedule": None}, {"duration": "999999h"},
     {"schedule": "60 * * * *"}],
)  # fmt: skip
def test_a_window_that_cannot_be_understood_keeps_everybody_out_unless_it_is_only_long(wrong: dict[str, Any]) -> None:
    why = blocked(project(syncWindows=[window("allow", OPEN) | wrong]), application(), NOON, manual=True)
    assert why.startswith(f"{BLOCKED}: ") if wrong != {"duration": "999999h"} else not why


def test_an_application_syncs_by_itself_once_its_window_is_open() -> None:
    syncing = Syncing()
    syncing.add(project("short", syncWindows=[window("allow", {"schedule": "0 1 * * *", "duration": "1h"})]))
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.add(application(project="short", automated={}))
    syncing.wait(3_000)
    assert syncing.state()[0] == "OutOfSync"
    assert "operationState" not in syncing.status()
    assert START.hour == 0
    syncing.wait(900)
    assert syncing.state() == ("Synced", "Healthy")


def test_a_sync_by_hand_waits_in_the_words_of_argo_cd_until_the_window_is_over() -> None:
    syncing = Syncing()
    syncing.add(project("short", syncWindows=[window("deny", {"schedule": "0 0 * * *", "duration": "1h"})]))
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.add(application(project="short"))
    syncing.wait(10)
    syncing.operate()
    syncing.wait(60)
    state = syncing.status()["operationState"]
    assert (state["phase"], state["message"]) == ("Running", "Sync operation blocked by sync window")
    assert syncing.find("ConfigMap", "m") is None
    syncing.wait(3_700)
    assert syncing.status()["operationState"]["phase"] == "Succeeded"
    assert syncing.find("ConfigMap", "m")


def ended(*hooks: dict[str, Any], cause: Cause | None = None) -> Syncing:
    """An Application with hooks for its end, while it is being deleted."""
    syncing = Syncing()
    if cause is not None:
        syncing.causes.add(cause)
    body = application(automated={})
    body["metadata"]["finalizers"] = ["resources-finalizer.argocd.argoproj.io"]
    syncing.repositories.commit(config_map("m", k="1"), *hooks)
    syncing.add(body)
    syncing.wait(60)
    assert syncing.state() == ("Synced", "Healthy")
    assert not syncing.all("Job")
    syncing.delete("Application", "web", "argocd")
    return syncing


def test_hooks_for_the_end_run_once_everything_else_is_gone_and_the_application_waits_for_them() -> None:
    syncing = ended(annotated(job("bye"), hook="PostDelete", hook_delete_policy="HookSucceeded"))
    syncing.wait(3)
    assert syncing.find("ConfigMap", "m") is None
    assert syncing.find("Job", "bye") is not None
    assert syncing.application()["metadata"]["finalizers"] == [
        "post-delete-finalizer.argocd.argoproj.io",
        "post-delete-finalizer.argocd.argoproj.io/cleanup",
    ]
    syncing.wait(60)
    assert syncing.find("Application", "web", "argocd") is None
    assert syncing.find("Job", "bye") is None


def test_a_hook_without_such_a_policy_stays_behind() -> None:
    syncing = ended(annotated(job("bye"), hook="PostDelete"))
    syncing.wait(60)
    assert syncing.find("Application", "web", "argocd") is None
    assert syncing.find("Job", "bye") is not None


def test_a_failed_hook_goes_only_if_it_says_so() -> None:
    for policy, stays in (("HookFailed", False), ("HookSucceeded", True)):
        bye = annotated(job("bye", backoffLimit=0), hook="PostDelete", hook_delete_policy=policy)
        syncing = ended(bye, cause=Cause(Kind.FAIL, name="bye*"))
        syncing.wait(200)
        assert syncing.find("Application", "web", "argocd") is None
        assert (syncing.find("Job", "bye") is not None) is stays


def test_an_application_whose_hooks_left_the_repository_loses_their_finalizers() -> None:
    syncing = Syncing()
    syncing.repositories.commit(annotated(job("bye"), hook="PostDelete"))
    syncing.add(application(automated={}))
    syncing.wait(60)
    assert len(syncing.application()["metadata"]["finalizers"]) == 2
    syncing.repositories.commit(config_map("m", k="1"))
    syncing.refresh()
    syncing.wait(60)
    assert "finalizers" not in syncing.application()["metadata"]


def test_a_hook_that_cannot_be_rendered_any_more_says_why_the_application_stays() -> None:
    syncing = ended(annotated(job("bye"), hook="PostDelete"))
    syncing.repositories.broken["https://git.example.org/fleet.git"] = "repository not found"
    syncing.wait(30)
    assert syncing.conditions("DeletionError")
    syncing.repositories.broken.clear()
    syncing.wait(60)
    assert syncing.find("Application", "web", "argocd") is None
