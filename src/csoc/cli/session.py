"""What commands about a fleet have in common: which fleet, and the ports for the time of the command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from csoc.cli.arguments import ONE_LINE, SOURCE
from csoc.cli.output import progress

if TYPE_CHECKING:
    from csoc.config import Settings
    from csoc.usecases.load import LoadedFleet
    from csoc.usecases.ports import Ports

F = TypeVar("F", bound=Callable[..., Any])


def own_url_option(command: F) -> F:
    """--own-url: for who works on a copy."""
    return click.option(
        "--own-url",
        "own_urls",
        type=ONE_LINE,
        multiple=True,
        metavar="URL",
        help="A URL that means this very repository, if that cannot be seen from its remotes.",
    )(command)


def revision_option(command: F) -> F:
    """--revision: what to read."""
    return click.option(
        "--revision",
        type=ONE_LINE,
        metavar="REV",
        help="Branch, tag or commit (default: the work tree, or the main branch).",
    )(command)


def fleet_option(command: F) -> F:
    """--fleet, --revision and --own-url: which fleet a command is about."""
    fleet = click.option(
        "--fleet",
        "source",
        type=SOURCE,
        envvar="CSOC_FLEET",
        default=".",
        show_default=True,
        metavar="SOURCE",
        help="URL or path of the fleet's repository. Also read from CSOC_FLEET.",
    )
    return fleet(revision_option(own_url_option(command)))


def chart_option(command: F) -> F:
    """--chart: what to render with."""
    return click.option(
        "--chart",
        type=SOURCE,
        metavar="CHART",
        help="Render with this chart (folder or .tgz) instead of the one that each Application names.",
    )(command)


def open_ports(settings: Settings | None = None) -> AbstractContextManager[Ports]:
    """The real ports. Loading them takes longer than most mistakes do to be seen, so that is done last."""
    from csoc import bootstrap

    return bootstrap.ports(settings)


@contextmanager
def opened(
    source: str, revision: str | None = None, own_urls: tuple[str, ...] = (), chart: str | None = None
) -> Iterator[tuple[Ports, LoadedFleet]]:
    """The ports and the fleet, read."""
    from csoc.usecases.load import FleetQuery, load_fleet

    query = FleetQuery(source, revision=revision, chart=chart, own_urls=own_urls)
    with open_ports() as ports:
        progress(f"reading {source}")
        yield ports, load_fleet(ports, query)
