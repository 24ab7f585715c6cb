"""The command itself."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from pathlib import Path

import click

from csoc.cli.arguments import FOLDER
from csoc.cli.commands import command
from csoc.cli.demo.adopted import adopt, adopted_json, print_adopted, print_next
from csoc.cli.output import EXIT_FAILED, print_json, say


@command("demo", "csoc demo", "csoc demo --exit --json", "csoc demo --into /tmp/tidewater")
@click.option("--exit", "ends", is_flag=True, help="End by itself, instead of staying for you to try things.")
@click.option(
    "--into", type=FOLDER, metavar="DIR", help="Only the adopted fleet: copy it here, to play with it; no cloud."
)
def demo(ends: bool, into: str | None, as_json: bool) -> int:
    """Play the whole job on an emulated cloud.

    Two accounts are linked and one is refused, a commons is launched until it answers over https, with its plans and
    costs, and a fleet that somebody had before is adopted and checked beside it. Nothing leaves this machine. Ends with
    0 only if the commons got healthy. Without --exit the cloud stays until Ctrl-C, for csoc's commands in another
    terminal.
    """
    if into is not None:
        page, verdict = adopt(Path(into))
        if as_json:
            print_json(adopted_json(page, verdict))
        else:
            print_adopted(page, verdict, Path(into))
            print_next(into)
        return 0
    from csoc.cli.demo.scene import scene
    from csoc.cli.demo.story import ENVIRONMENT, HOSTNAME, answers_text, tell

    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="csoc-demo-") as scratch:
        if not as_json:
            say("An emulated cloud is started; nothing leaves this machine.", "bold")
        with scene(Path(scratch)) as stage:
            stage.site.answers.write_text(answers_text(stage), encoding="utf-8")
            told = tell(stage, _nothing if as_json else say)
            seconds = time.monotonic() - begun
            page, verdict = adopt(stage.folder / "tidewater")
            if as_json:
                print_json(
                    {
                        "healthy": told.is_healthy,
                        "seconds": round(seconds, 1),
                        "environment": ENVIRONMENT,
                        "hostname": HOSTNAME,
                        "usdPerMonth": round(told.usd_per_month, 2),
                        "links": told.links,
                        "plans": told.plans,
                        "runs": told.runs,
                        "adopted": adopted_json(page, verdict),
                    }
                )
            else:
                say()
                print_adopted(page, verdict, stage.folder / "tidewater")
                _say_result(told.is_healthy, seconds)
                _say_next(stage.site.csoc_file, stage.folder, ends=ends)
            if not ends and not as_json:
                _stay()
    return 0 if told.is_healthy else EXIT_FAILED


def _nothing(text: str, style: str) -> None:
    """For programs, which get it all at the end."""


def _say_result(is_healthy: bool, seconds: float) -> None:
    from csoc.cli.demo.story import HOSTNAME

    say()
    if is_healthy:
        say(f"https://{HOSTNAME}/ is healthy, {seconds:.0f} s after the start.", "bold green")
    else:
        say(f"https://{HOSTNAME}/ did not get healthy; its run above says why.", "bold red")
    say("The emulated cloud runs 600 times as fast as time.")


def _say_next(file: Path, folder: Path, *, ends: bool) -> None:
    say()
    if ends:
        say("Run csoc demo without --exit to try things on it.", "bold")
        return
    say("Try it, in another terminal:", "bold")
    for line in (
        f". {file}",
        "csoc status reef-dev --outputs",
        "csoc runs list",
        "csoc plan reef --whole",
        "csoc account list",
        f"csoc launch --answers {folder}/answers.yaml",
        f"csoc fleet compare coral-staging coral-prod --fleet {folder}/tidewater",
        "csoc destroy reef-dev",
    ):
        say(f"  $ {line}")
    say("Ctrl-C ends the cloud, and with it everything above.")


def _stay() -> None:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        sys.stdout.flush()
