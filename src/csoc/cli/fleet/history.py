"""`csoc fleet history`: who changed a setting, and when."""

from __future__ import annotations

from typing import Any

import click

from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import command
from csoc.cli.output import print_json, say, table
from csoc.cli.session import fleet_option, opened
from csoc.gen3.findings import location_to_json
from csoc.usecases.history import ValueHistory, value_history


@command("history", "csoc fleet history brh-prod fence.image.tag")
@click.argument("environment", metavar="ENV", type=ONE_LINE)
@click.argument("key", metavar="KEY", type=ONE_LINE)
@fleet_option
def history_command(
    environment: str, key: str, source: str, revision: str | None, own_urls: tuple[str, ...], as_json: bool
) -> None:
    """Who changed a setting of an environment, and when, by Git.

    KEY is written as for `csoc fleet set`: fence.image.tag, and list[0] for the first item of a list.
    """
    with opened(source, revision, own_urls) as (ports, loaded):
        made = value_history(ports, loaded, loaded.environment(environment), key)
    if as_json:
        print_json(_history_json(made))
        return
    say(f"{made.key}: {made.current}  ({made.location or 'not written now'})", "bold")
    table(
        ["when", "commit", "author", "before", "after", "file", "subject"],
        [
            [c.at.date().isoformat(), c.commit[:10], c.author, c.before, c.after, c.path, c.subject]
            for c in made.changes
        ],
    )
    for note in made.notes:
        say(f"note: {note}", "dim")


def _history_json(made: ValueHistory) -> dict[str, Any]:
    return {
        "key": made.key,
        "current": made.current,
        "location": location_to_json(made.location),
        "changes": [
            {
                "commit": change.commit,
                "author": change.author,
                "at": change.at.isoformat(),
                "subject": change.subject,
                "path": change.path,
                "before": change.before,
                "after": change.after,
            }
            for change in made.changes
        ],
        "notes": list(made.notes),
    }
