"""`csoc fleet where`: where something is used."""

from __future__ import annotations

from collections.abc import Sequence

import click

from csoc.cli.commands import command
from csoc.cli.output import EXIT_OF, count, print_json, say, table
from csoc.cli.session import fleet_option, opened
from csoc.errors import Kind
from csoc.gen3.findings import location_to_json
from csoc.usecases.fleet_facts import gather_facts
from csoc.usecases.where import MOST, Use, where


@command("where", "csoc fleet where 2026.04", "csoc fleet where requestor-g3auto", "csoc fleet where tierAccess")
@click.argument("what", metavar="WHAT")
@fleet_option
def where_command(what: str, source: str, revision: str | None, own_urls: tuple[str, ...], as_json: bool) -> int:
    """Where a tag, key, secret name, bucket, hostname or value is used. Exit 4 if nowhere.

    WHAT is any part of it, in small or capital letters: 2026.04, requestor-g3auto, fence.image, data.example.org.
    """
    with opened(source, revision, own_urls) as (ports, loaded):
        uses = where(loaded, gather_facts(ports, loaded), what)
    if as_json:
        print_json(
            [
                {
                    "environment": use.environment or None,
                    "kind": use.kind,
                    "text": use.text,
                    "location": location_to_json(use.location),
                }
                for use in uses
            ]
        )
    else:
        _print_uses(uses, what)
    return 0 if uses else EXIT_OF[Kind.NOT_FOUND]


def _print_uses(uses: Sequence[Use], what: str) -> None:
    if not uses:
        say(f"Nothing in the fleet names {what}.")
        return
    rows = [[use.environment or "-", use.kind, use.text, str(use.location) if use.location else ""] for use in uses]
    table(["environment", "kind", "what", "where"], rows)
    environments = len({use.environment for use in uses if use.environment})
    say(f"{count(len(uses), 'place')} in {count(environments, 'environment')}.")
    if len(uses) >= MOST:
        say(f"There may be more: csoc stops after {MOST}.", "yellow")
