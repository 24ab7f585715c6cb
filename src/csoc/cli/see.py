"""`csoc fleet matrix|compare|where|history`: questions about the whole fleet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
from rich.text import Text

from csoc.cli.output import (
    EXIT_OF,
    clean,
    console_width,
    count,
    example,
    json_option,
    print_diff,
    print_json,
    say,
    side_by_side,
    table,
)
from csoc.cli.session import chart_option, fleet_option, opened
from csoc.errors import Kind
from csoc.fleet.location import Location
from csoc.gen3.findings import location_to_json
from csoc.usecases.check import FleetChecker
from csoc.usecases.compare import Comparison, Difference, Side, compare
from csoc.usecases.history import value_history
from csoc.usecases.load import LoadedFleet
from csoc.usecases.matrix import Matrix, matrix
from csoc.usecases.ports import Ports
from csoc.usecases.states import StateBuilder
from csoc.usecases.where import MOST, Use, where

_DIFF_LINES = 30


@click.command("matrix", epilog=example("csoc fleet matrix", "csoc fleet matrix brh --service fence --service guppy"))
@click.argument("environments", nargs=-1, metavar="[ENV]...")
@fleet_option
@click.option("--service", "services", multiple=True, help="Only this service; give several.")
@click.option("--history/--no-history", default=True, help="Look up since when each version runs.")
@json_option
def matrix_command(
    environments: tuple[str, ...],
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],
    services: tuple[str, ...],
    history: bool,
    as_json: bool,
) -> None:
    """Services by environments: which version runs where, since when, and what lags behind."""
    with opened(source, revision, own_urls) as (ports, loaded):
        facts = {name: result.facts for name, result in _checked(ports, loaded, rendering=False).results.items()}
        views = loaded.select(environments)
        made = matrix(ports, loaded, facts, environments=views, services=services, history=history)
    if as_json:
        print_json(_matrix_json(made))
        return
    _print_matrix(made)


def _checked(ports: Ports, loaded: LoadedFleet, *, rendering: bool) -> Any:
    return FleetChecker(ports, rules=(), rendering=rendering).check(loaded)


def _matrix_json(made: Matrix) -> dict[str, Any]:
    return {
        "environments": [view.name for view in made.environments],
        "services": {
            service: {
                name: {
                    "tag": cell.tag,
                    "repository": cell.repository,
                    "pinned": cell.pinned,
                    "since": cell.since.isoformat() if cell.since else None,
                    "behind": cell.behind or None,
                }
                for name, cell in made.cells[service].items()
            }
            for service in made.services
        },
    }


def _print_matrix(made: Matrix) -> None:
    if not made.services:
        say("No service runs in these environments." if made.environments else "There are no environments.")
        return
    columns = {view.name: _column(made, view.name) for view in made.environments}
    services = [Text(service, style="bold") for service in made.services]
    first = max(map(len, made.services))
    widths = {name: max(len(name), *map(_width, cells)) for name, cells in columns.items()}
    for names in side_by_side(widths, console_width() - first - 3):
        rows: list[list[str | Text]] = [
            [service, *(columns[name][number] for name in names)] for number, service in enumerate(services)
        ]
        table(["service", *names], rows)
    say("Slanted versions are the chart's own: the environment names none. Below each: since when.", "dim")


def _column(made: Matrix, name: str) -> list[Text]:
    cells = []
    for service in made.services:
        cell = made.cells[service].get(name)
        if cell is None:
            cells.append(Text("-", style="dim"))
            continue
        text = Text(clean(cell.tag) or "?", style="" if cell.pinned else "dim italic")
        if cell.since:
            text.append(f"\n{_day(cell.since)}", style="dim")
        if cell.behind:
            text.append(f"\nbehind {cell.behind}", style="yellow")
        cells.append(text)
    return cells


def _width(cell: Text) -> int:
    return max(map(len, cell.plain.split("\n")))


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


@click.command(
    "compare", epilog=example("csoc fleet compare brh-staging brh-prod", "csoc fleet compare a b --manifests")
)
@click.argument("left", metavar="ENV")
@click.argument("right", metavar="ENV")
@fleet_option
@chart_option
@click.option("--effective", is_flag=True, help="Compare with the chart's defaults included.")
@click.option("--manifests", is_flag=True, help="Show the manifests' differences too.")
@click.option("--all", "show_all", is_flag=True, help="Show differences that are only each environment's own names.")
@json_option
def compare_command(
    left: str,
    right: str,
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],
    chart: str | None,
    effective: bool,
    manifests: bool,
    show_all: bool,
    as_json: bool,
) -> None:
    """What is different between two environments: values, effective values, manifests."""
    with opened(source, revision, own_urls, chart) as (ports, loaded):
        made = _compare(ports, loaded, left, right)
    if as_json:
        print_json(_comparison_json(made))
        return
    _print_comparison(made, effective=effective, manifests=manifests, show_all=show_all)


def _compare(ports: Ports, loaded: LoadedFleet, left: str, right: str) -> Comparison:
    builder = StateBuilder(ports, loaded)
    results = _checked(ports, loaded, rendering=False).results
    sides = []
    for name in (left, right):
        view = loaded.environment(name)
        states = builder.state(view), builder.state(view)
        sides.append(Side(states[0], results[view.name].facts, twin=states[1], reason=builder.why_not(view)))
    return compare(sides[0], sides[1])


def _difference_json(item: Difference) -> dict[str, Any]:
    return {
        "path": item.path,
        "left": item.left,
        "right": item.right,
        "leftAt": location_to_json(item.left_at),
        "rightAt": location_to_json(item.right_at),
        "ownNamesOnly": item.folded,
        "diff": list(item.diff),
    }


def _comparison_json(made: Comparison) -> dict[str, Any]:
    objects = made.objects
    return {
        "left": made.left,
        "right": made.right,
        "values": [_difference_json(item) for item in made.written],
        "effectiveValues": [_difference_json(item) for item in made.effective],
        "manifests": None
        if objects is None
        else [{"object": item.name, "state": item.state, "diff": list(item.diff)} for item in objects],
        "notRendered": list(made.unrendered),
    }


def _print_comparison(made: Comparison, *, effective: bool, manifests: bool, show_all: bool) -> None:
    differences = made.effective if effective else made.written
    shown = [item for item in differences if show_all or not item.folded]
    folded = len(differences) - len([item for item in differences if not item.folded])
    short = [[item.path, item.left, item.right] for item in shown if not item.diff]
    if short:
        table(["setting", made.left, made.right], short)
    for item in shown:
        if item.diff:
            say(f"{item.path}: {made.left} (-), {made.right} (+)", "bold")
            print_diff(item.diff, most=None if show_all else _DIFF_LINES)
    if not shown:
        say(f"{made.left} and {made.right} say the same, apart from their own names." if folded else _SAME.format(made))
    if folded and not show_all:
        say(f"{count(folded, 'more setting')} differ only in the environments' own names (--all shows them).", "dim")
    if made.objects is None:
        for reason in made.unrendered:
            say(f"Manifests were not compared. {reason}", "yellow")
        return
    say(f"Manifests: {count(len(made.objects), 'object')} differ beyond the environments' own names.")
    for change in made.objects:
        say(f"  {change.name}: {_side(change.state, made)}")
        if manifests:
            print_diff(change.diff[2:])
    if made.objects and not manifests:
        say("--manifests shows how.", "dim")


_SAME = "{0.left} and {0.right} say the same."


def _side(state: str, made: Comparison) -> str:
    return state.replace("left", made.left).replace("right", made.right)


@click.command(
    "where",
    epilog=example("csoc fleet where 2026.04", "csoc fleet where requestor-g3auto", "csoc fleet where tierAccess"),
)
@click.argument("what", metavar="WHAT")
@fleet_option
@json_option
def where_command(what: str, source: str, revision: str | None, own_urls: tuple[str, ...], as_json: bool) -> int:
    """Where a tag, key, secret name, bucket, hostname or value is used. Exit 4 if nowhere."""
    with opened(source, revision, own_urls) as (ports, loaded):
        facts = {name: result.facts for name, result in _checked(ports, loaded, rendering=False).results.items()}
        uses = where(loaded, facts, what)
    if as_json:
        print_json(
            [
                {
                    "environment": use.environment or None,
                    "kind": use.kind,
                    "text": use.text,
                    "location": location_to_json(use.location),
                }
                for use in uses
            ]
        )
    else:
        _print_uses(uses, what)
    return 0 if uses else EXIT_OF[Kind.NOT_FOUND]


def _print_uses(uses: Sequence[Use], what: str) -> None:
    if not uses:
        say(f"Nothing in the fleet names {what}.")
        return
    rows = [[use.environment or "-", use.kind, use.text, _place(use.location)] for use in uses]
    table(["environment", "kind", "what", "where"], rows)
    environments = len({use.environment for use in uses if use.environment})
    say(f"{count(len(uses), 'place')} in {count(environments, 'environment')}.")
    if len(uses) >= MOST:
        say(f"There may be more: csoc stops after {MOST}.", "yellow")


def _place(location: Location | None) -> str:
    return str(location) if location else ""


@click.command("history", epilog=example("csoc fleet history brh-prod fence.image.tag"))
@click.argument("environment", metavar="ENV")
@click.argument("key", metavar="KEY")
@fleet_option
@json_option
def history_command(
    environment: str, key: str, source: str, revision: str | None, own_urls: tuple[str, ...], as_json: bool
) -> None:
    """Who changed a setting of an environment, and when, by Git."""
    with opened(source, revision, own_urls) as (ports, loaded):
        made = value_history(ports, loaded, loaded.environment(environment), key)
    if as_json:
        print_json(
            {
                "key": made.key,
                "current": made.current,
                "location": location_to_json(made.location),
                "changes": [
                    {
                        "commit": change.commit,
                        "author": change.author,
                        "at": change.at.isoformat(),
                        "subject": change.subject,
                        "path": change.path,
                        "before": change.before,
                        "after": change.after,
                    }
                    for change in made.changes
                ],
                "notes": list(made.notes),
            }
        )
        return
    say(f"{made.key}: {made.current}  ({_place(made.location) or 'not written now'})", "bold")
    table(
        ["when", "commit", "author", "before", "after", "file", "subject"],
        [[_day(c.at), c.commit[:10], c.author, c.before, c.after, c.path, c.subject] for c in made.changes],
    )
    for note in made.notes:
        say(f"note: {note}", "dim")
