"""`csoc fleet set` and `csoc fleet changes`: change settings, and follow what was proposed."""

from __future__ import annotations

from typing import Any

import click
from rich.text import Text

from csoc import bootstrap
from csoc.cli.output import clean, console, error_json, example, json_option, print_json, say, severity_text, table
from csoc.cli.session import chart_option, fleet_option, opened
from csoc.fleet.githost import MergeMethod
from csoc.gen3.findings import Finding, to_json
from csoc.usecases.change.follow import Proposed, merge_proposed, proposed_changes
from csoc.usecases.change.operations import Operation, parse_assignment, parse_key
from csoc.usecases.change.plan import ChangePlan, EnvironmentChange, plan_change
from csoc.usecases.change.propose import ChangeReport, propose_change
from csoc.usecases.load import FleetQuery

_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}
_MANY = 30


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
    """Change settings in one or many environments. Without --commit or --pull-request nothing is written."""
    if commit and pull_request:
        raise click.UsageError("--commit and --pull-request exclude each other")
    names = [item for item in arguments if "=" not in item]
    operations = [parse_assignment(item, as_text=as_text) for item in arguments if "=" in item]
    operations += _operations(images, unset, renames, chart_revision)
    if not names:
        raise click.UsageError("name at least one environment (or commons, stage, cluster)")
    if not operations:
        raise click.UsageError("nothing to do: give KEY=VALUE, --image, --unset, --rename or --chart-revision")
    with opened(source, revision, own_urls, chart) as (ports, loaded):
        plan = plan_change(ports, loaded, loaded.select(names), operations, manifests=manifests)
        report = None
        if (commit or pull_request) and plan.files:
            report = propose_change(ports, loaded, plan, pull_request=pull_request, message=message, branch=branch)
    if as_json:
        print_json(_plan_json(plan) | {"outcomes": _report_json(report)})
    else:
        _print_plan(plan)
        _print_report(plan, report)
    failed = plan.refused or (report is not None and any(outcome.error for outcome in report.outcomes))
    return 1 if failed else 0


def _operations(
    images: tuple[str, ...], unset: tuple[str, ...], renames: tuple[str, ...], chart_revision: str | None
) -> list[Operation]:
    operations = []
    for item in images:
        service, separator, tag = item.partition("=")
        if not separator or not service or not tag:
            raise click.UsageError(f"--image {item}: expected SERVICE=TAG")
        operations.append(Operation("set", (*parse_key(service), "image", "tag"), tag))
    operations += [Operation("remove", parse_key(key)) for key in unset]
    for item in renames:
        old, separator, new = item.partition("=")
        if not separator:
            raise click.UsageError(f"--rename {item}: expected OLD=NEW")
        before, after = parse_key(old), parse_key(new)
        if len(after) > 1 and after[:-1] != before[:-1]:
            raise click.UsageError(f"--rename {item}: the key keeps its place; only its last part can change")
        operations.append(Operation("rename", before, after[-1]))
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
                "values": [{"path": d.path, "before": d.left, "after": d.right} for d in item.values],
                "manifests": None
                if item.objects is None
                else [{"object": o.name, "state": o.state, "diff": list(o.diff)} for o in item.objects],
                "notRendered": list(item.unrendered),
            }
            for item in plan.environments
        ],
        "unchanged": list(plan.unchanged),
        "refused": [{"environment": name, "reason": reason} for name, reason in plan.refused],
        "findingsNew": [to_json(item) for item in plan.findings_new],
        "findingsGone": [to_json(item) for item in plan.findings_gone],
    }


def _report_json(report: ChangeReport | None) -> list[dict[str, Any]]:
    return [
        {
            "files": list(outcome.files),
            "environments": list(outcome.environments),
            "owners": list(outcome.owners),
            "commit": outcome.published.commit if outcome.published else None,
            "branch": outcome.published.branch if outcome.published else None,
            "pullRequest": outcome.published.pull_request.url
            if outcome.published and outcome.published.pull_request
            else None,
            **(error_json(outcome.error) if outcome.error else {}),
        }
        for outcome in (report.outcomes if report else ())
    ]


