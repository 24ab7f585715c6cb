"""What commands about a fleet have in common: which fleet, and the ports for the time of the command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from csoc import bootstrap
from csoc.cli.output import progress
from csoc.usecases.load import FleetQuery, LoadedFleet, load_fleet
from csoc.usecases.ports import Ports

F = TypeVar("F", bound=Callable[..., Any])


def fleet_option(command: F) -> F:
    """--fleet, --revision and --own-url: which fleet a command is about."""
    for option in (
        click.option(
            "--own-url",
            "own_urls",
            multiple=True,
            metavar="URL",
            help="A URL that means this very repository, if that cannot be seen from its remotes.",
        ),
        click.option(
            "--revision", metavar="REV", help="Branch, tag or commit (default: the work tree, or the main branch)."
        ),
        click.option(
            "--fleet",
            "source",
            envvar="CSOC_FLEET",
            default=".",
            show_default=True,
            metavar="SOURCE",
            help="URL or path of the fleet's repository. Also read from CSOC_FLEET.",
        ),
    ):
        command = option(command)
    return command


def chart_option(command: F) -> F:
    """--chart: what to render with."""
    return click.option(
        "--chart",
        metavar="CHART",
        help="Render with this chart (folder or .tgz) instead of the one that each Application names.",
    )(command)


@contextmanager
def opened(
    source: str, revision: str | None = None, own_urls: tuple[str, ...] = (), chart: str | None = None
) -> Iterator[tuple[Ports, LoadedFleet]]:
    """The ports and the fleet, read."""
    query = FleetQuery(source, revision=revision, chart=chart, own_urls=own_urls)
    with bootstrap.ports() as ports:
        progress(f"reading {source}")
        yield ports, load_fleet(ports, query)
