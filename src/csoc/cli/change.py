"""`csoc fleet set` and `csoc fleet changes`: change settings, and follow what was proposed."""

from __future__ import annotations

from typing import Any

import click
from rich.text import Text

from csoc import bootstrap
from csoc.cli.output import (
    EXIT_OF,
    clean,
    count,
    error_json,
    example,
    json_option,
    print_diff,
    print_json,
    print_line,
    say,
    severity_text,
    table,
)
from csoc.cli.session import chart_option, fleet_option, opened
from csoc.errors import RejectedError
from csoc.fleet.githost import Mergeable, MergeMethod
from csoc.gen3.findings import Finding, to_json
from csoc.usecases.change.follow import (
    Proposed,
    Rebuilt,
    close_proposed,
    merge_proposed,
    proposed_changes,
    rebuild_proposed,
)
from csoc.usecases.change.operations import (
    Operation,
    is_assignment,
    parse_assignment,
    parse_image,
    parse_key,
    parse_rename,
)
from csoc.usecases.change.plan import ChangePlan, EnvironmentChange, plan_change
from csoc.usecases.change.propose import ChangeReport, Outcome, propose_change
from csoc.usecases.compare import Difference
from csoc.usecases.load import FleetQuery
from csoc.usecases.ports import Ports

_MANY = 30
_DIFF_LINES = 40
_STATES = {"left only": "goes away", "right only": "is new", "differs": "changes"}


@click.command(
    "set",
    epilog=example(
        "csoc fleet set brh-staging fence.image.tag=2026.04",
        "csoc fleet set staging --image fence=2026.04 --image guppy=2026.04 --pull-request",
        "csoc fleet set brh-prod healdata-prod --rename fence.replicas=fence.replicaCount",
        "csoc fleet set brh-prod --chart-revision gen3-0.3.90 --commit",
    ),
)
@click.argument("arguments", nargs=-1, required=True, metavar="ENV... [KEY=VALUE]...")
@fleet_option
@chart_option
@click.option("--image", "images", multiple=True, metavar="SERVICE=TAG", help="Set <service>.image.tag.")
@click.option("--unset", "unset", multiple=True, metavar="KEY", help="Remove a key.")
@click.option("--rename", "renames", multiple=True, metavar="OLD=NEW", help="Rename a key; its value stays.")
@click.option("--chart-revision", metavar="REV", help="Set the targetRevision of the chart.")
@click.option("--text", "as_text", is_flag=True, help="Take every VALUE as text, even if it looks like a number.")
@click.option("--manifests/--no-manifests", default=True, help="Show what changes in the manifests too.")
@click.option("--commit", is_flag=True, help="Commit the change.")
@click.option("--pull-request", is_flag=True, help="Open pull requests, one for each set of owners.")
@click.option("--message", "-m", default="", help="Commit message (default: what was done, where).")
@click.option("--branch", default="", help="The branch that the change is for (default: the one that was read).")
@json_option
def set_command(
    arguments: tuple[str, ...],
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],
    chart: str | None,
    images: tuple[str, ...],
    unset: tuple[str, ...],
    renames: tuple[str, ...],
    chart_revision: str | None,
    as_text: bool,
    manifests: bool,
    commit: bool,
    pull_request: bool,
    message: str,
    branch: str,
    as_json: bool,
) -> int:
    """Change settings in one or many environments. Without --commit or --pull-request nothing is written.

    ENV is an environment's name, or a commons, stage or cluster for all of its environments. In KEY a dot goes one
    level down and [0] is the first item of a list; a backslash before a dot that belongs to a key. VALUE is YAML; where
    text stands now, it stays text.
    """
    if commit and pull_request:
        raise click.UsageError("--commit and --pull-request exclude each other")
    names = [item for item in arguments if not is_assignment(item)]
    operations = _operations(arguments, images, unset, renames, chart_revision, as_text=as_text)
    if not names:
        raise click.UsageError("name at least one environment (or commons, stage, cluster)")
    if not operations:
        raise click.UsageError("nothing to do: give KEY=VALUE, --image, --unset, --rename or --chart-revision")
    with opened(source, revision or branch or None, own_urls, chart) as (ports, loaded):
        plan = plan_change(ports, loaded, loaded.select(names), operations, manifests=manifests)
        report = None
        if (commit or pull_request) and plan.files:
            report = propose_change(ports, loaded, plan, pull_request=pull_request, message=message, branch=branch)
    if as_json:
        print_json(_plan_json(plan) | {"outcomes": _report_json(report)})
    else:
        _print_plan(plan)
        _print_report(plan, report)
    return _exit_code(plan, report)


