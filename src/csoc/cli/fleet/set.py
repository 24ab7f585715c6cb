"""`csoc fleet set`: change settings in one or many environments."""

from __future__ import annotations

import click

from csoc.cli.arguments import ONE_LINE, WORD
from csoc.cli.commands import WrongUsageError, command
from csoc.cli.fleet.plans import exit_code, plan_json, print_plan, print_report, report_json
from csoc.cli.output import print_json
from csoc.cli.session import chart_option, fleet_option, opened
from csoc.errors import RejectedError
from csoc.fleet.revisions import check_revision
from csoc.usecases.change.operations import (
    Operation,
    is_assignment,
    parse_assignment,
    parse_image,
    parse_key,
    parse_rename,
)
from csoc.usecases.change.plan import plan_change
from csoc.usecases.change.propose import propose_change


@command(
    "set",
    "csoc fleet set brh-staging fence.image.tag=2026.04",
    "csoc fleet set staging --image fence=2026.04 --pull-request",
    "csoc fleet set brh-prod --rename fence.replicas=fence.replicaCount",
    "csoc fleet set brh-prod --chart-revision gen3-0.3.90 --commit",
)
@click.argument("arguments", nargs=-1, required=True, metavar="ENV... [KEY=VALUE]...", type=WORD)
@fleet_option
@chart_option
@click.option("--image", "images", type=ONE_LINE, multiple=True, metavar="SERVICE=TAG", help="Set <service>.image.tag.")
@click.option("--unset", "unset", type=ONE_LINE, multiple=True, metavar="KEY", help="Remove a key.")
@click.option(
    "--rename", "renames", type=ONE_LINE, multiple=True, metavar="OLD=NEW", help="Rename a key; its value stays."
)
@click.option("--chart-revision", type=ONE_LINE, metavar="REV", help="Set the targetRevision of the chart.")
@click.option("--text", "as_text", is_flag=True, help="Take every VALUE as text, even if it looks like a number.")
@click.option("--manifests/--no-manifests", default=True, help="Show what changes in the manifests too.")
@click.option("--commit", is_flag=True, help="Commit the change.")
@click.option("--pull-request", is_flag=True, help="Open pull requests, one for each set of owners.")
@click.option("--message", "-m", default="", metavar="TEXT", help="Commit message (default: what was done, where).")
@click.option(
    "--branch",
    type=ONE_LINE,
    metavar="BRANCH",
    help="The branch that the change is for (default: the one that was read).",
)
def set_command(
    arguments: tuple[str, ...],
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],
    chart: str | None,
    images: tuple[str, ...],
    unset: tuple[str, ...],
    renames: tuple[str, ...],
    chart_revision: str | None,
    as_text: bool,
    manifests: bool,
    commit: bool,
    pull_request: bool,
    message: str,
    branch: str | None,
    as_json: bool,
) -> int:
    """Change settings in one or many environments. Without --commit or --pull-request nothing is written.

    ENV is an environment's name, or a commons, stage or cluster for all of its environments; env:NAME, commons:NAME,
    stage:NAME and cluster:NAME say which, where a name could be several. In KEY a dot goes one level down and [0] is
    the first item of a list; a backslash before a dot that belongs to a key. VALUE is YAML; where text stands now, it
    stays text.
    """
    if commit and pull_request:
        raise click.UsageError("--commit and --pull-request exclude each other")
    if any(item.startswith("=") for item in arguments):
        raise WrongUsageError('there is no key before "="', "Write it as service.setting=value")
    names = [item for item in arguments if not is_assignment(item)]
    operations = _operations(arguments, images, unset, renames, chart_revision, as_text=as_text)
    if not names:
        raise click.UsageError("name at least one environment (or commons, stage, cluster)")
    if not operations:
        raise click.UsageError("nothing to do: give KEY=VALUE, --image, --unset, --rename or --chart-revision")
    with opened(source, revision or branch, own_urls, chart) as (ports, loaded):
        plan = plan_change(ports, loaded, loaded.select(names), operations, manifests=manifests)
        report = None
        if (commit or pull_request) and plan.files:
            report = propose_change(
                ports, loaded, plan, pull_request=pull_request, message=message, branch=branch or ""
            )
    if as_json:
        print_json(plan_json(plan) | {"outcomes": report_json(report)})
    else:
        print_plan(plan)
        print_report(plan, report)
    return exit_code(plan, report)


def _operations(
    arguments: tuple[str, ...],
    images: tuple[str, ...],
    unset: tuple[str, ...],
    renames: tuple[str, ...],
    chart_revision: str | None,
    *,
    as_text: bool,
) -> list[Operation]:
    try:
        operations = [parse_assignment(item, as_text=as_text) for item in arguments if is_assignment(item)]
        operations += [parse_image(item) for item in images]
        operations += [Operation("remove", parse_key(key)) for key in unset]
        operations += [parse_rename(item) for item in renames]
    except RejectedError as error:
        raise WrongUsageError(error.cause, error.fix) from error
    if chart_revision:
        try:
            operations.append(Operation("chart", (), check_revision(chart_revision)))
        except RejectedError as error:
            raise click.UsageError(f"--chart-revision: {error}") from error
    return operations
