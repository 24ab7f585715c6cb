"""What every store of plans promises, run on each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from csoc.adapters.db.database import Database, open_database
from csoc.adapters.db.plans import DatabasePlans
from csoc.errors import ConflictError, NotFoundError
from csoc.provisioning.plans import Approval, Plan, Plans
from csoc.testing.plans import MemoryPlans
from tests.unit.provisioning.small_layers import OWNER, START, World

Again = Callable[[], Plans]


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def again(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Again]:
    """Opens the same store once more, as another process would."""
    opened: list[Database] = []
    memory = MemoryPlans()

    def open_again() -> Plans:
        if request.param == "memory":
            return memory
        url = f"sqlite:///{tmp_path}/csoc.db" if request.param == "sqlite" else request.getfixturevalue("database").url
        opened.append(open_database(url))
        return DatabasePlans(opened[-1])

    yield open_again
    for database in opened:
        database.close()


@pytest.fixture
def plan() -> Plan:
    world = World()
    return world.plan()


def test_a_plan_is_read_as_it_was_stored_with_its_templates(again: Again, plan: Plan) -> None:
    again().put(plan, {"network": "{}", "cluster": '{"a": 1}'})
    assert again().get(plan.id) == plan
    assert again().template(plan.id, "cluster") == '{"a": 1}'


def test_what_is_not_there_says_how_to_get_it(again: Again) -> None:
    with pytest.raises(NotFoundError, match="csoc plan makes one"):
        again().get("nothing")
    with pytest.raises(NotFoundError, match="no template of a layer edge"):
        again().template("nothing", "edge")
    with pytest.raises(NotFoundError, match="There is no plan nothing"):
        again().approve(Approval("nothing", "0" * 64, "sts:ada", START))


def test_a_plan_never_changes(again: Again, plan: Plan) -> None:
    plans = again()
    plans.put(plan, {})
    plans.put(plan, {})
    with pytest.raises(ConflictError, match="another plan"):
        plans.put(replace(plan, made_by="sts:eve"), {})
    assert plans.get(plan.id) == plan


def test_plans_come_newest_first_and_by_owner(again: Again, plan: Plan) -> None:
    plans = again()
    later = replace(plan, id="later00001", made_at=plan.made_at + timedelta(hours=1))
    other = replace(plan, id="other00001", owner="e1b2c3d4e5")
    for one in (plan, later, other):
        plans.put(one, {})
    assert [one.id for one in plans.newest(OWNER)] == ["later00001", plan.id]
    assert len(plans.newest()) == 3
    assert [one.id for one in plans.newest(limit=1)] == ["later00001"]


def test_an_approval_counts_once_and_keeps_its_time(again: Again, plan: Plan) -> None:
    plans = again()
    plans.put(plan, {})
    first = Approval(plan.id, plan.digest, "sts:bea", START)
    plans.approve(first)
    plans.approve(replace(first, at=START + timedelta(hours=1)))
    plans.approve(replace(first, by="sts:ada", at=START + timedelta(minutes=1)))
    assert [(one.by, one.at) for one in again().approvals(plan.id)] == [
        ("sts:bea", START),
        ("sts:ada", START + timedelta(minutes=1)),
    ]


def test_what_was_applied_is_known_from_then_on(again: Again, plan: Plan) -> None:
    plans = again()
    plans.put(plan, {})
    assert not plans.applied(plan.id)
    plans.mark_applied(plan.id, START)
    assert again().applied(plan.id)
