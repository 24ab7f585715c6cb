"""`csoc status`: how an owner's layers stand, asked of the account now."""

from __future__ import annotations

from typing import Any

import click

from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import command
from csoc.cli.output import EXIT_FAILED, print_json, progress, say, table
from csoc.cli.plan.session import open_applying
from csoc.cli.session import own_fleet_option
from csoc.fleet.masking import mask_text
from csoc.usecases.planning.fleets import open_fleet
from csoc.usecases.planning.standing import COULD_NOT_LOOK, LayerStanding, OwnerStanding, standing


@command("status", "csoc status research", "csoc status heart-prod --drift", "csoc status heart-prod --json")
@click.argument("owner", type=ONE_LINE)
@click.option("--drift", "look_for_drift", is_flag=True, help="Ask CloudFormation what differs from its templates.")
@click.option("--outputs", "show_outputs", is_flag=True, help="Show what each layer gives to others.")
@own_fleet_option
def status_command(
    owner: str,
    look_for_drift: bool,
    show_outputs: bool,
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],  # noqa: ARG001 - documents name their own repository
    as_json: bool,
) -> int:
    """Show how the layers of a cluster or an environment stand.

    The account is asked now. A change that no run of csoc made is shown as one. Ends with 1 if something failed, has
    drifted, was changed outside of csoc, or could not be looked at.
    """
    with open_applying() as (ports, runs):
        progress(f"reading {source}")
        fleet = open_fleet(ports, source, revision)
        progress("asking CloudFormation")
        found = standing(ports, runs.runs, fleet, owner, look_for_drift=look_for_drift)
    if as_json:
        print_json(_json(found))
    else:
        _print(found, show_outputs=show_outputs)
    return 0 if found.is_well else EXIT_FAILED


def _print(found: OwnerStanding, *, show_outputs: bool) -> None:
    owner = found.owner
    say(f"{owner.shown} in {owner.account.metadata.name} ({owner.account.spec.id}, {owner.region})", "bold")
    table(["layer", "state", "changed", "by"], [_row(layer) for layer in found.layers])
    for layer in found.layers:
        _print_trouble(layer)
        if show_outputs and layer.outputs:
            say(f"{layer.layer} gives:")
            for name, value in layer.outputs:
                say(f"  {name} = {value}")
    if found.run is not None:
        say(f"Last run: {found.run.id} ({found.run.kind}), {found.run.state}: csoc runs show {found.run.id}")
        for step in found.run.steps:
            if step.waits_for:
                say(f"  {step.name} waits for {step.waits_for}", "yellow")
                if step.fix:
                    say(f"    fix: {step.fix}")
    for damaged in found.damaged:
        say(f"The plan {damaged} is not as it was stored: somebody changed its record. It is refused", "bold red")
    if found.plan is not None:
        say(f"Last plan: {found.plan.id} ({found.plan.made_at:%Y-%m-%d %H:%M} UTC): csoc plan --show {found.plan.id}")
    else:
        say(f"Nothing was planned yet: csoc plan {owner.name}")


def _row(layer: LayerStanding) -> list[str]:
    changed = f"{layer.changed_at:%Y-%m-%d %H:%M} UTC" if layer.changed_at else ""
    by = f"run {layer.run}" if layer.run else "not by csoc" if layer.outside else ""
    return [layer.layer, layer.state, changed, by]


def _print_trouble(layer: LayerStanding) -> None:
    if layer.failure is not None:
        failure = layer.failure
        say(f"{layer.layer} failed at {failure.logical_id} ({failure.type}): {failure.cause}", "bold red")
        say(f"  AWS says: {failure.said}")
        say(f"  fix: {failure.fix}")
    if layer.outside:
        say(f"{layer.layer}: its last change is in no record of csoc; somebody changed {layer.stack} outside", "yellow")
        say("  fix: csoc plan shows what csoc would make of it")
    for drifted in layer.drifted or ():
        say(f"{layer.layer}: {drifted.logical_id} ({drifted.type}) is {drifted.status.lower()}", "yellow")
        for one in drifted.differences:
            say(f"  {one.path}: {one.before} is now {one.after}")
    if layer.note:
        say(f"{layer.layer}: {layer.note}", "bold red" if layer.state == COULD_NOT_LOOK else "yellow")


def _json(found: OwnerStanding) -> dict[str, Any]:
    return {
        "owner": {"kind": found.owner.kind.value, "name": found.owner.name, "uid": found.owner.uid},
        "well": found.is_well,
        "lookedAt": found.looked_at.isoformat(),
        "run": found.run.id if found.run else None,
        "waitsFor": [mask_text(step.waits_for) for step in found.run.steps if step.waits_for] if found.run else [],
        "plan": found.plan.id if found.plan else None,
        "damaged": list(found.damaged),
        "layers": [
            {
                "layer": layer.layer,
                "provider": layer.provider,
                "stack": layer.stack,
                "state": layer.state,
                "changedAt": layer.changed_at.isoformat() if layer.changed_at else None,
                "run": layer.run or None,
                "outside": layer.outside,
                "failure": None
                if layer.failure is None
                else {
                    "resource": layer.failure.logical_id,
                    "cause": layer.failure.cause,
                    "fix": layer.failure.fix,
                    "said": layer.failure.said,
                },
                "drifted": None
                if layer.drifted is None
                else [{"resource": one.logical_id, "status": one.status} for one in layer.drifted],
                "outputs": dict(layer.outputs),
                "note": layer.note,
            }
            for layer in found.layers
        ],
    }
