"""`csoc launch`: from a file of answers to a commons."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from pathlib import Path

import click

from csoc.accounts.workflows import parse_workflow
from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import WrongUsageError, command
from csoc.cli.output import EXIT_FAILED, print_json, progress, say, write
from csoc.cli.plan.merging import until_merged
from csoc.cli.plan.session import open_applying
from csoc.cli.plan.show import plan_json, print_plan
from csoc.cli.runs.following import execute_and_follow
from csoc.cli.runs.session import run_json
from csoc.cli.session import fleet_option
from csoc.config.files import read_whole
from csoc.config.loading import load
from csoc.errors import CsocError, NotFoundError, RejectedError
from csoc.gen3.launch.answerfiles import LARGEST_BYTES, example_answers, parse_answers
from csoc.gen3.launch.answers import Answers
from csoc.operations.runs import HERE, RunState
from csoc.usecases.launch_files import secrets_of, users_of, variables_of
from csoc.usecases.launching import Launched, Request, begin, prepare
from csoc.usecases.planning.filling import GivenSecrets
from csoc.usecases.run_ports import RunPorts

_FILE = click.Path(dir_okay=False, path_type=Path)


@command(
    "launch",
    "csoc launch --example-answers",
    "csoc launch --answers answers.yaml",
    "csoc launch --answers answers.yaml --auto-approve --wait",
    "csoc launch --answers answers.yaml --where github:example/fleet",
)
@click.option("--answers", "answers_file", type=_FILE, metavar="FILE", help="What is to be launched.")
@click.option("--example-answers", "example", is_flag=True, help="Print an example with every key and its meaning.")
@click.option("--auto-approve", is_flag=True, help="Approve the plans at once, where one person may.")
@click.option("--wait", is_flag=True, help="Stay until the commons answers, executing its runs here.")
@click.option(
    "--where", type=ONE_LINE, metavar="PLACE",
    help="Begin the runs and leave them to a workflow: github:OWNER/REPO.",
)  # fmt: skip
@click.option("--pull-request", is_flag=True, help="Documents, and what runs write, go through pull requests.")
@fleet_option
def launch_command(
    answers_file: Path | None,
    example: bool,
    auto_approve: bool,
    wait: bool,
    where: str | None,
    pull_request: bool,
    source: str,
    revision: str | None,  # noqa: ARG001 - a launch is of the branch that is deployed
    own_urls: tuple[str, ...],  # noqa: ARG001 - documents name their own repository
    as_json: bool,
) -> int:
    """Launch a commons: its documents in Git, its plans, its runs.

    What cannot be planned is refused before anything is written. One commit says what should be; the plans say what
    that does and costs; the runs do it, each waiting for its approval and for what it needs. Asked again with the same
    answers, it goes on where it is.
    """
    if example:
        write(example_answers())
        return 0
    if answers_file is None:
        raise WrongUsageError("Nobody says what to launch", "Give --answers FILE; --example-answers prints one")
    if wait and where is not None:
        raise WrongUsageError(
            "--wait executes the runs here, and --where leaves them to a workflow",
            "Take one of them away; csoc runs watch RUN shows what a workflow does",
        )
    place = parse_workflow(where).where if where is not None else HERE
    content = read_whole(answers_file, LARGEST_BYTES, fix="Correct --answers")
    answers = parse_answers(content, str(answers_file))
    users, secrets = _beside(answers, answers_file.parent, wait=wait)
    given: dict[str, GivenSecrets] = {}
    with open_applying(lambda uid: given.get(uid, {})) as (ports, runs):
        request = Request(source, answers, auto_approve, pull_request, users, place)
        progress("planning what the answers become, before it is written")
        prepared = prepare(ports, request)
        if wait:
            prepared = until_merged(ports, request, prepared, as_json=as_json)
        if prepared.published is not None and prepared.published.pull_request is not None:
            url = prepared.published.pull_request.url
            if as_json:
                print_json({"environment": prepared.environment, "cluster": prepared.cluster, "pullRequest": url})
            else:
                say(f"The documents are in {url}: merge it, and launch again.")
            return 0
        given[prepared.uid] = secrets
        progress("planning")
        launched = begin(ports, runs, request, prepared)
        to_type = [] if wait else next_commands(launched, answers_file)
        if as_json and (not wait or not launched.runs):
            print_json({**_json(launched), "next": to_type})
        elif not as_json:
            _print(launched, to_type, wait=wait, told=_told(answers))
        if not launched.runs:
            return 0 if launched.is_healthy else EXIT_FAILED
        return _followed(runs, launched, as_json=as_json) if wait else 0


def _followed(runs: RunPorts, launched: Launched, *, as_json: bool) -> int:
    """Executes the runs here, one after another. Gives the exit code of the first that did not end well."""
    for run in launched.runs:
        code = execute_and_follow(runs, run.id, as_json=as_json)
        if code:
            return code
    return 0


def _beside(answers: Answers, folder: Path, *, wait: bool) -> tuple[str, GivenSecrets]:
    """The list of users, and the secrets that runs are given here: a run that a worker executes asks for its own, so
    without wait a variable need not be set yet. Raises what either raises, RejectedError for both at once."""
    users = ""
    secrets: GivenSecrets = {}
    wrong: list[CsocError] = []
    try:
        users = users_of(answers, folder)
    except CsocError as error:
        wrong.append(error)
    try:
        secrets = secrets_of(answers, folder, own=variables_of(load()))
    except CsocError as error:
        secret = answers.sign_in.client_secret
        is_unset = isinstance(error, NotFoundError) and secret is not None and secret.env is not None
        wrong += [] if is_unset and not wait else [error]
    if len(wrong) > 1:
        each = "; ".join(f"{one.place}: {one.cause}" for one in wrong)
        fixes = "; ".join(dict.fromkeys(one.fix for one in wrong if one.fix))
        raise RejectedError(f"{len(wrong)} things that the answers name cannot be used: {each}", fix=fixes)
    if wrong:
        raise wrong[0]
    return users, secrets


def _told(answers: Answers) -> frozenset[tuple[str, str]]:
    """Secrets and fields of which the answers say where they are."""
    sign_in = answers.sign_in
    known = {"client-id": sign_in.client_id, "client-secret": sign_in.client_secret}
    return frozenset(("fence-config", name) for name, one in known.items() if one is not None)


def print_asked(asked: Sequence[tuple[str, str, str]], *, wait: bool, told: Collection[tuple[str, str]]) -> None:
    """What runs will ask for: secret, field, and what it is. told: those of which the answers say where they are, which
    only a process that read the answers can give."""
    asks = [one for one in asked if one[:2] not in told]
    if asks:
        say("It will ask for what only a person has:")
        for secret, field, what_it_is in asks:
            say(f"  {secret}: {field}, {what_it_is}")
    given = [one for one in asked if one[:2] in told]
    if given and not wait:
        say("The answers say where this is, which csoc launch --wait gives; another worker asks for it:")
        for secret, field, what_it_is in given:
            say(f"  {secret}: {field}, {what_it_is}")


def _print(launched: Launched, to_type: list[str], *, wait: bool, told: Collection[tuple[str, str]]) -> None:
    prepared = launched.prepared
    what = "is in Git already" if prepared.published is None else f"is in Git: commit {prepared.commit[:12]}"
    say(f"{prepared.environment} on cluster {prepared.cluster} {what}", "bold")
    ran = {run.plan for run in launched.runs}
    for plan in launched.plans:
        say()
        print_plan(plan, launched.missing[plan.id], gets_run=plan.id in ran)
    say()
    for run in launched.runs:
        say(f"Run {run.id} for {run.owner_name} is {run.state}: csoc runs watch {run.id}")
        if run.where != HERE:
            say(f"In that workflow: csoc worker --where {run.where} --only {run.id}")
    print_asked(prepared.asked, wait=wait, told=told)
    if prepared.known_later:
        say("Nobody can know yet:")
        for what in prepared.known_later:
            say(f"  {what}")
    lacking = [plan.id for plan in launched.plans if plan.id in ran and launched.missing[plan.id]]
    if wait and lacking:
        say("Type this elsewhere, in this order; the runs go on by themselves:", "bold")
        for plan_id in lacking:
            say(f"  csoc approve {plan_id}")
    _print_healthy(launched)
    if to_type:
        say("Type next, in this order:" if launched.runs else "Type next, as you like:", "bold")
        for line in to_type:
            say(f"  {line}")


def _print_healthy(launched: Launched) -> None:
    if launched.runs or launched.answer is None:
        return
    for found in launched.standings:
        if not found.is_well:
            say(f"{found.owner.shown} is not well: csoc status {found.owner.name}", "bold red")
    if not launched.answer.is_up:
        say(f"{launched.prepared.environment} does not answer over https: {launched.answer.why}", "bold red")
    if launched.is_healthy:
        say(
            f"{launched.prepared.environment} is healthy: its layers are as planned, and it answers over https", "green"
        )


def next_commands(launched: Launched, answers: Path) -> list[str]:
    """What somebody types after a launch that does not wait, in order, with what it is for."""
    name = launched.prepared.environment
    if not launched.runs:
        return [f"csoc status {name}", f"csoc plan {name}"]
    ran = {run.plan for run in launched.runs}
    lines = [
        f"csoc approve {plan.id}  # {plan.owner_kind} {plan.owner_name}: it needs {launched.missing[plan.id]}"
        for plan in launched.plans
        if plan.id in ran and launched.missing[plan.id]
    ]
    lines += [
        f"csoc runs resume {run.id}  # {run.owner_name}: csoc could not find out what happened"
        for run in launched.runs
        if run.state is RunState.ERRORED
    ]
    if any(run.where != HERE for run in launched.runs):
        return lines + [f"csoc runs watch {run.id}  # what the workflow does" for run in launched.runs]
    lines.append(f"csoc launch --answers {shlex.quote(str(answers))} --wait  # executes the runs, unless a worker does")
    lines.append("csoc worker  # instead of that, if nobody waits: it executes the runs of everybody")
    return lines


def _json(launched: Launched) -> dict[str, object]:
    return {
        "environment": launched.prepared.environment,
        "cluster": launched.prepared.cluster,
        "commit": launched.prepared.commit,
        "plans": [plan_json(plan, launched.missing[plan.id]) for plan in launched.plans],
        "runs": [run_json(run) for run in launched.runs],
        "healthy": launched.is_healthy if not launched.runs else None,
        "knownLater": list(launched.prepared.known_later),
    }
