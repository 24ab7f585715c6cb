"""Resource types called as the engine calls them: in the name of an account's owner, without a stack around them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloud.calls import Identity
from csoc.emulator.cloudformation.drift import drifted
from csoc.emulator.cloudformation.resources.handler import Context, Made
from csoc.emulator.cloudformation.resources.table import HANDLERS
from csoc.emulator.cloudformation.schemas import Schemas
from csoc.emulator.running import Emulator

REGION = "ap-southeast-2"
STACK_TAGS = {"installation": "one", "aws:cloudformation:stack-name": "net"}
_NUMBERS = itertools.count(1)


class Making:
    """Makes, changes, reads and deletes resources in one account. Templates' properties are checked by the schema
    first, as the engine does it."""

    def __init__(self, emulator: Emulator, account: str) -> None:
        emulator.accounts.owner(account)
        arn = f"arn:aws:iam::{account}:user/owner"
        self.account = account
        self._identity = Identity(account, arn, arn, "AIDAOWNER")
        self._emulator = emulator
        self._schemas = Schemas(REGION)

    def elsewhere(self, number: int) -> Making:
        """The same in another account, so that names and address ranges are free."""
        return Making(self._emulator, str(int(self.account) + 500_000_000_000 + number * 1_000_000))

    def client(self, service: str, region: str = REGION) -> Any:
        self._emulator.inside.act_as(self._identity, "cloudformation.amazonaws.com")
        return self._emulator.inside.client(service, region)

    def context(self, logical_id: str = "It", tags: Mapping[str, str] = STACK_TAGS) -> Context:
        number = next(_NUMBERS)
        stack = f"arn:aws:cloudformation:{REGION}:{self.account}:stack/net/{number}"
        name, token = f"net-{logical_id}-{number:012}", f"token-{number}"
        return Context(self.client, self.account, REGION, stack, "net", logical_id, name, token, tags)

    def make(self, kind: str, context: Context | None = None, /, **properties: Any) -> Made:
        """kind: "EC2::VPC"."""
        problem = self._schemas.problem(f"AWS::{kind}", properties)
        assert problem == ""
        return HANDLERS[f"AWS::{kind}"].create(context or self.context(), properties)

    def id(self, kind: str, /, **properties: Any) -> str:
        made = self.make(kind, **properties)
        return made.ref if made.ref is not None else made.physical_id

    def change(self, kind: str, physical_id: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Made:
        return HANDLERS[f"AWS::{kind}"].update(self.context(), physical_id, before, after)

    def delete(self, kind: str, physical_id: str, **properties: Any) -> None:
        HANDLERS[f"AWS::{kind}"].delete(self.context(), physical_id, properties)

    def read(self, kind: str, physical_id: str) -> Mapping[str, Any] | None:
        return HANDLERS[f"AWS::{kind}"].read(self.context(), physical_id)


def comparable(value: Any) -> Any:
    """Lists whose order the service does not keep, in one order; numbers and booleans as a template may write them."""
    if isinstance(value, Mapping):
        return {key: comparable(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return sorted((comparable(item) for item in value), key=repr)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool | int | float) else value


def same(told: Any, wanted: Any) -> bool:
    """True if what is told has all that is wanted; a service may add members with its defaults."""
    told, wanted = comparable(told), comparable(wanted)
    if isinstance(told, Mapping) and isinstance(wanted, Mapping):
        return all(same(told.get(key), value) for key, value in wanted.items())
    if isinstance(told, list) and isinstance(wanted, list):
        if wanted and all(isinstance(one, Mapping) and one.keys() == {"Key", "Value"} for one in wanted):
            # Attributes that a template does not name have their defaults.
            return all(one in told for one in wanted)
        return len(told) == len(wanted) and all(same(a, b) for a, b in zip(told, wanted, strict=True))
    return bool(told == wanted)


def read_only(kind: str) -> frozenset[str]:
    """Names that the type's schema has as read-only, those of the first level."""
    pointers = Schemas().definition(f"AWS::{kind}").get("readOnlyProperties", ())
    return frozenset(pointer.split("/")[2] for pointer in pointers if pointer.count("/") == 2)


def survives(making: Making, kind: str, properties: Mapping[str, Any], unread: frozenset[str] = frozenset()) -> Made:
    """Makes a resource, looks that everything can be read back and that every attribute is given, deletes it twice."""
    made = making.make(kind, **properties)
    handler = HANDLERS[f"AWS::{kind}"]
    live = making.read(kind, made.physical_id)
    assert live is not None
    hidden = unread | set(getattr(handler, "unread", ()))
    wanted = {name: value for name, value in properties.items() if name not in hidden}
    lost = {name: (value, live.get(name)) for name, value in wanted.items() if not same(live.get(name), value)}
    assert lost == {}, f"{kind}: wanted and told: {lost}"
    compared = drifted(Schemas(REGION), f"AWS::{kind}", properties, live, STACK_TAGS)
    assert compared is None or compared[0] == [], f"{kind} has drifted: {compared}"
    again = handler.update(making.context(), made.physical_id, properties, properties)
    assert (again.physical_id, again.attributes) == (made.physical_id, made.attributes)
    making.delete(kind, made.physical_id, **properties)
    assert making.read(kind, made.physical_id) is None
    making.delete(kind, made.physical_id, **properties)
    return made