def _exit_code(plan: ChangePlan, report: ChangeReport | None) -> int:
    """That of the first part which failed; 1 if something could not be planned."""
    errors = [outcome.error for outcome in (report.outcomes if report else ()) if outcome.error is not None]
    if errors:
        return EXIT_OF[errors[0].kind]
    return 1 if plan.refused else 0


def _operations(
    arguments: tuple[str, ...],
    images: tuple[str, ...],
    unset: tuple[str, ...],
    renames: tuple[str, ...],
    chart_revision: str | None,
    *,
    as_text: bool,
) -> list[Operation]:
    try:
        operations = [parse_assignment(item, as_text=as_text) for item in arguments if is_assignment(item)]
        operations += [parse_image(item) for item in images]
        operations += [Operation("remove", parse_key(key)) for key in unset]
        operations += [parse_rename(item) for item in renames]
    except RejectedError as error:
        raise click.UsageError(str(error)) from error
    if chart_revision:
        operations.append(Operation("chart", (), chart_revision))
    return operations


def _plan_json(plan: ChangePlan) -> dict[str, Any]:
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
        "refused": [{"environment": name, **error_json(error)} for name, error in plan.refused],
        "findingsNew": [to_json(item) for item in plan.findings_new],
        "findingsGone": [to_json(item) for item in plan.findings_gone],
    }


def _report_json(report: ChangeReport | None) -> list[dict[str, Any]]:
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


def _print_plan(plan: ChangePlan) -> None:
    for change in plan.files:
        print_diff(change.diff(), indent="")
    for item in plan.environments:
        _print_environment(item)
    if plan.unchanged:
        say(f"\nNothing changes in {', '.join(plan.unchanged)}: it is so already.", "dim")
    for name, error in plan.refused:
        say(f"\n{name}: not possible. {error}", "red")
    _print_findings("New findings", plan.findings_new)
    _print_findings("Findings that this mends", plan.findings_gone)


def _print_environment(item: EnvironmentChange) -> None:
    shared = "" if item.asked else "  (not asked for: it uses the same file)"
    say(f"\n{item.environment}{shared}", "bold" if item.asked else "bold yellow")
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
        say(f"\n{title}:", "bold")
        for item in findings:
            line = Text.assemble("  ", severity_text(item.severity.name.lower()), f" {item.rule}: ")
            line.append(clean(f"{item.cause} ({', '.join(item.environments)})"))
            print_line(line)


def _print_report(plan: ChangePlan, report: ChangeReport | None) -> None:
    say()
    if report is None:
        if plan.files:
            say("Nothing was changed yet. Add --commit, or --pull-request to have it reviewed.")
        elif not plan.refused:
            say("There is nothing to change.")
        return
    for outcome in report.outcomes:
        _print_outcome(outcome)
    for note in report.notes:
        say(f"note: {note}", "dim")


def _print_outcome(outcome: Outcome) -> None:
    owners = f" for {', '.join(outcome.owners)}" if outcome.owners else ""
    files = count(len(outcome.files), "file")
    published = outcome.published
    if outcome.error is not None:
        say(f"failed: {files}{owners}: {outcome.error}", "red")
    elif published is not None and published.pull_request is not None:
        verb = "open already:" if published.again else "opened"
        say(f"{verb} {published.pull_request.url}: {files}{owners}", "green")
    elif published is not None:
        say(f"committed {published.commit[:12]} to {published.branch}: {files}", "green")
    if published is not None and published.note:
        say(f"  note: {published.note}", "yellow")


