"""What every store of plans promises, run on each of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from csoc.adapters.db.database import Database, open_database
from csoc.adapters.db.plans import DatabasePlans
from csoc.errors import ConflictError, NotFoundError, RejectedError
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


def test_the_plan_that_was_applied_last_is_found_however_many_came_after_it(again: Again, plan: Plan) -> None:
    plans = again()
    assert plans.last_applied(OWNER) is None
    other = replace(plan, id="other00001", owner="e1b2c3d4e5")
    early = replace(plan, id="early00001", made_at=plan.made_at - timedelta(days=1))
    for one in (plan, early, other):
        plans.put(one, {})
        plans.mark_applied(one.id, START + timedelta(hours=1 if one is plan else 2))
    for number in range(60):
        plans.put(replace(plan, id=f"later{number:05}", made_at=plan.made_at + timedelta(minutes=number + 1)), {})
    assert again().last_applied(OWNER) == early, "it was made before the other, and applied after it"
    assert again().last_applied("nobody0001") is None
    part = replace(early, id="part000001", layers=plan.layers[:1])
    plans.put(part, {})
    plans.mark_applied(part.id, START + timedelta(hours=3))
    first, second = (layer.layer for layer in plan.layers[:2])
    assert [again().last_applied(OWNER, one) for one in ("", first, second, "edge")] == [part, part, early, None]


EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "made_by": lambda data: data.update(made_by="sts:zoe"),
    "authors": lambda data: data.update(authors=["ada"]),
    "owner_name": lambda data: data.update(owner_name="other"),
    "owner_kind": lambda data: data.update(owner_kind="environment"),
    "account": lambda data: data.update(account="other"),
    "account_id": lambda data: data.update(account_id="222222222222"),
    "commit": lambda data: data.update(commit="f" * 40),
    "people": lambda data: data.update(people=0),
    "the change set": lambda data: data["layers"][0].update(change_set="other"),
    "the template": lambda data: data["layers"][0].update(template_digest="0" * 64),
    "its id": lambda data: data.update(id="other00001"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_of_a_plan_that_somebody_edited_nothing_is_believed_and_others_go_on(
    tmp_path: Path, plan: Plan, edit: str
) -> None:
    database = open_database(f"sqlite:///{tmp_path}/csoc.db")
    try:
        plans = DatabasePlans(database)
        early = replace(plan, id="early00001", made_at=plan.made_at - timedelta(days=1))
        for one in (plan, early):
            plans.put(one, {})
            plans.mark_applied(one.id, one.made_at)
        _edit(tmp_path / "csoc.db", plan.id, EDITS[edit])
        with pytest.raises(RejectedError, match=f"The plan {plan.id} is not as it was stored"):
            plans.get(plan.id)
        assert plans.newest(OWNER, 1) == [early]
        assert plans.newest() == [early]
        assert plans.last_applied(OWNER) == early
        assert plans.damaged(OWNER) == [plan.id]
        later = replace(plan, id="later00001", made_at=plan.made_at + timedelta(days=1))
        plans.put(later, {})
        assert plans.newest(OWNER) == [later, early], "planning anew works"
    finally:
        database.close()


def _edit(file: Path, plan_id: str, edit: Callable[[dict[str, Any]], object]) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        (content,) = connection.execute("SELECT content FROM plans WHERE id = ?", (plan_id,)).fetchone()
        data = json.loads(content)
        edit(data)
        connection.execute("UPDATE plans SET content = ? WHERE id = ?", (json.dumps(data), plan_id))
