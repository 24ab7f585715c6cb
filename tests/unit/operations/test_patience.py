"""How long Gen3 is followed before a run says what of it is not healthy: as the settings say, and anew when resumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from csoc.clusters.access import ClusterAccess
from csoc.clusters.following.looking import Wanted
from csoc.config import PlatformSettings
from csoc.errors import RejectedError
from csoc.operations.registry import STEPS
from csoc.operations.runs import Run, RunState, Step
from csoc.operations.services import Delivery, Services
from csoc.operations.steps.base import Context, Done, Waiting
from csoc.testing.runs import MemoryRuns
from csoc.usecases.runs import resume
from tests.unit.operations.test_cluster_steps import NOW, Unaware, World


class Patient(Unaware):
    """Follows for so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def wanted(self, run: Run, values: str) -> Wanted:
        return replace(super().wanted(run, values), patience_seconds=self._seconds)


def followed(patience: float) -> Done | Waiting:
    """One look, a minute after the step began."""
    patient = Patient(patience)
    services = Services(delivery=cast(Delivery, patient), clusters=cast(ClusterAccess, patient))
    results: Mapping[str, Mapping[str, Any]] = {"write outputs": {"commit": "c" * 40}, "apply cluster": {"outputs": {}}}
    step = Step(1, "follow gen3", "follow gen3", started_at=NOW)
    return STEPS["follow gen3"].run(cast(Context, World(services, results, step=step)))


def test_what_is_not_healthy_is_waited_for_as_long_as_was_said_and_then_the_setting_is_named() -> None:
    assert isinstance(followed(61), Waiting)
    with pytest.raises(RejectedError, match=r"did not get healthy within 59 s \(platform.healthy_seconds\): ") as late:
        followed(59)
    assert late.value.fix.endswith("csoc runs resume")


def test_an_hour_is_given_where_nothing_is_set() -> None:
    assert PlatformSettings().healthy_seconds == Wanted("a", "n", ()).patience_seconds == 3_600


def test_a_resumed_step_has_its_whole_time_again() -> None:
    store = MemoryRuns()
    failed = Step(1, "follow gen3", "follow gen3", state=RunState.FAILED, started_at=NOW, ended_at=NOW)
    done = replace(failed, number=2, state=RunState.SUCCEEDED)
    store.add(Run("r1", "apply", "u1", "environment heart", "ada", NOW, state=RunState.FAILED, steps=(done, failed)))
    again = resume(store, "r1", by="sts:ada", now=NOW + timedelta(hours=2))
    assert [(step.state, step.started_at) for step in again.steps] == [
        (RunState.SUCCEEDED, NOW),
        (RunState.QUEUED, None),
    ]
