"""`csoc check`: everything that is wrong in a fleet, worst first."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from click.core import ParameterSource
from rich.text import Text

from csoc.cli.formats import github, jsonreport, junit, sarif, text
from csoc.cli.output import clean, console, example, json_option, json_text, progress
from csoc.cli.session import chart_option, fleet_option, opened
from csoc.errors import DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet.documents import layout
from csoc.gen3.findings import Severity
from csoc.gen3.rules.table import RULES
from csoc.usecases.baseline import write_baseline
from csoc.usecases.check import FleetChecker, Progress
from csoc.usecases.fix import FixPlan, apply_fixes, plan_fixes
from csoc.usecases.load import LoadedFleet, load_fleet
from csoc.usecases.ports import Ports
from csoc.usecases.verdict import CheckRequest, Verdict, check_fleet

_SEVERITIES = [severity.name.lower() for severity in reversed(Severity)]
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[^/\\:@\s]+@[^/\\:\s]+:")
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}
EXIT_UNSEEN = 6

FORMATS: dict[str, Callable[[Verdict], str]] = {
    "text": lambda verdict: "".join(f"{line.text}\n" for line in text.report(verdict)),
    "json": lambda verdict: f"{json_text(jsonreport.report(verdict), indent=2)}\n",
    "sarif": lambda verdict: f"{json.dumps(sarif.report(verdict), indent=2)}\n",
    "junit": junit.report,
    "github": github.report,
}


@dataclass(frozen=True, slots=True)
class _Wish:
    """What to do with what is found."""

    form: str
    output: Path | None
    fix: bool
    yes: bool
    pull_request: bool
    write_baseline: bool
    strict: bool


@click.command(
    epilog=example(
        "csoc check",
        "csoc check https://github.com/example/gitops",
        "csoc check brh-prod staging --fail-on high",
        "csoc check --base origin/main --format github",
        "csoc check --chart gen3-0.3.90.tgz --format sarif --output csoc.sarif",
        "csoc check --fix",
    )
)
@click.argument("arguments", nargs=-1, metavar="[PATH|URL] [ENV]...")
@fleet_option
@chart_option
@click.option("--base", default="", metavar="REV", help="Only what was added since the last commit in common with REV.")
@click.option(
    "--fail-on", type=click.Choice(_SEVERITIES), default="low", show_default=True, help="Exit 1 from here on."
)
@click.option("--rule", "rules", multiple=True, metavar="ID", help="Show only this rule; give several.")
@click.option("--fix", is_flag=True, help="Mend what can be mended safely; shows the change and asks first.")
@click.option("--yes", is_flag=True, help="With --fix: do not ask.")
@click.option("--pull-request", is_flag=True, help="With --fix or --write-baseline: open a pull request.")
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True, help="How to print."
)
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the report to FILE.")
@click.option("--no-render", is_flag=True, help="Do not render charts: quicker, and sees values only.")
@click.option("--strict", is_flag=True, help="Exit 6 if nothing failed, but something could not be looked at.")
@click.option("--no-baseline", is_flag=True, help="Count what the baseline knows as well.")
@click.option("--write-baseline", is_flag=True, help="Make everything that is found now known from now on.")
@json_option
def check(
    arguments: tuple[str, ...],
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],
    chart: str | None,
    base: str,
    fail_on: str,
    rules: tuple[str, ...],
    fix: bool,
    yes: bool,
    pull_request: bool,
    form: str,
    output: Path | None,
    no_render: bool,
    strict: bool,
    no_baseline: bool,
    write_baseline: bool,
    as_json: bool,
) -> int:
    """Find what is wrong: in values, in what they render to, and between environments.

    A URL, "." or a folder is the fleet's repository; anything else names environments: by name, commons, stage, cluster
    or hostname. At the top of a repository a bare word always names environments (write ./word for the folder).

    Exits with 1 if there is a finding from --fail-on upwards (by default everything but "info"), or a document of
    csoc's own that cannot be read; with 0 otherwise. What could not be looked at (a chart, a repository) is said and
    fails nothing, unless --strict is given.
    """
    if yes and not fix:
        raise click.UsageError("--yes goes with --fix")
    if fix and write_baseline:
        raise click.UsageError("--fix and --write-baseline are two steps: mend first")
    if pull_request and not (fix or write_baseline):
        raise click.UsageError("--pull-request goes with --fix or --write-baseline")
    if write_baseline and (base or rules or no_baseline):
        raise click.UsageError("--write-baseline is about everything: without --base, --rule and --no-baseline")
    _check_rules(rules)
    source, names = _source_and_names(arguments, source)
    if write_baseline and names:
        raise click.UsageError("--write-baseline is about the whole fleet: name no environments")
    request = CheckRequest(
        environments=names,
        rules=rules,
        base=base,
        baseline=not no_baseline,
        fail_on=Severity[fail_on.upper()],
    )
    wish = _Wish("json" if as_json else form, output, fix, yes, pull_request, write_baseline, strict)
    with opened(source, revision, own_urls, chart) as (ports, fleet):
        checker = FleetChecker(ports, rendering=not no_render)
        verdict = _checked(ports, fleet, request, checker)
        if fix:
            verdict = _fix(ports, verdict, wish, checker)
        if write_baseline:
            _write_baseline(ports, verdict, wish)
    _print(verdict, wish)
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
            raise NotFoundError(f"There is no rule {name}", fix="`csoc rules list` lists all")


def _source_and_names(arguments: Sequence[str], source: str) -> tuple[str, tuple[str, ...]]:
    """Which argument is the fleet's source, and which ones name environments."""
    at_top = any(Path(name).exists() for name in (".git", layout.ADOPTED, "fleet.yaml"))
    context = click.get_current_context(silent=True)
    stated = context is not None and context.get_parameter_source("source") not in (None, ParameterSource.DEFAULT)
    sources, names = split_arguments(arguments, words_are_names=at_top or stated)
    if len(sources) > 1:
        raise click.UsageError(f"only one fleet at a time: {sources[0]} and {sources[1]} are two")
    typed = context is not None and context.get_parameter_source("source") is ParameterSource.COMMANDLINE
    if sources and typed:
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
        (sources if _URL.match(argument) or is_path or is_word_for_folder else names).append(argument)
    return sources, names


