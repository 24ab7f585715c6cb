"""All JSON of csoc's commands names its fields in one style, ownerName, so that nobody has to look which one it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from csoc.cli.plan.show import plan_json
from csoc.provisioning.plans import Cost, CostLine, LayerPlan, Plan, PlanKind, PolicyFinding, Purpose
from csoc.provisioning.stacks import Action, PropertyChange, ResourceChange

ROOT = Path(__file__).resolve().parents[3]
COMMANDS = sorted((ROOT / "src/csoc/cli").rglob("*.py"))
_NOT_JSON = {"max_content_width", "fresh_seconds"}
"""Settings of click, and of csoc."""
_AS_PYTHON_CALLS_THEM = {("dataclasses", "asdict"), ("csoc.provisioning.plans", "to_json")}
"""What gives fields so, by module; cli.plan.show spells them anew."""

CHANGE = ResourceChange(
    Action.REPLACE, "Vpc", "AWS::EC2::VPC", "vpc-1", properties=(PropertyChange("Properties.CidrBlock", "a", "b"),)
)
COST = Cost(1.0, 2.0, (CostLine("network", "NAT gateway", 3.0),), ("a thing",), "a table")
LAYER = LayerPlan(
    "network",
    "csoc-c1b2c3d4e5-network",
    PlanKind.EXACT,
    parameters={"a_name_of_somebody": "kept"},
    changes=(CHANGE,),
    cost=COST,
    findings=(PolicyFinding("data", "network/Vpc", "it goes", "do not", blocks=True),),
)
PLAN = Plan(
    "p1", Purpose.APPLY, "c1b2c3d4e5", "cluster", "tidal", "research", "111111111111", "ap-southeast-2", "sts:ada",
    datetime(2026, 11, 23, tzinfo=UTC), "d", "c", (LAYER,),
)  # fmt: skip


def keys(data: Any) -> Iterator[str]:
    """Every key of what a command prints, but those of data that people named."""
    for key, value in data.items() if isinstance(data, dict) else ():
        yield key
        yield from () if key == "parameters" else keys(value)
    for item in data if isinstance(data, list) else ():
        yield from keys(item)


def test_a_plan_has_every_field_in_the_style_of_all_json_and_data_as_it_is() -> None:
    found = plan_json(PLAN, "")
    assert not [key for key in keys(found) if "_" in key]
    assert {"ownerName", "madeBy", "accountId", "secondPerson"} <= set(found)
    assert len(found) == len(fields(Plan)) + len(("digest", "missing", "blocked", "empty"))
    (layer,) = found["layers"]
    assert layer["changes"][0]["logicalId"] == "Vpc"
    assert layer["cost"]["lines"][0]["usdPerMonth"] == 3.0
    assert layer["parameters"] == {"a_name_of_somebody": "kept"}


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: str(path.relative_to(ROOT / "src/csoc/cli")))
def test_no_command_prints_a_field_as_python_calls_it(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    named = [
        key.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    ]
    assert not [name for name in named if re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", name) and name not in _NOT_JSON]
    taken = {
        (node.module, alias.name) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert path.name == "show.py" or not taken & _AS_PYTHON_CALLS_THEM, "spell its fields as plan_json does"


def test_the_workflow_of_the_documents_asks_for_fields_that_a_plan_has() -> None:
    text = (ROOT / "docs/how-to/apply-workflow.yaml").read_text("utf-8")
    asked = {
        name for part in re.findall(r"jq -r '(.*?)'", text, re.DOTALL) for name in re.findall(r"\.([A-Za-z_]+)", part)
    }
    assert {"id", "ownerKind", "layers"} <= asked
    assert asked <= set(keys(plan_json(PLAN, "")))
