"""What csoc asks of Argo CD's Applications where two ask at once, or Argo CD does not hear it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from csoc.clusters.applications import ASKED_AGAIN, REFRESH, Applications, Patience, SyncRequest
from csoc.clusters.client import EVERYWHERE, Change, ClusterClient, Object, Where
from csoc.errors import ConflictError, NotFoundError, UnavailableError

PATIENCE = Patience(seconds=1.0, times=3)


def nothing() -> None:
    """What happens between a reading and the patch after it, usually."""


class OneApplication:
    """A cluster with one Application, which heeds resource versions as the API server does: a patch that names another
    version than the one that stands is a conflict, one that names none is taken.

    Its Argo CD does at once what it is asked, save for what it does not hear: `unheard` counts the changes that are
    lost to it. between: what happens after each reading. While somebody follows, only what Argo CD did already is told;
    a watch ends at once where nothing is left to come, so that nobody waits here."""

    def __init__(self, unheard: int = 0, between: Callable[[], None] = nothing) -> None:
        self.stands: Object | None = {"metadata": {"name": "a", "resourceVersion": "1"}, "spec": {}}
        self.patches: list[Object] = []
        self.unheard = unheard
        self.between = between

    def write(self, patch: Object) -> None:
        """Anybody's write. One that changes nothing has no version of its own, and nobody is told of it."""
        assert self.stands is not None
        after = patched(self.stands, patch)
        if after != self.stands:
            after["metadata"]["resourceVersion"] = str(int(self.stands["metadata"]["resourceVersion"]) + 1)
            self.stands = after
            self.hear()

    def hear(self) -> None:
        """Argo CD is told of a change."""
        assert self.stands is not None
        if self.unheard:
            self.unheard -= 1
        elif self.stands["metadata"].get("deletionTimestamp"):
            self.stands = None
        elif REFRESH in self.stands["metadata"].get("annotations", {}):
            self.write({"metadata": {"annotations": {REFRESH: None}}})
        elif "operation" in self.stands and not self.stands.get("status"):
            self.write({"status": {"operationState": {"phase": "Running"}}})

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Object:
        read = copy.deepcopy(self.stands)
        self.between()
        assert read is not None
        return read

    def merge(
        self, api_version: str, kind: str, name: str, patch: Object, namespace: str = "", part: str = ""
    ) -> Object:
        if self.stands is None:
            raise NotFoundError("there is no a")
        stands = self.stands["metadata"]["resourceVersion"]
        if patch.get("metadata", {}).get("resourceVersion", stands) != stands:
            raise ConflictError("the object has been modified")
        self.patches.append(patch)
        self.write(patch)
        return copy.deepcopy(self.stands) or {}

    def list_all(
        self, api_version: str, kind: str, where: Where = EVERYWHERE, *, metadata_only: bool = False
    ) -> tuple[list[Object], str]:
        return ([] if self.stands is None else [copy.deepcopy(self.stands)]), "1"

    def watch(self, *_: object, seconds: float, **__: object) -> Iterator[Change]:
        return iter(())

    def delete(self, *_: object) -> bool:
        self.write({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})
        return True


def patched(body: Object, patch: Object) -> Object:
    """A JSON merge patch, applied."""
    found = copy.deepcopy(body)
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        elif isinstance(value, dict):
            found[name] = patched(found.get(name) or {}, value)
        else:
            found[name] = value
    return found


def applications(cluster: Any) -> Applications:
    return Applications(cast(ClusterClient, cluster), patience=PATIENCE)


def operations(cluster: OneApplication) -> list[Object]:
    return [patch["operation"] for patch in cluster.patches if "operation" in patch]


def asked_again(cluster: OneApplication) -> list[str]:
    given = [patch.get("metadata", {}).get("annotations", {}) for patch in cluster.patches]
    return [annotations[ASKED_AGAIN] for annotations in given if ASKED_AGAIN in annotations]


# Two who ask at once


def test_of_two_who_ask_for_a_sync_at_once_the_second_is_told_and_the_first_stays() -> None:
    cluster = OneApplication()
    theirs = {"initiatedBy": {"username": "somebody else"}, "sync": {"prune": False, "revision": "theirs"}}
    cluster.between = lambda: cluster.write({"operation": theirs})
    with pytest.raises(ConflictError, match="Another operation of the Application a is running"):
        applications(cluster).sync("a", SyncRequest(revisions=("mine",)))
    assert cluster.patches == []
    assert cluster.stands is not None
    assert cluster.stands["operation"] == theirs


