"""`csoc check`: everything that is wrong in a fleet, worst first."""

from __future__ import annotations

import click

from csoc.cli.output import example, json_option
from csoc.cli.session import chart_option, fleet_option, opened
from csoc.gen3.findings import Severity
from csoc.usecases.check import CheckOutcome, FleetChecker

_SEVERITIES = [severity.name.lower() for severity in reversed(Severity)]


@click.command(epilog=example("csoc check", "csoc check brh-prod --fail-on high", "csoc check --chart gen3-0.3.90.tgz"))
@click.argument("environments", nargs=-1, metavar="[ENV]...")
@fleet_option
@chart_option
@click.option(
    "--fail-on", type=click.Choice(_SEVERITIES), default="low", show_default=True, help="Exit 1 from here on."
)
@json_option
def check(
    environments: tuple[str, ...],
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],
    chart: str | None,
    fail_on: str,
    as_json: bool,
) -> int:
    """Find what is wrong: in values, in what they render to, and between environments."""
    with opened(source, revision, own_urls, chart) as (ports, fleet):
        names = [view.name for view in fleet.select(environments)] if environments else []
        outcome = FleetChecker(ports).check(fleet, only=names)
    print_report(outcome)
    worst = outcome.report.worst()
    return 1 if worst is not None and worst >= Severity[fail_on.upper()] else 0


def print_report(outcome: CheckOutcome) -> None:
    """Findings for people, worst first."""
    for finding in outcome.report.findings:
        click.echo(f"{finding.severity.name} {finding.rule} {', '.join(finding.environments)}: {finding.cause}")
        for item in finding.evidence:
            click.echo(f"    {item.location}  {item.text}")
