"""A check and what it means: which findings are new, known or waived, whether it failed, and what could not be seen.

The command line prints it, CI fails by it, and the portal will show it; so what counts is decided here, once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from csoc.fleet.argocd.model import Problem
from csoc.fleet.argocd.reading import UNREADABLE
from csoc.fleet.argocd.trees import UNREACHABLE
from csoc.fleet.documents.faults import Fault, Weight
from csoc.gen3.findings import Finding, Severity
from csoc.gen3.own_rules import ABOUT_WAIVERS, COMPARING, OWN_RULES
from csoc.gen3.rules import key_not_read
from csoc.gen3.rules.model import Rule
from csoc.usecases.checking.against_base import Base, as_before, check_base, compare_with, fault_key, problem_key
from csoc.usecases.checking.checker import CheckOutcome, FleetChecker, Progress
from csoc.usecases.checking.equal_sight import Unlike
from csoc.usecases.checking.judgements import far_waivers, known_of, known_places_of, waivers_of
from csoc.usecases.load import LoadedFleet
from csoc.usecases.ports import Ports
from csoc.usecases.states import Sight


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What to check and when it has failed.

    environments, rules: the report is about these only; empty means all. base: a revision; what was there at the last
    commit in common with it is known. baseline: whether baselines count. accept: whether waivers and entries of
    baselines that are new since the base count, so that they can let the change pass that brings them. fail_on:
    findings from this severity on fail.
    """

    environments: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    base: str = ""
    baseline: bool = True
    accept: bool = False
    fail_on: Severity = Severity.LOW


