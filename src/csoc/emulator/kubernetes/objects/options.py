"""How a change is asked for, and who is asked before it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from csoc.emulator.kubernetes.kinds.types import ResourceType
from csoc.emulator.kubernetes.store import Object
from csoc.emulator.kubernetes.users import SYSTEM, User

if TYPE_CHECKING:
    from csoc.emulator.kubernetes.objects.writing import Objects

IGNORE, WARN, STRICT = "Ignore", "Warn", "Strict"

Guard = Callable[["Objects", ResourceType, Object, Object | None, "Options"], None]
"""Asked before an object is written, with the new and the old object; raises ApiError to refuse it."""

PodAdmission = Callable[[Object], None]
"""Changes a new pod, as a webhook of its cloud does."""


@dataclass(frozen=True, slots=True)
class Body:
    """What was sent. duplicates: paths of fields that were there twice ("spec.replicas")."""

    data: Any
    duplicates: tuple[str, ...] = ()


@dataclass(slots=True)
class Options:
    """How a change is asked for. manager: who owns the fields. validation: what happens to unknown fields. warnings:
    filled with what the client should be told."""

    manager: str = "unknown"
    user: User = SYSTEM
    dry_run: bool = False
    force: bool = False
    validation: str = IGNORE
    warnings: list[str] = field(default_factory=list)
    propagation: str = ""
    grace_seconds: int | None = None
    expected_uid: str = ""
    expected_version: str = ""
