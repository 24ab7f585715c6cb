"""`csoc status`: how an owner's layers stand, asked of the account now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import command
from csoc.cli.output import EXIT_FAILED, print_json, progress, say, table
from csoc.cli.plan.session import open_applying
from csoc.cli.session import committed_fleet_option
from csoc.fleet.masking import mask_text
from csoc.operations.runs import Run
from csoc.usecases.planning.fleets import open_fleet
from csoc.usecases.planning.gen3_standing import NOT_HEALTHY, NOT_SEEN, Gen3Standing, gen3_standing
from csoc.usecases.planning.standing import COULD_NOT_LOOK, LayerStanding, OwnerStanding, standing

_MOST_REASONS = 5


@command("status", "csoc status research", "csoc status heart-prod --drift", "csoc status heart-prod --json")
@click.argument("owner", type=ONE_LINE)
@click.option("--drift", "look_for_drift", is_flag=True, help="Ask CloudFormation what differs from its templates.")
@click.option("--outputs", "show_outputs", is_flag=True, help="Show what each layer gives to others.")
@committed_fleet_option
def status_command(
    owner: str,
    look_for_drift: bool,
    show_outputs: bool,
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],  # noqa: ARG001 - documents name their own repository
    as_json: bool,
) -> int:
    """Show how the layers of a cluster or an environment stand, and how Gen3 does.

    The account and the cluster are asked now, and the hostname over https. A change that no run of csoc made is shown
    as one. Ends with 1 if something failed, has drifted, was changed outside of csoc, is not healthy, or could not be
    looked at.
    """
    with open_applying() as (ports, runs):
        progress(f"reading {source}")
        fleet = open_fleet(ports, source, revision)
        progress("asking CloudFormation")
        found = standing(ports, runs.runs, fleet, owner, look_for_drift=look_for_drift)
        if found.owner.environment is not None:
            progress("looking at Gen3")
        gen3 = gen3_standing(ports, runs.services, fleet, owner)
    is_well = found.is_well and (gen3 is None or gen3.is_well)
    if as_json:
        print_json(_json(found) | {"well": is_well, "gen3": _gen3_json(gen3) if gen3 is not None else None})
    else:
        _print(found, gen3, show_outputs=show_outputs)
    return 0 if is_well else EXIT_FAILED


def _print(found: OwnerStanding, gen3: Gen3Standing | None, *, show_outputs: bool) -> None:
    owner = found.owner
    say(f"{owner.shown} in {owner.account.metadata.name} ({owner.account.spec.id}, {owner.region})", "bold")
    rows = [_row(layer) for layer in found.layers]
    if gen3 is not None:
        rows.append(["gen3", gen3.state, _minute(gen3.synced_at), ""])
    table(["layer", "state", "changed", "by"], rows)
    for layer in found.layers:
        _print_trouble(layer)
        if show_outputs and layer.outputs:
            say(f"{layer.layer} gives:")
            for name, value in layer.outputs:
                say(f"  {name} = {value}")
    if gen3 is not None:
        _print_gen3(gen3)
    if found.run is not None:
        _print_run(found, found.run)
    for damaged in found.damaged:
        say(f"The plan {damaged} is not as it was stored: somebody changed its record. It is refused", "bold red")
    if found.plan is not None:
        say(f"Last plan: {found.plan.id} ({found.plan.made_at:%Y-%m-%d %H:%M} UTC): csoc plan --show {found.plan.id}")
    else:
        say(f"Nothing was planned yet: csoc plan {owner.name}")


def _print_run(found: OwnerStanding, run: Run) -> None:
    say(f"Last run: {run.id} ({run.kind}), {run.state}: csoc runs show {run.id}")
    for step in run.steps:
        if not step.waits_for:
            continue
        if found.approved and found.approved in step.fix.split():
            say(f"  {step.name} waited for the approval of plan {found.approved}, which is approved by now")
            continue
        say(f"  {step.name} waits for {step.waits_for}", "yellow")
        if step.fix:
            say(f"    fix: {step.fix}")
    if found.is_left_alone:
        say(f"  Nobody executes it: csoc worker does, or csoc runs resume {run.id}", "yellow")


def _row(layer: LayerStanding) -> list[str]:
    by = f"run {layer.run}" if layer.run else "not by csoc" if layer.outside else ""
    return [layer.layer, layer.state, _minute(layer.changed_at), by]


def _minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


def _print_gen3(gen3: Gen3Standing) -> None:
    deployed = f" (chart {gen3.chart}, values {gen3.values[:12]})" if gen3.chart else ""
    is_trouble = gen3.state in (NOT_HEALTHY, NOT_SEEN)
    say(f"gen3: {gen3.state}: {gen3.summary}{deployed}", "yellow" if is_trouble else "")
    for reason in gen3.reasons[:_MOST_REASONS]:
        say(f"  {reason.service}: {reason.cause}")
        if reason.fix:
            say(f"    fix: {reason.fix}")
    if len(gen3.reasons) > _MOST_REASONS:
        say(f"  and {len(gen3.reasons) - _MOST_REASONS} more: --json shows all")
    if gen3.answers is not None:
        does = f"https://{gen3.hostname}/ {'answers' if gen3.answers else 'does not answer'}: "
        say(f"gen3: {does}{gen3.https}", "" if gen3.answers else "yellow")
        if gen3.https_fix:
            say(f"  fix: {gen3.https_fix}")


def _gen3_json(gen3: Gen3Standing) -> dict[str, Any]:
    return {
        "state": gen3.state,
        "well": gen3.is_well,
        "summary": mask_text(gen3.summary),
        "chart": gen3.chart,
        "values": gen3.values,
        "syncedAt": gen3.synced_at.isoformat() if gen3.synced_at else None,
        "reasons": [{"service": one.service, "cause": mask_text(one.cause), "fix": one.fix} for one in gen3.reasons],
        "hostname": gen3.hostname,
        "answers": gen3.answers,
        "https": gen3.https,
        "fix": gen3.https_fix,
    }


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
        "lookedAt": found.looked_at.isoformat(),
        "run": found.run.id if found.run else None,
        "waitsFor": [mask_text(step.waits_for) for step in found.run.steps if step.waits_for] if found.run else [],
        "leftAlone": found.is_left_alone,
        "approved": found.approved or None,
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
