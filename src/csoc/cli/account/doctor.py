"""`csoc account doctor`: who csoc is in AWS."""

from __future__ import annotations

import click

from csoc.accounts.workflows import AUDIENCE, ENVIRONMENT, ISSUER, Workflow, parse_workflow, trust
from csoc.cli.account.session import open_cloud
from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import command
from csoc.cli.output import EXIT_FAILED, EXIT_OF, print_json, say
from csoc.errors import DeniedError, Kind
from csoc.usecases.accounts.doctor import UNKNOWN, WRONG, Diagnosis, doctor

_STYLES = {"ok": "green", "risky": "yellow", WRONG: "bold red", UNKNOWN: "yellow"}


@command(
    "doctor", "csoc account doctor", "csoc account doctor --json", "csoc account doctor --trust github:example/fleet"
)
@click.option(
    "--trust", "place", type=ONE_LINE, metavar="PLACE",
    help="Print what lets the workflows of github:OWNER/REPO be csoc: a statement for the trust of csoc's role.",
)  # fmt: skip
def doctor_command(place: str | None, as_json: bool) -> int:
    """Who csoc is in AWS, and whether that is fit to be trusted.

    Nothing is changed. Account roots, IAM users and long-lived keys are refused. Ends with 0 if accounts can be linked
    as things are, with 1 if something is wrong, with 6 if it could not be found out.
    """
    workflow = parse_workflow(place) if place is not None else None
    with open_cloud() as ports:
        found = doctor(ports)
        if workflow is not None:
            return _print_trust(workflow, found)
    if as_json:
        print_json(_json(found))
    else:
        _print(found)
    if any(remark.outcome == WRONG for remark in found.remarks):
        return EXIT_FAILED
    return 0 if found.is_fit else EXIT_OF[Kind.UNAVAILABLE]


def _print_trust(workflow: Workflow, found: Diagnosis) -> int:
    """The statement alone on standard output, so that it can be piped; what else is to be done beside it."""
    if not found.worker:
        _print(found)
        raise DeniedError(
            "Nobody can tell which role is csoc's, so there is nothing that could trust a workflow",
            fix="Run this as csoc's role, or set aws.worker_principal to its ARN",
        )
    print_json(trust(workflow, found.worker))
    for line in (
        f"Add it to the trust policy of {found.worker}. Its account needs the identity provider once:",
        f"  aws iam create-open-id-connect-provider --url https://{ISSUER} --client-id-list {AUDIENCE}",
        f"The jobs run in the environment {ENVIRONMENT} of {workflow.owner}/{workflow.name} at GitHub, and name their",
        f"session {workflow.session}. Let nobody else of that trust policy take this name.",
    ):
        say(line, error=True)
    return 0


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
