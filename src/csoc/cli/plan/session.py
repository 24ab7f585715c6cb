"""What commands about plans have in common: the ports for the time of one command."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from csoc.usecases.provisioning_ports import ProvisioningPorts


def open_provisioning() -> AbstractContextManager[ProvisioningPorts]:
    """The real ports. Loading them takes longer than most mistakes do to be seen, so that is done last."""
    from csoc import bootstrap

    return bootstrap.provisioning_ports()
