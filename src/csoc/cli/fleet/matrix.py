"""`csoc fleet matrix`: which version runs where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from rich.cells import cell_len
from rich.text import Text

from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import command
from csoc.cli.output import NONE_FOUND, WHAT_INSTEAD, console_width, count, print_json, say, table
from csoc.cli.session import fleet_option, opened
from csoc.cli.tables import Cell, cell_texts, side_by_side, wrap
from csoc.usecases.fleet_facts import gather_facts
from csoc.usecases.matrix import Cell as Version
from csoc.usecases.matrix import Matrix, matrix

_WIDEST_NAME = 14
_WIDEST_CELL = 18
_MANY_PARTS = 4


@command(
    "matrix",
    "csoc fleet matrix",
    "csoc fleet matrix brh --service fence --service guppy",
    "csoc fleet matrix | grep fence",
)
@click.argument("environments", nargs=-1, metavar="[ENV]...", type=ONE_LINE)
@fleet_option
@click.option(
    "--service", "services", type=ONE_LINE, multiple=True, metavar="NAME", help="Only this service; give several."
)
@click.option("--history/--no-history", default=True, help="Look up since when each version runs.")
def matrix_command(
    environments: tuple[str, ...],
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],
    services: tuple[str, ...],
    history: bool,
    as_json: bool,
) -> None:
    """Services by environments: which version runs where, since when, and what lags behind.

    On a terminal it is a table with a column for each environment. In a pipe or file it has a line for each service of
    each environment, so that grep, sort and awk can be used: service, environment, version, who names it (values or
    chart), the environment that it is behind, and since when; "-" where there is nothing to say.
    """
    with opened(source, revision, own_urls) as (ports, loaded):
        views = loaded.select(environments)
        facts = gather_facts(ports, loaded)
        made = matrix(ports, loaded, facts, environments=views, services=services, history=history)
    if as_json:
        print_json(_matrix_json(made))
        return
    _print_matrix(made)


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
                    "uncommitted": cell.uncommitted,
                    "behind": cell.behind or None,
                }
                for name, cell in made.cells[service].items()
            }
            for service in made.services
        },
    }


def _print_matrix(made: Matrix) -> None:
    if not made.services:
        say("No service runs in these environments." if made.environments else NONE_FOUND)
        if not made.environments:
            say(WHAT_INSTEAD, "dim")
        return
    room = console_width()
    if room is None:
        _print_lines(made)
        return
    columns = {view.name: [_cell(made, service, view.name) for service in made.services] for view in made.environments}
    services: list[Cell] = [Text(service, style="bold") for service in made.services]
    first = max(cell_len(line.plain) for service in services for line in cell_texts(service))
    widths = {name: _width(name, cells) for name, cells in columns.items()}
    parts = side_by_side(widths, room - first - 2)
    for number, names in enumerate(parts):
        rows = [
            [
                service,
                *(
                    [part for line in cell_texts(columns[name][at]) for part in wrap(line, widths[name])]
                    for name in names
                ),
            ]
            for at, service in enumerate(services)
        ]
        title = f"part {number + 1} of {len(parts)}" if len(parts) > 1 else ""
        table(["service", *(wrap(Text(name), widths[name]) for name in names)], rows, title=title)
    if len(parts) > _MANY_PARTS:
        say(f"{count(len(columns), 'environment')} side by side take {len(parts)} parts here.")
        say("A commons, stage or cluster shows its own (csoc fleet matrix ENV...), --service NAME one service.", "dim")
    say("Slanted versions are the chart's own: the environment names none. Below each: since when.", "dim")


def _print_lines(made: Matrix) -> None:
    rows: list[list[Cell]] = []
    for service in made.services:
        for view in made.environments:
            cell = made.cells[service].get(view.name)
            if cell is not None:
                named_by = "values" if cell.pinned else "chart"
                since = _since(cell) or "-"
                rows.append([service, view.name, cell.tag or "?", named_by, cell.behind or "-", since])
    table(["service", "environment", "version", "named by", "behind", "since"], rows)


def _width(name: str, cells: Sequence[Cell]) -> int:
    """As wide as the tags and a word of the name; a longer name takes several lines."""
    lines = [line for cell in cells for line in cell_texts(cell)]
    return max(min(cell_len(name), _WIDEST_NAME), *(min(line.cell_len, _WIDEST_CELL) for line in lines))


def _since(cell: Version) -> str:
    """Since when, for readers; "" where it is not known."""
    if cell.uncommitted:
        return "not committed"
    return cell.since.date().isoformat() if cell.since else ""


def _cell(made: Matrix, service: str, name: str) -> Cell:
    cell = made.cells[service].get(name)
    if cell is None:
        return Text("-", style="dim")
    lines = [Text(cell.tag or "?", style="" if cell.pinned else "dim italic")]
    if _since(cell):
        lines.append(Text(_since(cell), style="yellow" if cell.uncommitted else "dim"))
    if cell.behind:
        lines.append(Text(f"behind {cell.behind}", style="yellow"))
    return lines
