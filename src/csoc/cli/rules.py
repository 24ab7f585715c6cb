"""`csoc rules`: what csoc looks for, and what each finding means."""

from __future__ import annotations

import difflib
from typing import Any

import click
from rich.text import Text

from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import CommandGroup, Listed, command
from csoc.cli.output import print_json, say, severity_text, table
from csoc.cli.tables import Cell
from csoc.errors import NotFoundError
from csoc.gen3.own_rules import OWN_RULES
from csoc.gen3.rules.model import Rule
from csoc.gen3.rules.table import RULES


def all_rules() -> list[Rule]:
    """Every rule by id, those about checking itself included."""
    return sorted((*RULES, *OWN_RULES), key=lambda rule: rule.id)


rules = CommandGroup(
    "rules",
    {
        "list": Listed("csoc.cli.rules:list_command", "Every rule with its severity."),
        "show": Listed("csoc.cli.rules:show_command", "One rule: what it finds, what happens otherwise, and the fix."),
    },
    help="What csoc check looks for.",
    examples=("csoc rules list", "csoc rules show chart-does-not-render"),
)


@command("list", "csoc rules list", "csoc rules list --json")
def list_command(as_json: bool) -> None:
    """Every rule with its severity."""
    found = all_rules()
    if as_json:
        print_json([rule_json(rule) for rule in found])
        return
    rows: list[list[Cell]] = [
        [Text(rule.id, style="bold"), severity_text(rule.severity.name.lower()), rule.title] for rule in found
    ]
    table(["rule", "severity", "finds"], rows, title=f"{len(rows)} rules")
    say("`csoc rules show ID` says what happens otherwise, and how to mend it.")


@command("show", "csoc rules show chart-does-not-render")
@click.argument("rule_id", metavar="ID", type=ONE_LINE)
def show_command(rule_id: str, as_json: bool) -> None:
    """One rule: what it finds, what happens otherwise, and the fix."""
    found = {rule.id: rule for rule in all_rules()}
    rule = found.get(rule_id)
    if rule is None:
        near = difflib.get_close_matches(rule_id, list(found), n=3)
        fix = f"Did you mean {', '.join(near)}?" if near else "`csoc rules list` lists all"
        raise NotFoundError(f"There is no rule {rule_id}", fix=fix)
    if as_json:
        print_json(rule_json(rule))
        return
    say(rule.title, "bold")
    for name, value in (
        ("id", rule.id),
        ("severity", rule.severity.name.lower()),
        ("otherwise", rule.consequence),
        ("fix", rule.fix),
        ("looks at", looks_at(rule)),
        ("covers", ", ".join(rule.covers)),
    ):
        if value:
            say(f"  {name}: {value}")


def looks_at(rule: Rule) -> str:
    """What a rule needs to see, for readers."""
    if rule in OWN_RULES:
        return "the check itself"
    if rule.rendered:
        return "the manifests that the chart renders"
    return "the fleet as a whole" if rule.fleet is not None else "one environment's values"


def rule_json(rule: Rule) -> dict[str, Any]:
    """A rule, for programs."""
    return {
        "id": rule.id,
        "title": rule.title,
        "severity": rule.severity.name.lower(),
        "consequence": rule.consequence,
        "fix": rule.fix,
        "looksAt": looks_at(rule),
        "covers": list(rule.covers),
        "systems": list(rule.systems),
    }
