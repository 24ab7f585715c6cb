"""`csoc fleet compare`: what is different between two environments."""

from __future__ import annotations

from typing import Any

import click

from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import command
from csoc.cli.output import count, print_diff, print_json, say, table
from csoc.cli.session import chart_option, fleet_option, opened
from csoc.errors import RejectedError
from csoc.gen3.findings import location_to_json
from csoc.usecases.compare import Comparison, Difference, Side, compare
from csoc.usecases.fleet_facts import gather_facts
from csoc.usecases.load import LoadedFleet
from csoc.usecases.ports import Ports
from csoc.usecases.states import StateBuilder

_DIFF_LINES = 30


@command("compare", "csoc fleet compare brh-staging brh-prod", "csoc fleet compare a b --manifests")
@click.argument("left", metavar="ENV", type=ONE_LINE)
@click.argument("right", metavar="ENV", type=ONE_LINE)
@fleet_option
@chart_option
@click.option("--effective", is_flag=True, help="Compare with the chart's defaults included.")
@click.option("--manifests", is_flag=True, help="Show the manifests' differences too.")
@click.option("--all", "show_all", is_flag=True, help="Show differences that are only each environment's own names.")
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
    """What is different between two environments: values, effective values, manifests.

    ENV is an environment's name, or a hostname, namespace or commons that only one has.
    """
    with opened(source, revision, own_urls, chart) as (ports, loaded):
        made = _compare(ports, loaded, left, right)
    if as_json:
        print_json(_comparison_json(made))
        return
    _print_comparison(made, effective=effective, manifests=manifests, show_all=show_all)


def _compare(ports: Ports, loaded: LoadedFleet, left: str, right: str) -> Comparison:
    views = [loaded.environment(name) for name in (left, right)]
    if views[0].name == views[1].name:
        cause = f"{left} is named twice, and does not differ from itself"
        if left != right:
            cause = f"{left} and {right} are one environment, {views[0].name}"
        raise RejectedError(cause, fix="Name two environments; `csoc fleet show` lists all")
    builder = StateBuilder(ports, loaded)
    facts = gather_facts(ports, loaded)
    sides = []
    for view in views:
        states = builder.state(view), builder.state(view)
        sides.append(Side(states[0], facts[view.name], twin=states[1], reason=builder.why_not(view)))
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
