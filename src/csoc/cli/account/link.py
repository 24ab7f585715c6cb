"""`csoc account link`: begin a link, and say what the account's owner has to do."""

from __future__ import annotations

import click

from csoc.accounts.template import command as deploy_command
from csoc.accounts.template import stack_set, terraform
from csoc.cli.account.session import ACCOUNT_NAME, open_cloud
from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import command
from csoc.cli.output import print_json, say, write
from csoc.cli.session import opened, own_fleet_option
from csoc.usecases.accounts.linking import Begun, Wanted, begin_link

_FILE = "csoc-link.json"
_PURPOSES = ("workload", "tools", "network", "monitoring", "backup")
_FORMATS = ("text", "cloudformation", "command", "terraform", "stackset")


@command(
    "link",
    "csoc account link research --account-id 222222222222 --region ap-southeast-2",
    "csoc account link research --format cloudformation",
)
@click.argument("name", metavar="NAME", type=ACCOUNT_NAME)
@click.option("--account-id", type=ONE_LINE, metavar="ID", help="The account, 12 digits (default: the Account's).")
@click.option("--region", type=ONE_LINE, metavar="REGION", help="Where the link's stack is (default: the Account's).")
@click.option("--purpose", type=click.Choice(_PURPOSES), help="What runs there.  [default: workload]")
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), default="text", show_default=True,
    help="What to print: what to do, the template, the aws command, Terraform, or a StackSet's commands.",
)  # fmt: skip
@click.option("--pull-request", is_flag=True, help="Open a pull request with the Account instead of committing it.")
@own_fleet_option
def link_command(
    name: str,
    account_id: str | None,
    region: str | None,
    purpose: str | None,
    form: str,
    pull_request: bool,
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],
    as_json: bool,
) -> None:
    """Begin a link: the Account's document, and the template for its owner.

    The Account is one commit; the ExternalId that csoc makes is in its database and in what is printed here. Typed
    again, the same is printed again. csoc does not act in the account before `csoc account verify` found it safe.
    """
    wanted = Wanted(name, account_id or "", region or "", purpose or "")
    with open_cloud() as cloud, opened(source, revision, own_urls) as (ports, fleet):
        begun = begin_link(ports, cloud, fleet, wanted, pull_request=pull_request)
    if as_json:
        print_json(_json(begun))
    elif form == "text":
        _print(begun)
    else:
        _print_written(begun, error=True)
        write(_formatted(begun, form))


def _formatted(begun: Begun, form: str) -> str:
    link, template = begun.link, begun.template
    if form == "cloudformation":
        return f"{template.body}\n"
    if form == "command":
        return f"{deploy_command(template, link.external_id, link.region, _FILE)}\n"
    if form == "terraform":
        return terraform(template, link.external_id, link.region, _FILE)
    return stack_set(template, link.external_id, link.region, link.account_id, _FILE)


def _print_written(begun: Begun, *, error: bool = False) -> None:
    made = begun.published
    if made is not None and made.pull_request is not None:
        say(f"Opened {made.pull_request.url} with {begun.path}.", error=error)
    elif made is not None:
        say(f"Committed {begun.path} as {made.commit[:12]}.", error=error)
    if made is not None and made.note:
        say(f"  note: {made.note}", "yellow", error=error)


def _print(begun: Begun) -> None:
    link = begun.link
    _print_written(begun)
    say(f"The link of {link.account} ({link.account_id}, {link.region}) is {link.state}.")
    say(f"Its owner makes the stack {begun.template.stack}, which lets {link.principal} in with this ExternalId:")
    say(f"  {link.external_id}")
    say()
    if begun.quick_create:
        say("In the console, with everything filled in:")
        write(f"  {begun.quick_create}\n")
        say("Or with the owner's credentials:")
    else:
        say("With the owner's credentials:")
    write(f"  csoc account link {link.account} --format cloudformation > {_FILE}\n")
    write(f"  {deploy_command(begun.template, link.external_id, link.region, _FILE)}\n")
    say(f"Template sha256 {begun.template.digest}. --format has Terraform and StackSets.", "dim")
    if begun.note:
        say(begun.note, "dim")
    say()
    say(f"Then: csoc account verify {link.account}")


def _json(begun: Begun) -> dict[str, object]:
    link, template, made = begun.link, begun.template, begun.published
    return {
        "account": link.account,
        "id": link.account_id,
        "region": link.region,
        "state": str(link.state),
        "externalId": link.external_id,
        "principal": link.principal,
        "observer": link.observer,
        "stack": template.stack,
        "templateDigest": template.digest,
        "template": template.body,
        "parameters": template.given(link.external_id),
        "command": deploy_command(template, link.external_id, link.region, _FILE),
        "quickCreate": begun.quick_create or None,
        "note": begun.note,
        "path": begun.path,
        "commit": made.commit if made else None,
        "pullRequest": made.pull_request.url if made and made.pull_request else None,
        "new": begun.is_new,
    }
