"""`csoc fleet`: make, adopt, look at and change a fleet. One module a command."""

from __future__ import annotations

from csoc.cli.commands import CommandGroup, Listed

COMMANDS = {
    "init": Listed("csoc.cli.fleet.init:init", "Write the repository of a new fleet into DIR."),
    "adopt": Listed("csoc.cli.fleet.adopt:adopt", "Understand a GitOps repository that exists."),
    "show": Listed(
        "csoc.cli.fleet.show:show", "Every environment with cluster, stage, hostname, chart and worst finding."
    ),
    "matrix": Listed(
        "csoc.cli.fleet.matrix:matrix_command",
        "Services by environments: which version runs where, since when, and what lags behind.",
    ),
    "compare": Listed(
        "csoc.cli.fleet.compare:compare_command",
        "What is different between two environments: values, effective values, manifests.",
    ),
    "where": Listed(
        "csoc.cli.fleet.where:where_command",
        "Where a tag, key, secret name, bucket, hostname or value is used.",
    ),
    "history": Listed(
        "csoc.cli.fleet.history:history_command", "Who changed a setting of an environment, and when, by Git."
    ),
    "set": Listed("csoc.cli.fleet.set:set_command", "Change settings in one or many environments."),
    "changes": Listed(
        "csoc.cli.fleet.changes:changes_command",
        "Pull requests that csoc opened: their conflicts, and what each still lacks.",
    ),
    "watch": Listed("csoc.cli.fleet.watch:watch_command", "Look again and again, and say what each commit changes."),
}

fleet = CommandGroup(
    "fleet",
    COMMANDS,
    help="Make, adopt, look at and change a fleet.",
    examples=(
        "csoc fleet adopt https://github.com/example/gitops",
        "csoc fleet show",
        "csoc fleet set brh-staging fence.image.tag=2026.04",
    ),
)
