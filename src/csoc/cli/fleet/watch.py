"""`csoc fleet watch`: stays and says what each commit changes, in findings."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import click

from csoc.cli.commands import command
from csoc.cli.escaping import json_text
from csoc.cli.formats import jsonreport
from csoc.cli.formats.shared import shortened
from csoc.cli.output import EXIT_OF, count, error_json, print_error, progress, say, write
from csoc.cli.session import chart_option, fleet_option, open_ports
from csoc.config import loading
from csoc.errors import CsocError
from csoc.gen3.findings import Finding
from csoc.usecases.keepup import KeepUp, Update, follow
from csoc.usecases.load import FleetQuery

_PATHS = 8
_ENVIRONMENTS = 8


@command(
    "watch",
    "csoc fleet watch --fleet https://github.com/example/gitops",
    "csoc fleet watch --interval 300 --json",
)
@fleet_option
@chart_option
@click.option(
    "--interval",
    type=click.IntRange(min=1),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="Between two looks.",
)
@click.option("--rounds", type=click.IntRange(min=0), default=0, help="Stop after so many looks (default: never).")
@click.option("--no-render", is_flag=True, help="Do not render charts: quicker, and sees values only.")
def watch_command(
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],
    chart: str | None,
    interval: int,
    rounds: int,
    no_render: bool,
    as_json: bool,
) -> int:
    """Look again and again, and say what each commit changes: files, environments checked anew, findings new and gone.

    What cannot be reached is said and tried again, in longer and longer intervals; nothing counts as gone for that.
    With --json each look that saw a change or failed is one line. Ctrl-C ends it. After --rounds the exit code is that
    of the last look.
    """
    settings = loading.load()
    fresh = min(settings.limits.fresh_seconds, interval / 2)
    settings = settings.model_copy(update={"limits": settings.limits.model_copy(update={"fresh_seconds": fresh})})
    query = FleetQuery(source, revision=revision, chart=chart, own_urls=own_urls)
    with open_ports(settings) as ports:
        keep_up = KeepUp(ports, query, rendering=not no_render)
        progress(f"reading {source}")
        last: Update | CsocError | None = None
        try:
            for found in follow(keep_up, interval_seconds=interval, wait=_waiting(), rounds=rounds):
                _show(found, as_json=as_json)
                last = found
        except KeyboardInterrupt:
            if not as_json:
                say("Stopped.")
            return 0
    return EXIT_OF[last.kind] if isinstance(last, CsocError) else 0


def _waiting() -> Callable[[float], bool]:
    never = threading.Event()

    def wait(seconds: float) -> bool:
        never.wait(seconds)
        return True

    return wait


def _show(found: Update | CsocError, *, as_json: bool) -> None:
    if isinstance(found, CsocError):
        if as_json:
            write(f"{json_text(error_json(found))}\n")
        else:
            print_error(found, as_json=False)
    elif found.changed:
        if as_json:
            write(f"{json_text(update_json(found))}\n")
        else:
            _print(found)


def _print(update: Update) -> None:
    at = update.verdict.at.strftime("%Y-%m-%d %H:%M:%S")
    outcome = update.verdict.outcome
    if update.first:
        say(
            f"{at}  {update.commit[:12]}: {count(outcome.checked, 'environment')}, "
            f"{count(len(update.verdict.findings), 'finding')}",
            "bold",
        )
        return
    what = f"{update.before[:12]}..{update.commit[:12]}" if update.commit != update.before else update.commit[:12]
    anew = count(len(update.environments), "environment")
    say(f"{at}  {what}: {count(len(update.paths), 'file')}, {anew} checked anew", "bold")
    if update.paths:
        say(f"  files: {shortened(update.paths, _PATHS)}")
    if update.moved:
        say(f"  elsewhere: {shortened(update.moved, _PATHS)}")
    if update.environments:
        say(f"  environments: {shortened(update.environments, _ENVIRONMENTS)}")
    for sign, style, findings in (("new", "red", update.new), ("gone", "green", update.gone)):
        for finding in findings:
            say(f"  {sign}: {_sentence(finding)}", style)
    if not update.new and not update.gone:
        say("  no finding came or went", "dim")


def _sentence(finding: Finding) -> str:
    where = shortened(finding.environments, _ENVIRONMENTS)
    text = f"{finding.severity.name.lower()} {finding.rule}: {finding.cause}"
    return f"{text} ({where})" if where else text


def update_json(update: Update) -> dict[str, Any]:
    """An update, for programs."""
    return {
        "at": update.verdict.at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "first": update.first,
        "commit": update.commit,
        "before": update.before or None,
        "paths": list(update.paths),
        "moved": list(update.moved),
        "environments": list(update.environments),
        "new": [jsonreport.finding_json(update.verdict, item) for item in update.new],
        "gone": [jsonreport.finding_json(update.verdict, item) for item in update.gone],
        "findings": len(update.verdict.findings),
    }
