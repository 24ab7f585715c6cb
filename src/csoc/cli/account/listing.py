"""`csoc account list`: the links, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click
from rich.text import Text

from csoc.accounts.due import is_overdue
from csoc.accounts.links import OLDER, UNKNOWN, WRONG, Check, Link, LinkState
from csoc.cli.account.session import link_json, open_links
from csoc.cli.commands import command
from csoc.cli.output import EXIT_FAILED, count, print_json, rows_of_one_line, say
from csoc.cli.runs.session import who
from csoc.cli.session import say_which_records
from csoc.cli.tables import Cell
from csoc.clock import system_clock

_STYLES = {LinkState.VERIFIED: "green", LinkState.WEAKENED: "bold red", LinkState.BROKEN: "red"}


@command("list", "csoc account list", "csoc account list --check", "csoc account list --past")
@click.option(
    "--check",
    "checking",
    is_flag=True,
    help="End with 1 if a test of any link went wrong or stayed open, or the last is two days old.",
)
@click.option("--past", is_flag=True, help="Links that were taken back.")
def list_command(checking: bool, past: bool, as_json: bool) -> int:
    """The links, and what is wrong with them. Asks the database only, and no account."""
    with open_links() as kept:
        links = list(kept.past() if past else kept.all())
    now = system_clock()
    bad = [] if past else [one for one in links if not one.is_usable or not one.is_proven or is_overdue(one, now)]
    if as_json:
        print_json([{**link_json(link), "overdue": link in bad and is_overdue(link, now)} for link in links])
    else:
        _print(links, now, past=past)
    return EXIT_FAILED if checking and bad else 0


def _print(links: list[Link], now: datetime, *, past: bool) -> None:
    rows: list[list[Cell]] = [
        [
            link.account,
            Text(str(link.state), style=_STYLES.get(link.state, "yellow")),
            link.account_id,
            _why(link, now) if not past else f"begun by {who(link.by)}",
            _age(link.unlinked_at if past else link.verified_at, now),
            link.region,
        ]
        for link in links
    ]
    heads: list[Cell] = ["account", "state", "id", "what is wrong", "unlinked" if past else "verified", "region"]
    if past:
        heads[3] = "who"
    rows_of_one_line(heads, rows, title=count(len(links), "link"), cut=3, least=30)
    if not links and not past:
        say("Begin one: csoc account link NAME --account-id ID --region REGION")
    if not links:
        say_which_records()


def _age(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "never"
    minutes = max(0, int((now - at).total_seconds() // 60))
    return (
        f"{minutes} min ago"
        if minutes < 120
        else f"{minutes // 60} h ago"
        if minutes < 2_880
        else f"{minutes // 1_440} d ago"
    )


def _why(link: Link, now: datetime) -> str:
    wrong = [check for check in link.checks if check.outcome == WRONG]
    if wrong:
        return f"{wrong[0].name}: {wrong[0].detail}{_and_more(wrong)}"
    if link.state is LinkState.BEGUN:
        return f"not verified yet: csoc account verify {link.account}"
    if is_overdue(link, now):
        return "nobody looked for two days: csoc account verify --all --due"
    open_ = [check for check in link.checks if check.outcome == UNKNOWN]
    if open_:
        return f"could not find out: {open_[0].name}: {open_[0].detail}{_and_more(open_)}"
    if any(check.outcome == OLDER for check in link.checks):
        lacking = f", without rights for {', '.join(sorted(link.missing))}" if link.missing else ""
        return f"an older template{lacking}: csoc account link {link.account}"
    if link.missing:
        return f"does not work: {', '.join(link.missing)}"
    return ""


def _and_more(checks: Sequence[Check]) -> str:
    return f" (and {len(checks) - 1} more)" if len(checks) > 1 else ""
