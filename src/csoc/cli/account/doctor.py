"""`csoc account doctor`: who csoc is in AWS."""

from __future__ import annotations

from csoc.cli.account.session import open_cloud
from csoc.cli.commands import command
from csoc.cli.output import EXIT_FAILED, EXIT_OF, print_json, say
from csoc.errors import Kind
from csoc.usecases.accounts.doctor import UNKNOWN, WRONG, Diagnosis, doctor

_STYLES = {"ok": "green", "risky": "yellow", WRONG: "bold red", UNKNOWN: "yellow"}


@command("doctor", "csoc account doctor", "csoc account doctor --json")
def doctor_command(as_json: bool) -> int:
    """Who csoc is in AWS, and whether that is fit to be trusted.

    Nothing is changed. Account roots, IAM users and long-lived keys are refused. Ends with 0 if accounts can be linked
    as things are, with 1 if something is wrong, with 6 if it could not be found out.
    """
    with open_cloud() as ports:
        found = doctor(ports)
    if as_json:
        print_json(_json(found))
    else:
        _print(found)
    if any(remark.outcome == WRONG for remark in found.remarks):
        return EXIT_FAILED
    return 0 if found.is_fit else EXIT_OF[Kind.UNAVAILABLE]


def _print(found: Diagnosis) -> None:
    if found.caller is not None:
        say(f"csoc is {found.caller.arn}")
    for remark in found.remarks:
        say(f"  {remark.outcome:<6} {remark.what}: {remark.detail}", _STYLES[remark.outcome])
        if remark.fix:
            say(f"         fix: {remark.fix}")
    if found.is_fit:
        say("Accounts can be linked: csoc account link NAME --account-id ID --region REGION")


def _json(found: Diagnosis) -> dict[str, object]:
    caller, origin = found.caller, found.origin
    return {
        "caller": caller
        and {"account": caller.account_id, "arn": caller.arn, "kind": caller.kind, "role": caller.role_arn},
        "origin": origin and {"kind": origin.kind, "lasting": origin.is_lasting, "renewed": origin.is_renewed},
        "worker": found.worker,
        "observer": found.observer,
        "fit": found.is_fit,
        "remarks": [
            {"what": one.what, "outcome": one.outcome, "detail": one.detail, "fix": one.fix} for one in found.remarks
        ],
    }
