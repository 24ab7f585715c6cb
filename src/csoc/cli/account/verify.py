"""`csoc account verify`: what a link must let csoc do, and what it must not."""

from __future__ import annotations

import click

from csoc.accounts.links import OLDER, Check
from csoc.cli.account.session import ACCOUNT_NAME, link_json, open_cloud
from csoc.cli.commands import WrongUsageError, command
from csoc.cli.output import EXIT_FAILED, EXIT_OF, count, print_json, progress, say, say_error, say_fix, write
from csoc.cli.session import opened, own_fleet_option
from csoc.errors import CsocError
from csoc.usecases.accounts.verifying import Verified, due, verify

_STYLES = {"ok": "green", "wrong": "bold red", "could not find out": "yellow", OLDER: "yellow"}


@command(
    "verify",
    "csoc account verify research",
    "csoc account verify research --wait 5",
    "csoc account verify --all --due",
)
@click.argument("name", metavar="[NAME]", required=False, type=ACCOUNT_NAME)
@click.option("--all", "every", is_flag=True, help="Every link.")
@click.option("--due", "only_due", is_flag=True, help="With --all: those that were not looked at for a day.")
@click.option(
    "--wait", "minutes", type=click.FloatRange(0, 60), default=0.0, metavar="MINUTES",
    help="Wait so long for the link's stack to be made.",
)  # fmt: skip
@click.option("--verbose", "-v", is_flag=True, help="List the tests that went well too.")
@own_fleet_option
def verify_command(
    name: str | None,
    every: bool,
    only_due: bool,
    minutes: float,
    verbose: bool,
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],
    as_json: bool,
) -> int:
    """Test what a link must let csoc do, and what it must not.

    Each role is taken with its ExternalId, without it, with another one and without a person's name; each session does
    what it must and tries what it must not; two small stacks are made and deleted again. Nothing is left behind. Only
    a link of which every test went well is used. Ends with 1 if one did not, or could not be found out.
    """
    if (name is None) == (not every):
        raise WrongUsageError("Which link is meant is not said", "Name an account, or give --all")
    if only_due and not every:
        raise WrongUsageError("--due goes with --all", "Write csoc account verify --all --due")
    failed: dict[str, CsocError] = {}
    done: list[Verified] = []
    with open_cloud() as cloud, opened(source, revision, own_urls) as (_, fleet):
        names = [name] if name else [link.account for link in (due(cloud) if only_due else cloud.links.all())]
        for one in names:
            progress(f"verifying {one}")
            try:
                done.append(verify(cloud, one, fleet.documents, wait_seconds=minutes * 60))
            except CsocError as error:
                if name:
                    raise
                failed[one] = error
    if as_json:
        links = [{**link_json(one.link), "updateAvailable": one.is_update_available} for one in done]
        errors = {one: {"kind": why.kind.value, "cause": why.cause} for one, why in failed.items()}
        print_json({"links": links, "errors": errors})
    else:
        for verified in done:
            _print(verified, verbose=verbose)
        for one, why in failed.items():
            say_error(f"{one}: ", why)
        if not names:
            say("No link is due." if only_due else "There are no links yet.")
    if any(not verified.link.is_usable or not verified.link.is_proven for verified in done):
        return EXIT_FAILED
    return max((EXIT_OF[why.kind] for why in failed.values()), default=0)


def _print(verified: Verified, *, verbose: bool) -> None:
    link = verified.link
    if verified.is_not_made and not verbose:
        why = "AWS lets csoc into none of its roles, most likely since its stack is not made; -v lists the tests"
        say(f"{link.account} ({link.account_id}): {link.state}: {why}", "bold red")
        say_fix(*next((check.fix, check.commands) for check in link.checks if check.fix), lead="  ")
        return
    good = [check for check in link.checks if check.outcome == "ok"]
    for check in link.checks:
        if verbose or check.outcome != "ok":
            _print_check(check)
    style = "bold green" if link.is_usable and link.is_proven else "yellow" if link.is_usable else "bold red"
    say(
        f"{link.account} ({link.account_id}): {link.state}; {len(good)} of {count(len(link.checks), 'test')} went well",
        style,
    )
    if any(check.outcome == OLDER for check in link.checks):
        # A statement pasted into an older template would be a change of it.
        return
    if verified.is_update_available:
        say(f"  An update of the template is available: csoc account link {link.account}", "yellow")
    for feature, statement in link.missing.items():
        say(f"  {feature} does not work. Update the stack, or paste this into the role's policy:", "yellow")
        write(f"    {statement}\n")


def _print_check(check: Check) -> None:
    say(f"  {check.outcome}: {check.name} ({check.expectation})", _STYLES[check.outcome])
    if check.detail:
        say(f"    {check.detail}")
    say_fix(check.fix, check.commands, lead="    ")
