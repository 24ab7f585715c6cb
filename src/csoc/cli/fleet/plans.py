"""What changes make of a fleet, for people and programs: shared by the commands that change settings."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from rich.text import Text

from csoc.cli.output import EXIT_OF, count, error_json, print_diff, print_line, say, say_error, severity_text
from csoc.errors import CsocError
from csoc.gen3.findings import Finding, to_json
from csoc.usecases.change.plan import ChangePlan, EnvironmentChange
from csoc.usecases.change.propose import ChangeReport, Outcome
from csoc.usecases.compare import Difference

_MANY = 30
_DIFF_LINES = 40
_STATES = {"left only": "goes away", "right only": "is new", "differs": "changes"}


def exit_code(plan: ChangePlan, report: ChangeReport | None) -> int:
    """That of the first part which failed; 1 if something could not be planned."""
    errors = [outcome.error for outcome in (report.outcomes if report else ()) if outcome.error is not None]
    if errors:
        return EXIT_OF[errors[0].kind]
    return 1 if plan.refused else 0


def plan_json(plan: ChangePlan) -> dict[str, Any]:
    return {
        "operations": [str(operation) for operation in plan.operations],
        "files": [
            {"path": change.path, "environments": list(change.environments), "diff": change.diff()}
            for change in plan.files
        ],
        "environments": [
            {
                "name": item.environment,
                "asked": item.asked,
                "renamed": item.renamed or None,
                "chart": {"before": item.chart[0], "after": item.chart[1]} if item.chart else None,
                "values": [
                    {"path": d.path, "before": d.left, "after": d.right, "diff": list(d.diff)} for d in item.values
                ],
                "manifests": None
                if item.objects is None
                else [{"object": o.name, "state": o.state, "diff": list(o.diff)} for o in item.objects],
                "notRendered": list(item.unrendered),
            }
            for item in plan.environments
        ],
        "unchanged": list(plan.unchanged),
        "warnings": list(plan.warnings),
        "refused": [{"environment": name, **error_json(error)} for name, error in plan.refused],
        "findingsNew": [to_json(item) for item in plan.findings_new],
        "findingsGone": [to_json(item) for item in plan.findings_gone],
    }


def report_json(report: ChangeReport | None) -> list[dict[str, Any]]:
    return [_outcome_json(outcome) for outcome in (report.outcomes if report else ())]


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    published = outcome.published
    pull = published.pull_request if published else None
    return {
        "files": list(outcome.files),
        "environments": list(outcome.environments),
        "owners": list(outcome.owners),
        "commit": published.commit or None if published else None,
        "branch": published.branch if published else None,
        "pullRequest": pull.url if pull else None,
        "number": pull.number if pull else None,
        "openBefore": published.again if published else False,
        "note": published.note if published else "",
        **(error_json(outcome.error) if outcome.error else {}),
    }


def print_plan(plan: ChangePlan) -> None:
    for change in plan.files:
        print_diff(change.diff(), indent="")
    for item in plan.environments:
        _print_environment(item)
    if plan.unchanged:
        say()
        say(f"Nothing changes in {', '.join(plan.unchanged)}: it is so already.", "dim")
    for warning in plan.warnings:
        say()
        say(f"warning: {warning}", "yellow")
    _print_refused(plan)
    _print_findings("New findings", plan.findings_new)
    _print_findings("Findings that this mends", plan.findings_gone)


def _print_refused(plan: ChangePlan) -> None:
    """Each refusal once, with the environments that it is about."""
    same: dict[tuple[str, str], list[tuple[str, CsocError]]] = defaultdict(list)
    for name, error in plan.refused:
        same[error.cause, error.fix].append((name, error))
    for (cause, fix), refused in same.items():
        say()
        names = [name for name, _ in refused]
        if len({error.place for _, error in refused}) == 1:
            before = f"{names[0]}: not possible. " if len(names) == 1 else f"Not possible in {', '.join(names)}. "
            say_error(before, refused[0][1])
            continue
        say(f"Not possible in {count(len(names), 'environment')}: {cause}", "red")
        for name, error in refused[:_MANY]:
            say(f"  {name}: {error.place}" if error.place else f"  {name}")
        if len(refused) > _MANY:
            say(f"  and {len(refused) - _MANY} more (--json lists all)", "dim")
        if fix:
            say(f"  fix: {fix}")


def _print_environment(item: EnvironmentChange) -> None:
    shared = "" if item.asked else "  (not asked for: it uses the same file)"
    say()
    say(f"{item.environment}{shared}", "bold" if item.asked else "bold yellow")
    if item.renamed:
        say(f"  csoc will call it {item.renamed}", "yellow")
    if item.chart:
        say(f"  chart: {item.chart[0] or 'newest'} -> {item.chart[1] or 'newest'}")
    for difference in item.values[:_MANY]:
        _print_difference(difference)
    if len(item.values) > _MANY:
        say(f"  and {len(item.values) - _MANY} more", "dim")
    for reason in item.unrendered:
        say(f"  manifests: not compared: {reason}", "dim")
    if item.objects is not None:
        if not item.objects:
            say("  manifests: nothing changes", "dim")
        for change in item.objects[:_MANY]:
            say(f"  manifests: {change.name}: {_STATES.get(change.state, change.state)}")
            print_diff(change.diff[2:], indent="      ", most=_DIFF_LINES)
        if len(item.objects) > _MANY:
            say(f"  manifests: and {count(len(item.objects) - _MANY, 'object')} more", "dim")


def _print_difference(difference: Difference) -> None:
    if difference.diff:
        say(f"  {difference.path}:")
        print_diff(difference.diff, indent="      ", most=_DIFF_LINES)
    else:
        say(f"  {difference.path}: {difference.left} -> {difference.right}")


def _print_findings(title: str, findings: tuple[Finding, ...]) -> None:
    if findings:
        say()
        say(f"{title}:", "bold")
        for item in findings:
            line = Text.assemble("  ", severity_text(item.severity.name.lower()), f" {item.rule}: ")
            line.append(f"{item.cause} ({', '.join(item.environments)})")
            print_line(line)


def print_report(plan: ChangePlan, report: ChangeReport | None) -> None:
    say()
    if report is None:
        if plan.files:
            say("Nothing was changed yet. Add --commit, or --pull-request to have it reviewed.")
        elif not plan.refused:
            say("There is nothing to change.")
        return
    for outcome in report.outcomes:
        print_outcome(outcome)
    for note in report.notes:
        say(f"note: {note}", "dim")


def print_outcome(outcome: Outcome) -> None:
    owners = f" for {', '.join(outcome.owners)}" if outcome.owners else ""
    files = count(len(outcome.files), "file")
    published = outcome.published
    if outcome.error is not None:
        say_error(f"failed: {files}{owners}: ", outcome.error)
    elif published is not None and published.pull_request is not None:
        verb = "open already:" if published.again else "opened"
        say(f"{verb} {published.pull_request.url}: {files}{owners}", "green")
    elif published is not None:
        say(f"committed {published.commit[:12]} to {published.branch}: {files}", "green")
    if published is not None and published.note:
        say(f"  note: {published.note}", "yellow")
