"""Runs the rules and decides which findings a reader must act on.

Rules see hostile data, so a rule that trips over a value nobody foresaw is reported as "could not be checked" for that
environment; it neither hides the other rules nor passes for "nothing wrong". What is already known (a baseline, a base
revision) and what somebody took responsibility for (a waiver) is kept apart, never dropped.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from csoc.fleet.location import Location
from csoc.gen3.findings import Evidence, Finding, Severity, merge
from csoc.gen3.rules.model import EnvironmentState, FleetState, Hit, Rule

CHECK_FAILED = "check-failed"
WAIVER_EXPIRED = "waiver-expired"

Known = Mapping[str, frozenset[str]]
"""Findings known already: fingerprint to the environments that have it ("" stands for the fleet itself)."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """Somebody takes responsibility for a finding until a day.

    rule: its id. environments: name patterns with * and ?; empty means all. fingerprint: one cause only; "" means every
    cause of the rule. expires: the last day on which it holds.
    """

    rule: str
    reason: str
    owner: str
    expires: date
    environments: tuple[str, ...] = ()
    fingerprint: str = ""
    location: Location | None = None

    def covers(self, finding: Finding, environment: str) -> bool:
        """True if this waiver is about that finding in that environment ("" for the fleet itself)."""
        if self.rule != finding.rule or self.fingerprint not in ("", finding.fingerprint):
            return False
        return not self.environments or any(fnmatch.fnmatchcase(environment, name) for name in self.environments)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What came of a check. findings: to act on. waived: with its waiver. known: in the baseline or the base."""

    findings: tuple[Finding, ...]
    waived: tuple[tuple[Finding, Waiver], ...] = ()
    known: tuple[Finding, ...] = ()

    def worst(self) -> Severity | None:
        """The highest severity among what is to act on."""
        return max((finding.severity for finding in self.findings), default=None)


def check_environment(state: EnvironmentState, rules: Sequence[Rule]) -> list[Finding]:
    """What the environment rules find in one environment; not merged."""
    found: list[Finding] = []
    for rule in rules:
        if rule.environment is None or state.view.system not in rule.systems:
            continue
        try:
            hits = list(rule.environment(state))
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, RecursionError) as error:
            found.append(_check_failed(rule, state, error))
            continue
        found.extend(_finding(rule, hit, hit.environments or (state.view.name,), state) for hit in hits)
    return found


def check_fleet(state: FleetState, rules: Sequence[Rule]) -> list[Finding]:
    """What the fleet rules find; not merged."""
    return [_finding(rule, hit, hit.environments, None) for rule in rules if rule.fleet for hit in rule.fleet(state)]


def _finding(rule: Rule, hit: Hit, environments: tuple[str, ...], state: EnvironmentState | None) -> Finding:
    return Finding(
        rule=rule.id,
        severity=hit.severity or rule.severity,
        cause=hit.cause,
        consequence=hit.consequence or rule.consequence,
        fix=hit.fix or rule.fix,
        environments=environments,
        evidence=hit.evidence,
        key=hit.key,
        chart=state.chart_used if state is not None and rule.rendered else None,
        patches=hit.patches,
    )


def _check_failed(rule: Rule, state: EnvironmentState, error: Exception) -> Finding:
    # Only the error's type: its text may hold a value.
    return Finding(
        rule=CHECK_FAILED,
        severity=Severity.LOW,
        cause=f"The rule {rule.id} could not be checked: a value has an unforeseen shape ({type(error).__name__})",
        consequence="Whether this rule finds something here is not known.",
        fix="Look at the values that the rule is about; if they are right, report this to csoc's maintainers.",
        environments=(state.view.name,),
        evidence=(Evidence(f"rule {rule.id}", state.view.application.location, state.view.name),),
        key=rule.id,
    )


def known_from(findings: Iterable[Finding]) -> dict[str, frozenset[str]]:
    """Findings as something to compare later ones with."""
    return {finding.fingerprint: frozenset(finding.environments or ("",)) for finding in findings}


def report(findings: Iterable[Finding], *, waivers: Sequence[Waiver], known: Known, today: date) -> CheckReport:
    """Sorts findings into what to act on, what is waived and what is known; a finding is split by environment if only
    some of its environments are waived or known. Expired waivers are findings themselves."""
    act: list[Finding] = []
    waived: list[tuple[Finding, Waiver]] = []
    old: list[Finding] = []
    for finding in merge(findings):
        groups: dict[tuple[str, int], list[str]] = {}
        for environment in finding.environments or ("",):
            number = next(
                (n for n, w in enumerate(waivers) if w.expires >= today and w.covers(finding, environment)), None
            )
            if number is not None:
                group = ("waived", number)
            elif environment in known.get(finding.fingerprint, frozenset()):
                group = ("known", 0)
            else:
                group = ("act", 0)
            groups.setdefault(group, []).append(environment)
        for (kind, number), environments in groups.items():
            part = only(finding, environments)
            if kind == "act":
                act.append(part)
            elif kind == "known":
                old.append(part)
            else:
                waived.append((part, waivers[number]))
    act.extend(_expired(waiver) for waiver in waivers if waiver.expires < today)
    return CheckReport(tuple(merge(act)), tuple(waived), tuple(old))


def only(finding: Finding, environments: Sequence[str]) -> Finding:
    """The part of a finding that concerns these environments."""
    wanted = {name for name in environments if name}
    if wanted == set(finding.environments):
        return finding
    return replace(
        finding,
        environments=tuple(name for name in finding.environments if name in wanted),
        evidence=tuple(item for item in finding.evidence if not item.environment or item.environment in wanted),
    )


def _expired(waiver: Waiver) -> Finding:
    return Finding(
        rule=WAIVER_EXPIRED,
        severity=Severity.LOW,
        cause=f"The waiver of {waiver.owner} for {waiver.rule} ended on {waiver.expires.isoformat()}",
        consequence="What it covered counts as a finding again.",
        fix="Mend the cause, or renew the waiver with a new reason and date.",
        environments=(),
        evidence=(Evidence(f"expires: {waiver.expires.isoformat()}", waiver.location),),
        key=f"{waiver.rule} {waiver.fingerprint} {','.join(waiver.environments)} {waiver.expires.isoformat()}",
    )
