"""Runs the rules and decides which findings a reader must act on.

Rules see hostile data, so a rule that trips over a value nobody foresaw is reported as "could not be checked" for that
environment; it neither hides the other rules nor passes for "nothing wrong". What is already known (a baseline, a base
revision) and what somebody took responsibility for (a waiver) is kept apart, never dropped. A change is judged by what
had been decided before it: a waiver that comes with the finding which it covers lets nobody through.
"""

from __future__ import annotations

import difflib
import fnmatch
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from csoc.fleet.location import Location
from csoc.fleet.masking import mask_text
from csoc.gen3.findings import Evidence, Finding, Severity, merge
from csoc.gen3.own_rules import CHECK_FAILED, OWN_RULES, WAIVER_EXPIRED, WAIVER_UNUSED
from csoc.gen3.places import Pair, Places, PlacesOf, added, place_of
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState, FleetState

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


Severities = Mapping[Pair, Severity]


@dataclass(frozen=True, slots=True)
class Before:
    """What a change is compared with, under the names that environments have now.

    found: what was found before. waivers, known, known_places: what people had decided then, by waivers and baselines.
    names: environments' names now to their names then, where they differ. unseen: what is found now and could not have
    been seen before, nor its absence. compared: severities to compare by, where they are not those of the findings.
    accepted: whether decisions that are new in the change count as well. places: those that a finding had. here: those
    that it has now, in the environments `unlike`, by what both sides could see. changed: of findings whose point is a
    value, the places whose value is another one.
    """

    found: Severities
    waivers: Sequence[Waiver] = ()
    known: Known = field(default_factory=dict)
    known_places: Places = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    unseen: Collection[Pair] = frozenset()
    compared: Severities = field(default_factory=dict)
    accepted: bool = False
    places: Places = field(default_factory=dict)
    here: Places = field(default_factory=dict)
    unlike: Collection[str] = frozenset()
    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def knows(self, pair: Pair, places: Counter[str], grown: Collection[str]) -> bool:
        """True if a baseline that was there before covers a finding with these places."""
        if pair[1] not in self.known.get(pair[0], ()):
            return False
        return not added(places, self.known_places[pair]) if pair in self.known_places else not grown

    def grown(self, finding: Finding, environment: str, now: Counter[str]) -> tuple[str, ...]:
        """Places of a finding that was found before as well, and that are new or hold another value."""
        pair = finding.fingerprint, environment
        if environment in self.unlike:
            now = self.here.get(pair, Counter())
        # A value that many environments read is one value; its own place says whose it is.
        return (*added(now, self.places.get(pair, Counter())), *self.changed.get(finding.fingerprint, ()))

    def waives(self, finding: Finding, environment: str, today: date) -> bool:
        """True if a waiver that was there before covers that finding."""
        names = {environment, self.names.get(environment, environment)}
        return any(
            waiver.expires >= today and waiver.covers(finding, name) for waiver in self.waivers for name in names
        )


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What came of a check. findings: to act on. waived: with its waiver. known: in the baseline or the base.

    Compared with a base, further: uncompared: found now, and the base cannot tell whether it is new. worse: of the
    findings to act on, those that the base has with this lower severity. decided: of the findings to act on, those
    that a waiver (or a baseline: None) silences which is new in the change. grown: of the findings to act on, those
    that the base or a baseline has with fewer places, or with other values: the places that came.
    """

    findings: tuple[Finding, ...]
    waived: tuple[tuple[Finding, Waiver], ...] = ()
    known: tuple[Finding, ...] = ()
    uncompared: tuple[Finding, ...] = ()
    worse: Severities = field(default_factory=dict)
    decided: Mapping[Pair, Waiver | None] = field(default_factory=dict)
    grown: Mapping[Pair, tuple[str, ...]] = field(default_factory=dict)

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


def compared_finding(
    name: str, cause: str, key: str, evidence: Sequence[Evidence], environments: tuple[str, ...], severity: Severity
) -> Finding:
    """A finding of the comparison of a change with its base."""
    found = _own_finding(name, mask_text(cause), key, Evidence(""), environments)
    shown = tuple(replace(item, text=mask_text(item.text)) for item in evidence)
    return replace(found, severity=severity, evidence=shown)


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


def severities_of(findings: Iterable[Finding]) -> dict[Pair, Severity]:
    """How bad each one is in each environment. Told before findings are merged, which keeps the worst for all."""
    found: dict[Pair, Severity] = {}
    for finding in findings:
        fingerprint = finding.fingerprint
        for environment in finding.environments or ("",):
            pair = fingerprint, environment
            found[pair] = max(found.get(pair, finding.severity), finding.severity)
    return found


def report(
    findings: Iterable[Finding],
    *,
    waivers: Sequence[Waiver],
    known: Known,
    today: date,
    whole: bool = True,
    settled: Collection[str] = (),
    rules: Collection[str] = (),
    severities: Severities | None = None,
    before: Before | None = None,
    known_places: Places | None = None,
) -> CheckReport:
    """Sorts findings into what to act on, what is waived and what is known; a finding is split by environment if only
    some of its environments are waived or known.

    whole: the findings are those of all rules on the whole fleet, so that waivers are judged as well: one that expired
    is a finding. settled: ids of the rules that have looked at everything; a waiver of one of them that covers nothing
    is a finding too. rules: ids of all rules there are; a waiver of any other covers nothing for certain. severities:
    as `severities_of` tells; without, a finding is as bad in each of its environments. before: what to compare with.
    known_places: the places that were known with findings; one that is left out is known wherever it is.
    """
    made = _Sorting(waivers, known, today, severities or {}, before, known_places or {})
    for finding in merge(findings):
        made.take(finding)
    if whole:
        for finding in _judged(waivers, made.used, today, settled, rules):
            made.take_own(finding)
    return CheckReport(
        tuple(merge(made.act)),
        tuple(made.waived),
        tuple(made.old),
        tuple(made.uncompared),
        made.worse,
        made.decided,
        made.grown,
    )


@dataclass(slots=True)
class _Sorting:
    """Findings, each put where it belongs. used: numbers of the waivers that cover something."""

    waivers: Sequence[Waiver]
    known: Known
    today: date
    severities: Severities
    before: Before | None
    known_places: Places = field(default_factory=dict)
    act: list[Finding] = field(default_factory=list)
    waived: list[tuple[Finding, Waiver]] = field(default_factory=list)
    old: list[Finding] = field(default_factory=list)
    uncompared: list[Finding] = field(default_factory=list)
    worse: dict[Pair, Severity] = field(default_factory=dict)
    decided: dict[Pair, Waiver | None] = field(default_factory=dict)
    grown: dict[Pair, tuple[str, ...]] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)

    def take(self, finding: Finding) -> None:
        """Splits a finding by what is to become of it in each environment."""
        fingerprint = finding.fingerprint
        about = [(n, w) for n, w in enumerate(self.waivers) if w.rule == finding.rule and w.expires >= self.today]
        groups: dict[tuple[str, int], list[str]] = {}
        places = PlacesOf(finding)
        for environment in finding.environments or ("",):
            number = next((n for n, waiver in about if waiver.covers(finding, environment)), -1)
            if number >= 0:
                self.used.add(number)
            kind = self._kind(finding, (fingerprint, environment), number, places.of(environment))
            groups.setdefault((kind, number if kind == "waived" else -1), []).append(environment)
        for (kind, number), environments in groups.items():
            part = self._as_bad(only(finding, environments), fingerprint, environments)
            if kind == "act":
                part = self._new_first(part)
            if kind == "waived":
                self.waived.append((part, self.waivers[number]))
            else:
                {"act": self.act, "known": self.old, "uncompared": self.uncompared}[kind].append(part)

    def take_own(self, finding: Finding) -> None:
        """A finding about waivers themselves; nobody waives or decides on it."""
        pair = finding.fingerprint, ""
        known = "" in self.known.get(pair[0], ()) or (self.before is not None and pair in self.before.found)
        (self.old if known else self.act).append(finding)

    def _kind(self, finding: Finding, pair: Pair, number: int, places: Counter[str]) -> str:
        """waived, known, uncompared or act. number: of the waiver that covers it now, or -1. places: of the finding in
        the environment."""
        in_baseline = pair[1] in self.known.get(pair[0], ())
        unknown = added(places, self.known_places[pair]) if in_baseline and pair in self.known_places else ()
        in_baseline = in_baseline and not unknown
        before = self.before
        if before is None:
            kind = "waived" if number >= 0 else "known" if in_baseline else "act"
            if kind == "act" and unknown:
                self.grown[pair] = unknown
            return kind
        then = before.found.get(pair)
        now = before.compared.get(pair) or self.severities.get(pair, finding.severity)
        grown = before.grown(finding, pair[1], places) if then is not None else ()
        same, worse = then is not None and now <= then and not grown, then is not None and now > then
        # What the change did not bring may be decided on in the change: that hides nothing of what it does.
        free = before.accepted or same or pair in before.unseen
        if number >= 0 and (free or before.waives(finding, pair[1], self.today)):
            return "waived"
        if same:
            return "known"
        if pair in before.unseen:
            return "uncompared"
        # Whoever put it there knew something less bad, or another value.
        in_baseline = in_baseline and not worse and pair[0] not in before.changed
        if in_baseline and (self._accepts(pair, grown) or before.knows(pair, places, grown)):
            return "known"
        if worse and then is not None:
            self.worse[pair] = then
        if grown or unknown:
            self.grown[pair] = grown or unknown
        if number >= 0 or in_baseline:
            self.decided[pair] = self.waivers[number] if number >= 0 else None
        return "act"

    def _new_first(self, part: Finding) -> Finding:
        """Its evidence with the places that came in front, since some readers show only the first."""
        names = part.environments or ("",)
        came = {(name, place) for name in names for place in self.grown.get((part.fingerprint, name), ())}
        if not came:
            return part
        return replace(
            part, evidence=tuple(sorted(part.evidence, key=lambda item: (item.environment, place_of(item)) not in came))
        )

    def _accepts(self, pair: Pair, grown: Collection[str]) -> bool:
        """True if a baseline of the change itself may count; one that names no places knows nothing of what came."""
        return self.before is not None and self.before.accepted and not (grown and pair not in self.known_places)

    def _as_bad(self, part: Finding, fingerprint: str, environments: Sequence[str]) -> Finding:
        """The part of a finding as bad as it is in these environments."""
        worst = max(self.severities.get((fingerprint, name), part.severity) for name in environments)
        return part if worst == part.severity else replace(part, severity=worst)


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
