"""The rights of an administrator in a cluster last as long as the step that needs them."""

from __future__ import annotations

from typing import Any, cast

import pytest

from csoc.clusters.access import EksReference, KubeconfigReference
from csoc.clusters.client import Access, Allowed, ClusterClient
from csoc.errors import ConflictError, DeniedError, RejectedError, UnavailableError
from csoc.operations.administering import administering
from csoc.operations.services import Services
from csoc.operations.steps.base import Context
from csoc.testing.clusters import MemoryClusterAccess

OWN = EksReference("research", "research", "111111111111", "ap-southeast-2", "csoc-c1b2c3d4e5", is_own=True)


class Cluster:
    """Says who is an administrator: not at the first look after the rights were raised, as EKS does."""

    def __init__(self) -> None:
        self.answers = [False, True]

    def may(self, access: Access) -> Allowed:
        assert access.resource == "clusterrolebindings"
        return Allowed(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])

    def close(self) -> None:
        """Nothing is open."""


class World:
    """A context. lost: another executor has the run."""

    def __init__(self) -> None:
        self.cluster = Cluster()
        self.access = MemoryClusterAccess({"research": cast(ClusterClient, self.cluster)})
        self.services = Services(clusters=self.access)
        self.run = type("Run", (), {"id": "run-1", "by": "ada"})()
        self.lost = False
        self.slept = 0.0

    def check(self) -> None:
        if self.lost:
            raise ConflictError("another executor has the run")

    def sleep(self, seconds: float) -> None:
        self.slept += seconds

    def enter(self, reference: Any = OWN) -> Any:
        return administering(cast(Context, self), reference)


def test_rights_are_raised_waited_for_and_lowered() -> None:
    world = World()
    with world.enter():
        assert world.access.rights == ["raised"]
        assert world.slept == 1
    assert world.access.rights == ["raised", "lowered"]


def test_they_are_lowered_when_the_step_fails_and_it_fails_for_its_own_reason() -> None:
    world = World()
    with pytest.raises(RejectedError, match="of the step"), world.enter():
        raise RejectedError("of the step")
    assert world.access.rights == ["raised", "lowered"]


def test_who_lost_the_run_leaves_them_to_whoever_has_it() -> None:
    world = World()
    with pytest.raises(ConflictError, match="another executor"), world.enter():
        world.lost = True
    assert world.access.rights == ["raised"]


def test_what_is_refused_because_another_run_lowered_them_is_tried_again() -> None:
    world = World()
    world.cluster.answers = [True, False]
    with pytest.raises(UnavailableError, match="Another run took csoc's rights"), world.enter():
        raise DeniedError("clusterroles is forbidden")


def test_what_an_administrator_is_refused_stays_refused() -> None:
    world = World()
    with pytest.raises(DeniedError, match="by an admission policy"), world.enter():
        raise DeniedError("by an admission policy")


def test_a_cluster_that_somebody_brought_along_is_not_asked() -> None:
    world = World()
    world.cluster.answers = []
    with world.enter(KubeconfigReference("research")):
        assert world.slept == 0
