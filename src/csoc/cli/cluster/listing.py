"""`csoc cluster list`: the clusters of the fleet, from their documents."""

from __future__ import annotations

from csoc.cli.commands import command
from csoc.cli.output import count, print_json, table
from csoc.cli.session import opened, own_fleet_option
from csoc.fleet.documents.absent import no_fleet


@command("list", "csoc cluster list")
@own_fleet_option
def list_command(source: str, revision: str | None, own_urls: tuple[str, ...], as_json: bool) -> None:
    """The clusters of the fleet, from their documents. Asks no cluster."""
    from csoc.usecases.clusters import list_clusters

    with opened(source, revision, own_urls) as (_, fleet):
        if fleet.documents.fleet is None:
            raise no_fleet(source)
        found = list_clusters(fleet)
    if as_json:
        print_json(
            [
                {"name": one.name, "account": one.account, "region": one.region, "version": one.version,
                 "how": one.how, "environments": list(one.environments)}
                for one in found
            ]
        )  # fmt: skip
        return
    rows = [[one.name, one.account, one.region, one.version, one.how, ", ".join(one.environments)] for one in found]
    table(["cluster", "account", "region", "version", "entered by", "environments"], rows,
          title=count(len(found), "cluster"))  # fmt: skip
