"""What commands about plans have in common: the ports for the time of one command."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from csoc.usecases.planning.filling import Asked
    from csoc.usecases.provisioning_ports import ProvisioningPorts
    from csoc.usecases.run_ports import RunPorts


def open_provisioning() -> AbstractContextManager[ProvisioningPorts]:
    """The real ports. Loading them takes longer than most mistakes do to be seen, so that is done last."""
    from csoc import bootstrap

    return bootstrap.provisioning_ports()


def open_applying(
    given: Callable[[str], Asked] = lambda _: {},
) -> AbstractContextManager[tuple[ProvisioningPorts, RunPorts]]:
    """The real ports, with runs and all that their steps need. given: secrets that a person gave, by environment."""
    from csoc import bootstrap

    return bootstrap.applying_ports(given=given)
