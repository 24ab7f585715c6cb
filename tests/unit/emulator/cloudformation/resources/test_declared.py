"""What resource types declare, compared with the schemas that AWS publishes."""

from __future__ import annotations

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from csoc.emulator.cloudformation.resources.declared import Declared
from csoc.emulator.cloudformation.resources.durations import SECONDS
from csoc.emulator.cloudformation.resources.table import HANDLERS
from csoc.emulator.cloudformation.schemas import Schemas

SCHEMAS = Schemas()
OURS = ("EC2", "EKS", "ElasticLoadBalancingV2", "AutoScaling", "CertificateManager", "Route53", "WAFv2", "SSM")
DECLARED = {
    name: handler for name, handler in HANDLERS.items() if isinstance(handler, Declared) and name.split("::")[1] in OURS
}
NOT_GIVEN = {
    "AWS::EC2::Instance": {"State": "an object, which Fn::GetAtt does not give"},
    "AWS::EC2::NatGateway": {
        "AutoProvisionZones": "of regional gateways, which are refused",
        "AutoScalingIps": "of regional gateways, which are refused",
        "RouteTableId": "of regional gateways, which are refused",
    },
    "AWS::EC2::NetworkInterface": {"PublicIpDnsNameOptions": "moto has no names of public addresses"},
}


def read_only(name: str) -> set[str]:
    pointers = SCHEMAS.definition(name).get("readOnlyProperties", ())
    return {pointer.split("/")[2] for pointer in pointers if pointer.count("/") == 2}


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_every_read_only_property_is_an_attribute_or_an_exception_with_a_reason(name: str) -> None:
    given = {one.partition(".")[0] for one in DECLARED[name].attributes}
    missing = read_only(name) - given - NOT_GIVEN.get(name, {}).keys()
    assert missing == set()


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_no_attribute_is_given_that_aws_would_refuse(name: str) -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", name)
    known = schema.get_atts
    assert [one for one in DECLARED[name].attributes if one not in known] == []


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_supported_properties_are_those_of_the_schema(name: str) -> None:
    assert DECLARED[name].supported - SCHEMAS.definition(name)["properties"].keys() == frozenset()


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_nothing_is_changed_in_place_that_replaces_the_resource(name: str) -> None:
    fixed = {
        pointer.split("/")[2]
        for pointer in SCHEMAS.definition(name).get("createOnlyProperties", ())
        if pointer.count("/") == 2
    }
    changed = {one for change in DECLARED[name].changes for one in change.properties}
    assert changed & fixed == set()


@pytest.mark.parametrize("name", sorted(HANDLERS))
def test_how_long_it_takes_is_said_with_a_source(name: str) -> None:
    kind, _, words = SECONDS[name].source.partition(":")
    assert kind in ("docs", "field", "quick")
    assert (kind == "docs") == bool(words.strip()), "what the documentation says is told, and nothing else needs words"
    assert HANDLERS[name].seconds == SECONDS[name].seconds > 0


def test_every_duration_is_of_a_type_that_is_made() -> None:
    assert SECONDS.keys() - HANDLERS.keys() == set()


def test_exceptions_are_still_needed() -> None:
    stale = {name: set(names) - read_only(name) for name, names in NOT_GIVEN.items()}
    assert {name: names for name, names in stale.items() if names} == {}
