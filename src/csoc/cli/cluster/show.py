"""`csoc cluster show`: a cluster as it is now."""

from __future__ import annotations

import click

from csoc.cli.account.session import ACCOUNT_NAME
from csoc.cli.cluster.session import open_clusters, print_survey, survey_json
from csoc.cli.commands import command
from csoc.cli.output import print_json, say
from csoc.cli.session import opened, own_fleet_option


@command("show", "csoc cluster show harbor")
@click.argument("name", metavar="NAME", type=ACCOUNT_NAME)
@own_fleet_option
def show_command(name: str, source: str, revision: str | None, own_urls: tuple[str, ...], as_json: bool) -> None:
    """What a cluster has, and what csoc may do there. Asks the cluster, and changes nothing."""
    from csoc.usecases.clusters import show_cluster

    with open_clusters() as ports, opened(source, revision, own_urls) as (_, fleet):
        listed, seen = show_cluster(ports, fleet, name)
    if as_json:
        print_json({"name": name, "how": listed.how, "environments": list(listed.environments), **survey_json(seen)})
        return
    say(f"{name}, entered by {listed.how}")
    print_survey(seen)
