"""Runs the rules and decides which findings a reader must act on.

Rules see hostile data, so a rule that trips over a value nobody foresaw is reported as "could not be checked" for that
environment; it neither hides the other rules nor passes for "nothing wrong". What is already known (a baseline, a base
revision) and what somebody took responsibility for (a waiver) is kept apart, never dropped.
"""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from csoc.fleet.location import Location
from csoc.gen3.findings import Evidence, Finding, Severity, merge
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState, FleetState

CHECK_FAILED = "check-failed"
WAIVER_EXPIRED = "waiver-expired"
WAIVER_UNUSED = "waiver-unused"

# What checking itself finds, described like rules so that pages and reports can say what it means. No function stands
# behind these: this module makes them.
OWN_RULES: tuple[Rule, ...] = (
    Rule(
        id=CHECK_FAILED,
        title="A rule could not be checked",
        severity=Severity.LOW,
        consequence="Whether this rule finds something here is not known.",
        fix="Look at the values that the rule is about; if they are right, report this to csoc's maintainers.",
    ),
    Rule(
        id=WAIVER_EXPIRED,
        title="A waiver has ended",
        severity=Severity.LOW,
        consequence="What it covered counts as a finding again.",
        fix="Mend the cause, or renew the waiver with a new reason and date.",
    ),
    Rule(
        id=WAIVER_UNUSED,
        title="A waiver covers nothing",
        severity=Severity.INFO,
        consequence="It hides the next finding of this kind, which nobody has looked at.",
        fix="Remove the waiver if the cause is mended, or correct its rule, key, fingerprint or environments.",
    ),
)
_OWN = {rule.id: rule for rule in OWN_RULES}