@click.command(
    "changes",
    epilog=example(
        "csoc fleet changes",
        "csoc fleet changes --merge 12",
        "csoc fleet changes --rebuild 12    # its files have changed meanwhile: make it again",
    ),
)
@fleet_option
@click.option("--merge", type=int, metavar="NUMBER", help="Merge this pull request, if its host's rules allow it.")
@click.option(
    "--method",
    type=click.Choice([method.value for method in MergeMethod]),
    default=MergeMethod.MERGE.value,
    show_default=True,
    help="With --merge: how its commits reach the branch.",
)
@click.option(
    "--rebuild",
    type=int,
    metavar="NUMBER",
    help="Make this change again on what its branch holds now, as a new pull request, and close the old one.",
)
@click.option("--close", "close_number", type=int, metavar="NUMBER", help="Close this one without merging it.")
@json_option
def changes_command(
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],
    merge: int | None,
    method: str,
    rebuild: int | None,
    close_number: int | None,
    as_json: bool,
) -> int:
    """Pull requests that csoc opened: their conflicts, and what each still lacks."""
    if sum(number is not None for number in (merge, rebuild, close_number)) > 1:
        raise click.UsageError("--merge, --rebuild and --close exclude each other")
    query = FleetQuery(source, revision=revision, own_urls=own_urls)
    with bootstrap.ports() as ports:
        if merge is not None:
            return _merge(ports, query, merge, MergeMethod(method), as_json=as_json)
        if rebuild is not None:
            return _rebuild(ports, query, rebuild, as_json=as_json)
        if close_number is not None:
            return _close(ports, query, close_number, as_json=as_json)
        found = proposed_changes(ports, query.address)
    if as_json:
        print_json([_proposed_json(item) for item in found])
    elif not found:
        say("csoc has no open pull requests here.")
    else:
        rows = [
            [f"#{i.pull.number}", i.pull.title, i.pull.base, _conflicts(i), "\n".join(i.missing) or "nothing known"]
            for i in found
        ]
        table(["number", "title", "into", "conflicts", "still lacks"], rows)
        if any(item.pull.conflicts for item in found):
            say("--rebuild NUMBER makes one that conflicts again, on what its branch holds now.", "dim")
    return 0


def _merge(ports: Ports, query: FleetQuery, number: int, method: MergeMethod, *, as_json: bool) -> int:
    merged = merge_proposed(ports, query.address, number, method)
    outcome = merged.outcome
    if as_json:
        print_json(
            {
                "number": outcome.number,
                "commit": outcome.commit,
                "alreadyMerged": outcome.already_merged,
                "note": merged.note,
            }
        )
        return 0
    commit = f" as {outcome.commit[:12]}" if outcome.commit else ""
    say(f"#{number} was merged before{commit}." if outcome.already_merged else f"Merged #{number}{commit}.", "green")
    if merged.note:
        say(f"  note: {merged.note}", "yellow")
    return 0


def _close(ports: Ports, query: FleetQuery, number: int, *, as_json: bool) -> int:
    note = close_proposed(ports, query.address, number)
    if as_json:
        print_json({"number": number, "note": note})
        return 0
    say(f"Closed #{number}.", "green")
    if note:
        say(f"  note: {note}", "yellow")
    return 0


def _rebuild(ports: Ports, query: FleetQuery, number: int, *, as_json: bool) -> int:
    made = rebuild_proposed(ports, query, number)
    if as_json:
        print_json(
            _plan_json(made.plan)
            | {"outcomes": _report_json(made.report), "number": number, "closed": made.closed, "note": made.note}
        )
    else:
        _print_rebuilt(made)
    return _exit_code(made.plan, made.report)


def _print_rebuilt(made: Rebuilt) -> None:
    _print_plan(made.plan)
    say()
    if made.report is None:
        say(f"{made.old.base} needs nothing of #{made.old.number} any more: it can be closed (--close).")
        return
    for outcome in made.report.outcomes:
        _print_outcome(outcome)
    if made.closed:
        say(f"Closed #{made.old.number}, which it replaces.")
    elif not any(outcome.error for outcome in made.report.outcomes):
        say(f"#{made.old.number} is made on what {made.old.base} holds now: there is nothing to do again.")
    if made.note:
        say(f"  note: {made.note}", "yellow")


def _conflicts(item: Proposed) -> str:
    words = {Mergeable.YES: "none", Mergeable.NO: "yes", Mergeable.UNKNOWN: "not known yet"}
    return "\n".join(item.pull.conflicts) or words[item.pull.mergeable]


def _proposed_json(item: Proposed) -> dict[str, Any]:
    pull = item.pull
    return {
        "number": pull.number,
        "url": pull.url,
        "title": pull.title,
        "head": pull.head,
        "base": pull.base,
        "mergeable": pull.mergeable.value,
        "conflicts": list(pull.conflicts),
        "missing": list(item.missing),
    }
