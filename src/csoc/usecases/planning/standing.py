"""How an owner's layers stand: what the account says now, what was planned and applied, and who else was there.

The account is asked each time. A change that no run of csoc made is shown as such, whoever made it; and what could not
be found out is no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from csoc.errors import CsocError, NotFoundError
from csoc.operations.runs import Run, RunStore
from csoc.provisioning import names
from csoc.provisioning.existing import read_existing
from csoc.provisioning.explain import STUCK, Failure, first_failure
from csoc.provisioning.infrastructure import sources_of
from csoc.provisioning.layers import LAYERS
from csoc.provisioning.places import Place
from csoc.provisioning.plans import Plan
from csoc.provisioning.stack_states import FAILED_CREATION
from csoc.provisioning.stacks import Drifted, StackEvent, StackState
from csoc.usecases.planning.approving import approved_since
from csoc.usecases.planning.fleets import FleetAt
from csoc.usecases.planning.infrastructure_read import usable_link
from csoc.usecases.planning.owners import Owner, find_owner
from csoc.usecases.provisioning_ports import ProvisioningPorts
from csoc.usecases.runs import Seen


@dataclass(frozen=True, slots=True)
class LayerStanding:
    """One layer. state: in words ("not made yet", "update complete", "could not look"). run: that made it what it is.
    outside: True if its last change was made by nobody of csoc. failure: of its last operation. drifted: None if nobody
    looked."""

    layer: str
    provider: str
    stack: str
    state: str
    changed_at: datetime | None = None
    run: str = ""
    outside: bool = False
    failure: Failure | None = None
    drifted: tuple[Drifted, ...] | None = None
    outputs: tuple[tuple[str, str], ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class OwnerStanding:
    """An owner as it stands. run: the one that is not over, or the last. plan: the newest. damaged: ids of plans that
    are not as they were stored. is_left_alone: the run is to be executed, and nobody does. approved: the plan for whose
    approval the run waited when it last looked, if it is approved by now, else ""."""

    owner: Owner
    layers: tuple[LayerStanding, ...]
    run: Run | None
    plan: Plan | None
    looked_at: datetime
    damaged: tuple[str, ...] = ()
    is_left_alone: bool = False
    approved: str = ""

    @property
    def is_well(self) -> bool:
        """True if every layer could be looked at, is done, and was changed by csoc alone."""
        return all(
            layer.failure is None and not layer.outside and not layer.drifted and layer.state != COULD_NOT_LOOK
            for layer in self.layers
        )


COULD_NOT_LOOK = "could not look"
_DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")


def standing(
    ports: ProvisioningPorts, runs: RunStore, fleet: FleetAt, name: str, *, look_for_drift: bool = False
) -> OwnerStanding:
    """How an owner stands. Raises as `find_owner`, `usable_link`, `Owner.region` and `Places.at` do; what a single
    layer's stack does not tell is part of the answer."""
    owner = find_owner(fleet.documents, name)
    usable_link(ports, owner)
    place = ports.places.at(
        owner.account.metadata.name, owner.account.spec.id, owner.region, person=ports.person().id, task="status"
    )
    layers = tuple(
        _layer(owner, layer, provider, place, runs, look_for_drift)
        for layer, provider in owner.providers.items()
        if LAYERS[layer].has_stack
    )
    newest = ports.plans.newest(owner.uid, 1)
    of_owner = runs.newest(owner=owner.uid, limit=1)
    run, now = of_owner[0] if of_owner else None, ports.cloud.clock()
    return OwnerStanding(
        owner,
        layers,
        run,
        newest[0] if newest else None,
        now,
        tuple(ports.plans.damaged(owner.uid)),
        is_left_alone=run is not None and Seen(run, (), runs.lease(run.id, now)).is_left_alone,
        approved=approved_since(ports, run) if run is not None else "",
    )


def _layer(
    owner: Owner, layer: str, provider: str, place: Place, runs: RunStore, look_for_drift: bool
) -> LayerStanding:
    stack = names.stack(owner.uid, layer)
    try:
        if provider == "existing":
            return _existing(owner, layer, place, look_for_drift)
        state = place.stacks.find(stack)
        if state is None or state.status == "REVIEW_IN_PROGRESS":
            return LayerStanding(layer, provider, stack, "not made yet")
        return _made(owner, layer, state, place, runs, look_for_drift)
    except CsocError as error:
        return LayerStanding(layer, provider, stack, COULD_NOT_LOOK, note=str(error))


def _made(
    owner: Owner, layer: str, state: StackState, place: Place, runs: RunStore, look_for_drift: bool
) -> LayerStanding:
    events = place.stacks.events(state.name)
    last = _last_operation(events, state)
    run = _run_of(last, runs)
    failure = None if state.is_busy or state.status in _DONE else first_failure(_of(events, last), state.name)
    return LayerStanding(
        layer=layer,
        provider="aws",
        stack=state.name,
        state=state.status.lower().replace("_", " "),
        changed_at=_changed_at(events, state),
        run=run,
        outside=not run,
        failure=failure,
        drifted=tuple(place.stacks.drift(state.name)) if look_for_drift else None,
        outputs=tuple(sorted(state.outputs.items())),
        note=_stuck(owner, layer, state),
    )


def _stuck(owner: Owner, layer: str, state: StackState) -> str:
    """Why nothing can be changed in a stack, and what can be done."""
    if state.status in FAILED_CREATION:
        return "Its first creation failed, and nothing of it was ever used. The next run that applies it begins anew"
    stuck = STUCK.get(state.status)
    if stuck is None:
        return ""
    fix = stuck.fix.format(stack=state.name, layer=layer, owner=f"{owner.kind.value}/{owner.name}")
    return f"{stuck.cause}. {fix}"


def _existing(owner: Owner, layer: str, place: Place, look_for_drift: bool) -> LayerStanding:
    source = sources_of(owner.document).get(layer)
    if source is None:
        return LayerStanding(layer, "existing", "", "exists already", note="its document does not say where")
    found = read_existing(LAYERS[layer], source, place.stacks, look_for_drift=look_for_drift)
    note = f"not there: {', '.join(found.missing.values())}" if found.missing else ""
    drifted = found.drifted if look_for_drift and source.stack else None
    outputs = tuple(sorted(found.outputs.items()))
    return LayerStanding(
        layer, "existing", source.stack or "", "exists already", drifted=drifted, outputs=outputs, note=note
    )


def _last_operation(events: Sequence[StackEvent], state: StackState) -> str:
    """The token of the last operation on the stack itself."""
    own = _own(events, state)
    return own[-1].token if own else ""


def _changed_at(events: Sequence[StackEvent], state: StackState) -> datetime | None:
    """When the last operation on the stack itself came to where it is. A stack says when it was created, which for one
    that a change set made is when that change set was, and it says when it was updated only if it ever was."""
    own = _own(events, state)
    return own[-1].at if own else state.changed_at


def _own(events: Sequence[StackEvent], state: StackState) -> list[StackEvent]:
    return [event for event in events if event.physical_id == state.id or event.logical_id == state.name]


def _of(events: Sequence[StackEvent], token: str) -> list[StackEvent]:
    return [event for event in events if event.token == token]


def _run_of(token: str, runs: RunStore) -> str:
    """The run that a token is of, "" if it is of none that csoc knows."""
    run_id = token.partition("-")[0]
    if not run_id:
        return ""
    try:
        return runs.get(run_id).id
    except NotFoundError:
        return ""
