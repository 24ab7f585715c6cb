"""What holds for each resource type, checked on cases: all that a handler claims is kept, told, changed and deleted."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from csoc.emulator.cloud.calls import Identity
from csoc.emulator.cloudformation.drift import drifted
from csoc.emulator.cloudformation.resources.handler import Context, Made, ResourceError
from csoc.emulator.cloudformation.resources.table import HANDLERS
from csoc.emulator.cloudformation.schemas import Schemas
from csoc.emulator.running import Emulator

_NUMBERS = itertools.count(1)
_SCHEMAS = Schemas()
Properties = dict[str, Any]


class Bench:
    """An account in which handlers are called as the engine calls them."""

    def __init__(self, emulator: Emulator, account: str, region: str = "ap-southeast-2") -> None:
        self.account, self.region, self._emulator = account, region, emulator
        emulator.accounts.owner(account)
        arn = f"arn:aws:iam::{account}:user/owner"
        emulator.inside.act_as(Identity(account, arn, arn, "AIDAOWNER"), "cloudformation.amazonaws.com")

    def unique(self) -> int:
        """A number that no other has, for names."""
        return next(_NUMBERS)

    def client(self, service: str) -> Any:
        return self._emulator.inside.client(service, self.region)

    def context(self, logical_id: str = "Thing", **tags: str) -> Context:
        stack = f"arn:aws:cloudformation:{self.region}:{self.account}:stack/fleet/{next(_NUMBERS)}"
        own = {
            "aws:cloudformation:stack-name": "fleet",
            "aws:cloudformation:stack-id": stack,
            "aws:cloudformation:logical-id": logical_id,
        }
        suffix = f"{next(_NUMBERS):012d}"
        return Context(
            self.client,
            self.account,
            self.region,
            stack,
            "fleet",
            logical_id,
            f"fleet-{logical_id}-{suffix}",
            f"{suffix}-{logical_id}",
            {**tags, **own},
        )

    def make(self, type_name: str, **properties: Any) -> Made:
        """Something that a case needs."""
        return HANDLERS[type_name].create(self.context(), properties)

    def subnets(self) -> list[str]:
        """Two subnets of a new network, in two zones."""
        ec2 = self.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        made = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{self.region}{zone}")
            for number, zone in ((1, "a"), (2, "b"))
        ]
        return [answer["Subnet"]["SubnetId"] for answer in made]

    def group(self) -> str:
        """A security group of a new network."""
        ec2 = self.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        made = ec2.create_security_group(GroupName=f"g{self.unique()}", Description="of data", VpcId=vpc)
        return str(made["GroupId"])

    def role(self) -> str:
        """The ARN of a role."""
        return str(self.make("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST).attributes["Arn"])


def statement(action: str | list[str], **more: Any) -> dict[str, Any]:
    given = {"Effect": "Allow", "Action": action, **more}
    return {"Version": "2012-10-17", "Statement": [given]}


TRUST = statement("sts:AssumeRole", Principal={"Service": "ec2.amazonaws.com"})
READ = statement("s3:GetObject", Resource="*")
WRITE = statement("s3:PutObject", Resource="*")


@dataclass(frozen=True)
class Case:
    """One type. sets: sets of properties that together hold all that the handler claims. change: what an update
    changes. without: read-only properties of the schema that are no attribute, each with the reason. shown: how a
    property reads where a service tells it in another form. stays: why something can be read after deleting."""

    type_name: str
    sets: Sequence[Callable[[Bench], Properties]]
    change: Callable[[Bench, Properties], Properties] | None = None
    without: Mapping[str, str] = field(default_factory=dict)
    shown: Callable[[Properties], Properties] = dict
    stays: str = ""

    @property
    def handler(self) -> Any:
        return HANDLERS[self.type_name]


def plain(value: Any) -> Any:
    """A value as far as templates tell values apart: numbers and booleans as text, lists without their order."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return sorted((plain(inner) for inner in value), key=lambda item: json.dumps(item, sort_keys=True, default=str))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def lacks(asked: Any, live: Any, where: str = "") -> list[str]:
    """Where the live value does not hold what was asked for."""
    if isinstance(asked, Mapping) and isinstance(live, Mapping):
        return [
            found
            for key, value in asked.items()
            for found in (
                lacks(value, live[key], f"{where}.{key}") if key in live else _missing(value, f"{where}.{key}")
            )
        ]
    if isinstance(asked, (list, tuple)) and isinstance(live, (list, tuple)) and len(asked) == len(live):
        old, new = sorted(asked, key=_order), sorted(live, key=_order)
        pairs = enumerate(zip(old, new, strict=True))
        return [found for number, (a, b) in pairs for found in lacks(a, b, f"{where}.{number}")]
    return [] if plain(asked) == plain(live) else [f"{where}: {asked!r} became {live!r}"]


