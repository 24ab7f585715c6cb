"""`csoc emulator`: a cloud and clusters on this machine, and what one may ask of them while they run."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from csoc.cli.arguments import FOLDER, ONE_LINE
from csoc.cli.commands import CommandGroup, Listed, WrongUsageError, command
from csoc.cli.output import count, print_json, say, table, write
from csoc.cli.tables import Cell
from csoc.emulator.effects import ACTIONS, EFFECTS, TROUBLE
from csoc.emulator.remote import RemoteControl
from csoc.emulator.timeline import FASTEST, SLOWEST
from csoc.errors import RejectedError

if TYPE_CHECKING:
    from csoc.cli.demo.emulated_site import EmulatedSite

F = TypeVar("F", bound=Callable[..., Any])
_REGION = "ap-southeast-2"
_ACCOUNT, _LINKED = "111111111111", "222222222222"
_FAULTS_HELP = f"Plan trouble in a running emulator: {TROUBLE}."


class _Speed(click.FloatRange):
    """A number within bounds; of "nan" no comparison says that it is out of them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = float(super().convert(value, param, ctx))
        if found != found:
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return found


class _EmulatorGroup(CommandGroup):
    """A group that does something by itself: without a command it starts the emulator."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.callback = _start
        self.params = [
            click.Option(
                ["--port"], type=click.IntRange(0, 65_535), default=4566, show_default=True,
                help="Of the cloud; 0 for any that is free.",
            ),
            click.Option(
                ["--data"], type=FOLDER, metavar="DIR",
                help="Keep the state in this folder, so that it survives a restart. It must be yours alone.",
            ),
            click.Option(
                ["--speed"], type=_Speed(SLOWEST, FASTEST), default=1.0, show_default=True,
                help="How many seconds pass in the cloud while one passes here.",
            ),
            click.Option(
                ["--account", "accounts"], type=ONE_LINE, multiple=True, metavar="ID",
                help=f"An account to make, of 12 digits. More can be made later.  [default: {_ACCOUNT}]",
            ),
            click.Option(
                ["--site"], type=FOLDER, metavar="DIR",
                help="Prepare a launch by hand in this folder: charts, answers, the variables of csoc in the first "
                f"account and of the owner of the second.  [accounts: {_ACCOUNT}, {_LINKED}]",
            ),
            *self.params,
        ]  # fmt: skip


@click.pass_context
def _start(
    context: click.Context, port: int, data: str | None, speed: float, accounts: tuple[str, ...], site: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    if context.invoked_subcommand is not None:
        if as_json:
            behind = f"{context.command_path} {context.invoked_subcommand} ... --json"
            raise WrongUsageError("--json goes behind the command", f"Write {behind}", context)
        return
    default = (_ACCOUNT, _LINKED) if site is not None else (_ACCOUNT,)
    wanted = list(dict.fromkeys(_account_id(account) for account in accounts or default))
    if site is not None and len(wanted) < 2:
        raise WrongUsageError("A site needs two accounts: csoc's, and one to link", "Give --account twice", context)
    # A link in place of the state's folder stays one, which is refused; clusters name the site's by where it is.
    kept = Path(data).expanduser().absolute() if data is not None else None
    place = Path(site).expanduser().resolve() if site is not None else None
    try:
        _run(port, kept, speed, wanted, place, as_json=as_json)
    except KeyboardInterrupt:
        # Ctrl-C is how it is meant to end; SIGTERM is made an end by csoc.cli.entry.
        return


def _run(
    port: int, data: Path | None, speed: float, wanted: Sequence[str], folder: Path | None, *, as_json: bool
) -> None:
    from csoc import bootstrap
    from csoc.cli.demo.emulated_site import check_folder, prepare

    if folder is not None:
        check_folder(folder, is_kept=data is not None)
    with bootstrap.emulator(port=port, speed=speed, data=data, local=folder) as running:
        owners = [running.accounts.owner(account) for account in wanted]
        site = prepare(running, folder, *wanted[:2]) if folder is not None else None
        shown = {
            owner.account: _variables(running.endpoint, running.token, owner.access_key, owner.secret)
            for owner in owners
        }
        if as_json:
            accounts = [{"account": account, "variables": variables} for account, variables in shown.items()]
            told = {"endpoint": running.endpoint, "token": running.token, "accounts": accounts}
            print_json(told | ({"site": _site_json(site)} if site is not None else {}))
        else:
            say(f"The cloud is at {running.endpoint}, its clusters at {running.clusters.address}. Ctrl-C ends them.")
            if site is not None:
                _say_site(site, wanted)
            else:
                for account, variables in shown.items():
                    say()
                    say(f"# account {account}")
                    _print_variables(variables)
        threading.Event().wait()


def _site_json(site: EmulatedSite) -> dict[str, Any]:
    return {
        "csoc": str(site.csoc_file), "owner": str(site.owner_file), "answers": str(site.answers),
        "variables": dict(site.environ),
    }  # fmt: skip


def _say_site(site: EmulatedSite, accounts: Sequence[str]) -> None:
    say()
    say(f"# csoc's role in account {accounts[0]}, with charts, fleet and records in this folder")
    write(f". {shlex.quote(str(site.csoc_file))}\n")
    say(f"# the owner of account {accounts[1]}")
    write(f". {shlex.quote(str(site.owner_file))}\n")
    say(f"# answers for a commons in it: {site.answers}")


def _account_id(text: str) -> str:
    if len(text) != 12 or not (text.isascii() and text.isdigit()):
        raise WrongUsageError(f"{text!r} is no account id", "It has 12 digits")
    return text


def _variables(endpoint: str, token: str, access_key: str, secret: str) -> dict[str, str]:
    """What programs need to find the cloud, and csoc the emulator itself."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": _REGION,
        "CSOC_EMULATOR": endpoint,
        "CSOC_EMULATOR_TOKEN": token,
    }


