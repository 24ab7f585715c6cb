"""What the schemas that AWS publishes say of each type that is made here, held against the schemas themselves."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from csoc.emulator.cloudformation.decisions import decide
from csoc.emulator.cloudformation.resources.table import HANDLERS
from csoc.emulator.cloudformation.schemas import Schemas, changed_paths, same

SCHEMAS = Schemas()


def nested(pointer: str, value: Any) -> Mapping[str, Any]:
    """Properties that have a value at a pointer of a schema, within lists where it says "*"."""
    found: Any = value
    for part in reversed(pointer.split("/")[2:]):
        found = [found] if part == "*" else {part: found}
    return dict(found)


@pytest.mark.parametrize("type_name", sorted(HANDLERS))
def test_each_type_is_replaced_for_what_its_schema_calls_create_only(type_name: str) -> None:
    schema = SCHEMAS.definition(type_name)
    assert schema, f"{type_name} is not in the region's schemas"
    always = schema.get("createOnlyProperties", [])
    sometimes = [pointer for pointer in schema.get("conditionalCreateOnlyProperties", []) if pointer not in always]
    for pointers, replacement in ((always, "True"), (sometimes, "Conditional")):
        for pointer in pointers:
            decision = decide(SCHEMAS, type_name, nested(pointer, "x"), nested(pointer, "y"), {}, {})
            assert decision.replacement == replacement, pointer
    fixed = {pointer.split("/")[2] for pointer in (*always, *sometimes)}
    for name in sorted(set(schema["properties"]) - fixed):
        decision = decide(SCHEMAS, type_name, {name: "x"}, {name: "y"}, {}, {})
        assert decision.replacement == "False", name


def test_a_map_that_comes_without_what_is_create_only_replaces_nothing() -> None:
    kind = "AWS::EKS::Cluster"
    fixed = {"KubernetesNetworkConfig": {"IpFamily": "ipv4"}}
    free = {"KubernetesNetworkConfig": {"ElasticLoadBalancing": {"Enabled": True}}}
    assert decide(SCHEMAS, kind, {}, fixed, {}, {}).replacement == "True"
    assert decide(SCHEMAS, kind, {}, free, {}, {}).replacement == "False"


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ({"a": 1}, {"a": "1"}, []),
        ({"a": True}, {"a": "true"}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [("a", "b")]),
        ({"a": [1, 2]}, {"a": [1, 3]}, [("a", "1")]),
        ({"a": [1, 2]}, {"a": [1]}, [("a",)]),
        ({"a": 1}, {}, [("a",)]),
        ({"a": ""}, {}, [("a",)]),
    ],
)
def test_changed_paths(before: Any, after: Any, paths: list[tuple[str, ...]]) -> None:
    assert changed_paths(before, after) == paths
    assert same(before, after) is (not paths)


def test_properties_that_no_schema_knows_are_refused_by_name() -> None:
    assert "[Colour]" in SCHEMAS.problem("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16", "Colour": "red"})
    assert "VpcId" in SCHEMAS.problem("AWS::EC2::VPC", {"VpcId": "vpc-1"})
    assert SCHEMAS.problem("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"}) == ""
    assert "[VpcId] not found" in SCHEMAS.problem("AWS::EC2::Subnet", {})


def test_schemas_are_read_without_the_program_that_ships_them() -> None:
    """It takes seconds to load, which each start of the emulator would take longer."""
    asked = (
        "import sys; from csoc.emulator.cloudformation.schemas import Schemas; Schemas(); "
        "print('cfnlint' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout == "False\n"