def _missing(value: Any, where: str) -> list[str]:
    return [f"{where} is gone"] if value not in ([], {}, "") else []


def _order(value: Any) -> str:
    return json.dumps(plain(value), sort_keys=True, default=str)


def claims_are_covered(case: Case, bench: Bench) -> None:
    named = {name for properties in case.sets for name in properties(bench)}
    assert named == set(case.handler.supported), named ^ set(case.handler.supported)


def everything_is_kept(case: Case, bench: Bench) -> None:
    for properties in case.sets:
        given, context = properties(bench), bench.context(stage="test")
        made = case.handler.create(context, given)
        live = case.handler.read(context, made.physical_id)
        assert live is not None
        hidden = {*_SCHEMAS.write_only(case.type_name), *getattr(case.handler, "unread", ())}
        told = {name: value for name, value in case.shown(given).items() if name not in hidden}
        lost = lacks(told, live)
        assert lost == [], lost
        assert not hidden & set(live)
        case.handler.delete(context, made.physical_id, given)


def nothing_drifts_at_once(case: Case, bench: Bench) -> None:
    for properties in case.sets:
        given, context = properties(bench), bench.context(stage="test")
        made = case.handler.create(context, given)
        live = case.handler.read(context, made.physical_id)
        compared = drifted(_SCHEMAS, case.type_name, given, live, {"stage": "test"})
        assert compared is None or compared[0] == []
        case.handler.delete(context, made.physical_id, given)


def attributes_are_given(case: Case, bench: Bench) -> None:
    made = case.handler.create(bench.context(), case.sets[0](bench))
    wanted = {
        pointer.removeprefix("/properties/").replace("/", ".")
        for pointer in _SCHEMAS.definition(case.type_name).get("readOnlyProperties", ())
    }
    given = set(made.attributes)
    wanted = {name for name in wanted if not any(other.startswith(f"{name}.") for other in wanted)}
    wanted = {name for name in wanted if not any(other.startswith(f"{name}.") for other in given)}
    missing = wanted - given - set(case.without)
    empty = {name for name in wanted & given if made.attributes[name] in (None, "")} - set(case.without)
    assert not missing | empty, missing | empty


def changes_are_made(case: Case, bench: Bench) -> None:
    fixed = {
        p.split("/")[2]
        for p in _SCHEMAS.definition(case.type_name).get("createOnlyProperties", ())
        if p.count("/") == 2
    }
    if case.change is None:
        assert set(case.handler.supported) <= fixed, (
            "something of the type changes in place, so the case needs a change"
        )
        return
    before, context = case.sets[0](bench), bench.context()
    made = case.handler.create(context, before)
    after = case.change(bench, dict(before))
    assert not {name for name in {*before, *after} if before.get(name) != after.get(name)} & fixed
    again = case.handler.update(context, made.physical_id, before, after)
    assert again.physical_id == made.physical_id
    assert set(again.attributes) == set(made.attributes)
    live = case.handler.read(context, made.physical_id)
    hidden = {*_SCHEMAS.write_only(case.type_name), *getattr(case.handler, "unread", ())}
    told = {name: value for name, value in case.shown(after).items() if name not in hidden}
    lost = lacks(told, live)
    assert lost == [], lost


def what_is_deleted_is_gone(case: Case, bench: Bench) -> None:
    given, context = case.sets[0](bench), bench.context()
    made = case.handler.create(context, given)
    case.handler.delete(context, made.physical_id, given)
    if not case.stays:
        assert case.handler.read(context, made.physical_id) is None
    case.handler.delete(context, made.physical_id, given)


def the_rest_is_refused_by_name(case: Case, bench: Bench) -> None:
    schema = _SCHEMAS.definition(case.type_name)
    fixed = {pointer.split("/")[2] for pointer in schema.get("readOnlyProperties", ()) if pointer.count("/") == 2}
    others = set(schema["properties"]) - set(case.handler.supported) - fixed
    given = case.sets[0](bench)
    for name in sorted(others):
        with pytest.raises(ResourceError, match=rf"\b{name}\b"):
            case.handler.create(bench.context(), {**given, name: "x"})


CHECKS = (
    claims_are_covered,
    everything_is_kept,
    nothing_drifts_at_once,
    attributes_are_given,
    changes_are_made,
    what_is_deleted_is_gone,
    the_rest_is_refused_by_name,
)