def _print_variables(variables: dict[str, str]) -> None:
    """To be pasted: lines are never broken, whatever the terminal's width."""
    write("".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()))


def _at_options(function: F) -> F:
    """--at and --token: which emulator."""
    token = click.option(
        "--token", type=ONE_LINE, envvar="CSOC_EMULATOR_TOKEN", metavar="TOKEN",
        help="What it printed at its start. Also read from CSOC_EMULATOR_TOKEN.",
    )  # fmt: skip
    at = click.option(
        "--at", type=ONE_LINE, envvar="CSOC_EMULATOR", metavar="URL",
        help="Where the emulator runs. Also read from CSOC_EMULATOR.",
    )  # fmt: skip
    return at(token(function))


def _control(at: str | None, token: str | None) -> RemoteControl:
    if not at or not token:
        raise WrongUsageError(
            "Which emulator is meant is not said", "Set the variables that `csoc emulator` printed at its start"
        )
    try:
        return RemoteControl(at, token)
    except RejectedError as error:
        raise WrongUsageError(f"{error.place}: {error.cause}", error.fix) from error


@command("credentials", "csoc emulator credentials 222222222222")
@click.argument("account", metavar="ACCOUNT", type=ONE_LINE)
@_at_options
def credentials_command(account: str, at: str | None, token: str | None, as_json: bool) -> None:
    """The variables for an account's owner, which is made if need be."""
    found = _control(at, token).ask("GET", f"accounts/{_account_id(account)}/credentials")
    variables = _variables(str(at), str(token), found["accessKey"], found["secret"])
    if as_json:
        print_json({"account": account, "variables": variables})
    else:
        _print_variables(variables)


@command("list", "csoc emulator faults list")
@_at_options
def list_faults(at: str | None, token: str | None, as_json: bool) -> None:
    """The rules, and how often each hit."""
    found = _control(at, token).ask("GET", "faults")["faults"]
    if as_json:
        print_json(found)
        return
    rows: list[list[Cell]] = [
        [
            rule["id"],
            rule["effect"],
            _where(rule),
            *("" if rule[name] is None else str(rule[name]) for name in ("hits", "left")),
        ]
        for rule in found
    ]
    table(["id", "effect", "where", "hits", "still to hit"], rows, title=count(len(rows), "fault"))


def _number(found: int | None) -> str:
    return "" if found is None else str(found)


def _where(rule: dict[str, Any]) -> str:
    names = (
        "account", "region", "service", "operation", "role", "stack", "resource", "action",
        "image", "namespace", "workload", "container",
    )  # fmt: skip
    return " ".join(f"{name}={rule[name]}" for name in names if rule[name] != "*") or "everywhere"


