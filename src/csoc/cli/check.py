"""`csoc check`: everything that is wrong in a fleet, worst first."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

import click
from click.core import ParameterSource

from csoc.cli.arguments import ONE_LINE, OUTPUT, SOURCE, STANDARD, URL
from csoc.cli.commands import command
from csoc.cli.mending import Mended, know, mend
from csoc.cli.output import progress
from csoc.cli.reports import FORMATS, show_report
from csoc.cli.session import chart_option, fleet_option, opened
from csoc.errors import NotFoundError
from csoc.fleet.documents import layout
from csoc.gen3.findings import Severity
from csoc.gen3.rules.table import RULES
from csoc.usecases.checking.checker import FleetChecker, Progress
from csoc.usecases.checking.verdict import CheckRequest, Verdict, check_fleet
from csoc.usecases.load import LoadedFleet, load_fleet
from csoc.usecases.ports import Ports

_SEVERITIES = [severity.name.lower() for severity in reversed(Severity)]
EXIT_UNSEEN = 6


@command(
    "check",
    "csoc check",
    "csoc check https://github.com/example/gitops",
    "csoc check brh-prod staging --fail-on high",
    "csoc check --base origin/main --format github",
    "csoc check --chart gen3-0.3.90.tgz --format sarif --output csoc.sarif",
    "csoc check --fix",
)
@click.argument("arguments", nargs=-1, metavar="[PATH|URL] [ENV]...", type=SOURCE)
@fleet_option
@chart_option
@click.option(
    "--base", type=ONE_LINE, metavar="REV", help="Only what was added since the last commit in common with REV."
)
@click.option(
    "--fail-on", type=click.Choice(_SEVERITIES), default="low", show_default=True, help="Exit 1 from here on."
)
@click.option("--rule", "rules", type=ONE_LINE, multiple=True, metavar="ID", help="Show only this rule; give several.")
@click.option("--fix", is_flag=True, help="Mend what can be mended safely; shows the change and asks first.")
@click.option("--yes", is_flag=True, help="With --fix: do not ask.")
@click.option("--pull-request", is_flag=True, help="With --fix or --write-baseline: open a pull request.")
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True, help="How to print."
)
@click.option("--output", type=OUTPUT, metavar="FILE", help="Write the report to FILE (-: print it).")
@click.option("--no-render", is_flag=True, help="Do not render charts: quicker, and sees values only.")
@click.option("--strict", is_flag=True, help="Exit 6 if nothing failed, but something could not be looked at.")
@click.option("--no-baseline", is_flag=True, help="Count what the baseline knows as well.")
@click.option("--write-baseline", is_flag=True, help="Make everything that is found now known from now on.")
@click.option(
    "--accept-waivers", is_flag=True, help="With --base: waivers and baseline entries that the change brings count."
)
def check(
    arguments: tuple[str, ...],
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],
    chart: str | None,
    base: str | None,
    fail_on: str,
    rules: tuple[str, ...],
    fix: bool,
    yes: bool,
    pull_request: bool,
    form: str,
    output: str | None,
    no_render: bool,
    strict: bool,
    no_baseline: bool,
    write_baseline: bool,
    accept_waivers: bool,
    as_json: bool,
) -> int:
    """Find what is wrong: in values, in what they render to, and between environments.

    A URL, "." or a folder is the fleet's repository; anything else names environments: by name, commons, stage, cluster
    or hostname. At the top of a repository a bare word always names environments (write ./word for the folder).

    Exits with 1 if there is a finding from --fail-on upwards (by default everything but "info"), or a document of
    csoc's own that cannot be read; with 0 otherwise. What could not be looked at (a chart, a file, a repository) is
    said and fails nothing, unless --strict is given. With --base, findings and faults of documents that the base has as
    well fail nothing, as long as they do not grow; what the base has and the change takes away is a finding.
    """
    if yes and not fix:
        raise click.UsageError("--yes goes with --fix")
    if fix and write_baseline:
        raise click.UsageError("--fix and --write-baseline are two steps: mend first")
    if accept_waivers and not base:
        raise click.UsageError("--accept-waivers goes with --base")
    if pull_request and not (fix or write_baseline):
        raise click.UsageError("--pull-request goes with --fix or --write-baseline")
    if write_baseline and (base or rules or no_baseline):
        raise click.UsageError("--write-baseline is about everything: without --base, --rule and --no-baseline")
    if as_json and form != "json" and stated("form"):
        raise click.UsageError(f"--json and --format {form} exclude each other")
    _check_rules(rules)
    source, names = _source_and_names(arguments, source)
    if write_baseline and names:
        raise click.UsageError("--write-baseline is about the whole fleet: name no environments")
    request = CheckRequest(
        environments=names,
        rules=rules,
        base=base or "",
        baseline=not no_baseline,
        accept=accept_waivers,
        fail_on=Severity[fail_on.upper()],
    )
    form = "json" if as_json else form
    mended = Mended(silent=form == "json")
    with opened(source, revision, own_urls, chart) as (ports, fleet):
        checker = FleetChecker(ports, rendering=not no_render)
        verdict = _checked(ports, fleet, request, checker)
        if fix and mend(ports, verdict, checker, mended, yes=yes, pull_request=pull_request):
            verdict = _checked(ports, load_fleet(ports, fleet.query), request, checker)
        if write_baseline:
            know(ports, verdict, mended, pull_request=pull_request)
    show_report(verdict, mended, form, Path(output) if output and output != STANDARD else None)
    if verdict.failed:
        return 0 if write_baseline else 1
    return EXIT_UNSEEN if strict and verdict.unseen else 0


def _checked(ports: Ports, fleet: LoadedFleet, request: CheckRequest, checker: FleetChecker) -> Verdict:
    try:
        return check_fleet(
            ports, fleet, request, checker=checker, progress=_told("checking"), base_progress=_told("checking the base")
        )
    except NotFoundError as error:
        for name in request.environments:
            if error.cause.startswith(f"There is no environment {name}") and Path(name).is_dir():
                error.fix = f"{error.fix}. To check the folder alone, write ./{name}"
            elif error.cause.startswith(f"There is no environment {name}") and Path(name).is_file():
                error.fix = f"{name} is a file: name the folder that is the top of its repository"
        raise


def _told(what: str) -> Progress:
    """Says every now and then how far a check is."""

    def tell(done: int, total: int, name: str) -> None:
        if done == total or done % max(1, total // 20) == 0:
            progress(f"{what}: {done} of {total} environments ({name})")

    return tell


# Arguments


def _check_rules(rules: Sequence[str]) -> None:
    known = {rule.id for rule in RULES}
    for name in rules:
        if name not in known:
            near = difflib.get_close_matches(name, list(known), n=3)
            fix = f"Did you mean {' or '.join(near)}?" if near else "`csoc rules list` lists all"
            raise NotFoundError(f"There is no rule {name}", fix=fix)


def _source_and_names(arguments: Sequence[str], source: str) -> tuple[str, tuple[str, ...]]:
    """Which argument is the fleet's source, and which ones name environments."""
    at_top = any(Path(name).exists() for name in (".git", layout.ADOPTED, "fleet.yaml"))
    sources, names = split_arguments(arguments, words_are_names=at_top or stated("source", by_variable=True))
    if len(sources) > 1:
        raise click.UsageError(f"only one fleet at a time: {sources[0]} and {sources[1]} are two")
    if sources and stated("source"):
        raise click.UsageError(f"--fleet {source} and {sources[0]} are two fleets")
    return (sources[0] if sources else source), tuple(names)


def split_arguments(arguments: Sequence[str], *, words_are_names: bool) -> tuple[list[str], list[str]]:
    """Sources and names of environments. A word without a slash can be both a folder and a name; words_are_names
    decides it."""
    sources: list[str] = []
    names: list[str] = []
    for argument in arguments:
        is_path = "/" in argument or argument in (".", "..") or argument.startswith("~")
        is_word_for_folder = not words_are_names and Path(argument).is_dir()
        (sources if URL.match(argument) or is_path or is_word_for_folder else names).append(argument)
    return sources, names


def stated(name: str, *, by_variable: bool = False) -> bool:
    """Whether somebody typed this option (or set its variable)."""
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE or (by_variable and source is ParameterSource.ENVIRONMENT)
