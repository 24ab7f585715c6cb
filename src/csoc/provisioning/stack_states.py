"""What the state of a stack lets a plan do, and the digest by which a plan knows it again."""

from __future__ import annotations

import hashlib
import json

from csoc.provisioning.stacks import StackState

FAILED_CREATION = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
"""A first creation failed and left a stack in which nothing can be changed, and which nothing was ever used of: empty,
or with what could not be taken back. It is deleted before the next attempt."""


def is_there(state: StackState | None) -> bool:
    """True if the stack has resources that a plan can change."""
    return state is not None and state.status not in (*FAILED_CREATION, "REVIEW_IN_PROGRESS")


def is_half_deleted(state: StackState) -> bool:
    """True if an earlier deletion failed, so that a new one may retain what it could not delete."""
    return state.status == "DELETE_FAILED"


def state_digest(state: StackState | None) -> str:
    """Of what decides what a change set does: which stack, how it ended last, when, from which template."""
    if not is_there(state) or state is None:
        return "absent"
    shown = [state.id, state.status, state.changed_at.isoformat() if state.changed_at else "", state.template_digest]
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()
