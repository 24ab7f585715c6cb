"""`csoc fleet`: make, adopt and look at a fleet."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from csoc import bootstrap
from csoc.cli.output import count, example, json_option, print_json, progress, say, severity_text, table
from csoc.cli.session import chart_option, fleet_option, opened
from csoc.gen3.views import Fact
from csoc.usecases.adopt import Adoption, plan_adoption, write_adoption
from csoc.usecases.baseline import with_baseline
from csoc.usecases.check import FleetChecker
from csoc.usecases.init import init_fleet
from csoc.usecases.show import Overview, overview, overview_json

_MANY = 40


@click.group()
def fleet() -> None:
    """Make, adopt, look at and change a fleet."""


@fleet.command(epilog=example("csoc fleet init my-fleet", "csoc fleet init . --stage dev --stage prod"))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", default="", help="Name of the fleet (default: the folder's).")
@click.option("--stage", "stages", multiple=True, help="A stage, in order of promotion; give several.")
@json_option
def init(folder: Path, name: str, stages: tuple[str, ...], as_json: bool) -> None:
    """Write the repository of a new fleet into DIR. Nothing that exists is overwritten."""
    with bootstrap.ports() as ports:
        paths = init_fleet(ports, folder, name=name, **({"stages": stages} if stages else {}))
    if as_json:
        print_json({"folder": str(folder), "files": paths})
        return
    for path in paths:
        say(f"  {path}")
    say(f"\nA fleet's repository is in {folder}. Next: look at fleet.yaml, then commit it.")


@fleet.command(
    epilog=example(
        "csoc fleet adopt https://github.com/example/gitops",
        "csoc fleet adopt . --write",
        "csoc fleet adopt https://github.com/example/gitops --write --pull-request --baseline",
    )
)
@click.argument("source", metavar="SOURCE")
@click.option("--revision", metavar="REV", help="Branch, tag or commit (default: the work tree, or the main branch).")
@click.option("--own-url", "own_urls", multiple=True, metavar="URL", help="A URL that means this very repository.")
@click.option("--name", default="", help="Name of the fleet (default: the repository's).")
@click.option("--write", is_flag=True, help="Commit csoc's documents below .csoc/, and nothing else.")
@click.option("--pull-request", is_flag=True, help="With --write: open a pull request instead of committing.")
@click.option("--branch", default="", help="With --write: the branch to commit to (default: the one that was read).")
@click.option("--baseline", "with_findings", is_flag=True, help="Make everything that csoc check finds now known.")
@chart_option
@json_option
def adopt(
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],
    name: str,
    write: bool,
    pull_request: bool,
    branch: str,
    with_findings: bool,
    chart: str | None,
    as_json: bool,
) -> None:
    """Understand a GitOps repository that exists. Without --write nothing changes.

    With --baseline the fleet is checked too (--chart says what to render with), and what is found goes into a document
    beside the others, so that csoc check speaks of what comes after.
    """
    if (pull_request or branch) and not write:
        raise click.UsageError("--pull-request and --branch go with --write")
    if chart and not with_findings:
        raise click.UsageError("--chart goes with --baseline: nothing else is rendered here")
    with opened(source, revision, own_urls, chart) as (ports, loaded):
        made = plan_adoption(ports, loaded, name=name)
        if with_findings:
            made, known = with_baseline(ports, loaded, made)
            progress(
                f"the baseline knows {known} findings" if known else "there is a baseline already, or nothing to know"
            )
        if write:
            made = write_adoption(ports, loaded, made, branch=branch, pull_request=pull_request)
    page = overview(loaded)
    if as_json:
        print_json({**overview_json(page), "adoption": _adoption_json(made)})
        return
    print_overview(page)
    _print_adoption(made, written=write, source=source)


@fleet.command(epilog=example("csoc fleet show", "csoc fleet show --fleet https://github.com/example/gitops --json"))
@fleet_option
@chart_option
@click.option("--check/--no-check", "with_check", default=True, help="Run the rules too, for the worst finding.")
@json_option
def show(
    source: str, revision: str | None, own_urls: tuple[str, ...], chart: str | None, with_check: bool, as_json: bool
) -> None:
    """Every environment with cluster, stage, hostname, chart and worst finding."""
    with opened(source, revision, own_urls, chart) as (ports, loaded):
        outcome = FleetChecker(ports).check(loaded) if with_check else None
    page = overview(loaded, outcome)
    if as_json:
        print_json(overview_json(page))
        return
    print_overview(page)


def _fact(fact: Fact) -> Text:
    return Text(fact.value, style="" if fact.known else "dim italic")


def print_overview(page: Overview) -> None:
    view = page.fleet.view
    columns = ["environment", "commons", "stage", "slot", "cluster", "hostname", "chart"]
    if page.checked:
        columns.append("worst finding")
    rows: list[list[str | Text]] = []
    for row in page.rows:
        item = row.view
        chart = item.chart.revision or ("newest" if item.chart.repo_url else item.system)
        cells: list[str | Text] = [
            Text(item.name, style="bold"),
            _fact(item.commons),
            _fact(item.stage),
            _fact(item.slot),
            _fact(item.cluster),
            _fact(item.hostname),
            chart,
        ]
        if page.checked:
            worst = severity_text(row.worst.name.lower()) if row.worst else Text("none", style="dim")
            cells.append(Text.assemble(worst, f" ({row.findings})" if row.findings else ""))
        rows.append(cells)
    table(columns, rows, title=count(len(rows), "environment"))
    if view.others:
        table(
            ["not Gen3", "cluster", "what", "why"],
            [[o.application.name, _fact(o.cluster), o.role, o.reason] for o in view.others[:_MANY]],
        )
        if len(view.others) > _MANY:
            say(f"  and {len(view.others) - _MANY} more (--json lists all)", "dim")
    if page.problems:
        say(f"Not understood or not readable ({len(page.problems)}):", "bold yellow")
        for problem in page.problems[:_MANY]:
            say(f"  {problem.location}  {problem.told()}")
            if problem.fix:
                say(f"      fix: {problem.fix}", "dim")
        if len(page.problems) > _MANY:
            say(f"  and {len(page.problems) - _MANY} more (--json lists all)", "dim")
    for note in view.notes:
        say(f"note: {note}", "dim")


def _adoption_json(made: Adoption) -> dict[str, object]:
    return {
        "files": sorted(made.files),
        "commit": made.commit,
        "branch": made.branch,
        "pullRequest": made.pull_request.url if made.pull_request else None,
        "note": made.note,
    }


def _print_adoption(made: Adoption, *, written: bool, source: str) -> None:
    if not made.files:
        say("Every environment has its document already; there is nothing to add.")
    elif made.pull_request is not None:
        verb = "Open already:" if made.again else "Opened"
        say(f"{verb} {made.pull_request.url} with {count(len(made.files), 'file')} below .csoc/.", "bold green")
    elif written:
        files = count(len(made.files), "file")
        say(f"Committed {files} below .csoc/ to {made.branch} as {made.commit[:12]}.", "bold green")
    else:
        files = count(len(made.files), "file")
        say(f"Nothing was changed. `csoc fleet adopt {source} --write` would add {files} below .csoc/.")
    if made.note:
        say(f"  note: {made.note}", "yellow")
