"""What an owner's layers hand on, wherever it stands: stacks of csoc or of others, parameters, plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from csoc.accounts.links import Link
from csoc.fleet.documents.model import Cluster, Environment
from csoc.provisioning import names
from csoc.provisioning.existing import Existing, read_existing
from csoc.provisioning.infrastructure import providers_of_environment, sources_of
from csoc.provisioning.layers import LAYERS
from csoc.provisioning.master_login import SecretPlace, with_login
from csoc.provisioning.places import Place
from csoc.provisioning.stacks import Stacks
from csoc.usecases.planning.owners import Owner
from csoc.usecases.provisioning_ports import ProvisioningPorts


def existing_of(owner: Owner, link: Link, place: Place) -> dict[tuple[str, str], Existing]:
    """What stands at the sources that the documents name, for the owner and the cluster that it is on: by owner's uid
    and layer. Raises as `read_existing`."""
    where = SecretPlace(link.partition, owner.region, owner.account.spec.id)
    found = {
        (owner.cluster.metadata.uid, layer): one for layer, one in _read(owner.cluster, where, place.stacks).items()
    }
    if owner.environment is not None:
        own = _read(owner.environment, where, place.stacks)
        found |= {(owner.environment.metadata.uid, layer): one for layer, one in own.items()}
    return found


def outputs_of(ports: ProvisioningPorts, owner: Owner, link: Link, *, person: str, task: str) -> dict[str, str]:
    """All outputs of an environment's layers as they are in the account; those of a layer that is not made yet are not
    among them. Raises what `Places.at` and `read_existing` do."""
    if owner.environment is None:
        return {}
    place = ports.places.at(owner.account.metadata.name, owner.account.spec.id, owner.region, person=person, task=task)
    where = SecretPlace(link.partition, owner.region, owner.account.spec.id)
    found: dict[str, str] = {}
    for layer, provider in providers_of_environment(owner.environment).items():
        if provider == "aws" and LAYERS[layer].has_stack:
            state = place.stacks.find(names.stack(owner.uid, layer))
            found |= state.outputs if state is not None else {}
    for existing in _read(owner.environment, where, place.stacks).values():
        found |= existing.outputs
    return found


def _read(document: Cluster | Environment, where: SecretPlace, stacks: Stacks) -> Mapping[str, Existing]:
    found = {layer: read_existing(LAYERS[layer], source, stacks) for layer, source in sources_of(document).items()}
    database = found.get("database")
    if database is None or not isinstance(document, Environment):
        return found
    may_ask = providers_of_environment(document)["credentials"] == "aws"
    outputs = with_login(document.metadata.uid, database.outputs, where, may_ask=may_ask)
    return {**found, "database": replace(database, outputs=outputs)}
