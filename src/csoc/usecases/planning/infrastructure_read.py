"""What the layers of an owner are planned from: its infrastructure document, its account's link, and what runs of Gen3.

A plan, its application and its steps read the same by the same functions, so that none of them can see another owner
than the others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from csoc.accounts.links import Link, LinkState, Role
from csoc.errors import DeniedError, NotFoundError
from csoc.fleet.repositories import Tree
from csoc.gen3.launch.outputs import Place as ValuesPlace
from csoc.provisioning.existing import Existing
from csoc.provisioning.infrastructure import Around, cluster_infrastructure, environment_infrastructure
from csoc.provisioning.places import Place
from csoc.usecases.planning.fleets import FleetAt
from csoc.usecases.planning.gen3_layer import UNSEEN, Gen3Layer, InCluster
from csoc.usecases.planning.gen3_removal import Gen3Removal
from csoc.usecases.planning.outputs import existing_of, outputs_of
from csoc.usecases.planning.owners import Owner, find_owner
from csoc.usecases.provisioning_ports import ProvisioningPorts


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """An owner's infrastructure document, with what was read for it."""

    owner: Owner
    document: Mapping[str, Any]
    place: Place
    existing: Mapping[tuple[str, str], Existing]

    @property
    def digest(self) -> str:
        """Of all that the templates are made from."""
        text = json.dumps(self.document, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def infrastructure_of(ports: ProvisioningPorts, fleet: FleetAt, name: str, *, task: str) -> Infrastructure:
    """The infrastructure document of an owner. Raises as `find_owner`, `Places.at` and `cluster_infrastructure` do."""
    owner = find_owner(fleet.documents, name)
    person = ports.person()
    link = usable_link(ports, owner)
    place = ports.places.at(
        owner.account.metadata.name, owner.account.spec.id, owner.region, person=person.id, task=task
    )
    existing = existing_of(owner, link, place)
    around = Around(
        installation=fleet.installation,
        partition=link.partition,
        cluster_role=link.roles[Role.CLUSTER],
        existing={key: found.outputs for key, found in existing.items()},
    )
    if link.installation != around.installation:
        raise DeniedError(
            f"The link of {link.account} is of another fleet ({link.installation})",
            place=link.account,
            fix="Use the database of this fleet, or link the account anew",
        )
    if owner.environment is None:
        document = cluster_infrastructure(owner.cluster, owner.account, around)
    else:
        document = environment_infrastructure(owner.environment, owner.cluster, owner.account, around)
    return Infrastructure(owner, document, place, existing)


def usable_link(ports: ProvisioningPorts, owner: Owner) -> Link:
    """The account's link. Raises NotFoundError (none), DeniedError (not verified)."""
    name = owner.account.metadata.name
    link = ports.cloud.links.get(name)
    if link is None:
        raise NotFoundError(
            f"{owner.shown} is in the account {name}, which is not linked",
            place=name,
            fix=f"csoc account link {name} begins it",
        )
    if link.state is not LinkState.VERIFIED:
        raise DeniedError(
            f"The link of {name} is {link.state}, so csoc does not act in it",
            place=name,
            fix=f"csoc account verify {name}",
        )
    return link


def existing_layers(infra: Infrastructure) -> dict[str, Mapping[str, str]]:
    """The owner's own layers that are there already, with their outputs."""
    return {layer: one.outputs for (uid, layer), one in infra.existing.items() if uid == infra.owner.uid}


def gen3_of(
    ports: ProvisioningPorts,
    fleet: FleetAt,
    owner: Owner,
    *,
    person: str,
    task: str,
    values: Tree | None = None,
    cluster: InCluster = UNSEEN,
) -> Gen3Layer:
    """The layer gen3 of an environment, with what its other layers hand on so far. values: the tree whose values are
    deployed, if it is not the fleet's. Raises what reading stacks does."""
    link = usable_link(ports, owner)
    return Gen3Layer(
        git=ports.git,
        source=fleet.source,
        tree=values or fleet.tree,
        documents=fleet.documents,
        owner=owner,
        place=ValuesPlace(owner.account.spec.id, owner.region),
        partition=link.partition,
        outputs=outputs_of(ports, owner, link, person=person, task=task),
        cluster=cluster,
    )


def gen3_removal_of(ports: ProvisioningPorts, fleet: FleetAt, owner: Owner) -> Gen3Removal:
    """The same layer where the environment is destroyed. What layers hand on is not asked for: the values that are
    deployed hold it."""
    link = usable_link(ports, owner)
    return Gen3Removal(
        Gen3Layer(
            git=ports.git,
            source=fleet.source,
            tree=fleet.tree,
            documents=fleet.documents,
            owner=owner,
            place=ValuesPlace(owner.account.spec.id, owner.region),
            partition=link.partition,
            outputs={},
        )
    )