Known = Mapping[str, frozenset[str]]
"""Findings known already: fingerprint to the environments that have it ("" stands for the fleet itself)."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """Somebody takes responsibility for a finding until a day.

    rule: its id. environments: name patterns with * and ?; empty means all. fingerprint or key: one cause only, where
    not "". expires: the last day on which it holds.
    """

    rule: str
    reason: str
    owner: str
    expires: date
    environments: tuple[str, ...] = ()
    fingerprint: str = ""
    location: Location | None = None
    key: str = ""

    def covers(self, finding: Finding, environment: str) -> bool:
        """True if this waiver is about that finding in that environment ("" for the fleet itself)."""
        if self.rule != finding.rule or self.key not in ("", finding.key):
            return False
        if self.fingerprint not in ("", finding.fingerprint):
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


_UNFORESEEN = (TypeError, ValueError, KeyError, IndexError, AttributeError, RecursionError)


def check_environment(state: EnvironmentState, rules: Sequence[Rule]) -> list[Finding]:
    """What the environment rules find in one environment; not merged."""
    found: list[Finding] = []
    for rule in rules:
        if rule.environment is None or state.view.system not in rule.systems:
            continue
        told = state.configured or state.values.missing
        if (state.unread or not told) and not rule.without_values:
            continue
        try:
            hits = list(rule.environment(state))
        except _UNFORESEEN as error:
            place = Evidence(f"rule {rule.id}", state.view.application.location, state.view.name)
            found.append(_check_failed(rule, error, (state.view.name,), place))
            continue
        found.extend(_finding(rule, hit, hit.environments or (state.view.name,), state) for hit in hits)
    return found


def check_fleet(state: FleetState, rules: Sequence[Rule]) -> list[Finding]:
    """What the fleet rules find; not merged."""
    found: list[Finding] = []
    for rule in rules:
        if rule.fleet is None:
            continue
        try:
            hits = list(rule.fleet(state))
        except _UNFORESEEN as error:
            found.append(_check_failed(rule, error, (), Evidence(f"rule {rule.id}")))
            continue
        found.extend(_finding(rule, hit, hit.environments, None) for hit in hits)
    return found


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


def _check_failed(rule: Rule, error: Exception, environments: tuple[str, ...], place: Evidence) -> Finding:
    # Only the error's type: its text may hold a value.
    cause = f"The rule {rule.id} could not be checked: a value has an unforeseen shape ({type(error).__name__})"
    return _own_finding(CHECK_FAILED, cause, rule.id, place, environments)


def _own_finding(name: str, cause: str, key: str, evidence: Evidence, environments: tuple[str, ...] = ()) -> Finding:
    about = _OWN[name]
    return Finding(
        rule=name,
        severity=about.severity,
        cause=cause,
        consequence=about.consequence,
        fix=about.fix,
        environments=environments,
        evidence=(evidence,),
        key=key,
    )


def known_from(findings: Iterable[Finding]) -> dict[str, frozenset[str]]:
    """Findings as something to compare later ones with."""
    known: dict[str, frozenset[str]] = {}
    for finding in findings:
        before = known.get(finding.fingerprint, frozenset())
        known[finding.fingerprint] = before | frozenset(finding.environments or ("",))
    return known


def report(
    findings: Iterable[Finding],
    *,
    waivers: Sequence[Waiver],
    known: Known,
    today: date,
    whole: bool = True,
    settled: Collection[str] = (),
    rules: Collection[str] = (),
) -> CheckReport:
    """Sorts findings into what to act on, what is waived and what is known; a finding is split by environment if only
    some of its environments are waived or known.

    whole: the findings are those of all rules on the whole fleet, so that waivers are judged as well: one that expired
    is a finding. settled: ids of the rules that have looked at everything; a waiver of one of them that covers nothing
    is a finding too. rules: ids of all rules there are; a waiver of any other covers nothing for certain.
    """
    act: list[Finding] = []
    waived: list[tuple[Finding, Waiver]] = []
    old: list[Finding] = []
    used: set[int] = set()
    for finding in merge(findings):
        groups: dict[tuple[str, int], list[str]] = {}
        there = known.get(finding.fingerprint, frozenset()) if known else frozenset()
        about = [(n, w) for n, w in enumerate(waivers) if w.rule == finding.rule and w.expires >= today]
        for environment in finding.environments or ("",):
            number = next((n for n, waiver in about if waiver.covers(finding, environment)), None)
            if number is not None:
                used.add(number)
                group = ("waived", number)
            elif environment in there:
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
    if whole:
        for finding in _judged(waivers, used, today, settled, rules):
            (old if "" in known.get(finding.fingerprint, ()) else act).append(finding)
    return CheckReport(tuple(merge(act)), tuple(waived), tuple(old))


def _judged(
    waivers: Sequence[Waiver], used: Collection[int], today: date, settled: Collection[str], rules: Collection[str]
) -> Iterator[Finding]:
    """What is wrong with waivers themselves. used: numbers of those that cover something."""
    for number, waiver in enumerate(waivers):
        if waiver.expires < today:
            yield _expired(waiver)
        elif rules and waiver.rule not in rules:
            yield _unused(waiver, _no_such_rule(waiver.rule, rules))
        elif number not in used and waiver.rule in settled:
            yield _unused(waiver, "finds nothing that it covers")


def only(finding: Finding, environments: Sequence[str]) -> Finding:
    """The part of a finding that concerns these environments; of its patches, those in files that they show."""
    wanted = {name for name in environments if name}
    if wanted == set(finding.environments):
        return finding
    evidence = tuple(item for item in finding.evidence if not item.environment or item.environment in wanted)
    files = {(item.location.repository, item.location.path) for item in evidence if item.location is not None}
    return replace(
        finding,
        environments=tuple(name for name in finding.environments if name in wanted),
        evidence=evidence,
        patches=tuple(p for p in finding.patches if (p.location.repository, p.location.path) in files),
    )


def _expired(waiver: Waiver) -> Finding:
    cause = f"The waiver of {waiver.owner} for {waiver.rule} ended on {waiver.expires.isoformat()}"
    evidence = Evidence(f"expires: {waiver.expires.isoformat()}", waiver.location)
    return _own_finding(WAIVER_EXPIRED, cause, f"{_waiver_key(waiver)} {waiver.expires.isoformat()}", evidence)


def _unused(waiver: Waiver, why: str) -> Finding:
    cause = f"The waiver of {waiver.owner} for {waiver.rule} is not used: the rule {why}"
    return _own_finding(WAIVER_UNUSED, cause, _waiver_key(waiver), Evidence(f"rule: {waiver.rule}", waiver.location))


def _no_such_rule(name: str, rules: Collection[str]) -> str:
    near = difflib.get_close_matches(name, sorted(rules), n=1)
    return f"does not exist{f' (did you mean {near[0]}?)' if near else ''}"


def _waiver_key(waiver: Waiver) -> str:
    return f"{waiver.rule} {waiver.fingerprint or waiver.key} {','.join(waiver.environments)}".rstrip()
