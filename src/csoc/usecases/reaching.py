"""Whether clusters can fetch the fleet from where the settings say that it is: asked before anything is made for them,
since Argo CD would otherwise be the first to find out, in a cluster that took an hour to make."""

from __future__ import annotations

from pathlib import Path

from csoc.errors import RejectedError
from csoc.fleet import addresses
from csoc.usecases.provisioning_ports import ProvisioningPorts

_FIX = "Set platform.fleet_url (CSOC_PLATFORM_FLEET_URL) to the repository's address at a Git host"
# Source: RFC 6761, "6.4. Domain Name Reservation Considerations for "invalid."".
_NEVER = ".invalid"


def check_fleet_url(ports: ProvisioningPorts) -> None:
    """Raises RejectedError if platform.fleet_url is an address that no cluster can ever fetch: a folder that no
    emulator serves, or no address of a host. Whether the host answers is known only inside of the cluster."""
    told = ports.git.settings.platform.fleet_url
    if not told:
        return
    try:
        address = addresses.parse(told)
    except RejectedError as error:
        raise RejectedError(
            f"No cluster can fetch the fleet there: {error.cause}", place=error.place, fix=_FIX
        ) from error
    if address.local:
        _check_served(address, ports.served())
    elif not address.host or address.host.endswith(_NEVER):
        raise RejectedError("No cluster can fetch the fleet there: there is no such host", place=address.url, fix=_FIX)


def _check_served(address: addresses.Address, served: str) -> None:
    if address.scheme == "file" and served and Path(address.path).resolve().is_relative_to(served):
        return
    why = f"the emulator serves only what is below {served}" if served else "no emulator serves it"
    raise RejectedError(
        f"No cluster can fetch the fleet from a folder of this machine, and {why}",
        place=address.path,
        fix=f"{_FIX}; on the emulator, `csoc emulator --site DIR` serves DIR and says what to set",
    )
