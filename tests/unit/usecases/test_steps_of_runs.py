"""Which steps runs have and in which order, as the page of provisioning says, and when a plan needs none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from csoc.access.people import Origin, Person
from csoc.fleet.documents.base import Metadata
from csoc.fleet.documents.model import Account, AccountSpec
from csoc.operations.registry import STEPS
from csoc.operations.runs import Run, RunState
from csoc.provisioning.layers import LAYERS, OwnerKind
from csoc.provisioning.plans import LayerPlan, Plan, PlanKind, Purpose
from csoc.testing.runs import MemoryRuns
from csoc.usecases.cloud_ports import CloudPorts
from csoc.usecases.planning.making import made_by_csoc
from csoc.usecases.planning.owners import Owner
from csoc.usecases.planning.runs_of_plans import PUBLISH, has_nothing_to_do, run_of
from csoc.usecases.provisioning_ports import ProvisioningPorts
from tests.unit.gen3.launch.launching import ACCOUNT, REGION, answers, counting_ids, launch

PAGE = (Path(__file__).resolve().parents[3] / "docs/provisioning.md").read_text("utf-8")
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
GEN3 = {PlanKind.EXACT: PlanKind.RENDERED, PlanKind.UNCHANGED: PlanKind.UNCHANGED}
KINDS = {
    "a cluster": (OwnerKind.CLUSTER, Purpose.APPLY),
    "an environment": (OwnerKind.ENVIRONMENT, Purpose.APPLY),
    "a cluster's destruction": (OwnerKind.CLUSTER, Purpose.DESTROY),
    "an environment's destruction": (OwnerKind.ENVIRONMENT, Purpose.DESTROY),
}


def rows() -> dict[str, list[str]]:
    table = PAGE.partition("| run of | its steps, in order |\n|---|---|\n")[2].partition("\n\n")[0]
    return {row.split("|")[1].strip(): re.findall(r"`([^`]+)`", row.split("|")[2]) for row in table.splitlines()}


def owner_of(kind: OwnerKind) -> Owner:
    made = launch(answers(["standard"], network={"egress": "proxy"}))
    assert made.cluster is not None
    spec = AccountSpec(provider="aws", id=ACCOUNT, purpose="workload", regions=(REGION,))
    account = Account.make(metadata=Metadata(name="research", uid="a123456789"), spec=spec)
    return Owner(kind, made.cluster, account, made.environment if kind is OwnerKind.ENVIRONMENT else None)


def plan_of(owner: Owner, purpose: Purpose = Purpose.APPLY, kind: PlanKind = PlanKind.EXACT) -> Plan:
    """All layers of an owner, in the order in which they are planned."""
    layers = made_by_csoc(owner)
    later = ("HostnameRecord (AWS::Route53::RecordSet)",)
    shown = [
        LayerPlan(one, one, kind if LAYERS[one].has_stack else GEN3[kind], later=later if one == "edge" else ())
        for one in layers
    ]
    return Plan(
        id="p1", purpose=purpose, owner=owner.uid, owner_kind=owner.kind, owner_name=owner.name, account="research",
        account_id=ACCOUNT, region=REGION, made_by="ada", made_at=NOW, documents="d" * 64, commit="c" * 40,
        layers=tuple(shown if purpose is Purpose.APPLY else reversed(shown)),
    )  # fmt: skip


def run(plan: Plan, owner: Owner, after: str = "") -> Run:
    unused = cast(Any, None)
    cloud = CloudPorts(unused, lambda: NOW, counting_ids("r"), unused, unused, unused)
    ada = Person("sts:ada", "ada", Origin.STS)
    ports = ProvisioningPorts(unused, cloud, unused, unused, unused, lambda: ada)
    return run_of(ports, plan, owner, "https://git.example.org/team/fleet", after=after)


def steps(of: str) -> Iterator[tuple[str, str]]:
    kind, purpose = KINDS[of]
    owner = owner_of(kind)
    plan = plan_of(owner, purpose)
    made = run(plan, owner, after="RUN" if of == "an environment" else "")
    yield from ((step.name, step.kind) for step in made.steps)


@pytest.mark.parametrize("of", KINDS)
def test_the_page_lists_the_steps_of_each_run_in_their_order(of: str) -> None:
    assert rows()[of] == [name for name, _ in steps(of)]


@pytest.mark.parametrize("of", KINDS)
def test_each_step_is_of_a_kind_that_there_is(of: str) -> None:
    assert {kind for _, kind in steps(of)} <= set(STEPS)


def test_the_page_has_no_other_table_of_steps() -> None:
    assert set(rows()) == set(KINDS)


def done(made: Run) -> Run:
    over = (replace(step, state=RunState.SUCCEEDED, started_at=NOW, ended_at=NOW) for step in made.steps)
    return replace(made, state=RunState.SUCCEEDED, steps=tuple(over))


@pytest.mark.parametrize("kind", [OwnerKind.CLUSTER, OwnerKind.ENVIRONMENT])
def test_an_empty_plan_gets_a_run_until_one_did_what_is_done_besides_its_layers(kind: OwnerKind) -> None:
    owner = owner_of(kind)
    plan = plan_of(owner, kind=PlanKind.UNCHANGED)
    wanted, runs = run(plan, owner), MemoryRuns()
    assert not has_nothing_to_do(runs, plan, wanted)
    runs.add(done(wanted))
    assert has_nothing_to_do(runs, plan, wanted)


@pytest.mark.parametrize("missing", ["put secrets", "write outputs", PUBLISH])
def test_a_step_that_no_run_had_is_still_to_be_done(missing: str) -> None:
    owner = owner_of(OwnerKind.ENVIRONMENT)
    plan = plan_of(owner, kind=PlanKind.UNCHANGED)
    wanted, runs = run(plan, owner), MemoryRuns()
    before = done(wanted)
    runs.add(replace(before, steps=tuple(step for step in before.steps if step.name != missing)))
    assert not has_nothing_to_do(runs, plan, wanted)


def test_a_step_that_does_what_the_plan_shows_is_not_to_be_done_for_an_empty_plan() -> None:
    owner = owner_of(OwnerKind.ENVIRONMENT)
    plan = plan_of(owner, kind=PlanKind.UNCHANGED)
    wanted, runs = run(plan, owner), MemoryRuns()
    before = done(wanted)
    runs.add(replace(before, steps=tuple(step for step in before.steps if step.name != "apply database")))
    assert has_nothing_to_do(runs, plan, wanted)
