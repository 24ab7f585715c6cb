"""What `csoc status` says of a run that waited for an approval and that nobody executes."""

from __future__ import annotations

from pathlib import Path

from csoc.adapters.db.database import open_database
from csoc.adapters.db.runs import DatabaseRuns
from csoc.emulator.running import running
from csoc.emulator.timeline import RunningTimeline
from csoc.operations.runs import RunState
from tests.functional.planned_fleet import Fleet


def test_status_names_the_approval_that_was_given_since_and_who_executes_runs(tmp_path: Path) -> None:
    with running(timeline=RunningTimeline(speed=1000)) as emulator:
        fleet = Fleet(emulator, tmp_path)
        fleet.cluster("tidal", "c1b2c3d4e5")
        plan = fleet.plan("tidal", "--layer", "network")["id"]
        run = fleet.world.done(fleet.csoc("apply", plan, "--begin", "--json")).data["id"]
        _has_waited(fleet, run, plan)
        nobody = f"Nobody executes it: csoc worker does, or csoc runs resume {run}"

        before = fleet.world.done(fleet.csoc("status", "tidal")).out
        assert f"  approval waits for the approval of plan {plan}" in before
        assert f"fix: csoc approve {plan}" in before
        assert nobody in before
        data = fleet.csoc("status", "tidal", "--json").data
        assert (data["leftAlone"], data["approved"]) == (True, None)

        fleet.world.done(fleet.csoc("approve", plan))
        after = fleet.world.done(fleet.csoc("status", "tidal")).out
        assert f"  approval waited for the approval of plan {plan}, which is approved by now" in after
        assert "csoc approve" not in after
        assert nobody in after
        data = fleet.csoc("status", "tidal", "--json").data
        assert (data["leftAlone"], data["approved"]) == (True, plan)
        assert data["waitsFor"] == [f"the approval of plan {plan}"]

        fleet.world.done(fleet.csoc("runs", "cancel", run))
        gone = fleet.csoc("status", "tidal").out
        assert "Nobody executes" not in gone


def _has_waited(fleet: Fleet, run: str, plan: str) -> None:
    """As a worker leaves a run that is killed while it waits."""
    store = DatabaseRuns(open_database(f"sqlite:///{fleet.csoc.variables['CSOC_DATA_DIR']}/csoc.sqlite3"))
    try:
        store.change(run, None, state=RunState.WAITING)
        waits = f"the approval of plan {plan}"
        store.change_step(run, 1, None, state=RunState.WAITING, waits_for=waits, fix=f"csoc approve {plan}")
    finally:
        store.close()
