"""`csoc launch`: from a file of answers to a commons."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click

from csoc.accounts.workflows import parse_workflow
from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import WrongUsageError, command
from csoc.cli.output import print_json, progress, say, write
from csoc.cli.plan.merging import until_merged
from csoc.cli.plan.session import open_applying
from csoc.cli.plan.show import plan_json, print_plan
from csoc.cli.runs.following import execute_and_follow, follow
from csoc.cli.runs.session import run_json
from csoc.cli.session import fleet_option
from csoc.config import read_secret_file
from csoc.errors import NotFoundError, UnavailableError
from csoc.gen3.launch.answers import Answers, SecretReference, example_answers, parse_answers
from csoc.operations.runs import HERE
from csoc.usecases.launching import Launched, Request, begin, prepare
from csoc.usecases.planning.filling import GivenSecrets

_FILE = click.Path(dir_okay=False, path_type=Path)
_LARGEST_USERS = 5_000_000


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
    answers = parse_answers(_content(answers_file), str(answers_file))
    users, secrets = _users(answers, answers_file), _secrets(answers, answers_file)
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
        if as_json and not wait:
            print_json(_json(launched))
        elif not as_json:
            _print(launched, place)
        if not wait:
            return 0
        code = 0
        for run in launched.runs:
            code = (
                execute_and_follow(runs, run.id, as_json=as_json) if not code else follow(runs, run.id, as_json=as_json)
            )
            if code:
                break
        return code


def _print(launched: Launched, place: str) -> None:
    prepared = launched.prepared
    what = "is in Git already" if prepared.published is None else f"is in Git: commit {prepared.commit[:12]}"
    say(f"{prepared.environment} on cluster {prepared.cluster} {what}", "bold")
    for plan in launched.plans:
        say()
        print_plan(plan, launched.missing[plan.id])
    say()
    for run in launched.runs:
        say(f"Run {run.id} for {run.owner_name} is queued: csoc runs watch {run.id}")
        if place != HERE:
            say(f"In that workflow: csoc worker --where {place} --only {run.id}")
    if prepared.asked:
        say("It will ask for what only a person has, unless the answers say where it is:")
        for secret, field, what_it_is in prepared.asked:
            say(f"  {secret}: {field}, {what_it_is}")
    if prepared.known_later:
        say("Nobody can know yet:")
        for what in prepared.known_later:
            say(f"  {what}")


def _json(launched: Launched) -> dict[str, object]:
    return {
        "environment": launched.prepared.environment,
        "cluster": launched.prepared.cluster,
        "commit": launched.prepared.commit,
        "plans": [plan_json(plan, launched.missing[plan.id]) for plan in launched.plans],
        "runs": [run_json(run) for run in launched.runs],
        "knownLater": list(launched.prepared.known_later),
    }


def _content(path: Path, fix: str = "Correct --answers") -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError("The file does not exist", place=str(path), fix=fix) from None
    except OSError as error:
        raise UnavailableError(f"The file cannot be read: {error.strerror}", place=str(path)) from error


def _users(answers: Answers, beside: Path) -> str:
    if answers.users is None:
        return ""
    path = beside.parent / answers.users
    content = _content(path, "Correct users in the answers: it is a path beside them")
    if len(content) > _LARGEST_USERS:
        raise UnavailableError(f"The file is larger than {_LARGEST_USERS:,} bytes", place=str(path))
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise UnavailableError("The file is not UTF-8 text", place=str(path)) from None


def _secrets(answers: Answers, beside: Path) -> GivenSecrets:
    """What the answers know of the client, read now and kept in this process's memory."""
    found: dict[str, str] = {}
    if answers.sign_in.client_id is not None:
        found["client-id"] = answers.sign_in.client_id
    if answers.sign_in.client_secret is not None:
        found["client-secret"] = _read(answers.sign_in.client_secret, beside.parent, os.environ.get)
    return {"fence-config": found} if found else {}


def _read(reference: SecretReference, folder: Path, variable: Callable[[str], str | None]) -> str:
    if reference.env is not None:
        value = variable(reference.env)
        if not value:
            raise NotFoundError(f"The variable {reference.env} is not set", place="signIn.clientSecret", fix="Set it")
        return value.strip()
    return read_secret_file(folder / str(reference.file)).strip()