def test_a_sync_that_was_asked_for_and_has_not_begun_is_told_to_the_next_who_asks() -> None:
    cluster = OneApplication()
    cluster.write({"operation": {"sync": {}}})
    with pytest.raises(ConflictError, match="Another operation of the Application a is running"):
        applications(cluster).sync("a")
    assert cluster.patches == []


def test_a_state_that_argo_cd_writes_meanwhile_refuses_no_sync() -> None:
    states = iter(range(3))
    cluster = OneApplication()
    cluster.between = lambda: cluster.write({"spec": {"looked": next(states, "at rest")}})
    applications(cluster).sync("a", SyncRequest(revisions=("mine",)))
    assert [one["sync"]["revision"] for one in operations(cluster)] == ["mine"]


def test_an_application_that_never_rests_is_a_conflict_after_a_while() -> None:
    cluster = OneApplication()
    states = iter(range(10_000))
    cluster.between = lambda: cluster.write({"spec": {"looked": next(states)}})
    with pytest.raises(ConflictError, match="has been modified"):
        applications(cluster).sync("a")
    assert operations(cluster) == []


def test_each_wish_of_a_sync_stands_in_the_operation() -> None:
    cluster = OneApplication()
    applications(cluster).sync("a", SyncRequest(("r1", "r2"), prune=True, dry_run=True, who="ada"))
    assert operations(cluster) == [
        {"initiatedBy": {"username": "ada"}, "sync": {"prune": True, "dryRun": True, "revisions": ["r1", "r2"]}}
    ]


# What Argo CD does not hear


def test_what_argo_cd_hears_at_once_is_asked_once() -> None:
    cluster = OneApplication()
    applications(cluster).refresh("a")
    applications(cluster).sync("a")
    assert asked_again(cluster) == []


@pytest.mark.parametrize("unheard", [1, 2])
def test_a_refresh_that_argo_cd_did_not_hear_is_asked_again_by_a_change_each_time(unheard: int) -> None:
    cluster = OneApplication(unheard)
    applications(cluster).refresh("a", hard=True)
    assert cluster.patches[0] == {"metadata": {"annotations": {REFRESH: "hard"}}}
    assert len(set(asked_again(cluster))) == unheard
    assert cluster.stands is not None
    assert REFRESH not in cluster.stands["metadata"]["annotations"]


def test_a_sync_that_argo_cd_did_not_hear_is_asked_again_and_stays_one_operation() -> None:
    cluster = OneApplication(1)
    applications(cluster).sync("a")
    assert len(asked_again(cluster)) == 1
    assert len(operations(cluster)) == 1
    assert applications(cluster).get("a").operation is not None


def test_an_operation_that_ended_before_is_not_taken_for_the_one_that_was_asked_for() -> None:
    cluster = OneApplication(5)
    assert cluster.stands is not None
    cluster.stands["status"] = {"operationState": {"phase": "Succeeded"}}
    with pytest.raises(UnavailableError, match="does not begin to sync the Application a"):
        applications(cluster).sync("a")


def test_an_argo_cd_that_does_not_run_is_told_after_a_while() -> None:
    cluster = OneApplication(unheard=1_000)
    with pytest.raises(UnavailableError, match="does not look at the Application a, though it was asked 3 times"):
        applications(cluster).refresh("a")
    assert len(asked_again(cluster)) == 2


def test_an_application_that_is_deleted_meanwhile_is_told() -> None:
    cluster = OneApplication(unheard=1)
    assert cluster.stands is not None
    cluster.stands["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    with pytest.raises(NotFoundError):
        applications(cluster).refresh("a")


@pytest.mark.parametrize("unheard", [0, 1, 2])
def test_a_deletion_is_asked_for_until_the_application_is_gone(unheard: int) -> None:
    cluster = OneApplication()
    asked = applications(cluster)
    cluster.unheard = 1 + unheard  # the finalizer's write is none of the deletion
    assert asked.delete("a", cascade=True)
    asked.wait_until_gone("a")
    assert cluster.stands is None
    assert len(asked_again(cluster)) == unheard
