"""Secret stores of an environment's manifests and who asks them; the rules about stores share it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from csoc.fleet.shapes import mapping
from csoc.gen3.rules.support.needs import store_references
from csoc.gen3.rules.support.workloads import name_of
from csoc.gen3.state import EnvironmentState


@dataclass(frozen=True, slots=True)
class Store:
    """A SecretStore. body: the object. users: names of the ExternalSecrets and PushSecrets that ask it."""

    name: str
    body: Mapping[str, Any]
    users: tuple[str, ...]

    @property
    def aws(self) -> Mapping[str, Any] | None:
        """What it says about AWS; None if it is a store of another provider."""
        found = mapping(mapping(self.body.get("spec")).get("provider")).get("aws")
        return mapping(found) if isinstance(found, Mapping) else None


def used(state: EnvironmentState) -> list[Store]:
    """The rendered SecretStores that something asks."""
    asked = asked_for(state)
    found = [(name_of(item.body), item.body) for item in state.objects("SecretStore")]
    return [Store(name, body, tuple(asked[name])) for name, body in found if name in asked]


def asked_for(state: EnvironmentState) -> dict[str, list[str]]:
    """Name of each SecretStore (not ClusterSecretStore) to the objects that ask it, rendered or not."""
    asked: dict[str, list[str]] = defaultdict(list)
    for item in state.objects("ExternalSecret", "PushSecret"):
        for name in store_references(mapping(item.body.get("spec"))):
            asked[name].append(name_of(item.body))
    return dict(asked)
