"""A verdict for people: the worst first, one block a finding, then what was and what was not looked at, and what next.

Everything from outside is on one line of its own and begins with a mark, so that no name in a repository can pass for
one of csoc's lines, or for a command to the CI system that shows the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from csoc.cli.escaping import clean
from csoc.cli.formats.shared import by_severity, other_charts, remarks, rendered_with, shortened, shown_place
from csoc.cli.output import NONE_FOUND, STYLE_OF_SEVERITY, WHAT_INSTEAD, count
from csoc.gen3.findings import Finding
from csoc.usecases.checking.verdict import Verdict

_ENVIRONMENTS = 8
_EVIDENCE = 5
_PROBLEMS = 10


@dataclass(frozen=True, slots=True)
class Line:
    """A line with the style of its head (the first `styled` characters; 0: all of it)."""

    text: str = ""
    style: str = ""
    styled: int = 0


def report(verdict: Verdict) -> list[Line]:
    """The whole verdict."""
    lines = list(_faults(verdict))
    for finding in verdict.findings:
        lines += [*_block(verdict, finding), Line()]
    lines += _problems(verdict)
    lines += _summary(verdict)
    lines += _next(verdict)
    return lines


def worst(verdict: Verdict, most: int) -> list[Line]:
    """How many findings there are, and the worst of them."""
    lines = [next(_result(verdict))]
    for finding in verdict.findings[:most]:
        lines += [Line(), *_block(verdict, finding)]
    return lines


def _block(verdict: Verdict, finding: Finding) -> Iterator[Line]:
    severity = finding.severity.name.lower()
    yield Line(f"{severity.upper()}  {finding.rule}", STYLE_OF_SEVERITY[severity], len(severity))
    yield Line(f"  {clean(finding.cause)}", "bold")
    if finding.environments:
        yield Line(f"  in: {clean(shortened(finding.environments, _ENVIRONMENTS))}")
    for item in finding.evidence[:_EVIDENCE]:
        place = clean(shown_place(verdict, item.location)) or "in no file"
        yield Line(f"  - {place}  {clean(item.text)}".rstrip(), "dim", 4 + len(place))
    if len(finding.evidence) > _EVIDENCE:
        yield Line(f"  and {len(finding.evidence) - _EVIDENCE} more places (--format json lists all)", "dim")
    yield Line(f"  otherwise: {clean(finding.consequence)}")
    yield Line(f"  fix: {clean(finding.fix)}")
    others = other_charts(verdict, finding)
    for chart in others:
        where = "" if len(others) == 1 else f" ({shortened(chart.environments, _ENVIRONMENTS)})"
        yield Line(f"  chart: {clean(chart.sentence + where)}", "yellow")
    if not others and rendered_with(verdict, finding):
        yield Line(f"  chart: {clean(', '.join(rendered_with(verdict, finding)))}", "dim")
    for remark in remarks(verdict, finding):
        yield Line(f"  {'base' if verdict.base else 'baseline'}: {clean(remark)}", "yellow")
    yield Line(f"  fingerprint: {finding.fingerprint}", "dim")


def _faults(verdict: Verdict) -> Iterator[Line]:
    if not verdict.faults:
        return
    yield Line(f"Documents of csoc's own have {count(len(verdict.faults), 'fault')}:", "bold red")
    for fault in verdict.faults:
        yield Line(f"  - {clean(str(fault.location))}  {clean(fault.cause)}")
        if fault.fix:
            yield Line(f"    fix: {clean(fault.fix)}", "dim")
    yield Line()


def _problems(verdict: Verdict) -> Iterator[Line]:
    if not verdict.problems:
        return
    yield Line(f"Not understood or not readable ({len(verdict.problems)}), and so not checked:", "bold yellow")
    for problem in verdict.problems[:_PROBLEMS]:
        yield Line(f"  - {clean(shown_place(verdict, problem.location))}  {clean(problem.told())}")
        if problem.fix:
            yield Line(f"    fix: {clean(problem.fix)}", "dim")
    if len(verdict.problems) > _PROBLEMS:
        yield Line(f"  and {len(verdict.problems) - _PROBLEMS} more (--format json lists all)", "dim")
    yield Line()


def _summary(verdict: Verdict) -> Iterator[Line]:
    outcome = verdict.outcome
    if not verdict.fleet.view.environments:
        nothing = "Nothing was checked." if not verdict.findings else "No environment was checked."
        yield Line(f"{NONE_FOUND} {nothing}", "bold yellow")
        yield Line(WHAT_INSTEAD)
        if not verdict.findings:
            return
    yield from _result(verdict)
    left_out = verdict.not_applied()
    every = len(verdict.every_rule)
    ran = every - sum(map(len, left_out.values()))
    yield Line(
        f"{count(outcome.checked, 'environment')} by {ran} of {count(every, 'rule')}"
        + (f"; {outcome.cached} of the environments unchanged since they were last checked" if outcome.cached else "")
        + "."
    )
    if left_out:
        yield Line(f"Not by {', nor by '.join(f'{len(ids)} that {why}' for why, ids in left_out.items())}.")
    if outcome.files.looked:
        binary = f"; {count(outcome.files.binary, 'file')} not, being no text" if outcome.files.binary else ""
        yield Line(f"{count(outcome.files.looked, 'file')} searched for secrets{binary}.")
    if not verdict.whole:
        yield Line("Only what concerns the environments or rules that were named is shown.")
    if outcome.report.known:
        number, known = len(outcome.report.known), by_severity(verdict.known_counts())
        before = f"{'was' if number == 1 else 'were'} there before, or known from the baseline"
        why = before if verdict.base else "known from the baseline"
        yield Line(f"{count(number, 'finding')} {why}: not counted ({known}).")
    if outcome.report.waived:
        waived = by_severity(verdict.waived_counts())
        yield Line(f"{count(len(outcome.report.waived), 'finding')} waived: not counted ({waived}).")
    yield from _uncompared(verdict)
    if not verdict.rendering:
        yield Line("Charts were not rendered: what only manifests show was not looked for.", "yellow")
    if verdict.unread:
        names = clean(shortened(verdict.unread, _ENVIRONMENTS))
        yield Line(f"Values could not all be read, so they were not checked, in {names}", "yellow")
    for chart in outcome.charts:
        yield Line(f"The chart {clean(chart.named)} could not be had: {clean(chart.reason)}", "yellow")
        yield Line(f"  checked by values only: {clean(shortened(chart.environments, _ENVIRONMENTS))}", "yellow")


def _result(verdict: Verdict) -> Iterator[Line]:
    """How many findings, and what a change was compared with."""
    counts = by_severity(verdict.counts)
    total = len(verdict.findings)
    new, than = "", ""
    if verdict.base:
        new, than = "new ", f" compared with {clean(verdict.base.revision)} (commit {verdict.base.commit[:12]})"
    head = f"{count(total, f'{new}finding')}{than}: {counts}" if total else f"No {new}findings{than}"
    yield Line(head + ".", "bold red" if verdict.failed else "bold green" if not total else "bold")
    if verdict.base and verdict.base.commit == verdict.fleet.tree.commit:
        yield Line("That is the very commit that was checked, so there was no change to look at.", "yellow")
        yield Line("Name the branch that the change goes to, as in `csoc check --base origin/main`.")


def _uncompared(verdict: Verdict) -> Iterator[Line]:
    if not verdict.uncompared:
        return
    yield Line("Compared with the base by what both sides could see, not in full:", "yellow")
    for item in verdict.uncompared[:_ENVIRONMENTS]:
        yield Line(f"  - {clean(item.environment)}, by {item.extent}; {clean(item.why)}", "yellow")
    if len(verdict.uncompared) > _ENVIRONMENTS:
        yield Line(f"  and {len(verdict.uncompared) - _ENVIRONMENTS} more (--format json lists all)", "yellow")
    left = verdict.outcome.report.uncompared
    if left:
        yield Line(f"  {count(len(left), 'finding')} there may be new or not: not counted (--format json lists them).")


def _next(verdict: Verdict) -> Iterator[Line]:
    fixable = sum(1 for finding in verdict.findings if finding.patches)
    if fixable:
        yield Line(f"Next: `csoc check --fix` mends {fixable} of them, and shows the change first.")
    elif verdict.outcome.charts and verdict.fleet.query.chart is None:
        yield Line("Next: `csoc check --chart CHART` renders with a chart that you have (a folder or a .tgz).")
    if verdict.failed and verdict.whole and verdict.base is None and not verdict.fleet.documents.baselines:
        yield Line(
            "To start from here: `csoc check --write-baseline`; to see what a change adds: `csoc check --base REV`."
        )
