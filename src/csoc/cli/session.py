"""What commands about a fleet have in common: which fleet, and the ports for the time of the command."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click

from csoc.cli.arguments import ONE_LINE, SOURCE, URL
from csoc.cli.output import progress, say
from csoc.errors import RejectedError
from csoc.fleet.documents.absent import FIX, no_fleet

if TYPE_CHECKING:
    from csoc.config import Settings
    from csoc.usecases.load import LoadedFleet
    from csoc.usecases.ports import Ports

F = TypeVar("F", bound=Callable[..., Any])
_DOCUMENTS = ("fleet.yaml", ".csoc")
"""What a folder has in which csoc's documents are. A repository is asked for what is committed."""
_INSTEAD = ("listing", "shown")
"""Parameters with which a command needs no fleet."""
_OF_REPOSITORIES = "Branch, tag or commit (default: the work tree, or the main branch)."
_OF_COMMITS = (
    "Branch, tag or commit (default: the last commit of the branch that is checked out, or of the main branch; what is "
    "not committed is not looked at)."
)


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
    return _revision_option(_OF_REPOSITORIES)(command)


def _revision_option(says: str) -> Callable[[F], F]:
    return click.option("--revision", type=ONE_LINE, metavar="REV", help=says)


def fleet_option(command: F) -> F:
    """--fleet, --revision and --own-url: which fleet a command is about; any repository that deploys Gen3 is one."""
    return _fleet_option(command, None)


def own_fleet_option(command: F) -> F:
    """The same for a command that is about csoc's own documents: a folder that has none is refused before anything
    else is done."""
    return _fleet_option(command, _check_has_documents)


def committed_fleet_option(command: F) -> F:
    """The same for what is planned and done: of commits."""
    return _fleet_option(command, _check_has_documents, _OF_COMMITS)


def _fleet_option(
    command: F,
    check: Callable[[click.Context, click.Parameter, str], str] | None,
    revision: str = _OF_REPOSITORIES,
) -> F:
    fleet = click.option(
        "--fleet",
        "source",
        type=SOURCE,
        envvar="CSOC_FLEET",
        default=".",
        show_default=True,
        callback=check,
        metavar="SOURCE",
        help="URL or path of the fleet's repository. Also read from CSOC_FLEET.",
    )
    return fleet(_revision_option(revision)(own_url_option(command)))


def _check_has_documents(context: click.Context, parameter: click.Parameter, source: str) -> str:  # noqa: ARG001
    folder = Path(source).expanduser()
    is_misused = context.params.get("owner", "") is None
    if is_misused or any(context.params.get(name) for name in _INSTEAD) or URL.match(source) or not folder.is_dir():
        return source
    if not _has_documents(folder):
        raise no_fleet(str(folder.resolve()))
    return source


def _has_documents(folder: Path) -> bool:
    return any(os.path.lexists(folder / name) for name in (*_DOCUMENTS, ".git", "objects"))


def say_which_records() -> None:
    """Beside a list of records in which nothing is, where no fleet is either: somebody may be in another folder than
    they think, or use another database."""
    folder = Path(os.environ.get("CSOC_FLEET") or ".").expanduser()
    if URL.match(str(folder)) or not folder.is_dir() or _has_documents(folder):
        return
    from csoc.config.loading import load

    scheme, is_file, path = load().database.partition("sqlite:///")
    place = path if is_file else f"the database of {urlsplit(scheme).hostname or 'the settings'}"
    say(f"This is no fleet: there is no fleet.yaml in {folder.resolve()}. What was read is {place}", "dim", error=True)


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
        try:
            loaded = load_fleet(ports, query)
        except RejectedError as error:
            if source == ".":  # which nobody typed, most often
                error.fix = f"{error.fix}. {FIX}" if error.fix else FIX
            raise
        yield ports, loaded
