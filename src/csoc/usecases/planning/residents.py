"""What was kept of others in a cluster's network, so that the network stays while it is there.

A database outlives its environment, and its machines and its security group are in the cluster's subnets. The
destruction of a network under them fails half way, when the ways out are gone already. So the layer stays whole, and
the plan says because of what.
"""

from __future__ import annotations

from csoc.provisioning import names
from csoc.provisioning.leftovers import Left
from csoc.provisioning.plans import Plans
from csoc.usecases.planning.infrastructure_read import Infrastructure
from csoc.usecases.provisioning_ports import ProvisioningPorts

NETWORK = "network"
_IN_NETWORKS = ("rds cluster", "es domain")
"""Types of what is in subnets behind the security groups that are kept with it."""


def staying(ports: ProvisioningPorts, infra: Infrastructure, *, task: str) -> dict[str, str]:
    """The layer network, if it stays though the cluster is destroyed, with the reason; else nothing.

    Raises DeniedError, UnavailableError: the account could not be asked.
    """
    owner = infra.owner
    if NETWORK not in infra.document["layers"]:
        return {}
    state = infra.place.stacks.find(names.stack(owner.uid, NETWORK))
    vpc = state.outputs.get("VpcId", "") if state is not None else ""
    if not vpc:
        return {}
    account = ports.places.leftovers_at(
        owner.account.metadata.name, owner.account.spec.id, owner.region, person=ports.person().id, task=task
    )
    doors: dict[str, list[Left]] = {}
    for one in account.doors_in(vpc):
        if one.owner != owner.uid:
            doors.setdefault(one.owner, []).append(one)
    if not doors:
        return {}
    kept = [
        f"of {_name(ports.plans, uid)}: "
        + ", ".join(map(_shown, [*(one for one in account.of_owner(uid) if one.type in _IN_NETWORKS), *found]))
        for uid, found in sorted(doors.items())
    ]
    return {
        NETWORK: "This layer stays whole, with what it costs, because of what was kept in its network "
        f"{'; '.join(kept)}. Once that is deleted in the account: csoc destroy cluster/{owner.name} --layer {NETWORK}"
    }


def _name(plans: Plans, uid: str) -> str:
    """What an owner was called whose documents may be gone."""
    known = plans.newest(uid, 1)
    return known[0].owner_name if known else f"the owner {uid}"


def _shown(one: Left) -> str:
    known = one.arn.rpartition("/")[2]
    return f"{one.name} ({one.type}{f' {known}' if known.startswith('sg-') else ''})"