@command(
    "add",
    "csoc emulator faults add throttle --service cloudformation --calls 3",
    "csoc emulator faults add resource --resource Database --action create --reason 'No capacity'",
    "csoc emulator faults add image --image '*/fence:*'",
)
@click.argument("effect", type=click.Choice(tuple(EFFECTS)), metavar="EFFECT")
@click.option("--account", type=ONE_LINE, default="*", help="Of the caller; * and ? stand for anything.")
@click.option("--region", type=ONE_LINE, default="*", help="Where the call goes.")
@click.option("--service", type=ONE_LINE, default="*", help="As boto3 calls it: ec2, cloudformation, elbv2.")
@click.option("--operation", type=ONE_LINE, default="*", help="CreateStack, Describe*.")
@click.option("--role", type=ONE_LINE, default="*", help="Name or ARN of the role or user that calls.")
@click.option("--probability", type=float, default=1.0, show_default=True, help="How likely a call is hit.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the chance; the same one hits the same calls.")
@click.option("--calls", type=int, help="Only the next so many.")
@click.option("--seconds", type=float, default=0.0, help="Of a latency; real ones, at any --speed.")
@click.option("--code", type=ONE_LINE, help="Of an error.")
@click.option("--message", type=ONE_LINE, help="Of an error.")
@click.option("--status", type=click.IntRange(400, 599), help="Of an error, HTTP's; the usual one without.")
@click.option("--done", is_flag=True, help="A time-out or reset comes after the call was carried out.")
@click.option("--stack", type=ONE_LINE, default="*", help="Whose resource fails.")
@click.option("--resource", type=ONE_LINE, default="*", help="The logical id of the resource that fails.")
@click.option("--action", type=click.Choice(("*", *ACTIONS)), default="*", help="When.")
@click.option("--reason", type=ONE_LINE, help="Why the resource or pod fails, as its events or log tell it.")
@click.option("--image", type=ONE_LINE, default="*", help="That cannot be pulled, as pods name it; * and ?.")
@click.option("--namespace", type=ONE_LINE, default="*", help="Of the pods that go wrong.")
@click.option("--workload", type=ONE_LINE, default="*", help="Their name, or that of what owns them.")
@click.option("--container", type=ONE_LINE, default="*", help="Of the pods; all of them without.")
@_at_options
def add_fault(at: str | None, token: str | None, as_json: bool, **rule: Any) -> None:
    """Set a rule: which calls are hit, and what becomes of them.

    EFFECT is one of throttle, latency, deny, error, timeout, reset (of calls), resource (of stacks), image, crash, oom,
    unready (of pods).
    """
    given = {name: value for name, value in rule.items() if value is not None}
    try:
        made = _control(at, token).ask("POST", "faults", given)
    except RejectedError as error:
        # What the rule lacks or has too much is what was typed.
        raise WrongUsageError(error.cause, "`csoc emulator faults add --help` says what it takes") from error
    if as_json:
        print_json(made)
        return
    say(f"{made['id']} is set; `csoc emulator faults remove {made['id']}` ends it.")
    for missing in made["warnings"]:
        say(f"It hits nothing as things are: {missing}", "yellow", error=True)


@command("remove", "csoc emulator faults remove fault-1", "csoc emulator faults remove --all")
@click.argument("fault", metavar="[ID]", required=False, type=ONE_LINE)
@click.option("--all", "every", is_flag=True, help="End all of them.")
@_at_options
def remove_fault(fault: str | None, every: bool, at: str | None, token: str | None, as_json: bool) -> None:
    """End a rule."""
    if (fault is None) == (not every):
        said = "is not said" if fault is None else "is said twice"
        raise WrongUsageError(f"Which fault is to end {said}", "Name its id, or give --all")
    _control(at, token).ask("DELETE", "faults" if every else f"faults/{fault}")
    if as_json:
        print_json({"removed": "all" if every else fault})
    else:
        say("All faults ended." if every else f"{fault} ended.")


faults = CommandGroup(
    "faults",
    {
        "list": Listed("csoc.cli.emulator:list_faults", "The rules, and how often each hit."),
        "add": Listed("csoc.cli.emulator:add_fault", "Set a rule: which calls are hit, and what becomes of them."),
        "remove": Listed("csoc.cli.emulator:remove_fault", "End a rule."),
    },
    help=_FAULTS_HELP,
    examples=("csoc emulator faults list", "csoc emulator faults add throttle --service ec2 --calls 5"),
)

emulator = _EmulatorGroup(
    "emulator",
    {
        "credentials": Listed(
            "csoc.cli.emulator:credentials_command",
            "The variables for an account's owner, which is made if need be.",
        ),
        "faults": Listed(
            "csoc.cli.emulator:faults",
            _FAULTS_HELP,
        ),
    },
    help="Run a cloud with clusters to build against, or ask a running one.",
    examples=("csoc emulator", "csoc emulator --data ~/cloud --speed 60 --account 111111111111"),
)
