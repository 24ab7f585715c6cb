"""`csoc cluster connect`: from a kubeconfig or a cluster of EKS to a Cluster of the fleet."""

from __future__ import annotations

from pathlib import Path

import click

from csoc.cli.account.session import ACCOUNT_NAME
from csoc.cli.arguments import ONE_LINE
from csoc.cli.cluster.session import open_clusters, print_survey, survey_json
from csoc.cli.commands import command
from csoc.cli.output import print_json, say
from csoc.cli.session import opened, own_fleet_option
from csoc.config.files import read_whole

_LARGEST_KUBECONFIG = 1_000_000


@command(
    "connect",
    "csoc cluster connect harbor --kubeconfig harbor.yaml --rights",
    "csoc cluster connect harbor --eks harbor-eks --account research",
)
@click.argument("name", metavar="NAME", type=ACCOUNT_NAME)
@click.option(
    "--kubeconfig", type=click.Path(path_type=Path), metavar="FILE",
    help="With a token and certificates inside; kept in csoc's data folder, never in Git.",
)  # fmt: skip
@click.option("--context", type=ONE_LINE, metavar="NAME", help="Of the kubeconfig (default: its current).")
@click.option("--eks", type=ONE_LINE, metavar="NAME", help="A cluster of EKS in a linked account.")
@click.option("--account", type=ACCOUNT_NAME, metavar="NAME", help="The Account that the cluster is in.")
@click.option("--region", type=ONE_LINE, metavar="REGION", help="Where it is (default: the Account's).")
@click.option(
    "--rights", "only_rights", is_flag=True, help="Show what is there and which rights csoc uses; stop there."
)
@click.option("--pull-request", is_flag=True, help="Open a pull request with the Cluster instead of committing it.")
@own_fleet_option
def connect_command(
    name: str,
    kubeconfig: Path | None,
    context: str | None,
    eks: str | None,
    account: str | None,
    region: str | None,
    only_rights: bool,
    pull_request: bool,
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],
    as_json: bool,
) -> None:
    """Connect a cluster that is there already, and use it as it is.

    Shows first what the cluster has and which rights csoc would use, and asks the cluster whether it has them. Then the
    Cluster's document is written. Nothing in the cluster changes: what is somebody else's there stays theirs.
    """
    from csoc.usecases.clusters import Wanted, connect, look_before

    if bool(kubeconfig) == bool(eks):
        raise click.UsageError("Give one of --kubeconfig and --eks")
    if eks and not account:
        raise click.UsageError("--eks needs --account: the Account that it is in")
    text = ""
    if kubeconfig is not None:
        content = read_whole(kubeconfig, _LARGEST_KUBECONFIG, what="The kubeconfig", fix="Correct --kubeconfig")
        text = content.decode("utf-8", "replace")
    wanted = Wanted(name, text, context or "", eks or "", account or "", region or "")
    with open_clusters() as ports, opened(source, revision, own_urls) as (git, fleet):
        seen = look_before(ports, fleet, wanted)
        if not as_json:
            print_survey(seen)
        made = None if only_rights else connect(git, ports, fleet, wanted, seen, pull_request=pull_request)
    if as_json:
        print_json({"name": name, **survey_json(seen), "path": made.path if made is not None else None})
    elif made is not None and made.published is None:
        say(f"{made.path} is there already.")
    elif made is not None and made.published is not None:
        pull = made.published.pull_request
        say(f"Opened {pull.url} with {made.path}." if pull is not None else f"Committed {made.path}.")
        say(f"Launch a commons on it: csoc launch with cluster: {name}")