def _print_plan(plan: ChangePlan) -> None:
    for change in plan.files:
        for line in change.diff():
            console().print(Text(clean(line), style=_DIFF_STYLES.get(line[:1], "")), soft_wrap=True)
    for item in plan.environments:
        _print_environment(item)
    if plan.unchanged:
        say(f"\nNothing changes in {', '.join(plan.unchanged)}: it is so already.", "dim")
    for name, reason in plan.refused:
        say(f"\n{name}: not possible. {reason}", "red")
    _print_findings("New findings", plan.findings_new)
    _print_findings("Findings that this mends", plan.findings_gone)


def _print_environment(item: EnvironmentChange) -> None:
    shared = "" if item.asked else "  (not asked for: it uses the same file)"
    say(f"\n{item.environment}{shared}", "bold" if item.asked else "bold yellow")
    for difference in item.values[:_MANY]:
        say(f"  {difference.path}: {difference.left} -> {difference.right}")
    if len(item.values) > _MANY:
        say(f"  and {len(item.values) - _MANY} more")
    for reason in item.unrendered:
        say(f"  manifests: not compared: {reason}", "dim")
    if item.objects is not None:
        if not item.objects:
            say("  manifests: nothing changes", "dim")
        for change in item.objects[:_MANY]:
            say(f"  manifests: {change.name}: {change.state}")
            for line in change.diff[2:]:
                console().print(Text(clean(f"      {line}"), style=_DIFF_STYLES.get(line[:1], "")), soft_wrap=True)


def _print_findings(title: str, findings: tuple[Finding, ...]) -> None:
    if findings:
        say(f"\n{title}:", "bold")
        for item in findings:
            line = Text.assemble("  ", severity_text(item.severity.name.lower()), f" {item.rule}: ")
            line.append(clean(f"{item.cause} ({', '.join(item.environments)})"))
            console().print(line, soft_wrap=True)


def _print_report(plan: ChangePlan, report: ChangeReport | None) -> None:
    say()
    if report is None:
        if plan.files:
            say("Nothing was changed yet. Add --commit, or --pull-request to have it reviewed.")
        return
    for outcome in report.outcomes:
        owners = f" for {', '.join(outcome.owners)}" if outcome.owners else ""
        files = f"{len(outcome.files)} file{'s' if len(outcome.files) > 1 else ''}"
        if outcome.error is not None:
            say(f"failed: {files}{owners}: {outcome.error}", "red")
        elif outcome.published is not None and outcome.published.pull_request is not None:
            say(f"opened {outcome.published.pull_request.url}: {files}{owners}", "green")
        elif outcome.published is not None:
            say(f"committed {outcome.published.commit[:12]} to {outcome.published.branch}: {files}", "green")
        if outcome.published is not None and outcome.published.note:
            say(f"  note: {outcome.published.note}", "yellow")
    for note in report.notes:
        say(f"note: {note}", "dim")


@click.command("changes", epilog=example("csoc fleet changes", "csoc fleet changes --merge 12"))
@fleet_option
@click.option("--merge", type=int, metavar="NUMBER", help="Merge this pull request, if its host's rules allow it.")
@json_option
def changes_command(
    source: str, revision: str | None, own_urls: tuple[str, ...], merge: int | None, as_json: bool
) -> int:
    """Pull requests that csoc opened: their state, and what each still lacks. With --merge: merge one."""
    with bootstrap.ports() as ports:
        address = FleetQuery(source, revision=revision, own_urls=own_urls).address
        if merge is not None:
            outcome = merge_proposed(ports, address, merge, MergeMethod.MERGE)
            if as_json:
                print_json(
                    {"number": outcome.number, "commit": outcome.commit, "alreadyMerged": outcome.already_merged}
                )
            else:
                say(f"Merged #{outcome.number} as {outcome.commit[:12]}.", "green")
            return 0
        found = proposed_changes(ports, address)
    if as_json:
        print_json([_proposed_json(item) for item in found])
        return 0
    if not found:
        say("csoc has no open pull requests here.")
        return 0
    table(
        ["number", "title", "into", "conflicts", "still lacks"],
        [
            [f"#{i.pull.number}", i.pull.title, i.pull.base, _conflicts(i), ", ".join(i.missing) or "nothing"]
            for i in found
        ],
    )
    return 0


def _conflicts(item: Proposed) -> str:
    return ", ".join(item.pull.conflicts) or item.pull.mergeable.value.replace("yes", "none").replace("no", "yes")


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
