"""What commands about plans have in common: what is planned, and the ports for the time of one command."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from csoc.cli.arguments import ONE_LINE

if TYPE_CHECKING:
    from csoc.usecases.planning.filling import GivenSecrets
    from csoc.usecases.provisioning_ports import ProvisioningPorts
    from csoc.usecases.run_ports import RunPorts

F = TypeVar("F", bound=Callable[..., Any])


def planned_options(command: F) -> F:
    """--layer and --unlock: what a new plan is about."""
    unlocks = click.option(
        "--unlock",
        "unlocks",
        type=ONE_LINE,
        multiple=True,
        metavar="LAYER/RESOURCE",
        help="This resource's data may be lost by this plan, once.",
    )
    layers = click.option(
        "--layer", "layers", type=ONE_LINE, multiple=True, metavar="LAYER", help="Only this layer; several times."
    )
    return layers(unlocks(command))


def open_provisioning() -> AbstractContextManager[ProvisioningPorts]:
    """The real ports. Loading them takes longer than most mistakes do to be seen, so that is done last."""
    from csoc import bootstrap

    return bootstrap.provisioning_ports()


def open_applying(
    given: Callable[[str], GivenSecrets] = lambda _: {},
) -> AbstractContextManager[tuple[ProvisioningPorts, RunPorts]]:
    """The real ports, with runs and all that their steps need. given: secrets that a person gave, by environment."""
    from csoc import bootstrap

    return bootstrap.applying_ports(given=given)
