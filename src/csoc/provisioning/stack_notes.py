"""What a plan says of a stack in trouble: what an earlier operation left of it, and what applying or destroying it does
about that."""

from __future__ import annotations

from collections.abc import Mapping

from csoc.provisioning.explain import NOT_PUT_BACK, STUCK, first_failure, undeletable
from csoc.provisioning.stack_states import FAILED_CREATION
from csoc.provisioning.stacks import Stacks, StackState


def deleted_first(stacks: Stacks, stack: str) -> str:
    """Of a stack whose first creation failed."""
    left = undeletable(stacks.events(stack), stack)
    if not left:
        return "An earlier creation failed and left an empty stack, which is deleted first"
    there = stacks.resources(stack)
    return (
        "An earlier creation failed, and not all that it had made could be taken back. Its stack, of which nothing was "
        "ever used, is deleted first; what its deletion policies keep of this stays in the account: "
        f"{'; '.join(f'{there.get(name, name)} ({name}: {said})' for name, said in sorted(left.items()))}"
    )


def put_back_first(stacks: Stacks, stack: str) -> str:
    """Of a stack whose last update could neither be finished nor put back."""
    failure = first_failure(stacks.events(stack), stack)
    note = f"{STUCK[NOT_PUT_BACK].cause}. Applying this puts back the rest, and nothing else; what the layer needs"
    note += " after that is shown by a plan of its own, which waits for approval"
    if failure is not None:
        note += f". What failed first: {failure.logical_id}: {failure.cause}. AWS says: {failure.said}"
    return note


def of_destruction(state: StackState, failed: Mapping[str, str]) -> str:
    """Of a stack that is to be deleted. failed: what an earlier deletion could not delete, with what was said."""
    if failed:
        named = "; ".join(f"{name}: {said}" if said else name for name, said in sorted(failed.items()))
        return f"An earlier deletion failed at this, which stays in the account: {named}"
    if state.status in FAILED_CREATION:
        return "Its creation failed and left this stack, of which nothing was ever used"
    return STUCK[state.status].cause if state.status in STUCK else ""
