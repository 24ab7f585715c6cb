"""A plan as the terminal shows it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from csoc.cli.plan.launch import print_asked
from csoc.cli.plan.show import print_plan
from csoc.provisioning.plans import Cost, CostLine, LayerPlan, PlanKind
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


def test_of_long_lists_of_costs_it_is_said_how_many_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    lines = tuple(CostLine("network", f"thing {number}", float(number)) for number in range(1, 24))
    shown = LayerPlan("network", "csoc-c1b2c3d4e5-network", PlanKind.PREVIEW, cost=Cost(0.0, 276.0, lines))
    print_plan(replace(World().plan(), layers=(shown,)), "")
    said = capsys.readouterr().out
    assert "Listed are the 5 largest of 23 of network; --json has all" in said
    assert ("thing 19" in said, "thing 18" in said) == (True, False)


def test_a_plan_that_has_a_run_is_not_to_be_applied_again(capsys: pytest.CaptureFixture[str]) -> None:
    plan = World().plan()
    print_plan(plan, "", gets_run=True)
    assert "csoc apply" not in capsys.readouterr().out
    print_plan(plan, "")
    assert f"csoc apply {plan.id}" in capsys.readouterr().out


def test_who_made_a_plan_is_named_as_lists_do(capsys: pytest.CaptureFixture[str]) -> None:
    arn = "sts:arn:aws:sts::111111111111:assumed-role/csoc-worker/ada@example.org"
    print_plan(replace(World().plan(), made_by=arn), "")
    assert "made by ada@example.org at" in capsys.readouterr().out


def test_only_what_the_answers_do_not_tell_will_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    asked = (("fence-config", "client-secret", "the client's secret"),)
    told = {("fence-config", "client-secret")}
    print_asked(asked, wait=True, told=told)
    assert capsys.readouterr().out == ""
    print_asked(asked, wait=False, told=told)
    assert "which csoc launch --wait gives; another worker asks for it" in capsys.readouterr().out
    print_asked(asked, wait=True, told=set())
    assert capsys.readouterr().out.startswith("It will ask for what only a person has:")
