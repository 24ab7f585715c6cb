"""`csoc fleet adopt`: understand a repository that exists, and write down what was understood."""

from __future__ import annotations

import click

from csoc.cli.arguments import ONE_LINE, SOURCE
from csoc.cli.commands import command
from csoc.cli.fleet.show import print_overview, print_problem, verbose_option
from csoc.cli.output import count, print_json, progress, say
from csoc.cli.session import chart_option, opened, own_url_option, revision_option
from csoc.usecases.adopt import Adoption, plan_adoption, write_adoption
from csoc.usecases.checking.baseline import with_baseline
from csoc.usecases.show import overview, overview_json, problem_json


@command(
    "adopt",
    "csoc fleet adopt https://github.com/example/gitops",
    "csoc fleet adopt . --write",
    "csoc fleet adopt . --write --pull-request --baseline",
)
@click.argument("source", metavar="SOURCE", type=SOURCE)
@revision_option
@own_url_option
@click.option("--name", type=ONE_LINE, metavar="NAME", help="Name of the fleet (default: the repository's).")
@click.option("--write", is_flag=True, help="Commit csoc's documents below .csoc/, and nothing else.")
@click.option("--pull-request", is_flag=True, help="With --write: open a pull request instead of committing.")
@click.option(
    "--branch",
    type=ONE_LINE,
    metavar="BRANCH",
    help="With --write: the branch to commit to (default: the one that was read).",
)
@click.option("--baseline", "with_findings", is_flag=True, help="Make everything that csoc check finds now known.")
@chart_option
@verbose_option
def adopt(
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],
    name: str | None,
    write: bool,
    pull_request: bool,
    branch: str | None,
    with_findings: bool,
    chart: str | None,
    verbose: bool,
    as_json: bool,
) -> None:
    """Understand a GitOps repository that exists. Without --write nothing changes.

    With --baseline the fleet is checked too (--chart says what to render with), and what is found goes into a document
    beside the others, so that csoc check speaks of what comes after.
    """
    if (pull_request or branch) and not write:
        raise click.UsageError("--pull-request and --branch go with --write")
    if chart and not with_findings:
        raise click.UsageError("--chart goes with --baseline: nothing else is rendered here")
    known = None
    with opened(source, revision, own_urls, chart) as (ports, loaded):
        made = plan_adoption(ports, loaded, name=name or "")
        if with_findings:
            progress("checking, for the baseline")
            made, known = with_baseline(ports, loaded, made)
        if write:
            made = write_adoption(ports, loaded, made, branch=branch or "", pull_request=pull_request)
    page = overview(loaded)
    if as_json:
        print_json({**overview_json(page), "adoption": {**_adoption_json(made), "known": known}})
        return
    print_overview(page, verbose=verbose)
    _print_adoption(made, written=write, source=source)
    if known is not None:
        say(f"The baseline knows {count(known, 'finding')}." if known else _NO_BASELINE)


_NO_BASELINE = "No baseline was made: there is one already, or nothing that it could know."


def _adoption_json(made: Adoption) -> dict[str, object]:
    return {
        "files": sorted(made.files),
        "commit": made.commit,
        "branch": made.branch,
        "pullRequest": made.pull_request.url if made.pull_request else None,
        "note": made.note,
        "renewed": list(made.renewed),
        "problems": [problem_json(problem) for problem in made.problems],
        "commands": list(made.commands),
    }


def _print_adoption(made: Adoption, *, written: bool, source: str) -> None:
    files = count(len(made.files), "file")
    if made.problems:
        say(f"Not written, or not as a whole ({len(made.problems)}):", "bold yellow")
        for problem in made.problems:
            print_problem(problem, verbose=False)
    if made.commands:
        say(f"This folder is no repository; it holds {len(made.commands)}. Adopt each for itself:", "bold yellow")
        for command_line in made.commands:
            say(f"  {command_line}")
        return
    if made.blocked:
        say(f"Nothing can be added while {', '.join(made.blocked)} is no folder of the repository.", "bold yellow")
    elif not made.files:
        say("Every environment has its document already; there is nothing to add.")
    elif made.pull_request is not None:
        verb = "Open already:" if made.again else "Opened"
        say(f"{verb} {made.pull_request.url} with {files} below .csoc/.", "bold green")
    elif written:
        say(f"Committed {files} below .csoc/ to {made.branch} as {made.commit[:12]}.", "bold green")
    else:
        say(f"Nothing was changed. `csoc fleet adopt {source} --write` would add {files} below .csoc/.")
    if made.renewed and made.files:
        say(f"  among them: {count(len(made.renewed), 'schema')} for editors of another version of csoc", "dim")
    if made.note:
        say(f"  note: {made.note}", "yellow")
