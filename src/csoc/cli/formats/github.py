"""A verdict as GitHub's workflow commands, which a job prints to put annotations on the lines of a pull request.

Escaping is that of GitHub's own toolkit (actions/toolkit, packages/core/src/command.ts): data escapes %, carriage
return and line feed; properties the colon and the comma too.
"""

from __future__ import annotations

from csoc.cli.escaping import clean
from csoc.cli.formats.shared import at_home, other_charts, remarks, shortened, shown_place
from csoc.fleet.documents.faults import Weight
from csoc.fleet.location import Location
from csoc.gen3.findings import Finding, Severity
from csoc.usecases.checking.verdict import Verdict

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}
_ENVIRONMENTS = 10


def report(verdict: Verdict) -> str:
    """One command a finding, worst first; GitHub shows the first ten of each level and puts all into the log."""
    lines = [_of_finding(verdict, finding) for finding in verdict.findings]
    for fault in verdict.faults:
        level = "error" if fault.weight is Weight.ERROR else "warning"
        message = ". ".join(filter(None, (fault.cause, fault.fix)))
        lines.append(command(verdict, level, "csoc document", fault.location, message))
    for chart in verdict.outcome.charts:
        message = (
            f"{chart.named} could not be had: {chart.reason}. Checked by values only: "
            f"{shortened(chart.environments, _ENVIRONMENTS)}"
        )
        lines.append(command(verdict, "warning", "csoc: a chart is missing", None, message))
    for item in verdict.uncompared:
        message = f"{item.environment} was compared by {item.extent}; {item.why}"
        lines.append(command(verdict, "warning", "csoc: not compared in full", None, message))
    return "".join(f"{line}\n" for line in lines)


def _of_finding(verdict: Verdict, finding: Finding) -> str:
    places = [item.location for item in finding.evidence if at_home(verdict, item.location)]
    if not places:  # a chart's default, a file that is gone: the Application is the nearest that there is
        views = [verdict.fleet.view.environment(name) for name in finding.environments]
        places = [view.application.location for view in views if view and at_home(verdict, view.application.location)]
    parts = [f"{finding.severity.name.lower()}: {finding.cause}"]
    if finding.environments:
        parts.append(f"Environments: {shortened(finding.environments, _ENVIRONMENTS)}")
    parts += [f"Otherwise: {finding.consequence}", f"Fix: {finding.fix}"]
    parts += [chart.sentence for chart in other_charts(verdict, finding)]
    parts += remarks(verdict, finding)
    others = [shown_place(verdict, item.location) for item in finding.evidence if item.location is not None]
    if len(others) > 1:
        parts.append(f"Places: {shortened(others, _ENVIRONMENTS)}")
    title = f"csoc {finding.rule}"
    return command(verdict, _LEVELS[finding.severity], title, places[0] if places else None, *parts)


def command(verdict: Verdict, level: str, title: str, place: Location | None, *message: str) -> str:
    """One workflow command. message: its lines."""
    properties = [f"title={escape_property(clean(title))}"]
    if place is not None and at_home(verdict, place):
        properties.insert(0, f"file={escape_property(clean(place.path))}")
        if place.line:
            properties.insert(1, f"line={place.line}")
    text = escape_data("\n".join(map(clean, message)))
    return f"::{level} {','.join(properties)}::{text}"


def escape_data(text: str) -> str:
    """For the text after the second "::"."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """For the value of a property."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")
