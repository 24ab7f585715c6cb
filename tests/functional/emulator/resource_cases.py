"""What holds for each resource type, checked on cases: all that a handler claims is kept, told, changed and deleted.

Handlers are called as the engine calls them: in the name of an account's owner, without a stack around them.
"""

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

REGION = "ap-southeast-2"
_NUMBERS = itertools.count(1)
_ELSEWHERE = itertools.count(500_000_000_000)
_SCHEMAS = Schemas(REGION)
Properties = dict[str, Any]


class Bench:
    """An account in which resources are made, changed, read and deleted. Several may stand side by side."""

    def __init__(self, emulator: Emulator, account: str, region: str = REGION) -> None:
        self.account, self.region, self._emulator = account, region, emulator
        emulator.accounts.owner(account)
        arn = f"arn:aws:iam::{account}:user/owner"
        self._identity = Identity(account, arn, arn, "AIDAOWNER")

    def elsewhere(self) -> Bench:
        """The same in another account, so that names and address ranges are free."""
        return Bench(self._emulator, str(next(_ELSEWHERE)), self.region)

    def unique(self) -> int:
        """A number that no other has, for names."""
        return next(_NUMBERS)

    def client(self, service: str, region: str = "") -> Any:
        self._emulator.inside.act_as(self._identity, "cloudformation.amazonaws.com")
        return self._emulator.inside.client(service, region or self.region)

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

    def make(self, type_name: str, context: Context | None = None, /, **properties: Any) -> Made:
        """Makes a resource, if its schema has nothing against it."""
        problem = _SCHEMAS.problem(type_name, properties)
        assert problem == "", problem
        return HANDLERS[type_name].create(context or self.context(), properties)

    def id(self, type_name: str, /, **properties: Any) -> str:
        """Makes a resource and gives what Ref gives."""
        made = self.make(type_name, **properties)
        return made.ref if made.ref is not None else made.physical_id

    def change(self, type_name: str, physical_id: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Made:
        return HANDLERS[type_name].update(self.context(), physical_id, before, after)

    def delete(self, type_name: str, physical_id: str, **properties: Any) -> None:
        HANDLERS[type_name].delete(self.context(), physical_id, properties)

    def read(self, type_name: str, physical_id: str) -> Mapping[str, Any] | None:
        return HANDLERS[type_name].read(self.context(), physical_id)

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


Build = Callable[[Bench], Properties]


@dataclass(frozen=True)
class Case:
    """One type. sets: sets of properties that together hold all that the handler claims. change: what an update
    changes. shown: how a property reads where a service tells it in another form.

    Exceptions, each with its reason: untried: properties that only an update can have. without: read-only properties of
    the schema that are no attribute. told: write-only properties that are told all the same. moves: an update changes
    the physical id. stays: it can be read after deleting."""

    type_name: str
    sets: Sequence[Build]
    change: Callable[[Bench, Properties], Properties] | None = None
    untried: Mapping[str, str] = field(default_factory=dict)
    without: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)
    moves: str = ""
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
    if _are_settings(asked) and isinstance(live, (list, tuple)) and not where.endswith("Tags"):
        # Settings that a template does not name have their defaults.
        told = plain(live)
        return [f"{where}: {setting!r} is gone" for setting in asked if plain(setting) not in told]
    if isinstance(asked, (list, tuple)) and isinstance(live, (list, tuple)) and len(asked) == len(live):
        old, new = sorted(asked, key=_order), sorted(live, key=_order)
        pairs = enumerate(zip(old, new, strict=True))
        return [found for number, (a, b) in pairs for found in lacks(a, b, f"{where}.{number}")]
    return [] if plain(asked) == plain(live) else [f"{where}: {asked!r} became {live!r}"]


def _are_settings(value: Any) -> bool:
    listed = isinstance(value, (list, tuple)) and bool(value)
    return listed and all(isinstance(one, Mapping) and one.keys() == {"Key", "Value"} for one in value)


def _missing(value: Any, where: str) -> list[str]:
    return [f"{where} is gone"] if value not in ([], {}, "") else []


def _order(value: Any) -> str:
    return json.dumps(plain(value), sort_keys=True, default=str)


def _hidden(case: Case) -> set[str]:
    """Properties that nobody tells again."""
    return {*_SCHEMAS.write_only(case.type_name), *getattr(case.handler, "unread", ())} - set(case.told)


def _untold(case: Case, wanted: Properties, live: Mapping[str, Any] | None) -> list[str]:
    """What of the wanted properties is not told as it was wanted."""
    told = {name: value for name, value in case.shown(wanted).items() if name not in _hidden(case)}
    return lacks(told, live or {})


def what_is_claimed_is_kept_and_what_is_deleted_is_gone(case: Case, bench: Bench) -> None:
    tried: set[str] = set(case.untried)
    for build in case.sets:
        one = bench.elsewhere()
        given, context = build(one), one.context(stage="test")
        problem = _SCHEMAS.problem(case.type_name, given)
        assert problem == "", problem
        made = case.handler.create(context, given)
        live = case.handler.read(context, made.physical_id)
        assert live is not None
        lost = _untold(case, given, live)
        assert lost == [], lost
        assert not _hidden(case) & set(live)
        compared = drifted(_SCHEMAS, case.type_name, given, live, {"stage": "test"})
        assert compared is None or compared[0] == [], "nothing drifts at once"
        again = case.handler.update(context, made.physical_id, given, given)
        assert (again.physical_id, again.attributes) == (made.physical_id, made.attributes), "nothing changed"
        case.handler.delete(context, made.physical_id, given)
        assert case.stays or case.handler.read(context, made.physical_id) is None
        case.handler.delete(context, made.physical_id, given)
        tried |= given.keys()
    assert tried == set(case.handler.supported), tried ^ set(case.handler.supported)


def attributes_are_given(case: Case, bench: Bench) -> None:
    made = case.handler.create(bench.context(), case.sets[0](bench))
    schema = _SCHEMAS.definition(case.type_name)
    pointers = [pointer.split("/")[2:] for pointer in schema.get("readOnlyProperties", ())]
    whole = {parts[0] for parts in pointers if len(parts) == 1}
    # What is below a property that is refused is not there, and Fn::GetAtt gives no items of lists.
    refused = set(schema["properties"]) - set(case.handler.supported) - whole
    told = [parts for parts in pointers if "*" not in parts and (parts[0] not in refused or len(parts) == 1)]
    wanted = {".".join(parts) for parts in told}
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
    assert (again.physical_id == made.physical_id) == (not case.moves)
    assert set(again.attributes) == set(made.attributes)
    lost = _untold(case, after, case.handler.read(context, again.physical_id))
    assert lost == [], lost


def the_rest_is_refused_by_name(case: Case, bench: Bench) -> None:
    schema = _SCHEMAS.definition(case.type_name)
    fixed = {pointer.split("/")[2] for pointer in schema.get("readOnlyProperties", ()) if pointer.count("/") == 2}
    others = set(schema["properties"]) - set(case.handler.supported) - fixed
    given = case.sets[0](bench)
    for name in sorted(others):
        with pytest.raises(ResourceError, match=rf"\b{name}\b"):
            case.handler.create(bench.context(), {**given, name: "x"})


CHECKS = (
    what_is_claimed_is_kept_and_what_is_deleted_is_gone,
    attributes_are_given,
    changes_are_made,
    the_rest_is_refused_by_name,
)
