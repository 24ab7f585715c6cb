"""A finding: something wrong or risky, with its cause, where it stands, what happens otherwise, and the fix.

The same rule and the same cause is one finding with a list of environments: a reader wants to know what to do, and
doing it once often mends many environments.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

from csoc.fleet.location import Location
from csoc.fleet.masking import mask_tree


class Severity(IntEnum):
    """How much it matters; compares by weight."""

    INFO = 1  # worth knowing; nothing breaks
    LOW = 2  # untidy, or will matter later
    MEDIUM = 3  # something does not work as its author thinks
    HIGH = 4  # something fails, or is exposed, under ordinary conditions
    CRITICAL = 5  # does not deploy, loses data, or gives access away


@dataclass(frozen=True, slots=True)
class Evidence:
    """One place that shows the finding. text is masked where it looks secret; environment is "" for a whole fleet.

    key: what stands there, by a name that stays when lines move: a dotted key path, or "image of fence"; "" where the
    finding has one place in each environment. state: how it is there, where a finding whose places stay can get worse
    by it (a version); never a secret.
    """

    text: str
    location: Location | None = None
    environment: str = ""
    key: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Patch:
    """An edit that mends the finding and is safe: it changes no behaviour that the author wanted.

    path: key path in the document (str for keys, int for list items). action: "set", "remove" or "rename" (value is
    then the new key).
    """

    location: Location
    document: int
    path: tuple[str | int, ...]
    action: str
    value: object = None


@dataclass(frozen=True, slots=True)
class ChartUsed:
    """Which chart a rendered finding rests on. named: what the Application names; used: what was rendered.
    differs is True where they are not the same thing, and the reader must know."""

    used: str
    named: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """See the module. cause is one sentence with names; key identifies the cause across runs and line numbers."""

    rule: str
    severity: Severity
    cause: str
    consequence: str
    fix: str
    environments: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    key: str
    chart: ChartUsed | None = None
    patches: tuple[Patch, ...] = ()

    @property
    def fingerprint(self) -> str:
        """16 hex digits that stay the same while rule and cause do: for baselines, waivers and SARIF."""
        return hashlib.sha256(f"{self.rule}\0{self.key}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def merge(findings: Iterable[Finding]) -> list[Finding]:
    """One finding for each rule and key, with all environments, evidence and patches; worst first, then by rule."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.rule, finding.key), []).append(finding)
    merged = (group[0] if len(group) == 1 else _merged(group) for group in groups.values())
    return sorted(merged, key=lambda found: (-found.severity, found.rule, found.key))


def _merged(group: Sequence[Finding]) -> Finding:
    # All at once: thousands of environments can share a cause, and adding one after the other takes their square.
    return replace(
        group[0],
        severity=max(finding.severity for finding in group),
        environments=tuple(dict.fromkeys(name for finding in group for name in finding.environments)),
        evidence=tuple(dict.fromkeys(item for finding in group for item in finding.evidence)),
        patches=_once(patch for finding in group for patch in finding.patches),
        chart=next((finding.chart for finding in group if finding.chart and finding.chart.differs), group[0].chart),
    )


def _once(patches: Iterable[Patch]) -> tuple[Patch, ...]:
    """Each patch once; a value can be a list, which has no hash."""
    return tuple({repr(patch): patch for patch in patches}.values())


def location_to_json(location: Location | None) -> dict[str, Any] | None:
    """{"repository", "commit", "path", "line", "column"}, or None."""
    if location is None:
        return None
    return {
        "repository": location.repository,
        "commit": location.commit,
        "path": location.path,
        "line": location.line,
        "column": location.column,
    }


def to_json(finding: Finding) -> dict[str, Any]:
    """A finding as every command prints it; what the cache keeps is another form (`usecases.checking.cached_results`),
    so that either can change without the other. Masked where it looks secret."""
    return {
        "rule": finding.rule,
        "severity": finding.severity.name.lower(),
        "cause": finding.cause,
        "consequence": finding.consequence,
        "fix": finding.fix,
        "environments": list(finding.environments),
        "evidence": [
            {
                "text": item.text,
                "location": location_to_json(item.location),
                "environment": item.environment,
                "key": item.key,
            }
            for item in finding.evidence
        ],
        "key": finding.key,
        "fingerprint": finding.fingerprint,
        "chart": None
        if finding.chart is None
        else {"used": finding.chart.used, "named": finding.chart.named, "differs": finding.chart.differs},
        "patches": [
            {
                "location": location_to_json(patch.location),
                "document": patch.document,
                "path": list(patch.path),
                "action": patch.action,
                "value": mask_tree(patch.value, patch.path),
            }
            for patch in finding.patches
        ],
    }
