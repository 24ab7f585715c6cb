"""What use cases about plans and runs need from outside: Git, accounts, templates, stacks and records, handed in
together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from csoc.access.people import Person
from csoc.fleet.documents.infrastructure import Size
from csoc.provisioning.leftovers import LeftoverPlaces
from csoc.provisioning.places import Places
from csoc.provisioning.plans import Cost, Plans
from csoc.provisioning.secrets import SecretPlaces
from csoc.provisioning.synthesis import Synthesizer
from csoc.usecases.cloud_ports import CloudPorts
from csoc.usecases.ports import Ports

Costs = Callable[[str, str, str, str], Cost]
"""Layer, template before ("" for none), template after ("" for none) and region to what a month costs."""


class CostsBySize(Protocol):
    """Makes that function for an owner of a size. deployed: layer to the size that it was deployed with, by which what
    it costs before is counted."""

    def __call__(self, size: Size, *, deployed: Callable[[str], Size]) -> Costs: ...


class AccountPlaces(Places, SecretPlaces, LeftoverPlaces, Protocol):
    """Stacks and secrets of linked accounts, and what is left in them."""


def serves_nothing() -> str:
    """Clusters fetch from hosts only."""
    return ""


@dataclass(frozen=True, slots=True)
class ProvisioningPorts:
    """See the module. person: who uses this csoc. costs: by the owner's size; None where nothing is known of
    prices. served: the folder of this machine from which clusters may fetch, as an emulator lets them; "" for none."""

    git: Ports
    cloud: CloudPorts
    plans: Plans
    places: AccountPlaces
    synthesizer: Synthesizer
    person: Callable[[], Person]
    costs: CostsBySize | None = None
    served: Callable[[], str] = serves_nothing
