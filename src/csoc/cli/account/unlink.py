"""`csoc account unlink`: take a link back."""

from __future__ import annotations

import shlex

import click

from csoc.cli.account.session import ACCOUNT_NAME, link_json, open_cloud
from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import command
from csoc.cli.output import print_json, say, write
from csoc.cli.session import opened, own_fleet_option
from csoc.errors import RejectedError
from csoc.usecases.accounts.unlinking import preview, unlink


@command(
    "unlink",
    "csoc account unlink research",
    "csoc account unlink research --yes research",
    "csoc account unlink research --yes research --owner-profile research-admin",
)
@click.argument("name", metavar="NAME", type=ACCOUNT_NAME)
@click.option(
    "--owner-profile", type=ONE_LINE, metavar="PROFILE",
    help="Delete the link's stack, with the account owner's own credentials in this profile of the AWS configuration.",
)  # fmt: skip
@click.option("--yes", "typed", type=ONE_LINE, metavar="NAME", help="The account's name, typed: unlink it now.")
@own_fleet_option
def unlink_command(
    name: str,
    owner_profile: str | None,
    typed: str | None,
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],
    as_json: bool,
) -> None:
    """Take a link back. What csoc made in the account stays.

    Without --yes it only shows what would stay, and which clusters and environments cannot be planned any more. With it
    csoc stops using the link at once, and its ExternalId is never used again. The link's stack is deleted by the
    account's owner, who is the only one that may.
    """
    with open_cloud() as cloud, opened(source, revision, own_urls) as (_, fleet):
        if typed is not None and typed != name:
            raise RejectedError(
                "What was typed is not the name of the account", place="--yes", fix=f"Type --yes {name}"
            )
        act = unlink if typed is not None else preview
        done = act(cloud, name, fleet, owner_profile=owner_profile or "")
    if as_json:
        data = {"link": link_json(done.link), "stays": list(done.stays), "commands": list(done.commands)}
        print_json({**data, "unlinked": typed is not None})
        return
    if typed is None:
        say(f"{name} ({done.link.account_id}) would be unlinked: csoc could not act there any more.", "bold")
        say("What would stay:")
        for one in done.stays:
            say(f"  {one}.")
        profile = f" --owner-profile {shlex.quote(owner_profile)}" if owner_profile else ""
        say(f"To do it: csoc account unlink {name} --yes {name}{profile}")
        return
    say(f"{name} ({done.link.account_id}) is unlinked: csoc cannot act there any more.", "bold green")
    say("What stays:")
    for one in done.stays:
        say(f"  {one}.")
    if done.commands:
        say("With the owner's credentials:")
    for line in done.commands:
        write(f"  {line}\n")
