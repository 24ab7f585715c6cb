"""`csoc cluster`: clusters that somebody brings along, and those that there are."""

from __future__ import annotations

from csoc.cli.commands import CommandGroup, Listed

cluster = CommandGroup(
    "cluster",
    {
        "connect": Listed(
            "csoc.cli.cluster.connect:connect_command", "Connect a cluster that is there, and use it as it is."
        ),
        "list": Listed("csoc.cli.cluster.listing:list_command", "The clusters of the fleet."),
        "show": Listed("csoc.cli.cluster.show:show_command", "What a cluster has, and what csoc may do there."),
    },
    help="Connect clusters that are there already, and look at all of them.",
    examples=(
        "csoc cluster connect harbor --kubeconfig harbor.yaml --rights",
        "csoc cluster connect harbor --kubeconfig harbor.yaml",
        "csoc cluster show harbor",
    ),
)
