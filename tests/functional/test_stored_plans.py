"""`csoc plan --list`: which plans were made, from the records alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from csoc.adapters.db.database import open_database
from csoc.adapters.db.plans import DatabasePlans
from csoc.provisioning.plans import Approval, Plan
from tests.functional.command import Command
from tests.unit.cli.test_json_style import PLAN

ADA = "sts:arn:aws:sts::111111111111:assumed-role/AWSReservedSSO_Engineer_0123456789abcdef/ada"


@pytest.fixture
def csoc(tmp_path: Path) -> Command:
    return Command(tmp_path / "home", tmp_path, variables={"CSOC_DATA_DIR": str(tmp_path / "data")})


@pytest.fixture
def plans(csoc: Command) -> Iterator[DatabasePlans]:
    database = open_database(f"sqlite:///{csoc.variables['CSOC_DATA_DIR']}/csoc.sqlite3")
    yield DatabasePlans(database)
    database.close()


def stored(plans: DatabasePlans, number: int, name: str) -> Plan:
    made = replace(
        PLAN, id=f"k3x9m2ab{number:02}", owner=f"uid-{name}", owner_kind="environment", owner_name=name, made_by=ADA,
        made_at=PLAN.made_at + timedelta(minutes=number),
        layers=tuple(replace(one, findings=()) for one in PLAN.layers),
    )  # fmt: skip
    plans.put(made, {})
    return made


def test_plans_are_listed_newest_first_with_what_became_of_them(csoc: Command, plans: DatabasePlans) -> None:
    applied, approved, fresh = stored(plans, 1, "reef-dev"), stored(plans, 2, "kelp-dev"), stored(plans, 3, "reef-dev")
    plans.mark_applied(applied.id, applied.made_at)
    plans.approve(Approval(approved.id, approved.digest, ADA, approved.made_at))
    listed = csoc("plan", "--list", "--json").data["plans"]
    assert [(one["id"], one["applied"], one["approvedBy"]) for one in listed] == [
        (fresh.id, False, []),
        (approved.id, False, [ADA]),
        (applied.id, True, []),
    ]
    assert all(one["madeBy"] == ADA for one in listed)
    with patch("csoc.cli.output.console_width", lambda **_: 80):
        lines = csoc("plan", "--list").out.splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line for line in lines if line.startswith("k3x9m2ab")]
    assert ["not approved" in rows[0], "approved by ada" in rows[1], "applied" in rows[2]] == [True] * 3
    assert f"csoc plan --show {fresh.id}" in lines[-1]


@pytest.mark.parametrize("owner", ["reef-dev", "environment/reef-dev", "uid-reef-dev"])
def test_the_plans_of_one_owner_are_found_by_its_name_and_its_uid(
    csoc: Command, plans: DatabasePlans, owner: str
) -> None:
    found = [stored(plans, 1, "reef-dev").id, stored(plans, 3, "reef-dev").id]
    stored(plans, 2, "kelp-dev")
    assert [one["id"] for one in csoc("plan", "--list", owner, "--json").data["plans"]] == found[::-1]
    assert csoc("plan", "--list", "nobody").out == "There are no plans of nobody.\n"


def test_there_are_no_plans_and_no_such_plan(csoc: Command) -> None:
    assert csoc("plan", "--list").out == "There are no plans.\n"
    gone = csoc("plan", "--show", "nope")
    assert (gone.code, "There is no plan nope" in gone.err) == (4, True)


@pytest.mark.parametrize("typed", [(), ("reef", "--show", "one"), ("--list", "--show", "one")])
def test_one_thing_is_asked_of_it(csoc: Command, typed: tuple[str, ...]) -> None:
    asked = csoc("plan", *typed)
    assert (asked.code, "Give one of OWNER, --list and --show PLAN" in asked.err) == (2, True)