@dataclass(frozen=True, slots=True)
class Verdict:
    """See the module. faults: of csoc's own documents, to mend; problems: what was not understood or could not be read;
    both without those that were there in the base."""

    request: CheckRequest
    fleet: LoadedFleet
    outcome: CheckOutcome
    rules: tuple[Rule, ...]
    rendering: bool
    at: datetime
    base: Base | None = None
    faults: tuple[Fault, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What to act on, worst first."""
        return self.outcome.report.findings

    @property
    def whole(self) -> bool:
        """True if the report is about everything."""
        return not self.request.environments and not self.request.rules

    @property
    def counts(self) -> dict[Severity, int]:
        """Findings to act on by severity, the worst first; severities without any are among them."""
        counted = Counter(finding.severity for finding in self.findings)
        return {severity: counted[severity] for severity in reversed(Severity)}

    def waived_counts(self) -> dict[Severity, int]:
        """What is waived, by severity, the worst first; severities without any are left out."""
        return _counted(finding for finding, _ in self.outcome.report.waived)

    def known_counts(self) -> dict[Severity, int]:
        """What the base or a baseline has, as `waived_counts`."""
        return _counted(self.outcome.report.known)

    @property
    def uncompared(self) -> tuple[Unlike, ...]:
        """Environments of which the base and the change could not be compared in full."""
        return self.base.unlike if self.base is not None else ()

    @property
    def failing(self) -> tuple[Finding, ...]:
        """The findings that make the check fail."""
        return tuple(finding for finding in self.findings if finding.severity >= self.request.fail_on)

    @property
    def failed(self) -> bool:
        """True if there is a finding of the severity that was asked for or worse, or a document of csoc that does not
        count because of a fault: what it says is then not what was checked."""
        return bool(self.failing) or any(fault.weight is Weight.ERROR for fault in self.faults)

    @property
    def not_rendered(self) -> tuple[str, ...]:
        """Environments that have a chart and were checked by their values only, because it could not be had, or was not
        rendered because of what a run may cost."""
        names = {name for chart in self.outcome.charts for name in chart.environments} | {*self.outcome.not_tried}
        return tuple(view.name for view in self.fleet.view.environments if view.name in names)

    @property
    def unread(self) -> tuple[str, ...]:
        """Environments of whose values some could not be looked at: rules about values did not run there."""
        return tuple(name for name, resolved in self.fleet.resolved.items() if resolved.unread)

    @property
    def unseen(self) -> tuple[str, ...]:
        """What could not be looked at, so that "no findings" says less than it seems to: charts, values, and other
        repositories (but for a chart's, where a person named the chart)."""
        fleet = self.fleet
        found = [f"the chart {chart.named}" for chart in self.outcome.charts]
        found += [f"manifests of {name}" for name in self.outcome.not_tried]
        found += [f"values of {name}" for name in self.unread]
        found += [f"the base of {item.environment}" for item in self.uncompared if item.before]
        replaced = {view.chart.repo_url for view in fleet.view.environments} if fleet.query.chart is not None else set()
        found += self.base.taken_away.unseen if self.base is not None else ()
        for problem in fleet.view.problems:
            if problem.kind == UNREADABLE:
                found.append(f"{problem.location.path}: {problem.cause}")
            if problem.kind == UNREACHABLE and not any(problem.cause.startswith(url) for url in replaced if url):
                found.append(problem.cause)
        return tuple(found)

    @property
    def every_rule(self) -> tuple[Rule, ...]:
        """All that there are, checking's own included."""
        return (*self.rules, *OWN_RULES)

    def not_applied(self) -> dict[str, tuple[str, ...]]:
        """Rules that had nothing to look at here: by the reason, as the end of "rules that ...", their ids."""
        best = max((seen.sight for seen in self.outcome.seen.values()), default=Sight.PART_OF_VALUES)
        systems = frozenset(view.system for view in self.fleet.view.environments)
        hit = {finding.rule for finding in self.outcome.raw}
        found: dict[str, list[str]] = {}
        for rule in self.every_rule:
            reason = "" if rule.id in hit else self._why_not_applied(rule, best, systems)
            if reason:
                found.setdefault(reason, []).append(rule.id)
        return {reason: tuple(ids) for reason, ids in found.items()}

    def _why_not_applied(self, rule: Rule, best: Sight, systems: frozenset[str]) -> str:
        needed = Sight.CHART if rule.id == key_not_read.RULE.id else Sight.MANIFESTS
        if self.request.rules and rule.id not in self.request.rules:
            return "were not asked for"
        if rule.id in COMPARING:
            return "" if self.base is not None else "compare with a base (--base)"
        if rule.id in ABOUT_WAIVERS:
            return "" if self.fleet.documents.waivers and self.whole else "look at waivers"
        if rule.environment is not None and not systems & frozenset(rule.systems):
            return "are about environments of another kind"
        return "look at manifests or a chart's keys" if rule.rendered and best < needed else ""

    def about(self, rule: str) -> Rule | None:
        """The rule of that id, checking's own included."""
        return next((item for item in self.every_rule if item.id == rule), None)


def _counted(findings: Iterable[Finding]) -> dict[Severity, int]:
    counted = Counter(finding.severity for finding in findings)
    return {severity: counted[severity] for severity in reversed(Severity) if counted[severity]}


def check_fleet(
    ports: Ports,
    fleet: LoadedFleet,
    request: CheckRequest,
    *,
    checker: FleetChecker | None = None,
    progress: Progress | None = None,
    base_progress: Progress | None = None,
) -> Verdict:
    """Checks a fleet as asked.

    Raises NotFoundError (an environment or a base that is not there), and what fetching a chart that a person named
    raises.
    """
    checker = checker or FleetChecker(ports)
    names = [view.name for view in fleet.select(request.environments)] if request.environments else []
    base = check_base(ports, checker, fleet, request.base, progress=base_progress) if request.base else None
    judged = as_before(base, fleet) if base is not None else fleet
    found = checker.find(judged, progress=progress)
    before = None
    if base is not None:
        base, before = compare_with(
            base, ports, checker, judged, found, baseline=request.baseline, accepted=request.accept
        )
        found = replace(found, raw=(*found.raw, *base.taken_away.findings))
    outcome = checker.judge(
        found,
        only=names,
        rules=request.rules,
        waivers=waivers_of(fleet.documents, ports),
        known=known_of(fleet.documents) if request.baseline else {},
        known_places=known_places_of(fleet.documents) if request.baseline else {},
        before=before,
    )
    return Verdict(
        request=request,
        fleet=fleet,
        outcome=outcome,
        rules=tuple(checker.rules),
        rendering=checker.rendering,
        at=ports.clock(),
        base=base,
        faults=_new_faults((*fleet.documents.faults, *far_waivers(fleet.documents, ports)), base),
        problems=_new_problems((*fleet.view.problems, *outcome.problems), base),
    )


def _new_faults(faults: Sequence[Fault], base: Base | None) -> tuple[Fault, ...]:
    return tuple(fault for fault in faults if base is None or fault_key(fault) not in base.faults)


def _new_problems(problems: Sequence[Problem], base: Base | None) -> tuple[Problem, ...]:
    return tuple(problem for problem in problems if base is None or problem_key(problem) not in base.problems)
