"""Which resources and condition keys an action has, from the AWS Service Authorization Reference.

`actions.json` is written by scripts/emulator_actions.py; it holds actions that the emulator can meet.
"""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource that an action touches. arn: with ${...} for what varies. keys: condition keys of the kind,
    lower case. required: the action always touches one."""

    name: str
    arn: str
    keys: frozenset[str]
    required: bool


@dataclass(frozen=True, slots=True)
class ActionFacts:
    """kinds: empty if the action has no resources ("*"). keys: condition keys of the service that the action has."""

    kinds: tuple[Kind, ...]
    keys: frozenset[str]


@cache
def facts(prefix: str, name: str) -> ActionFacts | None:
    """Facts about an action; None if they are not known here."""
    service = _data().get(prefix)
    if service is None or name not in service["actions"]:
        return None
    listed, *own = service["actions"][name]
    kinds = []
    for word in listed.split():
        kind = word.removesuffix("*")
        known = service["resources"].get(kind)
        if known is not None:
            kinds.append(Kind(kind, known["arn"], frozenset(known["keys"]), word.endswith("*")))
    keys = frozenset(own[0].split() if own else ())
    return ActionFacts(tuple(kinds), keys.union(*(kind.keys for kind in kinds)))


@cache
def service_keys() -> frozenset[str]:
    """All condition keys of services. One that an action does not have is absent from its requests."""
    return frozenset(key for service in _data().values() for key in service["keys"])


@cache
def kind_named(prefix: str, name: str) -> Kind:
    """A kind of resource of a service."""
    known = _data()[prefix]["resources"][name]
    return Kind(name, known["arn"], frozenset(known["keys"]), required=True)


@cache
def _data() -> Mapping[str, Any]:
    text = importlib.resources.files("csoc.emulator.cloud.authorising").joinpath("actions.json").read_text()
    data: Mapping[str, Any] = json.loads(text)
    return data
