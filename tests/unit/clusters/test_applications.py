"""What csoc asks of Argo CD's Applications where two ask at once."""

from __future__ import annotations

import copy
from typing import Any, cast

import pytest

from csoc.clusters.applications import Applications, SyncRequest
from csoc.clusters.client import ClusterClient, Object
from csoc.errors import ConflictError


class OneApplication:
    """A cluster with one Application, which heeds resource versions as the API server does: a patch that names another
    version than the one that stands is a conflict, one that names none is taken."""

    def __init__(self) -> None:
        self.stands: Object = {"metadata": {"name": "a", "resourceVersion": "1"}, "spec": {}}
        self.patches: list[Object] = []

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Object:
        return copy.deepcopy(self.stands)

    def merge(
        self, api_version: str, kind: str, name: str, patch: Object, namespace: str = "", part: str = ""
    ) -> Object:
        stands = self.stands["metadata"]["resourceVersion"]
        if patch.get("metadata", {}).get("resourceVersion", stands) != stands:
            raise ConflictError("the object has been modified")
        self.patches.append(patch)
        metadata = {**self.stands["metadata"], "resourceVersion": str(int(stands) + 1)}
        self.stands = {**self.stands, **patch, "metadata": metadata}
        return self.get(api_version, kind, name, namespace)


class Between(OneApplication):
    """As above; somebody else asks for a sync after the first reading and before the patch."""

    def __init__(self) -> None:
        super().__init__()
        self.first = True

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Object:
        read = super().get(api_version, kind, name, namespace)
        if self.first:
            self.first = False
            applications(self).sync("a", SyncRequest(revisions=("theirs",), who="somebody else"))
        return read


def applications(cluster: Any) -> Applications:
    return Applications(cast(ClusterClient, cluster))


def test_of_two_who_ask_for_a_sync_at_once_the_second_is_told_and_the_first_stays() -> None:
    cluster = Between()
    with pytest.raises(ConflictError, match="has been modified"):
        applications(cluster).sync("a", SyncRequest(revisions=("mine",)))
    assert len(cluster.patches) == 1
    assert cluster.stands["operation"] == {
        "initiatedBy": {"username": "somebody else"},
        "sync": {"prune": False, "revision": "theirs"},
    }


def test_a_sync_that_was_asked_for_and_has_not_begun_is_told_to_the_next_who_asks() -> None:
    cluster = OneApplication()
    applications(cluster).sync("a")
    with pytest.raises(ConflictError, match="Another operation of the Application a is running"):
        applications(cluster).sync("a")
    assert len(cluster.patches) == 1


def test_each_wish_of_a_sync_stands_in_the_operation() -> None:
    cluster = OneApplication()
    applications(cluster).sync("a", SyncRequest(("r1", "r2"), prune=True, dry_run=True, who="ada"))
    assert cluster.stands["operation"] == {
        "initiatedBy": {"username": "ada"},
        "sync": {"prune": True, "dryRun": True, "revisions": ["r1", "r2"]},
    }