# Mending


def _fix(ports: Ports, verdict: Verdict, wish: _Wish, checker: FleetChecker) -> Verdict:
    """Shows what would be mended, asks, mends, and checks again. Without consent everything stays."""
    plan = plan_fixes(ports, verdict.fleet, verdict.findings, verdict.outcome, checker)
    _print_plan(plan)
    if not plan.writes or not _agreed(wish):
        return verdict
    published = apply_fixes(ports, verdict.fleet, plan, pull_request=wish.pull_request)
    if published is not None and published.pull_request is not None:
        _note(f"Opened {published.pull_request.url}. {published.note}".rstrip(), "bold green")
        return verdict
    _note(f"Changed {len(plan.writes)} files in the work tree; nothing is committed.\n", "bold green")
    return _checked(ports, load_fleet(ports, verdict.fleet.query), verdict.request, checker)


def _print_plan(plan: FixPlan) -> None:
    if not plan.writes and not plan.left:
        _note("There is nothing that can be mended without a person's decision.")
    for line in plan.diff():
        console(error=True).print(Text(clean(line), style=_DIFF_STYLES.get(line[:1], "")), soft_wrap=True)
    for title, findings in (("Mends", plan.gone), ("Brings up", plan.new)):
        for finding in findings:
            _note(f"{title} {finding.rule}: {finding.cause} ({', '.join(finding.environments)})")
    for finding, reason in plan.left:
        _note(f"Not mended: {finding.rule}: {reason}", "yellow")


def _agreed(wish: _Wish) -> bool:
    if wish.yes:
        return True
    if sys.stdin.isatty() and sys.stderr.isatty():
        return click.confirm("Make this change?", err=True)
    _note("Nothing was changed. Add --yes to make this change.", "bold")
    return False


def _write_baseline(ports: Ports, verdict: Verdict, wish: _Wish) -> None:
    written = write_baseline(ports, verdict.fleet, verdict.outcome, pull_request=wish.pull_request)
    where = f" in {written.published.pull_request.url}" if written.published and written.published.pull_request else ""
    _note(f"{written.path} knows {written.count} findings{where}.", "bold green")


def _note(message: str, style: str = "") -> None:
    """For people, beside the report."""
    console(error=True).print(Text(clean(message), style=style), soft_wrap=True)


# Printing


def _print(verdict: Verdict, wish: _Wish) -> None:
    if wish.output is not None:
        _write(wish.output, FORMATS[wish.form](verdict))
        counts = ", ".join(f"{count} {severity.name.lower()}" for severity, count in verdict.counts.items() if count)
        _note(f"{wish.output}: {counts or 'no findings'}")
    elif wish.form == "text":
        print_report(verdict)
    else:
        click.echo(FORMATS[wish.form](verdict), nl=False)


def print_report(verdict: Verdict) -> None:
    """A verdict for people, on standard output."""
    terminal = console()
    for line in text.report(verdict):
        shown = Text(line.text, style="" if line.styled else line.style)
        if line.styled:
            shown.stylize(line.style, 0, line.styled)
        terminal.print(shown, soft_wrap=True)


def _write(path: Path, content: str) -> None:
    """The whole file or none of it."""
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=".csoc-", delete=False) as file:
            file.write(content)
        present = os.umask(0o077)
        os.umask(present)
        Path(file.name).chmod(0o666 & ~present)
        Path(file.name).replace(path)
    except PermissionError as error:
        raise DeniedError("The file may not be written", place=str(path)) from error
    except FileNotFoundError as error:
        raise NotFoundError("There is no such folder", place=str(path.parent), fix="Make it first") from error
    except IsADirectoryError as error:
        raise RejectedError("This is a folder", place=str(path), fix="Name a file") from error
    except OSError as error:
        raise UnavailableError(f"The file cannot be written: {error.strerror}", place=str(path)) from error
