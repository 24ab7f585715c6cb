"""What only a person has: which fields a secret asks for, and how they get into the account.

A secret's value is made from its fields and from what else the environment says, so what was given is kept in memory
until the secret is put, together with those whose values must agree.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from csoc.errors import ConflictError, NotFoundError, RejectedError
from csoc.gen3.launch.documents import secrets_of
from csoc.gen3.launch.secrets import AskedField
from csoc.gen3.launch.secretvalues import make_values
from csoc.provisioning import names
from csoc.provisioning.infrastructure import sources_of
from csoc.provisioning.master_login import full_name
from csoc.usecases.planning.filling import facts_of, planned_secrets
from csoc.usecases.planning.fleets import FleetAt
from csoc.usecases.planning.infrastructure_read import usable_link
from csoc.usecases.planning.outputs import outputs_of
from csoc.usecases.planning.owners import Owner, find_owner
from csoc.usecases.provisioning_ports import ProvisioningPorts


def asked_of(fleet: FleetAt, environment: str, name: str) -> tuple[AskedField, ...]:
    """The fields of a secret that only a person has. Raises NotFoundError, RejectedError if it asks for nothing."""
    owner = _owner(fleet, environment)
    plan = secrets_of(owner.environment) if owner.environment is not None else None
    if plan is not None and owner.environment is not None and "database" in sources_of(owner.environment):
        plan = plan.with_master_login()
    if plan is None or name not in plan.names:
        asking = sorted({secret.name for secret, _ in plan.asked}) if plan is not None else []
        # A name that is no secret's may be the secret itself, typed in the wrong place.
        raise NotFoundError(
            f"{environment} has no secret of that name",
            place=f"environment {environment}",
            fix=f"Secrets that ask for something: {', '.join(asking) or 'none'}",
        )
    found = plan.get(name).asked
    if not found:
        raise RejectedError(f"Nothing of the secret {name} is asked for: csoc makes it", place=name)
    return found


def check_kept(ports: ProvisioningPorts, fleet: FleetAt, environment: str, name: str) -> None:
    """Makes sure that putting a secret makes nothing anew without which data cannot be read any more.

    csoc reads no values, so it cannot keep a part of one: a secret that has a value is put whole or not at all. Raises
    ConflictError, naming what would be lost; NotFoundError (the layer credentials is not applied yet), and what the
    account's secrets raise.
    """
    owner = _owner(fleet, environment)
    plan = secrets_of(owner.environment) if owner.environment is not None else None
    if plan is None or name not in plan.names:
        return
    losing = {names.secret(owner.uid, one): plan.get(one).lost for one in plan.to_put([name]) if plan.get(one).lost}
    if not losing:
        return
    account = (owner.account.metadata.name, owner.account.spec.id, owner.region)
    task = f"secret-{ports.cloud.ids()}"
    there = ports.places.secrets_at(*account, person=ports.person().id, task=task)
    empty = there.without_value(tuple(losing))
    for full, lost in losing.items():
        if full not in empty:
            raise ConflictError(
                f"{full} has a value, which csoc cannot read: put again, it gets another key, and {lost} cannot be "
                "read any more",
                place=f"secret {name}",
                fix="If it was put a moment ago, there is nothing more to do. Else whoever may read it changes single "
                "fields of it in Secrets Manager; or, where nothing of that is "
                "there yet or it may be lost, add --renew",
            )


def put_asked(
    ports: ProvisioningPorts,
    fleet: FleetAt,
    environment: str,
    name: str,
    given: Mapping[str, str],
    *,
    renew: bool = False,
) -> tuple[str, ...]:
    """Makes the secret, and those that must agree with it, and puts them. Gives their names in Secrets Manager.

    renew: even if data is lost by that. Raises RejectedError (a field is missing or no single line), NotFoundError (the
    layer credentials is not applied yet, or the database), and what `check_kept` and the account's secrets raise.
    """
    owner = _owner(fleet, environment)
    if owner.environment is None:
        raise RejectedError(f"{owner.shown} is no environment")
    if not renew:
        check_kept(ports, fleet, environment, name)
    account = (owner.account.metadata.name, owner.account.spec.id, owner.region)
    task = f"secret-{ports.cloud.ids()}"
    person = ports.person().id
    outputs = outputs_of(ports, owner, usable_link(ports, owner), person=person, task=task)
    plan = planned_secrets(owner, outputs)
    if name not in plan.names:
        raise RejectedError(
            f"The database's master login is the secret {outputs.get('DatabaseSecretName')}, which its makers keep",
            place=name,
            fix="Nothing is to be put",
        )
    values = make_values(plan, [name], facts_of(owner, outputs), {name: given}, secrets.token_bytes, _no_key)
    places = ports.places.secrets_at(*account, person=person, task=task)
    for one in values:
        places.put(full_name(owner.uid, one.name), one.text, task)
    return tuple(full_name(owner.uid, one.name) for one in values)


def _owner(fleet: FleetAt, environment: str) -> Owner:
    return find_owner(fleet.documents, f"environment/{environment}")


def _no_key() -> str:
    raise RejectedError("A key is made by csoc itself, and never asked for")
