"""`csoc fleet changes`: follow what was proposed."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from csoc.cli.commands import command
from csoc.cli.fleet.plans import exit_code, plan_json, print_outcome, print_plan, report_json
from csoc.cli.output import print_json, say, table
from csoc.cli.session import fleet_option, open_ports
from csoc.cli.tables import Cell
from csoc.fleet.githost import Mergeable, MergeMethod
from csoc.usecases.change.follow import (
    Proposed,
    Rebuilt,
    close_proposed,
    merge_proposed,
    proposed_changes,
    rebuild_proposed,
)
from csoc.usecases.load import FleetQuery
from csoc.usecases.ports import Ports
from csoc.usecases.publish import place_of

_NUMBER = click.IntRange(min=1)


@command(
    "changes",
    "csoc fleet changes",
    "csoc fleet changes --merge 12",
    "csoc fleet changes --rebuild 12    # its files have changed meanwhile",
)
@fleet_option
@click.option("--merge", type=_NUMBER, metavar="NUMBER", help="Merge this pull request, if its host's rules allow it.")
@click.option(
    "--method",
    type=click.Choice([method.value for method in MergeMethod]),
    default=MergeMethod.MERGE.value,
    show_default=True,
    help="With --merge: how its commits reach the branch.",
)
@click.option(
    "--rebuild",
    type=_NUMBER,
    metavar="NUMBER",
    help="Make this change again on what its branch holds now, as a new pull request, and close the old one.",
)
@click.option("--close", "close_number", type=_NUMBER, metavar="NUMBER", help="Close this one without merging it.")
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
    if click.get_current_context().get_parameter_source("method") is ParameterSource.COMMANDLINE and merge is None:
        raise click.UsageError("--method goes with --merge")
    if sum(number is not None for number in (merge, rebuild, close_number)) > 1:
        raise click.UsageError("--merge, --rebuild and --close exclude each other")
    query = FleetQuery(source, revision=revision, own_urls=own_urls)
    with open_ports() as ports:
        if merge is not None:
            return _merge(ports, query, merge, MergeMethod(method), as_json=as_json)
        if rebuild is not None:
            return _rebuild(ports, query, rebuild, as_json=as_json)
        if close_number is not None:
            return _close(ports, query, close_number, as_json=as_json)
        found = proposed_changes(ports, query.address)
        place = place_of(ports, query.address)
    if place.note and not as_json:
        say(f"{place.note}.", "dim")
    if as_json:
        print_json([_proposed_json(item) for item in found])
    elif not found:
        say("csoc has no open pull requests here.")
    else:
        rows: list[list[Cell]] = [
            [
                f"#{i.pull.number}",
                i.pull.title,
                i.pull.author,
                i.pull.base,
                _conflicts(i),
                i.missing or "nothing that its host tells",
            ]
            for i in found
        ]
        table(["number", "title", "by", "into", "conflicts", "still lacks"], rows)
        if any(item.pull.conflicts for item in found):
            say(
                "`csoc fleet changes --rebuild NUMBER` makes one with conflicts again on what its branch holds now,",
                "dim",
            )
            say("as a new pull request, and closes the old one.", "dim")
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
    say(f"#{number} is merged already{commit}." if outcome.already_merged else f"Merged #{number}{commit}.", "green")
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
            plan_json(made.plan)
            | {"outcomes": report_json(made.report), "number": number, "closed": made.closed, "note": made.note}
        )
    else:
        _print_rebuilt(made)
    return exit_code(made.plan, made.report)


def _print_rebuilt(made: Rebuilt) -> None:
    print_plan(made.plan)
    say()
    if made.report is None:
        say(f"{made.old.base} holds all of #{made.old.number} already: there is nothing to make again.")
        say(f"`csoc fleet changes --close {made.old.number}` closes it.")
        return
    for outcome in made.report.outcomes:
        print_outcome(outcome)
    if made.closed:
        say(f"Closed #{made.old.number}, which it replaces.")
    elif not any(outcome.error for outcome in made.report.outcomes):
        say(f"#{made.old.number} fits what {made.old.base} holds now: it stays as it is.")
    if made.note:
        say(f"  note: {made.note}", "yellow")


def _conflicts(item: Proposed) -> Cell:
    words = {Mergeable.YES: "none", Mergeable.NO: "yes", Mergeable.UNKNOWN: "not known yet"}
    return item.pull.conflicts or words[item.pull.mergeable]


def _proposed_json(item: Proposed) -> dict[str, Any]:
    pull = item.pull
    return {
        "number": pull.number,
        "url": pull.url,
        "title": pull.title,
        "author": pull.author,
        "head": pull.head,
        "base": pull.base,
        "mergeable": pull.mergeable.value,
        "conflicts": list(pull.conflicts),
        "missing": list(item.missing),
    }
