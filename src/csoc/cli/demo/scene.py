"""Where the demo plays: an emulated cloud with several accounts, a hub role for csoc, and repositories in a folder.

Everything is real but the cloud: csoc's own adapters speak to the emulator's endpoints, as they would to AWS's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csoc.cli.demo import emulated_site

if TYPE_CHECKING:
    from csoc.emulator.running import Emulator

HUB, RESEARCH, PREVENTION, CARELESS = "100000000001", "222222222222", "333333333333", "444444444444"
REGION = "ap-southeast-2"
ZONE = emulated_site.ZONE
SPEED = 600.0
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Scene:
    """site: what a launch there needs. cloud: the emulator."""

    folder: Path
    site: emulated_site.EmulatedSite
    owners: Mapping[str, Any]
    cloud: Emulator

    @property
    def fleet(self) -> Path:
        """The folder of the fleet's repository."""
        return self.site.fleet

    @property
    def charts(self) -> Path:
        """The folder of the charts' repository."""
        return self.site.charts

    @property
    def charts_commit(self) -> str:
        """The commit of the charts."""
        return self.site.charts_commit

    @property
    def zone_id(self) -> str:
        """Of the hosted zone in the first account that is linked."""
        return self.site.zone_id

    @property
    def environ(self) -> Mapping[str, str]:
        """Variables that another terminal needs to be csoc here."""
        return self.site.environ

    def make_stack(self, account: str, name: str, template: str, parameters: Mapping[str, str]) -> str:
        """What an account's owner does by hand. Gives the stack's status."""
        made: str = self.owners[account].make_stack(name, template, parameters, lambda: time.sleep(_LOOK_SECONDS))
        return made


@contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """Runs the emulator and prepares the rest. The variables of this process are csoc's until the end of the block."""
    from csoc import bootstrap
    from csoc.emulator.owners import OwnerOf

    with bootstrap.emulator(port=0, speed=SPEED, data=None, local=folder) as cloud:
        owners = {one: OwnerOf(cloud.endpoint, cloud.accounts, one) for one in (HUB, RESEARCH, PREVENTION, CARELESS)}
        site = emulated_site.prepare(cloud, folder, HUB, RESEARCH)
        with _variables(site.environ):
            yield Scene(folder, site, owners, cloud)


@contextmanager
def _variables(wanted: Mapping[str, str]) -> Iterator[None]:
    """Sets variables of this process, and sets them back. Others that name credentials are away meanwhile."""
    away = [name for name in os.environ if name.startswith(("AWS_", "CSOC_")) and not name.startswith("CSOC_CACHE")]
    before = {name: os.environ.pop(name) for name in away}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name in wanted:
            os.environ.pop(name, None)
        os.environ.update(before)
