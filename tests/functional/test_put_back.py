"""An update that could neither be finished nor put back: csoc goes on with putting it back, and says what keeps it."""

from __future__ import annotations

import json

from tests.functional.planned_fleet import Fleet
from tests.functional.test_plans import emulator, fleet

__all__ = ["emulator", "fleet"]

DAYS = "  layers: [{name: network, provider: aws, settings: {flow_log_days: 90}}]\n"


def test_resuming_a_run_puts_back_what_its_update_left_and_then_goes_on(fleet: Fleet) -> None:
    uid = "c6b2c3d4e5"
    path = fleet.cluster("stuck", uid)
    fleet.apply(fleet.plan("stuck", "--layer", "network"))
    logs = fleet.owner.client("logs")
    group = next(one["logGroupName"] for one in logs.describe_log_groups()["logGroups"] if uid in one["logGroupName"])
    fleet.write(path, (fleet.folder / path).read_text() + DAYS)
    plan = fleet.plan("stuck", "--layer", "network")
    logs.delete_log_group(logGroupName=group)

    fleet.csoc("approve", plan["id"])
    failed = fleet.csoc("apply", plan["id"])
    assert failed.code != 0
    said = failed.out + failed.err
    assert "what was changed before could not all be put back" in said
    run = json.loads(fleet.csoc("runs", "list", "--json").out)["runs"][0]["id"]
    assert f"csoc runs resume {run} --skip network/FlowLogGroup" in said.replace("\n", " ")
    status = fleet.csoc("status", "stuck")
    assert "what it had changed could not all be put back" in status.out
    wrong = fleet.csoc("runs", "resume", run, "--skip", "elsewhere/FlowLogGroup")
    assert "is no resource of a layer of this run" in wrong.err

    still = fleet.csoc("runs", "resume", run)
    assert still.code != 0
    assert "FlowLogGroup" in still.out + still.err

    logs.create_log_group(logGroupName=group)
    ran = fleet.world.done(fleet.csoc("runs", "resume", run))
    assert "putting back what an update changed" in ran.out
    found = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]
    assert found["retentionInDays"] == 90
