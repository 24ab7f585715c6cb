"""A plan as the terminal shows it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from csoc.cli.plan.show import print_plan
from csoc.provisioning.plans import LayerPlan, PlanKind
from tests.unit.provisioning.small_layers import World


def test_what_is_there_already_may_change_later_and_is_not_said_to_come(capsys: pytest.CaptureFixture[str]) -> None:
    later = ("Record (AWS::Route53::RecordSet)", "Told (AWS::SSM::Parameter), which is there")
    shown = LayerPlan("edge", "csoc-c1b2c3d4e5-edge", PlanKind.UNCHANGED, later=later)
    print_plan(replace(World().plan(), layers=(shown,)), "")
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "later in the run: Record (AWS::Route53::RecordSet)" in lines
    assert "may change later in the run: Told (AWS::SSM::Parameter)" in lines


def test_nothing_is_said_to_come_where_all_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    shown = LayerPlan("edge", "csoc-c1b2c3d4e5-edge", PlanKind.UNCHANGED, later=("Told (T), which is there",))
    print_plan(replace(World().plan(), layers=(shown,)), "")
    assert "  later in the run" not in capsys.readouterr().out
