"""What stands in the way of a layer that is made anew: things of its owner that were kept when an earlier stack of it
was deleted, under the names that it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from csoc.provisioning.leftovers import Left
from csoc.provisioning.plans import LayerPlan, Plan, PlanKind, PolicyFinding
from csoc.provisioning.stack_states import state_digest
from csoc.provisioning.templates import resources_of
from csoc.usecases.planning.owners import Owner
from csoc.usecases.provisioning_ports import ProvisioningPorts

_ABSENT = state_digest(None)
_SECRET = "secretsmanager secret"  # noqa: S105 - a type


def with_taken_names(
    ports: ProvisioningPorts, owner: Owner, plan: Plan, templates: Mapping[str, str], *, task: str
) -> Plan:
    """The plan, with what it says of names that are taken. They block nothing, since the account's list may name for a
    while what is gone already. An owner that nothing was ever planned of has left nothing.

    Raises DeniedError, UnavailableError: the account could not be asked.
    """
    made = {
        layer.layer
        for layer in plan.layers
        if layer.kind in (PlanKind.EXACT, PlanKind.PREVIEW) and layer.stack_state == _ABSENT
    }
    if not made or not ports.plans.newest(owner.uid, 1):
        return plan
    account = ports.places.leftovers_at(
        plan.account, plan.account_id, plan.region, person=ports.person().id, task=task
    ).of_owner(owner.uid)
    return replace(
        plan,
        layers=tuple(
            _with(layer, account, resources_of(templates[layer.layer])) if layer.layer in made else layer
            for layer in plan.layers
        ),
    )


def _with(layer: LayerPlan, account: Sequence[Left], resources: Mapping[str, Mapping[str, Any]]) -> LayerPlan:
    found = tuple(_taken(layer.layer, [one for one in account if one.layer == layer.layer], resources))
    return replace(layer, findings=(*layer.findings, *found))


def _taken(layer: str, account: Sequence[Left], resources: Mapping[str, Mapping[str, Any]]) -> Iterator[PolicyFinding]:
    for one in account:
        # Secrets Manager puts a hyphen and six characters behind the name.
        name = one.name.rpartition("-")[0] if one.type == _SECRET else one.name
        for logical_id, resource in resources.items():
            if name in resource.get("Properties", {}).values():
                yield PolicyFinding(
                    "names",
                    f"{layer}/{logical_id}",
                    f"{name} ({one.type}) was kept when an earlier stack of this layer was deleted, and while it is "
                    "there this one cannot be made",
                    "If nobody needs what is in it, delete it in the account; else copy that first. Then plan again",
                    blocks=False,
                )
