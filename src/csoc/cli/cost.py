"""`csoc cost`: what a cluster or an environment costs a month, offline, before anything exists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from csoc.cli.arguments import ONE_LINE
from csoc.cli.commands import CommandGroup, Listed, WrongUsageError, command
from csoc.cli.output import print_json, progress, say, table
from csoc.cli.session import fleet_option
from csoc.config.files import read_whole
from csoc.costs.assumptions import ASSUMPTIONS
from csoc.costs.lines import Kind, Line, Range
from csoc.fleet.documents.infrastructure import Size
from csoc.usecases.costing import Asked, Costing, of_answers, of_owner

if TYPE_CHECKING:
    from csoc.provisioning.synthesis import Synthesizer
    from csoc.usecases.ports import Ports

_SIZES: tuple[Size, ...] = get_args(Size)

cost = CommandGroup(
    "cost",
    {
        "estimate": Listed(
            "csoc.cli.cost:estimate_command", "What a cluster, an environment or a file of answers costs a month."
        ),
        "assumptions": Listed("csoc.cli.cost:assumptions_command", "What estimates assume, by size."),
    },
    help="What a cluster or an environment costs, before it exists.",
    examples=("csoc cost estimate --answers answers.yaml --region ap-southeast-2", "csoc cost assumptions"),
)


@command(
    "estimate",
    "csoc cost estimate research",
    "csoc cost estimate environment/heart-prod --lines",
    "csoc cost estimate research --size large --assume nat_gb=5000",
    "csoc cost estimate --answers answers.yaml --region ap-southeast-2",
)
@click.argument("owner", type=ONE_LINE, required=False)
@click.option(
    "--answers", "answers_file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Of what csoc launch would make from these answers.",
)  # fmt: skip
@click.option("--size", type=click.Choice(_SIZES), help="As if it were of this size.")
@click.option("--region", type=ONE_LINE, metavar="REGION", help="With --answers that name none: region of AWS.")
@click.option(
    "--assume", "assumed", type=ONE_LINE, multiple=True, metavar="NAME=VALUE",
    help="Another value for an assumption; several times. csoc cost assumptions lists them.",
)  # fmt: skip
@click.option("--lines", is_flag=True, help="Show every line with its formula.")
@fleet_option
def estimate_command(
    owner: str | None,
    answers_file: Path | None,
    size: Size | None,
    region: str | None,
    assumed: tuple[str, ...],
    lines: bool,
    source: str,
    revision: str | None,
    own_urls: tuple[str, ...],  # noqa: ARG001 - documents name their own repository
    as_json: bool,
) -> None:
    """What a cluster, an environment or a file of answers costs a month.

    Offline, from price tables: no account and no link is needed. Each amount has a lowest and a highest where something
    scales by itself. What has no price is named.
    """
    if (owner is None) == (answers_file is None):
        raise WrongUsageError(
            "Nobody says what is to be priced" if owner is None else "OWNER and --answers exclude each other",
            "Name a cluster or an environment, or give --answers FILE",
        )
    asked = Asked(size, _assumed(assumed), region or "")
    from csoc.clock import system_clock

    with _open_estimating() as (git, synthesizer):
        if answers_file is not None:
            from csoc.gen3.launch.answerfiles import LARGEST_BYTES, parse_answers

            content = read_whole(answers_file, LARGEST_BYTES, fix="Correct --answers")
            answers = parse_answers(content, str(answers_file))
            found = of_answers(answers, synthesizer, system_clock, asked)
        else:
            from csoc.usecases.planning.fleets import fleet_at

            progress(f"reading {source}")
            found = (of_owner(fleet_at(git, source, revision), owner or "", synthesizer, system_clock, asked),)
    if as_json:
        print_json(_json(found))
        return
    for one in found:
        _print(one, lines=lines)
    if len(found) > 1:
        say(f"Together: {_words(_summed(found))}", "bold")
    for line in dict.fromkeys(one.source for costing in found for one in costing.layers.values()):
        say(line)
    if not lines:
        say("--lines shows each formula; csoc cost assumptions shows what is assumed.")


@command("assumptions", "csoc cost assumptions")
def assumptions_command(as_json: bool) -> None:
    """What estimates assume, by size.

    No template says how much traffic and data there will be. Each can be replaced: csoc cost estimate --assume
    NAME=VALUE.
    """
    if as_json:
        rows = [
            {"name": name, "what": one.what, **{size: float(one.of(size)) for size in _SIZES}}
            for name, one in ASSUMPTIONS.items()
        ]
        print_json({"assumptions": rows})
        return
    cells = [[name, one.what, *(getattr(one, size) for size in _SIZES)] for name, one in ASSUMPTIONS.items()]
    table(["name", "what", *_SIZES], cells)


def _open_estimating() -> AbstractContextManager[tuple[Ports, Synthesizer]]:
    """The real ports, loaded last."""
    from csoc import bootstrap

    return bootstrap.estimating_ports()


def _assumed(given: Sequence[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise WrongUsageError(
                f"--assume {one} names no value", "Write NAME=VALUE; csoc cost assumptions lists them"
            )
        found[name.strip()] = value.strip()
    return found


def _print(one: Costing, *, lines: bool) -> None:
    say(f"{one.kind} {one.name}, size {one.size}, in {one.region}: {_words(one.usd)}", "bold")
    rows = [
        [name, *(f"{amount:,.2f}" for amount in (found.usd.usual, found.usd.low, found.usd.high))]
        for name, found in one.layers.items()
    ]
    table(["layer", "USD a month", "lowest", "highest"], rows)
    if lines:
        table(
            ["layer", "thing", "USD a month", "formula"],
            [
                [name, _thing(line), f"{line.usd.usual:,.2f}", line.words]
                for name, found in one.layers.items()
                for line in found.of(Kind.PRICED)
            ],
        )
    unpriced = [
        f"{name}: {_thing(line)}: {line.words}"
        for name, found in one.layers.items()
        for line in found.of(Kind.UNPRICED)
    ]
    for text in [*unpriced, *one.without]:
        say(f"Not in these figures: {text}", "yellow")
    say()


def _words(usd: Range) -> str:
    return f"{usd.usual:,.0f} USD a month, {usd.low:,.0f} to {usd.high:,.0f} as it scales"


def _thing(line: Line) -> str:
    return f"{line.resource}: {line.what}" if line.resource else line.what


def _summed(found: Sequence[Costing]) -> Range:
    whole = found[0].usd
    for one in found[1:]:
        whole = whole.plus(one.usd)
    return whole


def _json(found: Sequence[Costing]) -> dict[str, Any]:
    owners = [
        {
            "kind": one.kind.value,
            "name": one.name,
            "region": one.region,
            "size": one.size,
            "usdPerMonth": _range(one.usd),
            "layers": [
                {"layer": name, "usdPerMonth": _range(made.usd), "lines": [_line(line) for line in made.lines]}
                for name, made in one.layers.items()
            ],
            "without": list(one.without),
        }
        for one in found
    ]
    sources = dict.fromkeys(made.source for one in found for made in one.layers.values())
    return {"usdPerMonth": _range(_summed(found)), "owners": owners, "sources": list(sources)}


def _line(line: Line) -> dict[str, Any]:
    return {
        "resource": line.resource,
        "type": line.type,
        "what": line.what,
        "kind": line.kind.value,
        "words": line.words,
        "usdPerMonth": _range(line.usd) if line.kind is not Kind.UNPRICED else None,
    }


def _range(usd: Range) -> dict[str, float]:
    return {"usual": float(usd.usual), "lowest": float(usd.low), "highest": float(usd.high)}
