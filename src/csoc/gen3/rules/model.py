"""What a rule is and what it sees.

A rule is one module with one `RULE`; `table.py` lists them all. Rules are pure functions of values, so that each can be
tested with a few lines of values and no files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from csoc.fleet.masking import mask_text
from csoc.gen3.findings import Evidence, Patch, Severity
from csoc.gen3.state import EnvironmentState, FleetState
from csoc.gen3.views import HELM

_LONGEST_KEPT = 400  # characters


@lru_cache(maxsize=1 << 16)
def _masked_short(text: str) -> str:
    return mask_text(text)


def _masked(text: str) -> str:
    """The text, masked. Rules say the same of thousands of environments, and again after each commit."""
    return _masked_short(text) if len(text) <= _LONGEST_KEPT else mask_text(text)


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that a rule found. key identifies the cause within the rule; equal keys of several environments become
    one finding, so it holds no environment name unless the cause is that environment's alone. severity, consequence and
    fix replace the rule's own where this case differs. cause, fix and the texts of evidence are masked, whatever they
    quote."""

    cause: str
    key: str
    evidence: tuple[Evidence, ...]
    environments: tuple[str, ...] = ()
    severity: Severity | None = None
    consequence: str = ""
    fix: str = ""
    patches: tuple[Patch, ...] = ()

    def __post_init__(self) -> None:
        for name in ("cause", "fix"):
            object.__setattr__(self, name, _masked(getattr(self, name)))
        shown = tuple(
            replace(item, text=_masked(item.text), key=_masked(item.key), state=_masked(item.state))
            for item in self.evidence
        )
        object.__setattr__(self, "evidence", shown)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be wrong.

    id: stable, kebab case. covers: the misconfigurations (M1 to M30) or questions that it answers, which
    docs/reference/misconfigurations.md explains. Exactly one of `environment` and `fleet` is set. rendered: needs
    manifests, so it says with which chart they were made.
    without_values: also about environments that nothing configures; what rules about values would find there follows
    from that alone. systems: which kinds of environment it understands (views.HELM, views.MANIFEST).
    """

    id: str
    title: str
    severity: Severity
    consequence: str
    fix: str
    covers: tuple[str, ...] = ()
    environment: Callable[[EnvironmentState], Iterable[Hit]] | None = None
    fleet: Callable[[FleetState], Iterable[Hit]] | None = None
    rendered: bool = False
    systems: tuple[str, ...] = (HELM,)
    without_values: bool = False
