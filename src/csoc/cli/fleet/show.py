"""`csoc fleet show`: the whole fleet on one page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from rich.text import Text

from csoc.cli.commands import command
from csoc.cli.output import BEGIN, NONE_FOUND, count, print_json, say, severity_text, table
from csoc.cli.session import chart_option, fleet_option, opened
from csoc.cli.tables import Cell
from csoc.fleet.argocd.model import Problem
from csoc.gen3.views import Fact
from csoc.usecases.checking.checker import FleetChecker
from csoc.usecases.show import Overview, overview, overview_json

_MANY = 40
_PLACES = 2

F = TypeVar("F", bound=Callable[..., Any])


def verbose_option(function: F) -> F:
    """--verbose: long lists as a whole."""
    return click.option("--verbose", is_flag=True, help="Show long lists as a whole.")(function)


@command("show", "csoc fleet show", "csoc fleet show --fleet https://github.com/example/gitops --json")
@fleet_option
@chart_option
@click.option("--check/--no-check", "with_check", default=True, help="Run the rules too, for the worst finding.")
@verbose_option
def show(
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],
    chart: str | None,
    with_check: bool,
    verbose: bool,
    as_json: bool,
) -> None:
    """Every environment with cluster, stage, hostname, chart and worst finding."""
    with opened(source, revision, own_urls, chart) as (ports, loaded):
        outcome = FleetChecker(ports).check(loaded) if with_check else None
    page = overview(loaded, outcome)
    if as_json:
        print_json(overview_json(page))
        return
    print_overview(page, verbose=verbose)


def print_overview(page: Overview, *, verbose: bool = False) -> None:
    """The page for people. verbose: long lists as a whole."""
    view = page.fleet.view
    columns = ["environment", "commons", "stage", "slot", "cluster", "hostname", "chart"]
    if page.checked:
        columns.append("worst finding")
    rows: list[list[Cell]] = []
    for row in page.rows:
        item = row.view
        chart = item.chart.revision or ("newest" if item.chart.repo_url else item.system)
        cells: list[Cell] = [Text.assemble((item.name, "bold"), (" (disputed)" if item.disputes else "", "bold red"))]
        cells += [_fact(getattr(item, name)) for name in ("commons", "stage", "slot", "cluster", "hostname")]
        cells.append(chart)
        if page.checked:
            worst = severity_text(row.worst.name.lower()) if row.worst else Text("none", style="dim")
            cells.append(Text.assemble(worst, f" ({row.findings})" if row.findings else ""))
        rows.append(cells)
    table(columns, rows, title=count(len(rows), "environment") if rows else NONE_FOUND)
    if not rows and not (view.others or page.problems):
        say(f"Nor anything else that Argo CD deploys. {BEGIN}", "dim")
    most = None if verbose else _MANY
    if view.others:
        table(
            ["no environment", "cluster", "what", "why"],
            [[o.application.name, _fact(o.cluster), o.role, o.reason] for o in view.others[:most]],
        )
        _and_more(len(view.others), most)
    if page.problems:
        say(f"Not understood or not readable ({len(page.problems)}):", "bold yellow")
        for problem in page.problems[:most]:
            print_problem(problem, verbose=verbose)
        _and_more(len(page.problems), most)
    for note in view.notes:
        say(f"note: {note}", "dim")


def print_problem(problem: Problem, *, verbose: bool) -> None:
    """A problem with its place and its fix. verbose: with all its places."""
    say(f"  {problem.location}  {problem.told(len(problem.places) if verbose else _PLACES)}")
    if problem.fix:
        say(f"      fix: {problem.fix}", "dim")


def _and_more(number: int, most: int | None) -> None:
    if most is not None and number > most:
        say(f"  and {number - most} more (--verbose shows all)", "dim")


def _fact(fact: Fact) -> Text:
    return Text(fact.value, style="" if fact.known else "dim italic")
